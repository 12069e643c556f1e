import RuleGraph

extension Rule {
  /// Whether the rule stops packets.
  var denies: Bool {
    statements.contains { statement in
      switch statement {
      case .verdict(.drop), .verdict(.reject): true
      default: false
      }
    }
  }

  /// Whether the rule lets packets through.
  var accepts: Bool { statements.contains(.verdict(.accept)) }
}
