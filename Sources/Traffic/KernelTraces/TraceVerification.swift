package import FlowTrace
package import HostModel
package import RuleGraph
package import RuleParser

/// The kernel's trace of a packet held against the model's.
package struct VerifiedTrace: Sendable {
  /// What came of it.
  package enum Finding: Sendable {
    /// Every step that the kernel tells is a step of the model, in the same order.
    case agrees
    /// The first step that is not.
    case differs(TraceDifference)
    /// Nothing was compared.
    case notCompared(Reason)
  }

  /// Why a packet was not compared.
  package enum Reason: Hashable, Sendable {
    /// It comes back in on loopback: the model follows it with the packet that was sent.
    case loopback
    /// It belongs to a connection whose first packet the trace does not hold.
    case withoutFirstPacket
    /// It is an ICMP error about another packet.
    case icmpError
    /// The dump has none of the tables that the trace names.
    case unknownTables
  }

  /// What the kernel says.
  package var trace: KernelTrace
  /// What the model says; nil where it was not asked.
  package var model: Case?
  /// How many steps are the same.
  package var agreed = 0
  /// What came of it.
  package var finding: Finding
}

/// The first difference between what the kernel did with a packet and what the model does.
package struct TraceDifference: Sendable {
  /// What differs.
  package enum Kind: Hashable, Sendable {
    /// The dump has no such chain.
    case noChain
    /// The chain in the dump has no such rule.
    case noRule
    /// The rule is there, and the model does not come to it, or does something else.
    case otherWay
    /// The model does something that the kernel did not.
    case notDone
  }

  /// What differs.
  package var kind: Kind
  /// The kernel's step; nil where the model goes on and the kernel does not.
  package var kernel: KernelTrace.Step?
  /// The model's step at this place; nil where it has ended.
  package var model: Step?
}

/// Holds kernel traces against the model of a host.
package struct TraceVerification: Sendable {
  /// The packets in their order.
  package private(set) var results: [VerifiedTrace] = []
  /// Tables that traces name and the dump does not have, as `inet trace`: what tracing itself put there, or what was
  /// not dumped.
  package private(set) var unknownTables: [String] = []

  private let ruleset: Ruleset
  private let tracer: Tracer
  /// The first packets of connections by the addresses and ports that their packets had.
  private var connections: [Tuple: FlowRecord] = [:]

  private struct Tuple: Hashable {
    var transport: UInt8
    var source: UInt128
    var sourcePort: UInt16
    var destination: UInt128
    var destinationPort: UInt16

    init(_ packet: FlowRecord) {
      transport = packet.transport
      (source, sourcePort) = (packet.source, packet.sourcePort)
      (destination, destinationPort) = (packet.destination, packet.destinationPort)
    }

    /// The same whatever the source's address: masquerading changes that after the last chain that a trace shows, and
    /// mostly keeps the port.
    var fromAnyone: Tuple {
      var other = self
      other.source = 0
      return other
    }

    var reversed: Tuple {
      var other = self
      (other.source, other.sourcePort) = (destination, destinationPort)
      (other.destination, other.destinationPort) = (source, sourcePort)
      return other
    }
  }

  /// Holds traces against a host.
  package init(_ traces: [KernelTrace], _ ruleset: Ruleset, facts: HostFacts) {
    self.ruleset = ruleset
    tracer = Tracer(ruleset, facts: facts)
    for trace in traces {
      for step in trace.steps where table(of: step).isEmpty {
        let name = [step.family, step.table].compactMap(\.self).joined(separator: " ")
        if !unknownTables.contains(name) { unknownTables.append(name) }
      }
      results.append(verified(trace))
    }
  }

  /// How many packets agree, differ, and could not be compared.
  package var counts: (agree: Int, differ: Int, others: Int) {
    results.reduce(into: (agree: 0, differ: 0, others: 0)) { counts, result in
      switch result.finding {
      case .agrees: counts.agree += 1
      case .differs: counts.differ += 1
      case .notCompared: counts.others += 1
      }
    }
  }

  private mutating func verified(_ trace: KernelTrace) -> VerifiedTrace {
    func notCompared(_ reason: VerifiedTrace.Reason) -> VerifiedTrace {
      VerifiedTrace(trace: trace, finding: .notCompared(reason))
    }
    let packet = trace.packet
    let lo = InterfaceName("lo")?.value
    if !packet.isSentByHost, packet.input == lo { return notCompared(.loopback) }
    if packet.transport == 1, let type = packet.icmpType, [3, 4, 5, 11, 12].contains(type) {
      return notCompared(.icmpError)
    }
    guard let query = query(trace) else { return notCompared(.withoutFirstPacket) }
    guard trace.steps.contains(where: { !table(of: $0).isEmpty }) else { return notCompared(.unknownTables) }
    var options = Tracer.Options()
    options.findsNearMisses = false
    var best: VerifiedTrace?
    for part in tracer.trace(query, options: options).cases {
      let one = compared(trace, part)
      if case .agrees = one.finding { return one }
      if best.map({ $0.agreed < one.agreed }) ?? true { best = one }
    }
    return best ?? notCompared(.unknownTables)
  }

  // MARK: - The packet

  /// What the packet is asked about as; nil where it belongs to a connection that is not known.
  private mutating func query(_ trace: KernelTrace) -> Query? {
    let packet = trace.packet
    let tuple = Tuple(packet)
    let isAnswered = connections[tuple.reversed] ?? connections[tuple.reversed.fromAnyone]
    // SYN, and neither RST nor ACK.
    let isFirst = packet.transport != 6 || packet.tcpFlags.map { $0 & 0x16 == 2 } ?? true
    if isFirst, isAnswered == nil, connections[tuple] == nil {
      for tuple in trace.tuples.map({ Tuple($0) }) {
        for one in [tuple, tuple.fromAnyone] where connections[one] == nil { connections[one] = packet }
      }
      return query(packet, .first)
    }
    if let first = isAnswered { return query(first, .reply) }
    // A SYN that is sent again is as the first one to rules, unless that one was accepted: nobody tells.
    if isFirst { return query(packet, .first) }
    return connections[tuple] == nil ? nil : query(packet, .established)
  }

  private func query(_ packet: FlowRecord, _ phase: Query.Phase) -> Query {
    var query = Query(ValueSet(packet.transport), from: ValueSet(packet.source), to: ValueSet(packet.destination))
    query.family = packet.isIPv4 ? .ipv4 : .ipv6
    query.phase = phase
    if packet.hasPorts {
      query.sourcePort = ValueSet(packet.sourcePort)
      query.destinationPort = ValueSet(packet.destinationPort)
    }
    if packet.isSentByHost {
      query.origin = .host
    } else {
      query.origin = .wire
      query.input = ValueSet(packet.input)
    }
    if let flags = packet.tcpFlags { query.fields[.header(HeaderField(.tcp, .flags))] = ValueSet(flags) }
    if let type = packet.icmpType {
      query.fields[.header(HeaderField(packet.transport == 58 ? .icmpv6 : .icmp, .type))] = ValueSet(type)
    }
    return query
  }

  // MARK: - The steps

  private func compared(_ trace: KernelTrace, _ part: Case) -> VerifiedTrace {
    var result = VerifiedTrace(trace: trace, model: part, finding: .agrees)
    let model = part.path.filter(\.matched)
    let traced = Set(trace.steps.flatMap(table(of:)))
    var at = 0
    for step in trace.steps {
      let tables = table(of: step)
      if tables.isEmpty { continue }
      func differs(_ kind: TraceDifference.Kind) -> VerifiedTrace {
        let next = model[min(at, model.count)...].first { isDecisive($0, traced) }
        result.finding = .differs(TraceDifference(kind: kind, kernel: step, model: next))
        return result
      }
      let chains = tables.flatMap { table in
        ruleset.tables[table].chains.indices.filter { ruleset.tables[table].chains[$0].name == step.chain }.map {
          ChainID(table: table, chain: $0)
        }
      }
      guard !chains.isEmpty else {
        // A base chain that only says what everything says by default may not have been dumped.
        if step.event == .policy, step.verdict != "drop" { continue }
        return differs(.noChain)
      }
      guard let rules = rules(step, chains) else { return differs(.noRule) }
      let found = model[min(at, model.count)...].firstIndex { isSame(step, chains, rules, $0) }
      guard let found else {
        if isIncidental(step) { continue }
        return differs(.otherWay)
      }
      // Tracing may begin in the middle of a packet's way.
      if result.agreed > 0, let skipped = model[at..<found].first(where: { isDecisive($0, traced) }) {
        result.finding = .differs(TraceDifference(kind: .notDone, kernel: step, model: skipped))
        return result
      }
      result.agreed += 1
      at = found + 1
    }
    if let left = model[min(at, model.count)...].first(where: { isDecisive($0, traced) && $0.action.isStop }) {
      result.finding = .differs(TraceDifference(kind: .notDone, kernel: nil, model: left))
    }
    return result
  }

  /// The tables of the dump that a step may be of.
  private func table(of step: KernelTrace.Step) -> [Int] {
    ruleset.tables.indices.filter { index in
      let table = ruleset.tables[index]
      return table.name == step.table && (step.family.map { $0 == table.family.rawValue } ?? true)
    }
  }

  /// The rules that a step of the kernel may be of: all of the chain where nothing tells which; nil where the chain has
  /// no such rule.
  private func rules(_ step: KernelTrace.Step, _ chains: [ChainID]) -> Set<RuleID>? {
    var fitting: Set<RuleID> = []
    for id in chains {
      let chain = ruleset[id]
      let all = chain.rules.indices.map { RuleID(table: id.table, chain: id.chain, rule: $0) }
      fitting.formUnion(all)
      guard step.event == .rule, chain.shown == .whole, !chain.rules.contains(where: { $0.missing != nil }) else {
        continue
      }
      var told: [RuleID]?
      if let handle = step.handle, chain.rules.contains(where: { $0.handle != nil }) {
        told = all.filter { ruleset[$0].handle == handle }
      } else if let number = step.number {
        told = all.filter { $0.rule + 1 == number }
      } else if !step.text.isEmpty {
        told = all.filter { isSame(step.text, ruleset.sources.text(of: ruleset[$0].span)) }
        // A rule is written in many ways: another text alone is no other rule.
        if told?.isEmpty ?? true, !isSaved(step.text, all) { told = nil }
      }
      guard let told else { continue }
      if told.isEmpty, chains.count == 1 { return nil }
      fitting.subtract(all)
      fitting.formUnion(told)
    }
    return fitting
  }

  /// Whether a step and the rules of its chain are both written as iptables-save does, so that their texts can be
  /// compared.
  private func isSaved(_ text: String, _ rules: [RuleID]) -> Bool {
    text.contains(" -A ") && rules.allSatisfy { ruleset.sources.text(of: ruleset[$0].span).hasPrefix("-A ") }
  }

  /// Whether two texts are of one rule, counters and comments of the tool aside.
  private func isSame(_ traced: String, _ dumped: String) -> Bool {
    func words(_ text: String) -> [Substring] {
      var words = text.split(separator: " ")
      if let start = words.firstIndex(of: "-A") { words = Array(words[start...]) }
      if let handle = words.lastIndex(of: "#"), handle + 1 < words.count, words[handle + 1] == "handle" {
        words = Array(words[..<handle])
      }
      while let counter = words.firstIndex(of: "packets"), counter + 3 < words.count, words[counter + 2] == "bytes" {
        words.removeSubrange(counter...counter + 3)
      }
      return words
    }
    return words(traced) == words(dumped)
  }

  private func isSame(_ step: KernelTrace.Step, _ chains: [ChainID], _ rules: Set<RuleID>, _ model: Step) -> Bool {
    switch (step.event, model.event) {
    case (.policy, .policy(let chain)):
      return chains.contains(chain) && (step.verdict.isEmpty || step.verdict == model.action.rawValue)
    case (.end, .endOfChain(let chain)): return chains.contains(chain)
    case (.end, .rule(let rule)): return chains.contains(rule.chainID) && model.action == .return
    case (.rule, .rule(let rule)):
      guard rules.contains(rule) else { return false }
      if let target = step.target, case .chain(let name)? = model.target { return name == target }
      return isSame(step.verdict, model.action)
    default: return false
    }
  }

  /// Whether a verdict of the kernel is what the model does: a translation accepts, and a reject drops.
  private func isSame(_ verdict: String, _ action: Step.Action) -> Bool {
    switch verdict {
    case "": true
    case "accept": action == .accept || action.isTranslation
    case "drop": action == .drop || action == .reject
    case "continue": !action.isFinal && action != .jump && action != .goto && action != .return
    default: verdict == action.rawValue
    }
  }

  /// Whether the model may say nothing of a step: what lets a packet pass, as everything does that is not there.
  private func isIncidental(_ step: KernelTrace.Step) -> Bool {
    switch step.event {
    case .end: true
    case .policy: step.verdict != "drop"
    case .rule: step.verdict == "continue"
    }
  }

  /// Whether a step of the model is one that the kernel tells of where it does it.
  private func isDecisive(_ step: Step, _ traced: Set<Int>) -> Bool {
    switch step.event {
    case .rule(let id):
      traced.contains(id.table)
        && (step.action.isFinal || step.action.isTranslation || step.action == .jump || step.action == .goto)
    case .policy(let id): traced.contains(id.table) && step.action == .drop
    case .endOfChain, .routing, .conntrack, .bridge, .remark: false
    }
  }
}

extension Step.Action {
  /// Whether the packet goes no further.
  fileprivate var isStop: Bool { self == .drop || self == .reject }
}
