import RuleGraph

extension ServiceNames {
  /// The port of each name.
  static let ports = WordTable<UInt16>(all.map { ($0.name, UInt16(truncatingIfNeeded: $0.value)) })
}
