/// Nodes as bytes, to hand them from the program that reads YAML to the one that checks policies.
///
/// Each node is a line: `p` or `q` (plain or quoted text), `l` (list) or `m` (mapping); line; column; and the number
/// of bytes of the text, which
/// follows, or of the elements or pairs, which follow. A file that is no YAML is `e`, line, column and the message.
///
///     m 1 1 1
///     p 1 1 5
///     tests
///     l 2 3 0
public enum NodeStream {
  /// Deeper files are refused; libyaml itself stops at a thousand levels.
  static let maximumDepth = 200
  /// Larger files are refused: anchors can make a short file unfold without end.
  public static let maximumNodes = 200_000

  /// Writes a file's root, or why it can't be read.
  public static func bytes(of result: Result<PolicyNode, PolicyMistake>) -> [UInt8] {
    var bytes: [UInt8] = []
    var written = 0
    do {
      try write(result.get(), to: &bytes, depth: 0, written: &written)
    } catch {
      bytes = []
      append("e", error.place, error.message, to: &bytes)
    }
    return bytes
  }

  private static func append(_ kind: String, _ place: PolicyPlace, _ text: String, to bytes: inout [UInt8]) {
    bytes += "\(kind) \(place.line) \(place.column) \(text.utf8.count)\n".utf8
    bytes += text.utf8
    bytes.append(UInt8(ascii: "\n"))
  }

  private static func write(
    _ node: PolicyNode, to bytes: inout [UInt8], depth: Int, written: inout Int
  ) throws(PolicyMistake) {
    written += 1
    guard depth < maximumDepth else { throw PolicyMistake(node.place, "lists and mappings are nested too deeply") }
    guard written < maximumNodes else { throw PolicyMistake(node.place, "the file unfolds to too many values") }
    switch node.content {
    case .scalar(let text, let isQuoted): append(isQuoted ? "q" : "p", node.place, text, to: &bytes)
    case .list(let elements):
      bytes += "l \(node.place.line) \(node.place.column) \(elements.count)\n".utf8
      for element in elements { try write(element, to: &bytes, depth: depth + 1, written: &written) }
    case .mapping(let members):
      bytes += "m \(node.place.line) \(node.place.column) \(members.count)\n".utf8
      for member in members {
        try write(member.key, to: &bytes, depth: depth + 1, written: &written)
        try write(member.value, to: &bytes, depth: depth + 1, written: &written)
      }
    }
  }

  /// Reads what ``bytes(of:)`` wrote.
  public static func node(_ bytes: [UInt8]) -> Result<PolicyNode, PolicyMistake> {
    var reader = Reader(bytes: bytes)
    do throws(PolicyMistake) {
      return .success(try reader.node(depth: 0))
    } catch {
      return .failure(error)
    }
  }

  private struct Reader {
    let bytes: [UInt8]
    var at = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    static let broken = PolicyMistake(PolicyPlace(line: 1, column: 1), "the program that reads YAML broke off")

    mutating func node(depth: Int) throws(PolicyMistake) -> PolicyNode {
      guard depth < maximumDepth, let end = bytes[at...].firstIndex(of: UInt8(ascii: "\n")) else { throw Self.broken }
      let words = bytes[at..<end].split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
      at = end + 1
      guard words.count == 4, let line = Int(words[1]), let column = Int(words[2]), let count = Int(words[3]),
        count >= 0,
        count <= bytes.count
      else { throw Self.broken }
      let place = PolicyPlace(line: line, column: column)
      switch words[0] {
      case "p", "q": return PolicyNode(.scalar(try text(count), isQuoted: words[0] == "q"), at: place)
      case "e": throw PolicyMistake(place, try text(count))
      case "l":
        var elements: [PolicyNode] = []
        for _ in 0..<count { elements.append(try node(depth: depth + 1)) }
        return PolicyNode(.list(elements), at: place)
      case "m":
        var members: [PolicyNode.Member] = []
        for _ in 0..<count {
          let key = try node(depth: depth + 1)
          members.append(PolicyNode.Member(key: key, value: try node(depth: depth + 1)))
        }
        return PolicyNode(.mapping(members), at: place)
      default: throw Self.broken
      }
    }

    private mutating func text(_ count: Int) throws(PolicyMistake) -> String {
      guard count < bytes.count - at else { throw Self.broken }
      let text = String(decoding: bytes[at..<(at + count)], as: UTF8.self)
      at += count + 1
      return text
    }
  }
}
