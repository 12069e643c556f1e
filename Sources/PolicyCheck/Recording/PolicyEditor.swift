/// Changes the text of a policy in place: the rest of the file, comments included, stays as its author wrote it.
public struct PolicyEditor {
  /// The lines, without their ends.
  private var lines: [String]

  /// Why a text can't be changed.
  public enum Refusal: Error, Hashable, Sendable {
    /// The tests do not stand on lines of their own, so none can be added to them.
    case testsOnOneLine
    /// The tests are written in brackets.
    case testsInBrackets
    /// The text of a value is not where it was read.
    case movedText
    /// It goes over several lines.
    case severalLines
    /// It is not a plain scalar.
    case noPlainScalar
  }

  /// Makes an editor for a file's text.
  public init(_ text: String) {
    lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if lines.last == "" { lines.removeLast() }
  }

  /// The text as it is now.
  public var text: String { lines.isEmpty ? "" : lines.joined(separator: "\n") + "\n" }

  /// Adds tests behind the last one of a policy.
  ///
  /// - Parameters:
  ///   - tests: The lines of each test.
  ///   - root: The file's root, which tells where things stand; nil for a file that does not exist.
  public mutating func append(_ tests: [[String]], to root: PolicyNode?) throws(Refusal) {
    var indentation = 2
    var at = lines.count
    var members: [PolicyNode.Member] = []
    if case .mapping(let found)? = root?.content { members = found }
    if let index = members.firstIndex(where: { $0.key.text == "tests" }) {
      let behind = members[(index + 1)...].map(\.key.place.line).min()
      if let behind { at = behind - 1 }
      switch members[index].value.content {
      case .list(let elements) where !elements.isEmpty:
        guard let place = elements.last?.place, lines.indices.contains(place.line - 1),
          let dash = lines[place.line - 1].firstIndex(where: { $0 != " " }), lines[place.line - 1][dash] == "-"
        else { throw Refusal.testsOnOneLine }
        indentation = lines[place.line - 1].distance(from: lines[place.line - 1].startIndex, to: dash)
      case .scalar where members[index].value.isNull: break
      default: throw Refusal.testsInBrackets
      }
      while at > 0, lines[at - 1].allSatisfy({ $0 == " " }) || behind != nil && lines[at - 1].hasPrefix("#") { at -= 1 }
    } else {
      lines.append("tests:")
      at = lines.count
    }
    let before = String(repeating: " ", count: indentation)
    let added = tests.flatMap { test in
      test.enumerated().map { before + ($0 == 0 ? "- " : "  ") + $1 }
    }
    lines.insert(contentsOf: added, at: at)
  }

  /// Exchanges one scalar.
  ///
  /// - Returns: The line before and after.
  public mutating func replace(_ part: PolicyValue.Part, with text: String) throws(Refusal) -> (
    old: String, new: String
  ) {
    guard lines.indices.contains(part.place.line - 1) else {
      throw Refusal.movedText
    }
    let old = lines[part.place.line - 1]
    guard let start = old.index(old.startIndex, offsetBy: part.place.column - 1, limitedBy: old.endIndex),
      start < old.endIndex
    else { throw Refusal.movedText }
    var end = start
    if old[start] == "\"" || old[start] == "'" {
      guard let close = old[old.index(after: start)...].firstIndex(of: old[start]) else {
        throw Refusal.severalLines
      }
      end = old.index(after: close)
    } else {
      guard old[start...].hasPrefix(part.text) else { throw Refusal.noPlainScalar }
      end = old.index(start, offsetBy: part.text.count)
    }
    let new = old[..<start] + YAMLText.scalar(text) + old[end...]
    lines[part.place.line - 1] = String(new)
    return (old, String(new))
  }
}
