/// Finds names and comments in a capture: the words that people chose.
enum QuotedText {
  /// The names of containers and their networks, and their aliases, as docker's JSON tells them.
  static func names(in text: [UInt8]) -> [[UInt8]] {
    var names: [[UInt8]] = []
    func add(_ range: Range<Int>) {
      let name = Array(text[range].drop { $0 == UInt8(ascii: "/") })
      // Networks that every docker has, and ids, which nobody chose.
      let isOrdinary = ["bridge", "host", "none", "default", ""].contains { name.elementsEqual($0.utf8) }
      let isID = name.count >= 12 && name.allSatisfy { Character(UnicodeScalar($0)).hexDigitValue != nil }
      if !isOrdinary, !isID { names.append(name) }
    }
    for lines in dockerLines(in: text) {
      for at in places(of: "\"Name\":\"", in: text, lines) { string(text, from: at).map(add) }
      for key in ["\"Aliases\":[", "\"DNSNames\":["] {
        for at in places(of: key, in: text, lines) {
          var next = at
          while next < lines.upperBound, text[next] == UInt8(ascii: "\""), let range = string(text, from: next + 1) {
            add(range)
            next = range.upperBound + 1
            if next < lines.upperBound, text[next] == UInt8(ascii: ",") { next += 1 }
          }
        }
      }
    }
    return names
  }

  /// The strings of docker's JSON, without a slash at their beginning, that may be names.
  static func mentions(in text: [UInt8]) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    for lines in dockerLines(in: text) {
      var at = lines.lowerBound
      while at < lines.upperBound {
        guard text[at] == UInt8(ascii: "\""), let range = string(text, from: at + 1) else {
          at += 1
          continue
        }
        at = range.upperBound + 1
        let isKey = at < lines.upperBound && text[at] == UInt8(ascii: ":")
        // Docker's own keys begin with a capital; the keys of `Networks` are names of networks.
        let isOwnKey = isKey && range.first.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(text[$0]) } == true
        if isOwnKey { continue }
        if text[range].first == UInt8(ascii: "/") {
          // `/web`, and of a link `/db:/web/database`.
          let pieces = text[range].split { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: ":") }
          ranges += pieces.map { $0.startIndex..<$0.endIndex }
        } else {
          ranges.append(range)
        }
      }
    }
    return ranges
  }

  /// Options of iptables whose value is a text of one's own.
  private static let options = [
    "--comment ", "--log-prefix ", "--nflog-prefix ", "--ulog-prefix ", "--string ", "--hex-string ",
  ]

  /// What stands behind `comment`, a prefix of log lines, a string that is looked for: in quotes, after an option also
  /// one bare word.
  static func comments(in text: [UInt8]) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    for key in options.map({ $0 + "\"" }) + ["comment \"", "prefix \"", "\"comment\": \"", "\"prefix\": \""]
    where key != "--comment \"" {
      for at in places(of: key, in: text, text.indices) { string(text, from: at).map { ranges.append($0) } }
    }
    for key in options {
      for at in places(of: key, in: text, text.indices) where at < text.count && text[at] != UInt8(ascii: "\"") {
        let end = text[at...].firstIndex { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") } ?? text.endIndex
        ranges.append(at..<end)
      }
    }
    // What `ip` shows of an interface as people call it, to the end of the line, and of the namespace that its other
    // end is in.
    for at in places(of: "\n    alias ", in: text, text.indices) {
      ranges.append(at..<(text[at...].firstIndex(of: UInt8(ascii: "\n")) ?? text.endIndex))
    }
    for at in places(of: " link-netns ", in: text, text.indices) {
      let end = text[at...].firstIndex { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") } ?? text.endIndex
      ranges.append(at..<end)
    }
    return ranges.sorted { $0.lowerBound < $1.lowerBound }
  }

  /// The lines that docker printed as JSON.
  private static func dockerLines(in text: [UInt8]) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    var isInside = false
    var start = 0
    while start < text.count {
      let end = text[start...].firstIndex(of: UInt8(ascii: "\n")) ?? text.endIndex
      if text[start..<end].starts(with: "#### fwtrace".utf8) {
        isInside = text[start..<end].starts(with: "#### fwtrace: docker ".utf8)
      } else if isInside, end > start, text[start] == UInt8(ascii: "[") {
        ranges.append(start..<end)
      }
      start = end + 1
    }
    return ranges
  }

  /// The range of a string's text up to the quote that ends it, on the same line.
  private static func string(_ text: [UInt8], from start: Int) -> Range<Int>? {
    var at = start
    while at < text.count, text[at] != UInt8(ascii: "\n") {
      if text[at] == UInt8(ascii: "\"") { return start..<at }
      at += text[at] == UInt8(ascii: "\\") ? 2 : 1
    }
    return nil
  }

  /// The offsets behind each occurrence of a word.
  private static func places(of word: String, in text: [UInt8], _ range: Range<Int>) -> [Int] {
    let wanted = Array(word.utf8)
    var places: [Int] = []
    var at = range.lowerBound
    while at + wanted.count <= range.upperBound {
      if text[at] == wanted[0], text[at..<(at + wanted.count)].elementsEqual(wanted) {
        at += wanted.count
        places.append(at)
      } else {
        at += 1
      }
    }
    return places
  }
}
