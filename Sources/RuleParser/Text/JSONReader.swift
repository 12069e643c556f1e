/// Writes the nodes of a ``JSONTape``: one pass over the bytes, with a stack of its own, so that no nesting exhausts
/// the thread's.
struct JSONReader {
  let bytes: ByteView
  private(set) var at: Int
  private let end: Int
  let nodes: JSONNodes
  private(set) var problem: JSONTape.Problem?
  /// The indexes of the containers that are open.
  private var open: [Int] = []

  /// What may stand at the next place.
  private enum Place {
    case value, firstElement, firstKey, key, behindValue
  }

  init(bytes: ByteView, range: Range<Int>) {
    self.bytes = bytes
    at = min(max(range.lowerBound, 0), bytes.count)
    // Offsets are kept in 32 bits.
    end = max(min(range.upperBound, bytes.count, Int(UInt32.max)), at)
    // More than what tools print needs.
    nodes = JSONNodes(capacity: (end - at) / 4)
  }

  /// Reads elements of a list that is open, up to where another element begins, or with nil up to the end of the list
  /// and of the object that it is the only member of. False where they don't end there.
  mutating func readElements(upTo limit: Int?) -> Bool {
    while problem == nil {
      readValue()
      skipBlanks()
      guard problem == nil, at < end else { return false }
      if bytes[at] == UInt8(ascii: ",") {
        at += 1
        skipBlanks()
        if let limit, at >= limit { return at == limit }
        continue
      }
      guard limit == nil, bytes[at] == UInt8(ascii: "]") else { return false }
      at += 1
      skipBlanks()
      guard at < end, bytes[at] == UInt8(ascii: "}") else { return false }
      at += 1
      skipBlanks()
      return at == end
    }
    return false
  }

  /// Reads one value with its content. Afterwards ``at`` is behind it, or where it breaks off.
  mutating func readValue() {
    var place = Place.value
    while problem == nil {
      skipBlanks()
      switch place {
      case .firstElement where at < end && bytes[at] == UInt8(ascii: "]"),
        .firstKey where at < end && bytes[at] == UInt8(ascii: "}"):
        at += 1
        close()
        place = .behindValue
      case .value, .firstElement:
        place = readValueStart()
      case .firstKey, .key:
        readKey()
        place = .value
      case .behindValue:
        guard let container = open.last else { return }
        place = readSeparator(isObject: nodes[container].kind == .object)
      }
    }
    abandon()
  }

  private mutating func skipBlanks() {
    while at < end,
      bytes[at] == UInt8(ascii: " ") || bytes[at] == UInt8(ascii: "\n") || bytes[at] == UInt8(ascii: "\r")
        || bytes[at] == UInt8(ascii: "\t")
    { at += 1 }
  }

  private mutating func readSeparator(isObject: Bool) -> Place {
    guard at < end, bytes[at] == UInt8(ascii: ",") || bytes[at] == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]"))
    else {
      fail(isObject ? "`,` or `}`" : "`,` or `]`")
      return .behindValue
    }
    at += 1
    if bytes[at - 1] == UInt8(ascii: ",") { return isObject ? .key : .value }
    close()
    return .behindValue
  }

  private mutating func readValueStart() -> Place {
    guard at < end else {
      fail("a value")
      return .value
    }
    switch bytes[at] {
    case UInt8(ascii: "{"): return begin(.object, then: .firstKey)
    case UInt8(ascii: "["): return begin(.array, then: .firstElement)
    case UInt8(ascii: "\""): readString()
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): readNumber()
    case UInt8(ascii: "t"): readWord("true", .true)
    case UInt8(ascii: "f"): readWord("false", .false)
    case UInt8(ascii: "n"): readWord("null", .null)
    default: fail("a value")
    }
    return .behindValue
  }

  private mutating func begin(_ kind: JSONTape.Kind, then place: Place) -> Place {
    guard open.count < JSONTape.maximumDepth else {
      fail("at most \(JSONTape.maximumDepth) levels")
      return place
    }
    open.append(nodes.count)
    nodes.append(JSONTape.Node(start: UInt32(at), end: 0, next: 0, kind: kind))
    at += 1
    return place
  }

  private mutating func close() {
    let container = open.removeLast()
    var node = nodes[container]
    node.end = UInt32(truncatingIfNeeded: at)
    node.next = UInt32(truncatingIfNeeded: nodes.count)
    nodes[container] = node
  }

  private mutating func append(_ kind: JSONTape.Kind, _ range: Range<Int>, isEscaped: Bool = false) {
    nodes.append(
      JSONTape.Node(
        start: UInt32(truncatingIfNeeded: range.lowerBound), end: UInt32(truncatingIfNeeded: range.upperBound),
        next: UInt32(truncatingIfNeeded: nodes.count + 1), kind: kind,
        isEscaped: isEscaped))
  }

  private mutating func readKey() {
    guard at < end, bytes[at] == UInt8(ascii: "\"") else {
      fail("a name in quotation marks")
      return
    }
    readString()
    guard problem == nil else { return }
    skipBlanks()
    guard at < end, bytes[at] == UInt8(ascii: ":") else {
      fail("`:`")
      return
    }
    at += 1
  }

  /// Control characters are let through: a terminal may have wrapped the line.
  private mutating func readString() {
    let start = at + 1
    var position = start
    var isEscaped = false
    let end = end
    while true {
      position = bytes.endOfText(from: position, to: end)
      guard position < end, bytes[position] == UInt8(ascii: "\\") else { break }
      isEscaped = true
      position = min(position + 2, end)
    }
    guard position < end else {
      fail("a quotation mark that ends the text begun here")
      return
    }
    append(.string, start..<position, isEscaped: isEscaped)
    at = position + 1
  }

  private mutating func readNumber() {
    var position = at
    while position < end {
      switch bytes[position] {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
        UInt8(ascii: "E"), UInt8(ascii: "e"):
        position += 1
      default:
        append(.number, at..<position)
        at = position
        return
      }
    }
    append(.number, at..<position)
    at = position
  }

  private mutating func readWord(_ word: StaticString, _ kind: JSONTape.Kind) {
    var cursor = ByteCursor(bytes, at..<end)
    guard cursor.eat(word) else {
      fail("a value")
      return
    }
    append(kind, at..<cursor.at)
    at = cursor.at
  }

  private mutating func fail(_ expected: String) {
    if problem == nil { problem = JSONTape.Problem(offset: at, expected: expected) }
  }

  /// Closes what is open where the text breaks off; a name that got no value goes.
  private mutating func abandon() {
    if let container = open.last, nodes[container].kind == .object {
      var index = container + 1
      var count = 0
      var last = index
      while index < nodes.count {
        last = index
        index = Int(nodes[index].next)
        count += 1
      }
      if count % 2 == 1 { nodes.removeAll(from: last) }
    }
    while !open.isEmpty { close() }
  }
}
