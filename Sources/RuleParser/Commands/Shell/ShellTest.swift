/// What `test`, `[` and `[[` find out (POSIX XCU, "test"), where the script alone tells.
enum ShellTest {
  /// Whether the condition holds; nil where files, the caller or the machine decide.
  static func outcome(_ words: [CommandWord]) -> Bool? {
    var words = words[...]
    guard let first = words.first else { return nil }
    words.removeFirst()
    if first.text == "[" || first.text == "[[" {
      guard words.last?.text == "]" || words.last?.text == "]]" else { return nil }
      words.removeLast()
    }
    return either(words)
  }

  private static func either(_ words: ArraySlice<CommandWord>) -> Bool? {
    guard let sign = words.lastIndex(where: { $0.text == "-o" || $0.text == "||" }), sign > words.startIndex else {
      return both(words)
    }
    let (left, right) = (either(words[..<sign]), both(words[(sign + 1)...]))
    if left == true || right == true { return true }
    return left == false && right == false ? false : nil
  }

  private static func both(_ words: ArraySlice<CommandWord>) -> Bool? {
    guard let sign = words.lastIndex(where: { $0.text == "-a" || $0.text == "&&" }), sign > words.startIndex else {
      return single(words)
    }
    let (left, right) = (both(words[..<sign]), single(words[(sign + 1)...]))
    if left == false || right == false { return false }
    return left == true && right == true ? true : nil
  }

  private static func single(_ words: ArraySlice<CommandWord>) -> Bool? {
    if words.first?.text == "!", words.count > 1 { return single(words.dropFirst()).map { !$0 } }
    guard !words.contains(where: \.isUnknown) else { return nil }
    let texts = words.map(\.text)
    switch texts.count {
    case 0: return false
    case 1: return !texts[0].isEmpty
    case 2:
      switch texts[0] {
      case "-n": return !texts[1].isEmpty
      case "-z": return texts[1].isEmpty
      default: return nil
      }
    case 3: return compare(texts[0], texts[1], texts[2])
    default: return nil
    }
  }

  private static func compare(_ left: String, _ sign: String, _ right: String) -> Bool? {
    switch sign {
    case "=", "==": return right.contains { "*?[".contains($0) } ? nil : left == right
    case "!=": return right.contains { "*?[".contains($0) } ? nil : left != right
    default:
      guard let left = Int(left), let right = Int(right) else { return nil }
      switch sign {
      case "-eq": return left == right
      case "-ne": return left != right
      case "-lt": return left < right
      case "-le": return left <= right
      case "-gt": return left > right
      case "-ge": return left >= right
      default: return nil
      }
    }
  }
}
