import RuleGraph

/// One JSON object on a line of its own (NDJSON), its values as text: a question of a batch.
///
///     JSONLine(Array(#"{"dst": "172.17.0.2", "dport": [80, [8000, 8999]], "in": null}"#.utf8))
///     // members: dst "172.17.0.2", dport "80,8000-8999", in nil
package struct JSONLine: Sendable {
  /// A key and its value; nil is JSON's null.
  package struct Member: Hashable, Sendable {
    /// The key.
    package var key: String
    /// Strings as they are, numbers and truth values as written, lists with commas, pairs in a list as ranges, `{"not":
    /// …}` with an exclamation mark before it.
    package var text: String?
  }

  /// The members in their order.
  package var members: [Member] = []
  /// What is wrong with the line, or nil.
  package var problem: String?

  /// Reads a line.
  package init(_ bytes: [UInt8]) {
    let tape = JSONTape(SourceBytes(bytes))
    if let problem = tape.problem {
      self.problem = "column \(problem.offset + 1): expected \(problem.expected)"
      return
    }
    guard let root = tape.root, root.kind == .object else {
      problem = "each line is a JSON object"
      return
    }
    let rest = bytes[min(tape.end, bytes.count)...]
    if !rest.allSatisfy({
      $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\n")
    }) {
      problem = "column \(tape.end + 1): unexpected text after the object"
    }
    for (key, value) in root.members {
      let name = key.string ?? ""
      if value.kind == .null {
        members.append(Member(key: name, text: nil))
      } else if let text = JSONLine.text(value, isInList: false) {
        members.append(Member(key: name, text: text))
      } else {
        problem = "the value of \(name) is not a text, a number or a list of them"
      }
    }
  }

  private static func text(_ value: JSONValue, isInList: Bool) -> String? {
    switch value.kind {
    case .string: return value.string
    case .number, .true, .false: return value.sourceText
    case .null: return nil
    case .object:
      guard !isInList, let excluded = value["not"] else { return nil }
      return text(excluded, isInList: false).map { "!" + $0 }
    case .array:
      var parts: [String] = []
      for element in value.elements {
        guard element.kind != .array || !isInList else { return nil }
        guard let part = text(element, isInList: true) else { return nil }
        parts.append(part)
      }
      return parts.joined(separator: isInList ? "-" : ",")
    }
  }
}
