public import FlowTrace
public import RuleGraph

/// What of a host can be reached, from where, and what decides: every TCP and UDP port of the host and of its
/// containers, from each zone.
///
///     let exposure = AnalysedHost(reading.ruleset, facts: reading.facts).exposure()
///     for access in exposure.accesses where access.outcome == .open { print(exposure.zones[access.zone], access.ports)
/// }
///
/// The accesses of a zone together are all its packets to these ports but for those with forged sources, and no two
/// overlap.
public struct Exposure: Sendable {
  /// The zones that packets come from.
  public var zones: [Zone]
  /// What becomes of their packets.
  public var accesses: [Access]
  /// The families of which the dumps don't show the table that filters: nothing is said of them.
  public var unfiltered: [AddressFamily]
  /// The address that stands for the host's own ones that no rule names, where no dump tells them.
  public var unnamed: [AddressFamily: IPAddress]
  /// All addresses that were taken for the host's own although no dump says so.
  public var standIns: ValueSet
  /// What the answers took for granted, each once.
  public var assumptions: [Assumption]
  /// What makes the answers incomplete, or is wrong with the rules as a whole.
  public var warnings: [Diagnostic]
  /// Who wrote the rules.
  public var layout: LayoutFingerprint?

  /// Whether everything is decided.
  public var isDetermined: Bool { unfiltered.isEmpty && !accesses.contains { $0.outcome == .unknown } }

  /// Whether something is marked.
  public var hasMarks: Bool { accesses.contains { !$0.marks.isEmpty } }
}
