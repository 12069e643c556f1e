import FlowTrace
import HostModel
import KernelLab
import RuleGraph

/// What came of setting fwtrace's answer beside the kernel's.
enum ComparisonResult {
  /// They say the same.
  case agreed
  /// fwtrace says that the dumps do not tell, and of what.
  case undetermined(String)
  /// They differ, and in what.
  case disagreed(String)
}

/// Sets the cases of a trace of one fully given packet beside what the kernel did with that packet.
struct Comparison {
  let ruleset: Ruleset
  let probe: Probe
  let observation: Observation
  /// Whether the kernel's trace shows the rules (it does not for legacy iptables).
  let showsRules: Bool
  /// Whether the question left fields open: a case may then have several ways out, of which the packet takes one.
  var isOpen = false

  func result(_ trace: Trace) -> ComparisonResult {
    if trace.cases.isEmpty { return .disagreed("no case") }
    let unknown = trace.cases.filter { $0.verdict == .undetermined }
    if !unknown.isEmpty {
      return .undetermined(unknown.flatMap(\.conditions).map { "\($0)" }.first ?? "no condition named")
    }
    let differences = trace.cases.map(difference)
    if differences.contains(where: { $0 == nil }) {
      return trace.cases.count == 1 ? .agreed : .undetermined("several cases, one of them is right")
    }
    return .disagreed(differences.compactMap { $0 }.joined(separator: " / "))
  }

  /// The first thing in which a case differs from what was observed, or nil.
  func difference(_ part: Case) -> String? {
    outcomeDifference(part) ?? placeDifference(part) ?? pathDifference(part)
  }

  private func outcomeDifference(_ part: Case) -> String? {
    if part.fate.rawValue != observation.fate.rawValue {
      return
        "fate \(part.fate.rawValue) (\(part.verdict.rawValue), \(part.decidedBy)), kernel \(observation.fate.rawValue)"
    }
    guard observation.fate == .discarded else {
      return part.verdict == .accept ? nil : "verdict \(part.verdict.rawValue), kernel accept"
    }
    var isOutside = false
    if case .outside = part.decidedBy { isOutside = true }
    if let byRules = observation.droppedByRules, byRules == isOutside {
      return "decided by \(part.decidedBy), kernel by \(byRules ? "a rule" : "something else")"
    }
    if part.verdict == .reject {
      return part.rejectWith == observation.answer
        ? nil : "reject with \(part.rejectWith ?? "nothing"), kernel \(observation.answer ?? "nothing")"
    }
    if !isOutside, let answer = observation.answer { return "drop, kernel rejects with \(answer)" }
    return nil
  }

  private func placeDifference(_ part: Case) -> String? {
    guard observation.fate != .discarded else { return nil }
    if let out = observation.out.flatMap({ InterfaceName($0)?.value }),
      isOpen ? part.output?.contains(out) != true : part.output?.single != out
    {
      return "out of \(part.output.map { "\($0)" } ?? "nothing"), kernel \(observation.out ?? "")"
    }
    guard let packet = observation.packet else { return nil }
    if !part.packet.source.contains(packet.source.bits) { return "source differs, kernel \(packet)" }
    if !part.packet.destination.contains(packet.destination.bits) { return "destination differs, kernel \(packet)" }
    guard probe.proto == 6 || probe.proto == 17 else { return nil }
    if part.packet.sourcePort?.contains(UInt128(packet.sourcePort)) != true {
      return "source port differs, kernel \(packet)"
    }
    if part.packet.destinationPort?.contains(UInt128(packet.destinationPort)) != true {
      return "destination port differs, kernel \(packet)"
    }
    return nil
  }

  /// The rules that matched, in order, are the kernel's. A rule that changes nothing makes no case, so it may be missing
  /// from the path of a question that leaves open whether it matches; where the path does show it, the kernel has
  /// matched it too. Of the rules that share a case the path shows the first; the kernel matched any of them.
  private func pathDifference(_ part: Case) -> String? {
    guard showsRules else { return nil }
    var idle: Set<String> = []
    for table in ruleset.tables {
      for chain in table.chains {
        for (index, rule) in chain.rules.enumerated() where !rule.statements.contains(where: \.changesSomething) {
          idle.insert("\(table.family.rawValue) \(table.name) \(chain.name) \(index + 1)")
        }
      }
    }
    let seen = observation.path.filter { $0.index > 0 }.map { "\($0.family) \($0.table) \($0.chain) \($0.index)" }
    func place(_ id: RuleID) -> String {
      let table = ruleset.tables[id.table]
      return "\(table.family.rawValue) \(table.name) \(table.chains[id.chain].name) \(id.rule + 1)"
    }
    let told = part.path.compactMap { step -> String? in
      guard step.matched, case .rule(let id) = step.event else { return nil }
      return place(id)
    }
    let sharing = Set(part.rules.map(place))
    var rest = told[...]
    for rule in seen {
      if rest.first == rule || rest.first.map(sharing.contains) == true && sharing.contains(rule) {
        rest.removeFirst()
      } else if !idle.contains(rule) {
        return "path \(told), kernel \(seen)"
      }
    }
    return rest.isEmpty ? nil : "path \(told), kernel \(seen)"
  }
}

extension Probe {
  /// The question that stands for this packet, all fields given, in the words of a batch line.
  func query(_ topology: Topology, facts: HostFacts) throws -> Query {
    var builder = QueryBuilder(facts: facts)
    if let from {
      let interface = topology.interface(ofEndpoint: from)
      try builder.set(.input, interface)
      if interface != from { try builder.set(.physin, from) }
    } else {
      builder.setSentByHost()
      try builder.set(.uid, "0")
    }
    try builder.set(.proto, "\(proto)")
    try builder.set(.src, "\(source)")
    try builder.set(.dst, "\(destination)")
    if proto == 6 || proto == 17 {
      try builder.set(.sport, "\(sourcePort)")
      try builder.set(.dport, "\(destinationPort)")
    }
    switch moment {
    case .first: break
    case .established: try builder.set(.state, "established")
    case .reply: try builder.set(.reply, "true")
    }
    // The question about an answer describes the packet that it answers.
    if proto == 6, moment != .reply {
      try builder.set(.tcpFlags, "\(moment == .established && flags & 2 != 0 ? 16 : flags)")
    }
    try builder.set(.ttl, "\(hopLimit)")
    try builder.set(.length, "\(length)")
    try builder.set(.mark, "\(mark)")
    try builder.set(.dscp, "\(dscp)")
    if proto == 1 || proto == 58 {
      try builder.set(.icmpType, "\(icmpType)")
      try builder.set(.icmpCode, "\(icmpCode)")
    }
    return try builder.query()
  }
}
