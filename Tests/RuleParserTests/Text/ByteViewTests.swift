import Foundation
import Randomness
import RuleGraph
import Testing

@testable import RuleParser

@Suite struct ByteViewTests {
  /// Texts with blanks, other control characters, bytes around 0x20 and bytes with their highest bit set, at all lengths around eight.
  private static let texts: [[UInt8]] = {
    var random = RandomNumbers(seed: 3)
    let letters: [UInt8] = [0x00, 0x09, 0x0d, 0x1f, 0x20, 0x21, 0x22, 0x41, 0x7e, 0x7f, 0x80, 0xa0, 0xa1, 0xff]
    return (0..<40).flatMap { length in
      (0..<40).map { round in
        // Long words and long blanks as well as changes at each byte.
        var text: [UInt8] = []
        while text.count < length {
          let letter = letters[random.number(0...letters.count - 1)]
          text += Array(repeating: letter, count: round % 4 == 0 ? random.number(1...12) : 1)
        }
        return Array(text.prefix(length))
      }
    }
  }()

  @Test func wordsBeginAndEndWhereAByteByByteLookFindsThem() {
    for text in Self.texts {
      let memory = SourceBytes(text)
      let bytes = ByteView(memory)
      for start in 0...text.count {
        #expect(bytes.endOfWord(from: start, to: text.count) == text[start...].firstIndex { $0 <= 0x20 } ?? text.count)
        #expect(bytes.startOfWord(from: start, to: text.count) == text[start...].firstIndex { $0 > 0x20 } ?? text.count)
      }
      withExtendedLifetime(memory) {}
    }
  }

  /// Texts that reach over several windows of sixty-four bytes, with words that reach over their ends.
  private static let longTexts: [[UInt8]] = (0..<60).map { number in
    var text: [UInt8] = []
    for part in 0..<number % 9 { text += texts[(number * 37 + part * 101) % texts.count] }
    return text
  }

  @Test func wordsAreCutWhereASplitCutsThem() {
    for text in Self.texts + Self.longTexts {
      let memory = SourceBytes(text)
      let bytes = ByteView(memory)
      for (start, end) in [
        (0, text.count), (text.count / 3, text.count), (text.count / 3, max(text.count / 3, text.count - 5)),
      ] {
        var found: [[UInt8]] = []
        var words = Words(bytes, start..<end)
        while let word = words.next() { found.append(Array(bytes[word])) }
        let piece = text[start..<end]
        #expect(found == piece.split { $0 <= 0x20 }.map { Array($0) })
        #expect(bytes.hasControl(in: start..<end) == piece.contains { $0 < 0x20 })
        #expect(bytes.count(of: 0x20, in: start..<end) == piece.count { $0 == 0x20 })
      }
      withExtendedLifetime(memory) {}
    }
  }

  @Test func noMarkIsPassedOver() {
    let text: [UInt8] = (0...255).flatMap { (byte: UInt8) -> [UInt8] in [byte, 0x41, 255 - byte, 0x20, 0x20] }
    let memory = SourceBytes(text)
    let bytes = ByteView(memory)
    for start in text.indices {
      let mark = bytes.placeOfMark(from: start, to: text.count)
      #expect(!text[start..<mark].contains { "\"#[]{}".utf8.contains($0) })
      let other = bytes.placeOfStatementMark(from: start, to: text.count)
      #expect(!text[start..<other].contains { "\"#$;\\{}".utf8.contains($0) })
      // What is found is one of them but for few bytes.
      for place in [mark, other] where place < text.count {
        #expect("\"#$;\\[]{}Yy_\u{7f}".utf8.contains(text[place]))
      }
    }
    withExtendedLifetime(memory) {}
  }

  @Test func wordsGoOnWhereTheyAreToldTo() {
    let text = Array("-m comment --comment \"a word, and more words than fit sixty-four bytes in all\"-j ACCEPT".utf8)
    let memory = SourceBytes(text)
    let bytes = ByteView(memory)
    var words = Words(bytes, 0..<text.count)
    let before = (0..<4).map { _ in words.next().map { bytes.text($0) } }
    #expect(before == ["-m", "comment", "--comment", "\"a"])
    words.skip(to: text.lastIndex(of: 0x22).map { $0 + 1 } ?? 0)
    let behind = (0..<3).map { _ in words.next().map { bytes.text($0) } }
    #expect(behind == ["-j", "ACCEPT", nil])
    withExtendedLifetime(memory) {}
  }

  @Test func aWordAsANumberHoldsItsBytesAtTheEndOfTheTextToo() {
    for text in Self.texts where !text.isEmpty {
      let memory = SourceBytes(text)
      for start in text.indices {
        let count = min(8, text.count - start)
        let expected = text[start..<start + count].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        #expect(ByteView(memory).word(at: start, count: count) == expected)
      }
      withExtendedLifetime(memory) {}
    }
  }

  @Test func equalRangesHaveOneHashWhereverTheyStand() {
    for text in Self.texts {
      let memory = SourceBytes(text + text)
      let bytes = ByteView(memory)
      let (first, second) = (0..<text.count, text.count..<2 * text.count)
      #expect(bytes.areEqual(first, second))
      #expect(bytes.hash(of: first, seed: 5) == bytes.hash(of: second, seed: 5))
      withExtendedLifetime(memory) {}
    }
  }

  @Test func differentWordsHaveDifferentHashes() {
    let words = (0..<50_000).map { "KUBE-SVC-\($0)" } + ["", "a", "b", "ab", "ba", "aaaaaaaa", "aaaaaaaaa"]
    let memory = SourceBytes(Array(words.joined().utf8))
    var hashes: Set<Int> = []
    var place = 0
    for word in words {
      hashes.insert(ByteView(memory).hash(of: place..<place + word.utf8.count, seed: 9))
      place += word.utf8.count
    }
    #expect(hashes.count == words.count)
    withExtendedLifetime(memory) {}
  }

  @Test func aPoolNumbersNamesInTheOrderInWhichTheyWereSeen() {
    let words = (0..<3000).map { "KUBE-SEP-\($0)" }
    let memory = SourceBytes(Array((words + ["KUBE-SEP-5"]).joined(separator: " ").utf8))
    let bytes = ByteView(memory)
    var ranges: [Range<Int>] = []
    var cutter = Words(bytes, 0..<bytes.count)
    while let word = cutter.next() { ranges.append(word) }
    var (single, bulk, broken) = (TextPool(), TextPool(), TextPool())
    let numbers = ranges.dropLast().map { single.index(of: $0, in: bytes) }
    #expect(numbers == Array(0..<3000))
    let isAdded = bulk.add(new: Array(ranges.dropLast()), in: bytes)
    // The last name was seen before, so nothing behind it is added.
    let isBrokenAdded = broken.add(new: Array(ranges[5...]), in: bytes) || broken.add(new: [0..<0], in: bytes)
    #expect(isAdded && !isBrokenAdded)
    #expect(single.texts == words && bulk.texts == words && broken.texts == Array(words[5...]))
    let known = bulk.index(of: ranges[3000], in: bytes)
    #expect(known == 5)
    bulk.withView { view in
      #expect(view.known(ranges[7], in: bytes) == 7 && view[7] == "KUBE-SEP-7")
      #expect(view.known(0..<4, in: bytes) == nil)
    }
    withExtendedLifetime(memory) {}
  }

  @Test func aTableFindsItsWordsAndNoOthers() {
    let words = ["", "a", "dport", "destination-port", "destination-ports", "hashlimit-htable-gcinterval", "12345678"]
    let table = WordTable(words.enumerated().map { ($1, $0) })
    for (index, word) in words.enumerated() {
      #expect(table[word] == index)
      for stranger in [word + "x", "x" + word, String(word.dropLast()) + "?"] where !words.contains(stranger) {
        #expect(table[stranger] == nil)
      }
    }
    // The same first and last eight bytes, another middle.
    #expect(table["hashlimit-htable_gcinterval"] == nil)
  }

  @Test func theNameOfAnOptionIsItsLetters() {
    let made: OptionLabel = "ttl-\("eq")"
    #expect(made == "ttl-eq")
    #expect("\(made)" == "ttl-eq")
    #expect(made != "ttl-lt" && made != "ttl-e")
    #expect(made.hasPrefix("ttl-") && made.hasSuffix("-eq") && !made.hasSuffix("longer-than-ttl-eq"))
    #expect(Set<OptionLabel>([made, "ttl-eq", "hl-eq"]).count == 2)
  }

  @Test func aScratchListKeepsItsElementsWhenItGrows() {
    var list = ScratchList<Int>()
    for _ in 0..<3 {
      list.clear()
      for number in 0..<100 { list.append(100 - number) }
      list.insert(7, at: 1)
      #expect(list.count == 101 && list[0] == 100 && list[1] == 7 && list[2] == 99 && list.last == 1)
      list.sort { $0 < $1 }
      #expect(list.indices.allSatisfy { $0 == 0 || list[$0 - 1] <= list[$0] })
      let some = unsafe list.withElements(2..<5) { unsafe Array($0) }
      #expect(some == [3, 4, 5])
      list.removeLast(90)
      let taken = list.takeAll()
      #expect(taken == [1, 2, 3, 4, 5, 6, 7, 7, 8, 9, 10] && list.isEmpty)
      list += [1, 2]
      let more = list.takeAll()
      #expect(more == [1, 2])
    }
  }
}

@Suite struct SourceBytesTests {
  @Test func aMappedFileHoldsWhatWasWritten() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "fwtrace-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    let content = Array("*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n".utf8)
    try Data(content).write(to: file)
    let mapped = try #require(SourceBytes(ofFile: file.path))
    #expect(Array(mapped) == content && mapped == SourceBytes(content))
    #expect(Set([mapped, SourceBytes(content), SourceBytes([])]).count == 2)
    try Data().write(to: file)
    #expect(SourceBytes(ofFile: file.path)?.isEmpty == true)
    #expect(SourceBytes(ofFile: file.path + "-missing") == nil)
    #expect(SourceBytes(ofFile: "/dev/null") == nil)
  }

  @Test func aRulesetKeepsTheTextThatItWasReadFrom() throws {
    var reading: HostReading?
    do {
      let bytes = SourceBytes(Array("*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n".utf8))
      reading = DumpReader().read([DumpInput(name: "save", bytes: bytes)])
    }
    let ruleset = try #require(reading?.ruleset)
    let rule = try #require(ruleset.table(.ip, "filter")?.chains.first?.rules.first)
    #expect(ruleset.sources.text(of: rule.span) == "-A INPUT -p tcp --dport 22 -j ACCEPT")
  }
}
