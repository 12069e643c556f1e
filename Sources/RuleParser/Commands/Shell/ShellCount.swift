/// How a loop counts (bash(1), "Compound Commands"): a variable from a number to a number, in steps.
///
///     for ((i = 8000; i < 8005; i++))    // i, from 8000, while < 8005, by 1
struct ShellCount {
  /// The variable.
  let name: String
  /// Its first value.
  private let first: Side
  /// The sign between the variable and the limit.
  private let sign: String
  private let limit: Side
  private let step: Int

  /// A number, or the variable that holds it.
  private enum Side {
    case number(Int)
    case variable(String)

    init?(_ text: Substring) {
      if let number = Int(text) {
        self = .number(number)
      } else {
        let name = text.hasPrefix("$") ? text.dropFirst() : text
        guard ShellWord.isName(name) else { return nil }
        self = .variable(String(name))
      }
    }

    func value(in variables: ShellVariables) -> Int? {
      switch self {
      case .number(let number): return number
      case .variable(let name):
        guard case .text(let text)? = variables[name] else { return nil }
        return Int(text)
      }
    }
  }

  /// Reads what stands between `for` and `do`; nil of anything but a start, a comparison and a step.
  init?(_ written: String) {
    var text = written.filter { $0 != " " && $0 != "\t" && $0 != "\n" && $0 != "\r" }[...]
    if text.hasSuffix(";") { text.removeLast() }
    guard text.hasPrefix("(("), text.hasSuffix("))") else { return nil }
    let parts = text.dropFirst(2).dropLast(2).split(separator: ";", omittingEmptySubsequences: false)
    guard parts.count == 3, let equals = parts[0].firstIndex(of: "=") else { return nil }
    name = String(parts[0][..<equals])
    guard ShellWord.isName(name), let first = Side(parts[0][parts[0].index(after: equals)...]) else { return nil }
    self.first = first
    let test = Self.withoutName(parts[1], name)
    guard let sign = ["<=", ">=", "!=", "<", ">"].first(where: { test?.hasPrefix($0) == true }), let test,
      let limit = Side(test.dropFirst(sign.utf8.count))
    else { return nil }
    self.sign = sign
    self.limit = limit
    switch parts[2] {
    case "\(name)++", "++\(name)": step = 1
    case "\(name)--", "--\(name)": step = -1
    default:
      guard let change = Self.withoutName(parts[2], name), let size = Int(change.dropFirst(2)), size > 0 else {
        return nil
      }
      switch change.prefix(2) {
      case "+=": step = size
      case "-=": step = -size
      default: return nil
      }
    }
  }

  private static func withoutName(_ text: Substring, _ name: String) -> Substring? {
    let rest = text.hasPrefix("$") ? text.dropFirst() : text
    return rest.hasPrefix(name) ? rest.dropFirst(name.utf8.count) : nil
  }

  /// The values that the variable gets, the one that ends the loop last; nil where a variable that nobody knows
  /// decides, or there are too many.
  func values(in variables: ShellVariables) -> (values: [Int], end: Int)? {
    guard var value = first.value(in: variables), let limit = limit.value(in: variables) else { return nil }
    var values: [Int] = []
    while goesOn(value, limit) {
      guard values.count < 5000 else { return nil }
      values.append(value)
      let (next, isTooLarge) = value.addingReportingOverflow(step)
      if isTooLarge { return nil }
      value = next
    }
    return (values, value)
  }

  private func goesOn(_ value: Int, _ limit: Int) -> Bool {
    switch sign {
    case "<": value < limit
    case "<=": value <= limit
    case ">": value > limit
    case ">=": value >= limit
    default: value != limit
    }
  }
}
