import FlowTrace
public import HostModel
public import RuleGraph

extension Difference {
  /// Finds what changed between two rulesets of a host.
  ///
  /// - Parameters:
  ///   - old: The ruleset before, with what is known of its host.
  ///   - new: The same after.
  public init(of old: (ruleset: Ruleset, facts: HostFacts), and new: (ruleset: Ruleset, facts: HostFacts)) {
    self.init(of: old, and: new, asksAboutEveryone: false)
  }

  /// - Parameter asksAboutEveryone: Whether packets are asked about although the rules prove that nothing changed for
  ///   them.
  package init(
    of old: (ruleset: Ruleset, facts: HostFacts), and new: (ruleset: Ruleset, facts: HostFacts),
    asksAboutEveryone: Bool
  ) {
    var search = DifferenceSearch(ComparedHosts(old: old, new: new), asksAboutEveryone: asksAboutEveryone)
    self = search.difference()
  }
}

/// Asks both tracers the same open questions and holds their cases against each other.
struct DifferenceSearch {
  private let hosts: ComparedHosts
  private let alignment: RuleAlignment
  private let suspects: SuspectSearch
  private let asksAboutEveryone: Bool
  private var conditions: ConditionTable
  private var classes: ChangeClasses
  private var gaps: [Gap]
  private var assumptions: [Assumption] = []
  private var questions = 0

  /// How many comparisons of boxes the cases of one question may take, and how many of these a pair of cases stands
  /// for.
  private static let effort = 4_000_000
  private static let effortOfPair = 16

  init(_ hosts: ComparedHosts, asksAboutEveryone: Bool) {
    self.hosts = hosts
    self.asksAboutEveryone = asksAboutEveryone
    alignment = RuleAlignment(hosts.old, hosts.new)
    suspects = SuspectSearch(hosts, alignment)
    conditions = ConditionTable(alignment)
    classes = ChangeClasses()
    gaps = hosts.gaps
  }

  mutating func difference() -> Difference {
    for family in hosts.families {
      for isSentByHost in [false, true] {
        for place in PacketPlace.allCases where !gaps.contains(.tooManyPieces(family)) {
          for query in queries(family, place, isSentByHost: isSentByHost) { ask(query, family, place) }
        }
      }
    }
    if alignment.differsForARP { gaps.append(.arp) }
    let confirmation = WitnessSearch(hosts, conditions)
    var (changes, unknown) = classes.finished(conditions, confirmation)
    changes.sort { ($0.kind.rawValue, $0.packets[0].place) < ($1.kind.rawValue, $1.packets[0].place) }
    // Of answers to packets whose own fate is unknown there is nothing more to say.
    unknown.sort { $0.packets[0].place < $1.packets[0].place }
    return Difference(
      changes: changes, unknown: unknown, gaps: gaps, assumptions: assumptions, hostTakenFor: hosts.hostTakenFor,
      questions: questions)
  }

  // MARK: Questions

  private func queries(_ family: AddressFamily, _ place: PacketPlace, isSentByHost: Bool) -> [Query] {
    let boxes: [SuspectSearch.Box]
    switch hosts.sharesHost && !asksAboutEveryone ? suspects.suspects(family, place) : .everyone {
    case .none: return []
    case .some(let some): boxes = some
    case .everyone: boxes = [SuspectSearch.Box()]
    }
    return boxes.compactMap { box in
      var query = Query()
      query.family = family
      query.origin = isSentByHost ? .host : .wire
      query.phase = place.phase
      query.transport = box.transport
      query.source = box.source?.intersection(family.ownAddresses)
      if isSentByHost {
        // A question that names a source asks about it, whether the host has it or not.
        query.source =
          query.source?.intersection(hosts.oldTracer.possibleSources(family)) ?? hosts.oldTracer.sources(family)
      }
      query.sourcePort = box.sourcePort?.intersection(.bits(16))
      query.destination = box.destination?.intersection(family.ownAddresses)
      query.destinationPort = box.destinationPort?.intersection(.bits(16))
      let icmp: Header = family == .ipv4 ? .icmp : .icmpv6
      query.fields[.header(HeaderField(icmp, .type))] = .bits(8)
      query.fields[.header(HeaderField(icmp, .code))] = .bits(8)
      if place == .midstream {
        let tcp = ValueSet(IPProtocol.tcp)
        query.transport = query.transport?.intersection(tcp) ?? tcp
        query.fields[.header(HeaderField(.tcp, .flags))] = ValueSet.bits(8).subtracting(ValueSet(2))
      }
      let given = [query.transport, query.source, query.sourcePort, query.destination, query.destinationPort]
      if given.contains(.empty) { return nil }
      return query
    }
  }

  private mutating func ask(_ query: Query, _ family: AddressFamily, _ place: PacketPlace) {
    var options = Tracer.Options()
    options.findsNearMisses = false
    options.dividesByOutput = true
    questions += 1
    let before = hosts.oldTracer.trace(query, options: options)
    let after = hosts.newTracer.trace(query, options: options)
    for assumption in before.assumptions + after.assumptions {
      var plain = assumption
      plain.evidence = nil
      if !assumptions.contains(plain) { assumptions.append(plain) }
    }
    let old = before.cases.map { compared($0, .old) }
    let new = after.cases.map { compared($0, .new) }
    var effort = RegionEffort(Self.effort)
    let place = ChangeClasses.Place(place: place, family: family, isSentByHost: query.origin == .host)
    if !compare(old, new, at: place, &effort) {
      if !gaps.contains(.tooManyPieces(family)) { gaps.append(.tooManyPieces(family)) }
    }
  }

  private mutating func compared(_ part: Case, _ side: Difference.Side) -> ComparedCase {
    let numbers = conditions.numbers(of: part, on: side)
    var when = part.when.renumbered(numbers)
    when.allowed[.sentByHost] = nil
    when.allowed[.family] = nil
    var members = part.shares.map {
      ComparedCase.Member(decider: .rule(alignment.name($0.rule, of: side)), box: $0.box)
    }
    if members.isEmpty { members = [ComparedCase.Member(decider: name(part.decidedBy, of: side), box: [:])] }
    var compared = ComparedCase(part: part, when: when, members: members)
    compared.ownConditions = Set(numbers).intersection(conditions.ownOnes)
    compared.ends = Set(
      zip(numbers, part.conditions).filter { if case .end = $1.about { true } else { false } }.map(\.0))
    compared.isOpen =
      part.verdict == .undetermined && part.conditionalVerdict == nil
      && !part.conditions.contains { $0.about == .end(.synproxy) }
    return compared
  }

  private func name(_ decider: Decider, of side: Difference.Side) -> DeciderName {
    switch decider {
    case .rule(let id): .rule(alignment.name(id, of: side))
    case .policy(let id):
      .policy(RuleAlignment.ChainName(id, in: side == .old ? hosts.old : hosts.new))
    case .nothing: .nothing
    case .outside(let reason): .outside(reason)
    }
  }

  // MARK: Pairs of cases

  /// Whether all pairs could be compared.
  private mutating func compare(
    _ old: [ComparedCase], _ new: [ComparedCase], at place: ChangeClasses.Place, _ effort: inout RegionEffort
  ) -> Bool {
    var (mine, its) = (old[...], new[...])
    var isComplete = true
    // Cases of the same packets with the same fate are most of all.
    var places: [Region: [Int]] = [:]
    for (index, one) in new.enumerated() { places[one.when, default: []].append(index) }
    var isDone = Set<Int>()
    mine =
      old.filter { one in
        let same = places[one.when]?.first { index in
          !isDone.contains(index) && isAlike(one, new[index]) && one.deciders == new[index].deciders
        }
        if let same { isDone.insert(same) }
        return same == nil
      }[...]
    its = new.enumerated().filter { !isDone.contains($0.offset) }.map(\.element)[...]
    for one in mine {
      guard effort.spend(Self.effortOfPair * its.count) else { return false }
      for other in its {
        // Answers to what no longer begins, or now begins, are told of the first packet.
        if one.part.decidedBy == .outside(.noConnection) || other.part.decidedBy == .outside(.noConnection) { continue }
        let kind = one.fate.difference(from: other.fate)
        // Rules translate the first packet of a connection; all others follow it.
        if place.place == .reply || place.place == .later, kind == .translation { continue }
        let isUnknown = one.isDoubtful(kind) || other.isDoubtful(kind)
        if kind == nil, !(one.isOpen && other.isOpen), isUnknown || one.deciders == other.deciders { continue }
        let sides = ChangeClasses.Sides(old: one, new: other)
        // Of what nobody can tell some packets are enough.
        if isUnknown, classes.hasEnough(sides, at: place) { continue }
        guard let boxes = one.when.boxes(sharedWith: other.when, effort: &effort) else {
          isComplete = false
          continue
        }
        if boxes.isEmpty { continue }
        if isUnknown {
          classes.add(boxes, at: place, sides, kind: nil, own: conditions.ownOnes)
        } else if let kind {
          classes.add(boxes, at: place, sides, kind: kind, own: conditions.ownOnes)
        } else if !addOtherRules(boxes, one, other, at: place, &effort) {
          isComplete = false
        }
      }
    }
    return isComplete
  }

  private func isAlike(_ one: ComparedCase, _ other: ComparedCase) -> Bool {
    one.fate.difference(from: other.fate) == nil && !one.isOpen && !other.isOpen
  }

  /// Adds the packets that another rule decides about; false where finding them took too much.
  private mutating func addOtherRules(
    _ boxes: [Region.Box], _ one: ComparedCase, _ other: ComparedCase, at place: ChangeClasses.Place,
    _ effort: inout RegionEffort
  ) -> Bool {
    let (mine, its) = (one.members, other.members)
    let (isMine, isIts) = (Set(one.deciders), Set(other.deciders))
    // Of two rules that both have, in one order, the same decides.
    let keepsOrder = one.deciders.filter(isIts.contains) == other.deciders.filter(isMine.contains)
    for (index, member) in mine.enumerated() {
      let isLone = !keepsOrder || !isIts.contains(member.decider)
      guard effort.spend(its.count) else { return false }
      for (number, twin) in its.enumerated() where member.decider != twin.decider {
        guard isLone || !isMine.contains(twin.decider) else { continue }
        guard let both = Region.intersection(member.box, twin.box) else { continue }
        var pieces: [Region.Box] = []
        let earlier = [mine[..<index].map(\.box)[...], its[..<number].map(\.box)[...]]
        for box in boxes {
          guard let piece = Region.intersection(box, both) else { continue }
          guard let found = Region.boxes(of: piece, outside: earlier, effort: &effort) else { return false }
          pieces += found
        }
        if pieces.isEmpty { continue }
        var sides = ChangeClasses.Sides(old: one, new: other)
        sides.old.members = [member]
        sides.new.members = [twin]
        classes.add(pieces, at: place, sides, kind: .rule, own: conditions.ownOnes)
      }
    }
    return true
  }
}

extension RuleAlignment.ChainName {
  init(_ id: ChainID, in ruleset: Ruleset) {
    guard ruleset.holds(id) else {
      self.init(family: .inet, table: "", chain: "")
      return
    }
    let table = ruleset.tables[id.table]
    let isOlderTwin =
      table.origin == .iptablesLegacy
      && ruleset.tables.contains {
        $0.family == table.family && $0.name == table.name && $0.origin != .iptablesLegacy
      }
    self.init(
      family: table.family, table: table.name, chain: table.chains[id.chain].name, isOlderTwin: isOlderTwin)
  }
}

extension PacketPlace {
  /// The phase that a question asks about.
  var phase: Query.Phase {
    switch self {
    case .first, .midstream: .first
    case .reply: .reply
    case .later: .established
    case .related: .related
    case .invalid: .invalid
    }
  }
}
