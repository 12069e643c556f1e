import RuleGraph

/// A long list of objects in JSON, read in pieces on all processors.
///
/// Where a piece may begin is a guess: at an object of the list that looks like the beginning of a rule. Each piece is
/// read up to the place where the next one was guessed to begin, and only when it ends there, behind the comma before
/// an element of the list, is the guess true: then the pieces are what reading from the beginning to the end would have
/// given. Else there are none, and the text is read so.
enum JSONPieces {
  /// Shorter texts are read by one processor.
  static let leastLength = 1 << 20

  /// The elements of the list that a text on one line consists of, `{"nftables": [ ... ]}`, in pieces; nil where that
  /// can't be.
  static func tapes(of text: DumpText, list name: StaticString) -> [JSONTape]? {
    guard text.lines.count == 1, let line = text.lines.first, line.end - line.start >= leastLength else { return nil }
    var cursor = text.cursor(line)
    guard eat(UInt8(ascii: "{"), &cursor), eat(UInt8(ascii: "\""), &cursor), cursor.eat(name),
      cursor.eat(UInt8(ascii: "\"")), eat(UInt8(ascii: ":"), &cursor),
      eat(UInt8(ascii: "["), &cursor)
    else { return nil }
    let starts = starts(text.bytes, cursor.at..<line.end)
    guard starts.count > 1 else { return nil }
    let memory = text.memory
    let tapes = Parallel.map(starts.indices.map { $0..<$0 + 1 }) { run in
      let piece = run.lowerBound
      var reader = JSONReader(bytes: text.bytes, range: starts[piece]..<line.end)
      let isRight = reader.readElements(upTo: piece + 1 < starts.count ? starts[piece + 1] : nil)
      return isRight ? JSONTape(memory, reader) : nil
    }
    let right = tapes.compactMap { $0 }
    return right.count == starts.count ? right : nil
  }

  private static func eat(_ byte: UInt8, _ cursor: inout ByteCursor) -> Bool {
    while cursor.eat(UInt8(ascii: " ")) || cursor.eat(UInt8(ascii: "\n")) || cursor.eat(UInt8(ascii: "\r"))
      || cursor.eat(UInt8(ascii: "\t"))
    {}
    return cursor.eat(byte)
  }

  /// Where the pieces begin.
  private static func starts(_ bytes: ByteView, _ range: Range<Int>) -> [Int] {
    var starts = [range.lowerBound]
    for run in Parallel.runs(of: range.count, atLeast: leastLength / 2).dropFirst() {
      var at = max(range.lowerBound + run.lowerBound, (starts.last ?? 0) + 1)
      while let brace = bytes.place(of: UInt8(ascii: "{"), in: min(at, range.upperBound)..<range.upperBound) {
        at = brace + 1
        if bytes.has("{\"rule\":", at: brace) {
          starts.append(brace)
          break
        }
      }
    }
    return starts
  }
}
