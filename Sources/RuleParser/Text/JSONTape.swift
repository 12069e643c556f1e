import RuleGraph

/// A JSON text (RFC 8259) as a flat list of nodes over its bytes: nothing is copied or converted until it is asked for.
///
/// Nodes stand in the order of the text, a container before its content, an object's keys before their values; each
/// node knows the index behind its content, so that skipping is one step. Reading never fails: where the text is cut or
/// broken, the containers that are open are closed, everything before stays readable, and ``problem`` says where it
/// broke and what was expected there.
///
///     let tape = JSONTape(SourceBytes(Array(#"{"rule": {"handle": 7}}"#.utf8)))
///     tape.root?["rule"]?["handle"]?.unsigned   // 7
final class JSONTape: Sendable {
  /// The kinds of value.
  enum Kind: UInt8, Sendable {
    case null, `false`, `true`, number, string, array, object
  }

  /// One value, or one key of an object.
  struct Node: Sendable {
    /// The offset of the first byte: of a string, behind its quotation mark.
    var start: UInt32
    /// The offset behind the last byte: of a string, of its quotation mark.
    var end: UInt32
    /// The index of the node behind this one and its content.
    var next: UInt32
    /// The kind.
    var kind: Kind
    /// Whether a string holds a backslash, so that its text differs from its bytes.
    var isEscaped = false
  }

  /// Where a text stops being JSON.
  struct Problem: Hashable, Sendable {
    /// The offset of the first byte that does not fit.
    var offset: Int
    /// What would have fitted.
    var expected: String
  }

  /// What keeps the bytes.
  let memory: SourceBytes
  /// The bytes that the nodes' offsets are of.
  let bytes: ByteView
  /// The nodes.
  let nodes: JSONNodes
  /// Where the text breaks off, or nil when the value is whole.
  let problem: Problem?
  /// The offset behind the value.
  let end: Int
  /// For a text put together from separate lines: where each begins in ``bytes`` and in its source. Empty when offsets
  /// are the source's.
  private let pieces: [(start: Int, sourceStart: Int)]
  /// Where the last of them ends in its source; a line end that is not there follows it in ``bytes``.
  private let sourceEnd: Int

  /// Containers deeper than this are not read; nothing that prints JSON about a host comes near.
  static let maximumDepth = 512

  /// Reads the first value in a range of bytes. What stands behind it is not looked at: see ``end``.
  convenience init(_ memory: SourceBytes, _ range: Range<Int>? = nil) {
    let bytes = ByteView(memory)
    var reader = JSONReader(bytes: bytes, range: range ?? 0..<bytes.count)
    reader.readValue()
    self.init(memory, reader)
  }

  /// Reads the first value of a dump from one of its lines on, through quotation marks and carriage returns around the
  /// lines.
  init(_ text: DumpText, fromLine first: Int = 0) {
    let lines = text.lines[min(first, text.lines.count)...]
    let isContiguous = zip(lines, lines.dropFirst()).allSatisfy { line, next in
      next.start >= line.end
        && text.bytes[line.end..<next.start].allSatisfy {
          $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: " ")
        }
    }
    var pieces: [(start: Int, sourceStart: Int)] = []
    var reader: JSONReader
    if isContiguous {
      memory = text.memory
      reader = JSONReader(bytes: text.bytes, range: (lines.first?.start ?? 0)..<(lines.last?.end ?? 0))
    } else {
      var joined: [UInt8] = []
      for line in lines {
        pieces.append((joined.count, line.start))
        joined.append(contentsOf: text.bytes[line.range])
        joined.append(UInt8(ascii: "\n"))
      }
      memory = SourceBytes(joined)
      reader = JSONReader(bytes: ByteView(memory), range: 0..<joined.count)
    }
    reader.readValue()
    bytes = reader.bytes
    nodes = reader.nodes
    problem = reader.problem
    end = reader.at
    self.pieces = pieces
    sourceEnd = text.lines.last?.end ?? 0
  }

  /// Makes a tape of what a reader has read.
  init(_ memory: SourceBytes, _ reader: JSONReader) {
    self.memory = memory
    bytes = reader.bytes
    nodes = reader.nodes
    problem = reader.problem
    end = reader.at
    pieces = []
    sourceEnd = bytes.count
  }

  /// Reads the value behind another one of the same text; nil where none stands there.
  init?(behind other: JSONTape, upTo end: Int) {
    var at = other.end
    while at < end, other.bytes[at] <= UInt8(ascii: " ") { at += 1 }
    guard at < end else { return nil }
    var reader = JSONReader(bytes: other.bytes, range: at..<end)
    reader.readValue()
    memory = other.memory
    bytes = reader.bytes
    nodes = reader.nodes
    problem = reader.problem
    self.end = reader.at
    pieces = other.pieces
    sourceEnd = other.sourceEnd
  }

  /// Where the lines that the text was read from end in ``bytes``.
  func limit(of text: DumpText) -> Int { pieces.isEmpty ? text.lines.last?.end ?? 0 : bytes.count }

  /// Makes a second tape of the same text, for another thread: a tape that several read from is counted by all of them
  /// for every value.
  init(sharing other: JSONTape) {
    memory = other.memory
    bytes = other.bytes
    nodes = other.nodes
    problem = other.problem
    end = other.end
    pieces = other.pieces
    sourceEnd = other.sourceEnd
  }

  /// The value, or nil when there is not even the beginning of one.
  var root: JSONValue? { nodes.count == 0 ? nil : JSONValue(tape: self, index: 0) }

  /// The values, where several were read.
  var values: [JSONValue] {
    var values: [JSONValue] = []
    var index = 0
    while index < nodes.count {
      values.append(JSONValue(tape: self, index: index))
      index = Int(nodes[index].next)
    }
    return values
  }

  /// The offset in the source of an offset in ``bytes``.
  func sourceOffset(_ offset: Int) -> Int {
    var low = 0
    var high = pieces.count
    while low < high {
      let middle = (low + high) / 2
      if pieces[middle].start <= offset { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return offset }
    return min(pieces[low - 1].sourceStart + offset - pieces[low - 1].start, sourceEnd)
  }
}

/// A value of a ``JSONTape``.
struct JSONValue: Sendable {
  /// The tape.
  let tape: JSONTape
  /// The index of the value's node.
  let index: Int

  /// The same value on a second tape of the same text.
  func on(_ tape: JSONTape) -> JSONValue { JSONValue(tape: tape, index: index) }

  private var node: JSONTape.Node { tape.nodes[index] }

  /// The kind.
  var kind: JSONTape.Kind { node.kind }

  /// The value's bytes on the tape, a string's without its quotation marks.
  var range: Range<Int> { Int(node.start)..<Int(node.end) }

  /// The value's text as it stands in the dump, quotation marks included.
  var sourceText: String {
    let quotes = kind == .string ? 1 : 0
    let low = max(Int(node.start) - quotes, 0)
    return tape.bytes.text(low..<min(Int(node.end) + quotes, tape.bytes.count))
  }

  /// The span of the value in the dump that it was read from.
  func span(in text: DumpText) -> SourceSpan {
    let start = tape.sourceOffset(range.lowerBound)
    let end = max(tape.sourceOffset(range.upperBound), start)
    return SourceSpan(source: text.source, line: text.line(at: start), offset: start, length: end - start)
  }

  /// A string's text; nil of any other value.
  var string: String? {
    guard kind == .string else { return nil }
    return node.isEscaped ? unescaped : tape.bytes.text(range)
  }

  /// Whether the value is a string of exactly this text.
  func equals(_ text: StaticString) -> Bool {
    guard kind == .string else { return false }
    if node.isEscaped {
      return unescaped == text.description
    }
    return ByteCursor(tape.bytes, range).range(range, equals: text)
  }

  /// A truth value; nil of any other value.
  var bool: Bool? { kind == .true ? true : kind == .false ? false : nil }

  /// A whole number that is not negative and fits 64 bits; nil of any other value, also of a string of digits.
  var unsigned: UInt64? {
    guard kind == .number else { return nil }
    var cursor = ByteCursor(tape.bytes, range)
    guard let value = cursor.eatDecimal(), cursor.isAtEnd else { return nil }
    return value
  }

  /// A whole number that fits; nil of any other value.
  var integer: Int? {
    guard kind == .number else { return nil }
    var cursor = ByteCursor(tape.bytes, range)
    let negative = cursor.eat(UInt8(ascii: "-"))
    guard let value = cursor.eatDecimal(), cursor.isAtEnd, let magnitude = Int(exactly: value) else { return nil }
    return negative ? -magnitude : magnitude
  }

  /// The elements of an array; none of any other value.
  var elements: JSONElements { JSONElements(of: self, isObject: false) }

  /// The members of an object in the order of the text; none of any other value.
  var members: JSONMembers { JSONMembers(elements: JSONElements(of: self, isObject: true)) }

  /// The first member of a name, or nil (also when the value is no object).
  subscript(_ name: StaticString) -> JSONValue? {
    for (key, value) in members where key.equals(name) { return value }
    return nil
  }

  private var unescaped: String {
    var result: [UInt8] = []
    var at = range.lowerBound
    let end = range.upperBound
    func hex4(_ start: Int) -> UInt32? {
      guard start + 4 <= end else { return nil }
      var value: UInt32 = 0
      for offset in 0..<4 {
        guard let digit = tape.bytes[start + offset].hexDigitValue else { return nil }
        value = value << 4 | UInt32(digit)
      }
      return value
    }
    while at < end {
      guard tape.bytes[at] == UInt8(ascii: "\\"), at + 1 < end else {
        result.append(tape.bytes[at])
        at += 1
        continue
      }
      let escape = tape.bytes[at + 1]
      at += 2
      switch escape {
      case UInt8(ascii: "b"): result.append(0x08)
      case UInt8(ascii: "f"): result.append(0x0c)
      case UInt8(ascii: "n"): result.append(UInt8(ascii: "\n"))
      case UInt8(ascii: "r"): result.append(UInt8(ascii: "\r"))
      case UInt8(ascii: "t"): result.append(UInt8(ascii: "\t"))
      case UInt8(ascii: "u"):
        guard var number = hex4(at) else { continue }
        at += 4
        if number >> 10 == UInt8(ascii: "6"), at + 1 < end, tape.bytes[at] == UInt8(ascii: "\\"),
          tape.bytes[at + 1] == UInt8(ascii: "u"),
          let low = hex4(at + 2), low >> 10 == UInt8(ascii: "7")
        {
          number = 0x10000 + (number & 0x3ff) << 10 + (low & 0x3ff)
          at += 6
        }
        let scalar = Unicode.Scalar(number) ?? "\u{fffd}"
        result.append(contentsOf: Array(String(Character(scalar)).utf8))
      default: result.append(escape)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}

/// The elements of an array, in order; for an object, its keys and values in turn.
struct JSONElements: Sequence, IteratorProtocol {
  private let tape: JSONTape
  private var at: Int
  private let end: Int

  fileprivate init(of value: JSONValue, isObject: Bool) {
    tape = value.tape
    at = value.index + 1
    end = value.kind == (isObject ? .object : .array) ? Int(tape.nodes[value.index].next) : at
  }

  mutating func next() -> JSONValue? {
    guard at < end else { return nil }
    defer { at = Int(tape.nodes[at].next) }
    return JSONValue(tape: tape, index: at)
  }
}

/// The members of an object, in order.
struct JSONMembers: Sequence, IteratorProtocol {
  fileprivate var elements: JSONElements

  mutating func next() -> (key: JSONValue, value: JSONValue)? {
    guard let key = elements.next(), let value = elements.next() else { return nil }
    return (key, value)
  }
}
