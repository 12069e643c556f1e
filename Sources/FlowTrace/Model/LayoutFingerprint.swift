public import RuleGraph

/// Who wrote a host's rules, as the names of their chains tell, and what is missing from a whole dump of them.
///
/// Docker writes other chains in other versions, and the same question has other answers there. No verdict depends on
/// this: it is for the explanation alone.
public struct LayoutFingerprint: Hashable, Sendable {
  /// The layout of Docker's rules: `Docker 18.05 to 27, iptables`; nil where there are none.
  public internal(set) var docker: String?
  /// The other programs whose chains are there: `ufw`, `fail2ban`, `libvirt`.
  public internal(set) var others: [String] = []
  /// What is missing or out of place.
  public internal(set) var findings: [Diagnostic] = []

  /// Makes the layout of a host without rules.
  init() {}
}
