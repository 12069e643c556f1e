import FlowTrace
import RuleGraph

/// A rule that ends the way of all packets in a box, so that none of them meets what comes behind it.
struct Taker {
  var rule: RuleID
  var box: PacketSearch.Box
}

/// What rules take, in order.
struct TakerList {
  private(set) var list = BoxList()
  private var owners: [RuleID] = []

  var count: Int { owners.count }

  mutating func append(_ taker: Taker) {
    list.append(taker.box)
    owners.append(taker.rule)
  }

  /// Those among the first `count` that take some of a part.
  func overlapping(_ part: [ValueSet], first count: Int) -> [Taker] {
    list.overlapping(part, first: count).map { Taker(rule: owners[$0], box: list.boxes[$0]) }
  }
}

/// What can get to each rule of a table: more packets at most than really do, so that a rule that gets none here never
/// matches.
///
/// Every packet at a hook may meet its base chains. From there jumps lead on what they match, less what rules before
/// them took for certain. A chain's rules are boxes (``RulePattern``), and whether one of them is covered by those
/// before it is decided among the few that overlap it (`PacketSearch`).
struct TableReach {
  /// What gets to a rule.
  enum Reach {
    /// Some packets.
    case some
    /// None: it contradicts itself.
    case contradiction
    /// None: nothing leads to its chain.
    case nothingLeads
    /// None: the rules that lead to its chain are never matched themselves.
    case behindUnreached
    /// None: what leads to its chain, or the hook, has no packets that it asks for.
    case othersArrive(led: [RuleID])
    /// None: other rules take all of them before.
    case covered(by: [RuleID])
    /// It was not found out.
    case undecided
  }

  /// Packets that come to a chain: those of a part but for what rules took before.
  struct Arrival {
    var part: [ValueSet]
    /// The chains on the way, and how many of what was taken in each was taken before the way led on.
    var passed: [(chain: Int, count: Int)]
    /// The rule that leads there; nil for a base chain.
    var led: RuleID?
  }

  let audited: AuditedTable
  private(set) var space = PacketSpace()
  /// What each rule asks for, by chain.
  private(set) var patterns: [[RulePattern]]
  /// The same as boxes; nil where no packet can match.
  private(set) var boxes: [[PacketSearch.Box?]]
  /// Of rules with a verdict map what they ask for and do for each element of it.
  private var branches: [RuleID: [(pattern: RulePattern, box: PacketSearch.Box)]] = [:]
  /// What gets to each rule, by chain.
  private(set) var reach: [[Reach]]
  /// What comes to each chain.
  private(set) var arrivals: [[Arrival]]
  /// The rules that lead to a chain.
  private(set) var callers: [[RuleID]]
  /// The base chains that lead to each chain.
  private var basesOf: [[Int]] = []
  /// What was taken in each chain, in order.
  private var taken: [TakerList]
  /// How many of these were taken before each rule, by chain.
  private var takenBefore: [[Int]]
  /// What rules of a chain and of those that it leads to take out of the base chain, as far as it is certain.
  private var summaries: [[Taker]]

  /// More ways to a chain are one that holds them all.
  private static let arrivalLimit = 24
  /// More of what a chain takes is forgotten.
  private static let summaryLimit = 16384

  init(_ audited: AuditedTable) {
    self.audited = audited
    let chains = audited.table.chains
    patterns = chains.map { chain in chain.rules.map { RulePattern($0, in: audited) } }
    boxes = []
    reach = chains.map { Array(repeating: .nothingLeads, count: $0.rules.count) }
    arrivals = Array(repeating: [], count: chains.count)
    callers = Array(repeating: [], count: chains.count)
    taken = Array(repeating: TakerList(), count: chains.count)
    takenBefore = chains.map { Array(repeating: 0, count: $0.rules.count) }
    summaries = Array(repeating: [], count: chains.count)
    boxes = patterns.map { patterns in patterns.map { box(of: $0) } }
    for (chain, patterns) in patterns.enumerated() {
      for (rule, pattern) in patterns.enumerated() where !pattern.branches.isEmpty {
        branches[RuleID(table: audited.index, chain: chain, rule: rule)] = pattern.branches.compactMap { branch in
          box(of: branch).map { (branch, $0) }
        }
      }
    }
    let order = chainsInOrder()
    findBases()
    for chain in order.reversed() { summaries[chain] = summary(of: chain) }
    for chain in chains.indices {
      if let arrival = arrival(atBase: chain) {
        arrivals[chain] = [arrival]
      } else if !audited.knowsJumps {
        // What was not shown may lead any packet there.
        arrivals[chain] = [Arrival(part: space.domains, passed: [], led: nil)]
      }
    }
    for chain in order { walk(chain) }
    // What calls itself in a circle is not loaded by any kernel; such chains of a damaged dump are not judged.
    let judged = Set(order)
    for chain in chains.indices where !judged.contains(chain) {
      reach[chain] = Array(repeating: .undecided, count: chains[chain].rules.count)
    }
  }

  private mutating func box(of pattern: RulePattern) -> PacketSearch.Box? {
    if pattern.isContradiction { return nil }
    return pattern.values.map { (space.variable($0.key), $0.value) }.sorted { $0.variable < $1.variable }
  }

  /// What a rule asks for and does: one thing, or several by a verdict map.
  private func ways(of id: RuleID, _ box: PacketSearch.Box) -> [(pattern: RulePattern, box: PacketSearch.Box)] {
    branches[id] ?? [(patterns[id.chain][id.rule], box)]
  }

  // MARK: Chains

  func targets(_ pattern: RulePattern) -> [Int] {
    guard case .leads(let names, _) = pattern.end else { return [] }
    return names.compactMap { audited.chain(named: $0) }
  }

  /// The base chains from which rules lead to a chain, itself included.
  func bases(of chain: Int) -> [Int] { basesOf[chain] }

  /// Follows each base chain to the chains that it leads to.
  private mutating func findBases() {
    basesOf = Array(repeating: [], count: patterns.count)
    let targetsOf = patterns.map { patterns in patterns.flatMap { targets($0) } }
    for base in audited.table.chains.indices where audited.table.chains[base].base != nil {
      var seen: Set<Int> = [base]
      var open = [base]
      while let current = open.popLast() {
        basesOf[current].append(base)
        for target in targetsOf[current] where seen.insert(target).inserted { open.append(target) }
      }
    }
  }

  /// The chains, each behind all that lead to it; without those that lead to themselves, and what is behind them.
  private mutating func chainsInOrder() -> [Int] {
    let count = patterns.count
    var targetsOf: [[Int]] = []
    for (chain, patterns) in patterns.enumerated() {
      var all: [Int] = []
      for (rule, pattern) in patterns.enumerated() {
        for target in targets(pattern) {
          callers[target].append(RuleID(table: audited.index, chain: chain, rule: rule))
          all.append(target)
        }
      }
      targetsOf.append(all)
    }
    var open = targetsOf.reduce(into: Array(repeating: 0, count: count)) { open, targets in
      for target in targets { open[target] += 1 }
    }
    var order = (0..<count).filter { open[$0] == 0 }
    var next = 0
    while next < order.count {
      for target in targetsOf[order[next]] {
        open[target] -= 1
        if open[target] == 0 { order.append(target) }
      }
      next += 1
    }
    return order
  }

  /// Every packet that may come to a base chain.
  private func arrival(atBase chain: Int) -> Arrival? {
    guard let base = audited.table.chains[chain].base else { return nil }
    var part = space.domains
    func limit(_ dimension: PacketSpace.Dimension, to values: ValueSet) {
      if let number = space[dimension] { part[number] = part[number].intersection(values) }
    }
    if !audited.families.isEmpty { limit(.family, to: audited.families) }
    if base.type == .nat { limit(.state, to: PacketSpace.statesInNat) }
    switch base.hook {
    case .prerouting, .input: limit(.field(.meta(.oifname)), to: ValueSet(0))
    case .output: limit(.field(.meta(.iifname)), to: ValueSet(0))
    case .forward, .postrouting, .ingress, .egress: break
    }
    return Arrival(part: part, passed: [], led: nil)
  }

  // MARK: What is taken

  /// What leaves the base chain in a chain or in those that it leads to.
  private func summary(of chain: Int) -> [Taker] {
    var taken: [Taker] = []
    // What may go back to where the chain was called: of that nothing is taken by what comes behind.
    var returned = BoxList()
    for rule in patterns[chain].indices {
      guard let box = boxes[chain][rule] else { continue }
      let id = RuleID(table: audited.index, chain: chain, rule: rule)
      for (pattern, box) in ways(of: id, box) {
        switch pattern.end {
        case .decides, .translates:
          if pattern.isExact { taken += pieces(of: box, outside: returned).map { Taker(rule: id, box: $0) } }
        case .leads(_, let isGoto):
          if pattern.isExact, let target = targets(pattern).first {
            for taker in summaries[target] {
              guard let both = intersection(taker.box, box) else { continue }
              taken += pieces(of: both, outside: returned).map { Taker(rule: taker.rule, box: $0) }
            }
          }
          if isGoto || !pattern.isExact { returned.append(box) }
        case .returns, .unknown: returned.append(box)
        case .goesOn: break
        }
      }
      if taken.count > Self.summaryLimit { return taken }
    }
    return taken
  }

  /// A box without others, in pieces; none where they would be many.
  private func pieces(of box: PacketSearch.Box, outside list: BoxList) -> [PacketSearch.Box] {
    if list.boxes.contains(where: \.isEmpty) { return [] }
    guard let part = limited(space.domains, to: box) else { return [] }
    let others = list.overlapping(part, first: list.count)
    if others.isEmpty { return [box] }
    if others.count > 4 { return [] }
    var pieces: [[ValueSet]] = [part]
    for other in others {
      pieces = pieces.flatMap { piece in Self.difference(piece, list.boxes[other]) }
      if pieces.count > 8 { return [] }
    }
    return pieces.map { piece in
      piece.indices.filter { piece[$0] != space.domains[$0] }.map { (VariableID($0), piece[$0]) }
    }
  }

  private static func difference(_ part: [ValueSet], _ box: PacketSearch.Box) -> [[ValueSet]] {
    if box.contains(where: { part[$0.variable].isDisjoint(with: $0.values) }) { return [part] }
    var pieces: [[ValueSet]] = []
    var rest = part
    for (variable, values) in box {
      let outside = rest[variable].subtracting(values)
      if outside.isEmpty { continue }
      var piece = rest
      piece[variable] = outside
      pieces.append(piece)
      rest[variable] = rest[variable].intersection(values)
    }
    return pieces
  }

  func intersection(_ a: PacketSearch.Box, _ b: PacketSearch.Box) -> PacketSearch.Box? {
    var both = a
    for (variable, values) in b {
      if let index = both.firstIndex(where: { $0.variable == variable }) {
        both[index].values = both[index].values.intersection(values)
        if both[index].values.isEmpty { return nil }
      } else {
        both.append((variable, values))
      }
    }
    return both
  }

  func limited(_ part: [ValueSet], to box: PacketSearch.Box) -> [ValueSet]? {
    var part = part
    for (variable, values) in box {
      part[variable] = part[variable].intersection(values)
      if part[variable].isEmpty { return nil }
    }
    return part
  }

  // MARK: Walking

  private mutating func walk(_ chain: Int) {
    if arrivals[chain].isEmpty {
      if !callers[chain].isEmpty {
        reach[chain] = Array(repeating: .behindUnreached, count: reach[chain].count)
      }
      return
    }
    for rule in patterns[chain].indices {
      let id = RuleID(table: audited.index, chain: chain, rule: rule)
      takenBefore[chain][rule] = taken[chain].count
      guard let box = boxes[chain][rule] else {
        reach[chain][rule] = .contradiction
        continue
      }
      let result = reach(of: id, box)
      reach[chain][rule] = result
      let isReached: Bool
      switch result {
      case .some, .undecided: isReached = true
      case .contradiction, .nothingLeads, .behindUnreached, .othersArrive, .covered: isReached = false
      }
      // What gets no packets takes none; those before it take its own.
      for (pattern, box) in isReached ? ways(of: id, box) : [] {
        for target in targets(pattern) { lead(to: target, by: id, box) }
        if pattern.isExact { take(box, by: id, pattern) }
      }
    }
  }

  /// Notes what a rule takes of the packets that it matches.
  private mutating func take(_ box: PacketSearch.Box, by id: RuleID, _ pattern: RulePattern) {
    switch pattern.end {
    case .decides, .translates, .returns, .leads(_, isGoto: true):
      taken[id.chain].append(Taker(rule: id, box: box))
    case .leads(_, isGoto: false):
      guard let target = targets(pattern).first else { return }
      for taker in summaries[target] {
        if let both = intersection(taker.box, box) { taken[id.chain].append(Taker(rule: taker.rule, box: both)) }
      }
    case .goesOn, .unknown: return
    }
  }

  /// Takes what a rule matches to another chain.
  private mutating func lead(to target: Int, by id: RuleID, _ box: PacketSearch.Box) {
    for arrival in arrivals[id.chain] {
      guard let part = limited(arrival.part, to: box) else { continue }
      arrivals[target].append(Arrival(part: part, passed: passed(arrival, before: id), led: id))
    }
    guard arrivals[target].count > Self.arrivalLimit else { return }
    var hull = arrivals[target][0]
    hull.passed = []
    for arrival in arrivals[target].dropFirst() {
      for variable in hull.part.indices where hull.part[variable] != arrival.part[variable] {
        hull.part[variable] = hull.part[variable].union(arrival.part[variable])
      }
    }
    arrivals[target] = [hull]
  }

  /// The chains in which packets of an arrival may have been taken before they come to a rule.
  private func passed(_ arrival: Arrival, before id: RuleID) -> [(chain: Int, count: Int)] {
    let count = takenBefore[id.chain][id.rule]
    return count == 0 ? arrival.passed : arrival.passed + [(id.chain, count)]
  }

  /// What was taken of a part of an arrival before a rule.
  func takers(of part: [ValueSet], _ arrival: Arrival, before id: RuleID) -> [Taker] {
    passed(arrival, before: id).flatMap { taken[$0.chain].overlapping(part, first: $0.count) }
  }

  /// Some of the packets that get to a rule; nil where there are none, or none were found.
  func packets(at id: RuleID) -> [ValueSet]? {
    guard case .some = reach[id.chain][id.rule], let box = boxes[id.chain][id.rule] else { return nil }
    for arrival in arrivals[id.chain] {
      guard let part = limited(arrival.part, to: box) else { continue }
      var search = PacketSearch()
      if let found = search.find(in: part, outside: takers(of: part, arrival, before: id).map(\.box)) { return found }
    }
    return nil
  }

  func meets(_ box: PacketSearch.Box, _ part: [ValueSet]) -> Bool {
    box.allSatisfy { !part[$0.variable].isDisjoint(with: $0.values) }
  }

  /// Whether some packets of a part of an arrival get to a rule.
  func occupancy(of part: [ValueSet], _ arrival: Arrival, before id: RuleID) -> Occupancy {
    var search = PacketSearch()
    // What the tries leave of the part holds a packet if the part does.
    var rest = part
    let lists = passed(arrival, before: id).map { (taken[$0.chain].list, $0.count) }
    let told = search.probe(&rest, outside: lists)
    if told != .undecided { return told }
    let boxes = lists.flatMap { list, count in list.overlapping(rest, first: count).map { list.boxes[$0] } }
    if search.find(in: rest, outside: boxes) != nil { return .inhabited }
    return search.isExhausted ? .undecided : .empty
  }

  private func reach(of id: RuleID, _ box: PacketSearch.Box) -> Reach {
    var covers: [RuleID] = []
    var isAny = false
    for arrival in arrivals[id.chain] {
      guard let part = limited(arrival.part, to: box) else { continue }
      isAny = true
      switch occupancy(of: part, arrival, before: id) {
      case .inhabited: return .some
      case .undecided: return .undecided
      case .empty: break
      }
      let cover = CoverSearch(part, takers(of: part, arrival, before: id))
      for rule in cover.fewest(preferring: { differs(from: id, $0) }) where !covers.contains(rule) {
        covers.append(rule)
      }
    }
    if !isAny {
      let led = arrivals[id.chain].compactMap(\.led)
      return .othersArrive(led: led.reduce(into: []) { if !$0.contains($1) { $0.append($1) } })
    }
    return .covered(by: covers.sorted())
  }

  /// Whether two rules do different things to a packet.
  func differs(from id: RuleID, _ other: RuleID) -> Bool {
    let mine = patterns[id.chain][id.rule].end
    let ends = (branches[other] ?? []).filter { branch in
      boxes[id.chain][id.rule].map { intersection($0, branch.box) != nil } ?? false
    }.map(\.pattern.end)
    return (ends.isEmpty ? [patterns[other.chain][other.rule].end] : ends).contains { its in
      switch (mine, its) {
      // Dropped or rejected, a packet is stopped.
      case (.decides(let mine), .decides(let its)): mine.passes != its.passes
      default: mine != its
      }
    }
  }
}
