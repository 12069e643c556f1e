import RuleGraph

/// What a rule's own verdict or translation does to the fate of a packet that it matches.
enum RuleEnd: UInt8 {
  case accepts, discards
  /// It gives the packet another destination, or another source.
  case translatesDestination, translatesSource
  /// It jumps, returns, changes something, or nobody knows.
  case other

  init(_ rule: Rule) {
    for statement in rule.statements {
      switch statement {
      case .verdict(.accept): self = .accepts
      case .verdict(.drop), .verdict(.reject): self = .discards
      case .translate(let translation):
        self = translation.kind == .dnat || translation.kind == .redirect ? .translatesDestination : .translatesSource
      default: continue
      }
      return
    }
    self = .other
  }
}
