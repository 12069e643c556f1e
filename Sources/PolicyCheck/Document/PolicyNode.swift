/// A position in a policy file, counted from 1; the column counts characters.
public struct PolicyPlace: Hashable, Sendable, Comparable {
  /// The line.
  public var line: Int
  /// The column.
  public var column: Int

  /// Makes a position.
  public init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  /// Places are ordered as they are read.
  public static func < (a: PolicyPlace, b: PolicyPlace) -> Bool { (a.line, a.column) < (b.line, b.column) }
}

/// A value of a policy file with its place: what YAML calls a node.
public struct PolicyNode: Hashable, Sendable {
  /// The three shapes of a node.
  public enum Content: Hashable, Sendable {
    /// A text. YAML's other scalars (numbers, truth values) are their text here; a quoted one is never null.
    case scalar(String, isQuoted: Bool)
    /// A list.
    case list([PolicyNode])
    /// Keys with values, in the order of the file.
    case mapping([Member])
  }

  /// A key with its value.
  public struct Member: Hashable, Sendable {
    /// The key.
    public var key: PolicyNode
    /// The value.
    public var value: PolicyNode

    /// Makes a member.
    public init(key: PolicyNode, value: PolicyNode) {
      self.key = key
      self.value = value
    }
  }

  /// What the node holds.
  public var content: Content
  /// Where it begins.
  public var place: PolicyPlace

  /// Makes a node.
  public init(_ content: Content, at place: PolicyPlace) {
    self.content = content
    self.place = place
  }

  /// The text of a scalar; nil of lists, mappings and null.
  var text: String? {
    guard case .scalar(let text, _) = content, !isNull else { return nil }
    return text
  }

  /// Whether the node is YAML's null: nothing, `~` or `null` (YAML 1.2, 10.2.1.1).
  var isNull: Bool {
    guard case .scalar(let text, false) = content else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(text)
  }

  /// What the node is, for a message.
  var kindInWords: String {
    switch content {
    case .scalar: isNull ? "nothing" : "a text"
    case .list: "a list"
    case .mapping: "a mapping"
    }
  }
}

/// Something wrong with a policy, at a place of its file.
public struct PolicyMistake: Error, Hashable, Sendable {
  /// Where it stands.
  public var place: PolicyPlace
  /// One sentence on what is wrong and what would be right.
  public var message: String

  /// Makes a mistake.
  public init(_ place: PolicyPlace, _ message: String) {
    self.place = place
    self.message = message
  }
}
