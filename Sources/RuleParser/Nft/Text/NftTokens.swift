import RuleGraph

/// One piece of nft's text.
struct NftToken: Sendable {
  /// The kinds of piece.
  enum Kind: UInt8, Sendable {
    case end, newline, semicolon, word, string, openBrace, closeBrace, openParenthesis, closeParenthesis, openBracket
    case closeBracket, comma, colon, dot, assign, equal, notEqual, less, greater, lessOrEqual, greaterOrEqual, not, and
    case or, xor, shiftLeft, shiftRight, slash, dash, star, at, dollar, plus, handle, hidden, listed, unknown
  }

  var kind: Kind
  /// The bytes of a word; of a string, those between its quotation marks; of a handle, its digits; of a hidden
  /// extension, its name, or the words in which iptables lists it.
  var range: Range<Int>
  /// Where the piece begins, quotation marks included.
  var start: Int
  /// Where it ends.
  var end: Int
}

/// Cuts nft's text into pieces, line by line (nft(8), "LEXICAL CONVENTIONS"; `src/scanner.l` of nftables).
///
/// Addresses are one word, although `:` and `.` are pieces of their own elsewhere. Of comments only `# handle N`, which
/// `nft -a` prints, and `# xt_NAME`, with which older versions stand for a hidden extension, are kept, and so are the
/// words in which iptables lists an extension that nft can't translate: ``listedEnd(from:)``.
struct NftTokens {
  let bytes: ByteView
  let lines: [DumpLine]
  private var line = 0
  /// The index behind the last line.
  private var limit: Int
  private var at = 0
  private var end = 0
  /// The piece that is looked at.
  private(set) var current: NftToken
  /// Where the piece before it ended.
  private(set) var previousEnd = 0
  /// A comment that stood before it and says that lines were left out.
  private(set) var passedMark: Range<Int>?

  /// A place to come back to.
  struct Mark {
    fileprivate var line: Int
    fileprivate var at: Int
    fileprivate var end: Int
    fileprivate var current: NftToken
    fileprivate var previousEnd: Int
  }

  init(_ text: DumpText) {
    bytes = text.bytes
    lines = text.lines
    limit = lines.count
    current = NftToken(kind: .newline, range: 0..<0, start: 0, end: 0)
    if let first = lines.first {
      at = first.start
      end = first.end
      previousEnd = first.start
    }
    advance()
  }

  var mark: Mark { Mark(line: line, at: at, end: end, current: current, previousEnd: previousEnd) }

  mutating func back(to mark: Mark) {
    line = mark.line
    at = mark.at
    end = mark.end
    current = mark.current
    previousEnd = mark.previousEnd
  }

  /// The text of a piece.
  func text(_ token: NftToken) -> String { bytes.text(token.range) }

  /// The piece that is looked at as a decimal number of up to 18 digits; nil of all others, which may be numbers too.
  var plainNumber: UInt64? {
    guard current.kind == .word, current.range.count <= 18 else { return nil }
    var number: UInt64 = 0
    for place in current.range {
      let digit = bytes[place] &- UInt8(ascii: "0")
      guard digit < 10 else { return nil }
      number = number &* 10 &+ UInt64(digit)
    }
    return number
  }

  /// The number of the line that the piece that is looked at stands in, counted from 1.
  var lineNumber: Int32 { enclosingLine?.number ?? 1 }

  /// The line that the piece that is looked at stands in, or ends.
  var enclosingLine: DumpLine? { enclosingIndex < lines.count ? lines[enclosingIndex] : nil }

  private var enclosingIndex: Int {
    // Behind the end of a line the next one is looked at already.
    line < lines.count && lines[line].start <= current.start ? line : max(line - 1, 0)
  }

  /// The first line behind ``enclosingLine`` in which anything stands.
  var nextLine: DumpLine? {
    lines.dropFirst(enclosingIndex + 1).first { line in bytes[line.start..<line.end].contains { $0 > UInt8(ascii: " ") }
    }
  }

  /// Whether the piece that is looked at is the first of its line.
  var isFirstInLine: Bool {
    line < limit && lines[line].start <= current.start && previousEnd <= lines[line].start
  }

  /// How far from the beginning of its line the piece that is looked at stands.
  var indentation: Int { line < limit ? max(current.start - lines[line].start, 0) : 0 }

  /// The line of the piece that is looked at.
  var currentLine: DumpLine? { line < limit ? lines[line] : nil }

  /// Goes on to the next line.
  mutating func skipLine() {
    at = end
    advance()
  }

  /// Takes the comment that stood before the piece and says that lines were left out.
  mutating func takeMark() -> Range<Int>? {
    defer { passedMark = nil }
    return passedMark
  }

  /// Whether the piece that is looked at is this word.
  func isWord(_ word: StaticString) -> Bool {
    guard current.kind == .word, current.range.count == word.utf8CodeUnitCount else { return false }
    return bytes.has(word, at: current.range.lowerBound)
  }

  /// Passes the line that the current piece is the first of, when all of it is one statement that depends on no other
  /// line; gives its index, or nil.
  mutating func passPlainLine() -> Int? {
    guard line < limit, lines[line].start <= current.start,
      bytes[lines[line].start..<current.start].allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") })
    else { return nil }
    var position = current.start
    var depth = 0
    // The end of what stands before a comment.
    var last = end
    scan: while true {
      position = bytes.placeOfStatementMark(from: position, to: end)
      guard position < end else { break }
      switch bytes[position] {
      case UInt8(ascii: "\""):
        guard let mark = bytes.place(of: UInt8(ascii: "\""), in: position + 1..<end) else { return nil }
        position = mark
      case UInt8(ascii: "#"):
        last = position
        break scan
      // A variable, the end of the statement, a line that goes on.
      case UInt8(ascii: "$"), UInt8(ascii: ";"), UInt8(ascii: "\\"): return nil
      case UInt8(ascii: "{"):
        // A chain without a name is read where it stands.
        if isBehindJump(position) { return nil }
        depth += 1
      case UInt8(ascii: "}"):
        depth -= 1
        if depth < 0 { return nil }
      default: break
      }
      position += 1
    }
    while last > current.start,
      bytes[last - 1] == UInt8(ascii: " ") || bytes[last - 1] == UInt8(ascii: "\t")
        || bytes[last - 1] == UInt8(ascii: "\r")
    {
      last -= 1
    }
    // Behind a comma, `map` and `vmap` the statement may go on.
    guard depth == 0, last > current.start + 2, bytes[last - 1] != UInt8(ascii: ","),
      (bytes[last - 3], bytes[last - 2], bytes[last - 1]) != (UInt8(ascii: "m"), UInt8(ascii: "a"), UInt8(ascii: "p"))
    else { return nil }
    at = end
    let passed = line
    advance()
    return passed
  }

  /// Whether `jump` or `goto` stands before a place.
  private func isBehindJump(_ place: Int) -> Bool {
    var position = place
    while position > current.start, bytes[position - 1] == UInt8(ascii: " ") { position -= 1 }
    guard position >= current.start + 4 else { return false }
    return bytes.has("jump", at: position - 4) || bytes.has("goto", at: position - 4)
  }

  /// Goes to the beginning of a line, which is the last one.
  mutating func go(toOnlyLine index: Int) {
    line = index
    limit = index + 1
    at = lines[index].start
    end = lines[index].end
    previousEnd = at
    current = NftToken(kind: .newline, range: at..<at, start: at, end: at)
    advance()
  }

  /// Goes on to the next piece.
  mutating func advance() {
    previousEnd = current.kind == .newline ? previousEnd : current.end
    current = next()
  }

  private mutating func next() -> NftToken {
    while true {
      while at < end,
        bytes[at] == UInt8(ascii: " ") || bytes[at] == UInt8(ascii: "\t") || bytes[at] == UInt8(ascii: "\r")
      { at += 1 }
      guard at < end else {
        guard let token = endOfLine() else { continue }
        return token
      }
      let byte = bytes[at]
      if byte == UInt8(ascii: "#") {
        guard let token = comment() else { continue }
        return token
      }
      if byte == UInt8(ascii: "\\"),
        bytes[(at + 1)..<end].allSatisfy({
          $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\r")
        })
      {
        // A backslash at the end of a line joins it with the next.
        guard line + 1 < limit else {
          at = end
          continue
        }
        line += 1
        at = lines[line].start
        end = lines[line].end
        continue
      }
      if byte == UInt8(ascii: "\"") { return string() }
      if let word = word() { return word }
      if let mask = mask(byte) { return mask }
      return punctuation(byte)
    }
  }

  private mutating func endOfLine() -> NftToken? {
    guard line < limit else { return NftToken(kind: .end, range: at..<at, start: at, end: at) }
    let token = NftToken(kind: .newline, range: at..<at, start: at, end: at)
    line += 1
    if line < limit {
      at = lines[line].start
      end = lines[line].end
    }
    return token
  }

  private mutating func comment() -> NftToken? {
    var cursor = ByteCursor(bytes, (at + 1)..<end)
    cursor.eatBlanks()
    let start = at
    if cursor.eat("handle ") {
      let digits = cursor.eat(while: { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") })
      at = end
      return digits.isEmpty ? nil : NftToken(kind: .handle, range: digits, start: start, end: digits.upperBound)
    }
    if cursor.eat("xt_") {
      let name = cursor.eat(while: Self.isWordByte)
      at = name.upperBound
      return NftToken(kind: .hidden, range: name, start: start, end: at)
    }
    if let listed = listedEnd(from: cursor.at) {
      at = listed
      return NftToken(kind: .listed, range: cursor.at..<max(cursor.at, listed), start: start, end: at)
    }
    at = end
    if line < limit, bytes[lines[line].start..<start].allSatisfy({ $0 <= UInt8(ascii: " ") }),
      OmissionMark.evidence(bytes, start..<end) != nil
    {
      passedMark = start..<end
    }
    return nil
  }

  /// The end of an extension of xtables in the words of its own `print`, before which nft puts a `#` (`xt_stmt_output`
  /// in nftables' `src/xt.c`); nil of a comment.
  ///
  ///     meta l4proto tcp # match-set blacklist src counter packets 8 bytes 410 drop
  ///     ip saddr 192.0.2.7 counter packets 8 bytes 410 # add-set seen src
  ///
  /// iptables-nft puts the matches before the counter and the target behind it. So a match ends at the counter or the
  /// next extension, and a target ends the line.
  private func listedEnd(from first: Int) -> Int? {
    let counter: StaticString = "counter packets "
    var place = first
    while let found = bytes.place(of: UInt8(ascii: "c"), in: place..<end) {
      if bytes.has(counter, at: found), found > 0, bytes[found - 1] == UInt8(ascii: " ") {
        let next = bytes.place(of: UInt8(ascii: "#"), in: first..<found) ?? found
        return next > first && bytes[next - 1] == UInt8(ascii: " ") ? next - 1 : found - 1
      }
      place = found + 1
    }
    guard first < end, bytes[first] != UInt8(ascii: "<"), isBehindCounter else { return nil }
    var last = bytes.place(of: UInt8(ascii: "#"), in: first..<end) ?? end
    while last > first, bytes[last - 1] <= UInt8(ascii: " ") { last -= 1 }
    return last
  }

  /// Whether the piece before this place is the end of a counter that nft printed.
  private var isBehindCounter: Bool {
    guard line < limit else { return false }
    var words: [Range<Int>] = []
    var place = at
    while words.count < 5 {
      while place > lines[line].start, bytes[place - 1] == UInt8(ascii: " ") { place -= 1 }
      let wordEnd = place
      while place > lines[line].start, bytes[place - 1] > UInt8(ascii: " ") { place -= 1 }
      guard place < wordEnd else { return false }
      words.append(place..<wordEnd)
    }
    func isNumber(_ word: Range<Int>) -> Bool {
      bytes[word].allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    }
    return isNumber(words[0]) && bytes.has("bytes", at: words[1].lowerBound) && isNumber(words[2])
      && bytes.has("packets", at: words[3].lowerBound) && bytes.has("counter", at: words[4].lowerBound)
  }

  private mutating func string() -> NftToken {
    let start = at
    at += 1
    let first = at
    while at < end, bytes[at] != UInt8(ascii: "\"") { at += 1 }
    if at == end { return openString(from: start) }
    at += 1
    return NftToken(kind: .string, range: first..<at - 1, start: start, end: at)
  }

  /// A text whose end is in the next line: nft prints a line feed in it as it is (`string` in `src/scanner.l`). Where
  /// the next line has no such end, the text is cut off, and what it is a part of can't be read.
  private mutating func openString(from start: Int) -> NftToken {
    if line + 1 < limit {
      let next = lines[line + 1]
      let marks = bytes[next.start..<next.end].reduce(0) { $0 + ($1 == UInt8(ascii: "\"") ? 1 : 0) }
      if marks % 2 == 1, let mark = bytes.place(of: UInt8(ascii: "\""), in: next.start..<next.end) {
        line += 1
        at = mark + 1
        end = next.end
        return NftToken(kind: .string, range: start + 1..<mark, start: start, end: at)
      }
    }
    return NftToken(kind: .unknown, range: start..<end, start: start, end: end)
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "/"):
      true
    default: byte >= 0x80
    }
  }

  /// A word: a name, a number with or without units, or an address.
  private mutating func word() -> NftToken? {
    let start = at
    let byte = bytes[at]
    let isDigit = byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    if isDigit || byte.hexDigitValue != nil || byte == UInt8(ascii: ":"), let length = addressLength() {
      at += length
      return NftToken(kind: .word, range: start..<at, start: start, end: at)
    }
    if isDigit {
      digits: while at < end {
        switch bytes[at] {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"):
          at += 1
        case UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: "*"), UInt8(ascii: "?"):
          at = maskedEnd(from: start) ?? at
          break digits
        default: break digits
        }
      }
      return NftToken(kind: .word, range: start..<at, start: start, end: at)
    }
    guard Self.isWordByte(byte), byte != UInt8(ascii: "-"), byte != UInt8(ascii: "/"), byte != UInt8(ascii: ".") else {
      return nil
    }
    while at < end, Self.isWordByte(bytes[at]) { at += 1 }
    if at < end {
      switch bytes[at] {
      case UInt8(ascii: ":"), UInt8(ascii: "?"): at = maskedEnd(from: start) ?? at
      case UInt8(ascii: "*"):
        // An interface wildcard without quotation marks.
        at = maskedEnd(from: start) ?? at + 1
      default: break
      }
    }
    return NftToken(kind: .word, range: start..<at, start: start, end: at)
  }

  /// The length of the IPv4, IPv6 or hardware address that begins here, or nil.
  private func addressLength() -> Int? {
    var position = at
    // The rest of a long line is not looked at again for each of its words.
    let end = min(end, at + Self.longestAddress)
    var colons = 0
    var dots = 0
    while position < end {
      switch bytes[position] {
      case UInt8(ascii: ":"): colons += 1
      case UInt8(ascii: "."): dots += 1
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "F"),
        UInt8(ascii: "a")...UInt8(ascii: "f"):
        break
      default:
        return addressLength(position, colons, dots)
      }
      position += 1
    }
    return addressLength(position, colons, dots)
  }

  /// An address with a port, and more.
  private static let longestAddress = 64

  private func addressLength(_ run: Int, _ colons: Int, _ dots: Int) -> Int? {
    guard colons >= 2 || dots >= 3, run - at >= 2 else { return nil }
    if colons == 5, dots == 0, NftValue.hardwareAddress(bytes.text(at..<run)) != nil {
      return run - at
    }
    // `2001:db8::x` is masked; of `10.0.0.1:XXXX` only the port is.
    if run < self.end, MaskedText.isMask(bytes[run]), !(dots == 3 && colons == 1) { return nil }
    if colons >= 2, IPAddress(bytes: Array(bytes[at..<run])) != nil { return run - at }
    guard dots >= 3, bytes[at] != UInt8(ascii: ":") else { return nil }
    // `10.0.0.1:80`: the address ends before the colon. `10.0.0.1x` is none.
    var position = at
    var isPlain = true
    while position < run, bytes[position] != UInt8(ascii: ":") {
      isPlain = isPlain && bytes[position] <= UInt8(ascii: "9")
      position += 1
    }
    if position == run, run < end, Self.isWordByte(bytes[run]), bytes[run] != UInt8(ascii: "-"),
      bytes[run] != UInt8(ascii: "/")
    {
      return nil
    }
    return isPlain && dots == 3 ? position - at : nil
  }

  /// Where the line ends.
  var limitOfLine: Int { end }

  /// A word that stands in the place of a value, where a sign begins it.
  private mutating func mask(_ byte: UInt8) -> NftToken? {
    guard let end = maskEnd(byte, from: at) else { return nil }
    defer { at = end }
    return NftToken(kind: .word, range: at..<end, start: at, end: end)
  }

  private mutating func punctuation(_ byte: UInt8) -> NftToken {
    let start = at
    let following: UInt8 = at + 1 < end ? bytes[at + 1] : 0
    let kind: NftToken.Kind
    var length = 1
    switch (byte, following) {
    case (UInt8(ascii: "="), UInt8(ascii: "=")): (kind, length) = (.equal, 2)
    case (UInt8(ascii: "!"), UInt8(ascii: "=")): (kind, length) = (.notEqual, 2)
    case (UInt8(ascii: "<"), UInt8(ascii: "=")): (kind, length) = (.lessOrEqual, 2)
    case (UInt8(ascii: ">"), UInt8(ascii: "=")): (kind, length) = (.greaterOrEqual, 2)
    case (UInt8(ascii: "<"), UInt8(ascii: "<")): (kind, length) = (.shiftLeft, 2)
    case (UInt8(ascii: ">"), UInt8(ascii: ">")): (kind, length) = (.shiftRight, 2)
    case (UInt8(ascii: "="), _): kind = .assign
    case (UInt8(ascii: "!"), _): kind = .not
    case (UInt8(ascii: "<"), _): kind = .less
    case (UInt8(ascii: ">"), _): kind = .greater
    case (UInt8(ascii: "&"), _): kind = .and
    case (UInt8(ascii: "|"), _): kind = .or
    case (UInt8(ascii: "^"), _): kind = .xor
    case (UInt8(ascii: "{"), _): kind = .openBrace
    case (UInt8(ascii: "}"), _): kind = .closeBrace
    case (UInt8(ascii: "("), _): kind = .openParenthesis
    case (UInt8(ascii: ")"), _): kind = .closeParenthesis
    case (UInt8(ascii: "["), _): kind = .openBracket
    case (UInt8(ascii: "]"), _): kind = .closeBracket
    case (UInt8(ascii: ","), _): kind = .comma
    case (UInt8(ascii: ":"), _): kind = .colon
    case (UInt8(ascii: ";"), _): kind = .semicolon
    case (UInt8(ascii: "."), _): kind = .dot
    case (UInt8(ascii: "/"), _): kind = .slash
    case (UInt8(ascii: "-"), _): kind = .dash
    case (UInt8(ascii: "*"), _): kind = .star
    case (UInt8(ascii: "@"), _): kind = .at
    case (UInt8(ascii: "$"), _): kind = .dollar
    case (UInt8(ascii: "+"), _): kind = .plus
    default: kind = .unknown
    }
    at += length
    return NftToken(kind: kind, range: start..<at, start: start, end: at)
  }
}
