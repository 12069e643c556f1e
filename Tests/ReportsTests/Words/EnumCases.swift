import Foundation

/// The cases of an enum, to hold a table of rows against them: a case without a row is one whose words nobody has read.
enum EnumCases {
  /// The names of the cases that a file below `Sources` declares for an enum.
  static func declared(of name: String, in path: String) throws -> Set<String> {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let text = try String(contentsOf: root.appending(path: "Sources/" + path), encoding: .utf8)
    var names: Set<String> = []
    /// How far the enum is indented, while the lines are its own.
    var indent: Int?
    for line in text.split(separator: "\n") {
      let depth = line.prefix { $0 == " " }.count
      let code = line.dropFirst(depth)
      if code.contains("enum \(name): ") || code.contains("enum \(name) {") {
        indent = depth
      } else if depth == indent, code.hasPrefix("}") {
        indent = nil
      } else if let indent, depth == indent + 2, code.hasPrefix("case ") {
        names.formUnion(Self.names(code.dropFirst(5)))
      }
    }
    return names
  }

  /// The names in `one(Int), two, three(a: [String], b: Bool)`.
  private static func names(_ list: Substring) -> [String] {
    var depth = 0
    let outside = list.filter { character in
      if "([".contains(character) { depth += 1 }
      defer { if ")]".contains(character) { depth -= 1 } }
      return depth == 0
    }
    return outside.split(separator: ",").compactMap { $0.split { " =`".contains($0) }.first.map(String.init) }
  }

  /// The name of a value's case.
  static func name(of value: some Any) -> String { Mirror(reflecting: value).children.first?.label ?? "\(value)" }
}
