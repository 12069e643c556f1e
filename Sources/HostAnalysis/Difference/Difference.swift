public import FlowTrace
public import RuleGraph

/// What became another fate between two rulesets of a host, for which packets, and what decides on either side.
///
///     let difference = Difference(of: old, and: new)
///     if difference.isEqual { print("every packet fares as before") }
///
/// Packets of which nothing is said here fare the same under both rulesets: that is proved, not sampled.
public struct Difference: Sendable {
  /// One of the two rulesets.
  public enum Side: Int, Hashable, Sendable, CaseIterable {
    case old, new
  }

  /// The changes: first what becomes of packets, then which rule decides.
  public var changes: [Change]
  /// What may have changed: the dumps or the engine don't tell.
  public var unknown: [Doubt]
  /// The packets of which nothing could be found out, or that were not asked about.
  public var gaps: [Gap]
  /// What the answers took for granted on either side, each once.
  public var assumptions: [Assumption]
  /// The side that shows nothing of the host around its rules: the other side's host is taken for both.
  public var hostTakenFor: Side?
  /// How many packets' worth of questions were asked: zero where the rules alone prove that nothing changed.
  public var questions: Int

  /// Whether it is proved that every packet fares as before, by whichever rule.
  public var isEqual: Bool { isDetermined && !changes.contains { $0.kind != .rule } }

  /// Whether nothing was left open.
  public var isDetermined: Bool { unknown.isEmpty && !gaps.contains(where: \.leavesOpen) }

  /// Whether something becomes of packets that did not before.
  public var hasChanges: Bool { changes.contains { $0.kind != .rule } }
}

/// Packets that fare otherwise under the new ruleset, all in the same way.
public struct Change: Sendable {
  /// What changed.
  public enum Kind: Int, Hashable, Sendable, CaseIterable {
    /// Accepted, dropped or rejected.
    case verdict
    /// Their addresses or ports become others.
    case translation
    /// They go elsewhere, or are refused with another answer.
    case fate
    /// Nothing becomes of them but what did before, by another rule.
    case rule
  }

  /// What changed.
  public var kind: Kind
  /// The packets, for each of their places in a connection.
  public var packets: [PacketSet]
  /// What became of them.
  public var old: Outcome
  /// What becomes of them.
  public var new: Outcome
  /// One of the packets.
  public var witness: PacketWitness?
}

/// What may have changed, and why nobody can tell.
public struct Doubt: Sendable {
  /// Something that is not told.
  public struct Cause: Hashable, Sendable {
    /// The side whose dumps don't tell it.
    public var side: Difference.Side
    /// What it is.
    public var condition: Condition
  }

  /// The packets.
  public var packets: [PacketSet]
  /// What is known of the old fate.
  public var old: Outcome
  /// What is known of the new one.
  public var new: Outcome
  /// The first thing that is not told; nil where a single packet fares in several ways, by what the kernel chooses.
  public var cause: Cause?
  /// Whether ``packets`` are all of them; otherwise some of many.
  public var isComplete = true
  /// One of the packets.
  public var witness: PacketWitness?
}

/// Something that was not compared.
public enum Gap: Hashable, Sendable {
  /// A table of iptables that one side alone shows: it was left out of the other.
  case table(String, AddressFamily, notShownBy: Difference.Side)
  /// One side does not show the rules for a version of IP, and the other has some.
  case family(AddressFamily, notShownBy: Difference.Side)
  /// Neither side shows a table of iptables that may hold rules.
  case tableOfNeither(String, AddressFamily)
  /// Neither side shows rules for a version of IP.
  case familyOfNeither(AddressFamily)
  /// Rules for ARP differ, which no IP packet passes.
  case arp
  /// The packets of a version of IP fall into so many pieces that comparing all of them was given up.
  case tooManyPieces(AddressFamily)

  /// Whether something may have changed there.
  public var leavesOpen: Bool {
    switch self {
    case .familyOfNeither, .tableOfNeither: false
    case .table, .family, .arp, .tooManyPieces: true
    }
  }
}

/// Which packet of a connection is meant.
public enum PacketPlace: Int, Hashable, Sendable, CaseIterable, Comparable {
  /// The first one: with SYN in TCP.
  case first
  /// A TCP packet of no known connection that does not begin one.
  case midstream
  /// An answer.
  case reply
  /// A later one of the first one's direction.
  case later
  /// One that is related to a connection: an ICMP error, the data of FTP.
  case related
  /// One that connection tracking calls invalid.
  case invalid

  /// In the order of a connection.
  public static func < (a: PacketPlace, b: PacketPlace) -> Bool { a.rawValue < b.rawValue }
}

/// Packets of one place in a connection, exactly.
public struct PacketSet: Sendable {
  /// The place; the boxes of answers and later packets are those of the connection's first packet.
  public var place: PacketPlace
  /// The version of IP.
  public var family: AddressFamily
  /// Whether the host itself sends the first packet.
  public var isSentByHost: Bool
  /// The packets, as boxes that do not overlap. A condition is named by its place in ``conditions``.
  public var boxes: [[Region.Dimension: ValueSet]]
  /// What the boxes say of unknown things, such as a rate limit that both sides have.
  public var conditions: [ConditionUse]
  /// The numbers of these among all that is unknown.
  var numbers: [Int]
  /// All values that packets can have at all, where a box limits them.
  public var open: [Region.Dimension: ValueSet]
  /// The destinations that are known to be the host's: its own addresses, loopback, broadcasts.
  package var own: ValueSet
  /// Its addresses alone.
  package var ownAddresses: ValueSet

  /// The hull of the boxes: of each dimension all values that one of them has.
  public var hull: [Region.Dimension: ValueSet] {
    guard var hull = boxes.first else { return [:] }
    for dimension in Array(hull.keys) {
      let all = boxes.map { $0[dimension] }
      hull[dimension] = all.contains(nil) ? nil : ValueSet(all.compactMap(\.self).flatMap(\.intervals))
    }
    return hull
  }
}

/// What becomes of packets on one side.
public struct Outcome: Sendable {
  /// The case that they are of, or one of those.
  public var part: Case
  /// What decides, and the rules that share in it.
  public var deciders: Deciders

  /// The verdict, where conditions are as the case says.
  public var verdict: Case.Verdict { part.conditionalVerdict ?? part.verdict }
}

/// One packet, for a reader to check.
public struct PacketWitness: Hashable, Sendable {
  /// Its values by dimension.
  public var values: [Region.Dimension: UInt128]
  /// The interface that it arrives on; nil for one that the host sends.
  public var input: String?
  /// The version of IP.
  public var family: AddressFamily
  /// Which packet of a connection it is; the values are those of the first one.
  public var place: PacketPlace
}
