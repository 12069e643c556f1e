import FlowTrace
import HostModel
import KernelLab
import Reports
import RuleGraph
import RuleParser

/// A router with rules in the laboratory and, beside it, fwtrace with the dumps of just that router.
final class Trial {
  let lab: Lab
  /// The rules that the tools accepted.
  let ruleset: RulesetText
  let reading: HostReading
  private let tracer: Tracer

  init(_ topology: Topology, _ ruleset: RulesetText, form: Lab.DumpForm) throws {
    lab = try Lab(topology)
    self.ruleset = try lab.loadWhatIsAccepted(ruleset)
    let dumps = try lab.dumps(form, of: self.ruleset) + lab.hostDumps()
    reading = DumpReader().read(dumps.map { DumpInput(name: $0.name, bytes: Array($0.text.utf8)) })
    tracer = Tracer(reading.ruleset, facts: reading.facts)
    try lab.startTracing()
  }

  /// What both say of a packet. A later packet of a flow that does not come about is asked as the flow's first packet.
  func compare(_ probe: Probe) throws -> (
    probe: Probe, observation: Observation, result: ComparisonResult, trace: Trace
  ) {
    var probe = probe
    var observation = lab.observe(probe)
    if observation == nil {
      probe.moment = .first
      if probe.proto == 6 { probe.flags = 2 }
      observation = lab.observe(probe)
    }
    let seen = observation ?? Observation()
    let trace = tracer.trace(try probe.query(lab.topology, facts: reading.facts))
    let comparison = Comparison(
      ruleset: reading.ruleset, probe: probe, observation: seen, showsRules: ruleset.backend == .nft)
    return (probe, seen, comparison.result(trace), trace)
  }

  /// What fwtrace says to a question.
  func trace(_ query: Query) -> Trace { tracer.trace(query) }

  /// Sets what the kernel does with a packet beside the case of an open question that holds it.
  func compare(_ packet: Probe, with answer: Trace) -> ComparisonResult {
    var own = answer
    own.cases = answer.cases.filter { $0.when.contains(packet.point) }
    let comparison = Comparison(
      ruleset: reading.ruleset, probe: packet, observation: lab.observe(packet) ?? Observation(),
      showsRules: ruleset.backend == .nft, isOpen: true)
    return comparison.result(own)
  }

  /// What fwtrace says of a packet, in a few lines.
  func words(_ trace: Trace) -> String { trace.cases.map(words).joined(separator: "\n") }

  /// What a case says, in a few lines.
  func words(_ part: Case) -> String {
    var lines = ["\(part.verdict.rawValue) \(part.fate.rawValue) by \(part.decidedBy) reject \(part.rejectWith ?? "-")"]
    for step in part.path where step.matched {
      lines.append(
        "  \(step.hook.map { "\($0)" } ?? "-") \(name(step.event)) \(step.action.rawValue) \(step.targetText ?? "") \(step.fact?.text ?? "")"
      )
    }
    return lines.joined(separator: "\n")
  }

  private func name(_ event: Step.Event) -> String {
    switch event {
    case .rule(let id):
      "\(reading.ruleset.tables[id.table].name) \(reading.ruleset[ChainID(table: id.table, chain: id.chain)].name) \(id.rule + 1)"
    case .policy(let id): "\(reading.ruleset.tables[id.table].name) \(reading.ruleset[id].name) policy"
    case .endOfChain(let id): "\(reading.ruleset[id].name) end"
    default: "\(event)"
    }
  }
}
