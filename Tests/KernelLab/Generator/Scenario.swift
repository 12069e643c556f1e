import Randomness
import RuleGraph

/// A generated router with rules and the packets to send into it.
public struct Scenario: Sendable {
  /// A kind of ruleset.
  public enum Profile: String, CaseIterable, Sendable {
    /// What Docker writes, by its versions.
    case docker
    /// Anything that iptables-restore takes.
    case iptables
    /// Anything that nft takes.
    case nft
  }

  /// The router.
  public var topology: Topology
  /// Its rules.
  public var ruleset: RulesetText
  /// The packets.
  public var probes: [Probe]
  /// Names of what the rules use, for the list of what was covered.
  public var constructs: Set<String>
  /// The form in which the rules are handed to fwtrace.
  public var form: Lab.DumpForm

  /// Makes the scenario of a seed; the same one each time.
  public init(_ profile: Profile, seed: UInt64, probes count: Int) {
    let draft = Draft(seed: seed)
    draft.makeTopology(for: profile)
    switch profile {
    case .docker: draft.makeDockerRules()
    case .iptables: draft.makeIptablesRules()
    case .nft: draft.makeNftRules()
    }
    probes = (0..<count).map { _ in draft.makeProbe() }
    topology = draft.topology
    ruleset = draft.ruleset
    constructs = draft.constructs
    form = profile == .nft ? (seed % 2 == 0 ? .nftJSON : .nftText) : Lab.DumpForm.allCases[Int(seed % 3)]
  }
}

/// A scenario in the making.
final class Draft {
  var random: RandomNumbers
  var topology = Topology()
  var ruleset = RulesetText()
  var constructs: Set<String> = []
  /// Whether the router has IPv6 addresses that the rules should mention.
  var usesIPv6 = false

  /// What the nft rule in the making has fixed so far: `tcp`, `udp` or, where ports make no sense any more, `other`.
  var ruleProto: String?
  var ruleIsIPv4 = true

  /// Addresses, ports and marks that rules mention; packets are built around them.
  var mentionedAddresses: [IPAddress] = []
  var mentionedPorts: [UInt16] = []
  var mentionedMarks: [UInt32] = []

  init(seed: UInt64) { random = RandomNumbers(seed: seed &* 0x2545_f491_4f6c_dd1d &+ 1) }

  func uses(_ construct: String) { constructs.insert(construct) }
}
