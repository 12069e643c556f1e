import RuleGraph

/// Matches whose truth no dump can hold.
enum EnvironmentWords {
  /// An environment condition in words, as it is when it holds or not.
  static func text(_ condition: EnvironmentCondition, holds: Bool) -> String {
    let arguments = condition.arguments.map { $0.value.isEmpty ? $0.name : "\($0.name) \($0.value)" }.joined(
      separator: " ")
    let isTrue = holds != condition.negated
    func value(_ name: String) -> String? { condition.arguments.first { $0.name == name }?.value }
    switch condition.kind {
    case .limit, .hashlimit:
      let rate = value("rate").map { " of \($0)" } ?? (arguments.isEmpty ? "" : " (\(arguments))")
      return isTrue ? "the limit\(rate) isn't used up" : "the limit\(rate) is used up"
    case .quota: return isTrue ? "the quota (\(arguments)) isn't used up" : "the quota (\(arguments)) is used up"
    case .connlimit:
      return isTrue
        ? "the count of connections is as the rule wants (\(arguments))"
        : "the count of connections is not as the rule wants (\(arguments))"
    case .recent:
      return isTrue
        ? "the list of recent addresses fits (\(arguments))"
        : "the list of recent addresses does not fit (\(arguments))"
    case .statistic, .random:
      return isTrue ? "the draw or count fits (\(arguments))" : "the draw or count does not fit (\(arguments))"
    case .time:
      return isTrue
        ? "the time is as the rule wants (\(arguments))" : "the time is not as the rule wants (\(arguments))"
    case .socket: return isTrue ? "a socket for the packet exists" : "no socket for the packet exists"
    default:
      let name = "\(condition.kind.rawValue)\(arguments.isEmpty ? "" : " " + arguments)"
      return isTrue ? "\(name) holds" : "\(name) does not hold"
    }
  }
}
