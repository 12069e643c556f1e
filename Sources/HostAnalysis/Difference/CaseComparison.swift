import FlowTrace
import RuleGraph

/// A case of one side, in the terms of both.
struct ComparedCase {
  /// The case.
  var part: Case
  /// Its packets; conditions have the numbers of a ``ConditionTable``.
  var when: Region
  /// What decides, each rule with the packets that it matches; one where it is a single rule or a policy.
  var members: [Member]
  /// What is unknown about it on its side alone.
  var ownConditions: Set<Int> = []
  /// Whether nobody knows what becomes of the packets, whatever conditions say.
  var isOpen = false
  /// What ended the way of the packets without a fate.
  var ends: Set<Int> = []

  /// A rule that decides for some of the packets.
  struct Member {
    var decider: DeciderName
    var box: Region.Box
  }

  /// The verdict, where conditions are as the case says.
  var verdict: Case.Verdict { part.conditionalVerdict ?? part.verdict }

  /// What decides, in the terms of both sides.
  var deciders: [DeciderName] { members.map(\.decider) }

  /// Keeps of several rules those that decide about some packets.
  mutating func keepDeciders(of boxes: [Region.Box]) {
    guard members.count > 1 else { return }
    let kept = members.filter { member in boxes.contains { Region.intersection(member.box, $0) != nil } }
    if !kept.isEmpty { members = kept }
  }

  /// Everything that becomes of the packets.
  var fate: Fate { Fate(part, verdict) }

  /// Whether nobody knows whether what becomes of the packets is as the case says: of a verdict the trace says so, of
  /// translations and ways all that is hidden may change them.
  func isDoubtful(_ kind: Change.Kind?) -> Bool {
    isOpen || part.hasUnknownSource || !ownConditions.isEmpty && (kind != .verdict || part.verdict == .undetermined)
  }
}

/// What decides, as both sides name it.
enum DeciderName: Hashable {
  case rule(RuleName)
  case policy(RuleAlignment.ChainName)
  case nothing
  case outside(OutsideReason)
}

/// What becomes of packets, as far as it can be held against the other side.
struct Fate: Hashable {
  /// An address with its port.
  struct Place: Hashable {
    var address: ValueSet
    /// The port; nil where it stays.
    var port: ValueSet?
  }

  var verdict: Case.Verdict
  var fate: Case.Fate
  var rejectWith: String?
  /// What their destination and their source became; nil where it stays.
  var destination: Place?
  var source: Place?
  /// The interface that they leave through, where it is one.
  var output: UInt128?

  init(_ part: Case, _ verdict: Case.Verdict) {
    self.verdict = verdict
    fate = part.fate
    rejectWith = part.rejectWith
    // Nobody sees the addresses of a packet that is gone.
    guard verdict == .accept else { return }
    for translation in part.translations {
      let place = Place(
        address: translation.to.address,
        port: translation.to.port == translation.from.port ? nil : translation.to.port)
      if translation.ofSource { source = place } else { destination = place }
    }
    output = part.output?.single
  }

  /// The fate as far as a change of a kind is about it.
  func limited(to kind: Change.Kind) -> Fate {
    guard kind == .verdict else { return self }
    var limited = self
    limited.fate = .discarded
    (limited.destination, limited.source, limited.output) = (nil, nil, nil)
    return limited
  }

  /// How another fate differs; nil where it is the same.
  func difference(from other: Fate) -> Change.Kind? {
    if verdict != other.verdict { return .verdict }
    if destination != other.destination || source != other.source { return .translation }
    if fate != other.fate || rejectWith != other.rejectWith { return .fate }
    if let output, let its = other.output, output != its { return .fate }
    return nil
  }
}
