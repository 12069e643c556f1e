import FlowTrace
import HostModel
import Randomness
import RuleGraph
import RuleParser
import TestHosts
import Testing

/// The cases of an open question together are the question, none overlaps another, and each says of every packet what becomes of it.
@Suite struct OpenQuestionOracleTests {
  static let sizes = [(6, 1), (12, 2), (25, 3), (60, 5), (150, 8), (300, 12)]

  @Test(arguments: sizes)
  func casesSayOfEachPacketWhatTryingItOutSays(_ rules: Int, _ chains: Int) throws {
    var run = 0
    for seed in UInt64(0)..<Self.seeds(rules) {
      let firewall = RandomFirewall(seed: seed &* 1000 &+ UInt64(rules), rules: rules, chains: chains)
      run += try Self.check(firewall, name: "\(rules) rules, seed \(seed)")
    }
    #expect(run > 0)
  }

  /// Small rulesets are many, for they hold every construct beside every other.
  private static func seeds(_ rules: Int) -> UInt64 { rules < 30 ? 12 : 3 }

  static func reading(_ text: String) -> HostReading {
    let facts = """
      $ ip addr
      1: lo: <LOOPBACK,UP> mtu 65536
          inet 127.0.0.1/8 scope host lo
      2: eth0: <BROADCAST,UP> mtu 1500
          inet 192.0.2.1/24 scope global eth0
      3: eth1: <BROADCAST,UP> mtu 1500
          inet 203.0.113.254/24 scope global eth1
      $ ip route
      default via 192.0.2.254 dev eth0
      192.0.2.0/24 dev eth0 scope link
      203.0.113.0/24 dev eth1 scope link
      $ sysctl net.ipv4.ip_forward
      net.ipv4.ip_forward = 1

      """
    return DumpReader().read([
      DumpInput(name: "rules", text: text), DumpInput(name: "facts", text: facts),
    ])
  }

  private static func check(_ firewall: RandomFirewall, name: String) throws -> Int {
    let reading = reading(firewall.text)
    let tracer = Tracer(reading.ruleset, facts: reading.facts)
    let trace = tracer.trace(try reading.query([(.input, "eth0"), (.dst, "203.0.113.0/28")]))
    let table = reading.ruleset.tables[0]
    func words(_ part: Case) -> String { "\(part.verdict) by \(part.decidedBy), rules \(part.rules.map(\.rule))" }
    var seen = 0
    var random = RandomNumbers(seed: UInt64(firewall.text.utf8.count))
    let atoms = (0..<150).map { _ in random.pick(RandomFirewall.atoms) }
    for atom in atoms {
      let found = trace.cases.filter { $0.when.contains(atom.point) }
      guard found.count == 1 else {
        Issue.record("\(name): \(atom) is in \(found.count) cases\n\(found.map(words))\n\(firewall.text)")
        return 0
      }
      let wanted = firewall.answer(atom)
      guard found[0].verdict == wanted.verdict else {
        Issue.record("\(name): \(atom) is \(wanted), not \(words(found[0]))\n\(firewall.text)")
        return 0
      }
      let rules = found[0].rules.isEmpty ? [found[0].decidedBy] : found[0].rules.map { Decider.rule($0) }
      let isNamed = rules.contains { decider in
        switch decider {
        case .rule(let id):
          table.chains[id.chain].name == RandomFirewall.name(wanted.chain) && id.rule == wanted.rule
        case .policy, .nothing: wanted.rule == nil
        case .outside: false
        }
      }
      guard isNamed else {
        Issue.record("\(name): \(atom) is decided by \(wanted), not \(words(found[0]))\n\(firewall.text)")
        return 0
      }
      seen += 1
    }
    checkBoxes(trace, atoms.suffix(20), name)
    return seen
  }

  /// The disjoint boxes of a case hold the packets that the case holds, each once.
  private static func checkBoxes(_ trace: Trace, _ atoms: ArraySlice<RandomFirewall.Atom>, _ name: String) {
    for part in trace.cases {
      guard let boxes = part.when.boxes(limit: 1000) else { continue }
      for atom in atoms where atom.proto != 47 {
        let point = atom.point
        let holding = boxes.count { box in
          box.allSatisfy { dimension, values in point[dimension].map(values.contains) ?? true }
        }
        let wanted = part.when.contains(point) ? 1 : 0
        guard holding == wanted else {
          Issue.record("\(name): \(atom) is in \(holding) boxes of a case, not \(wanted)")
          return
        }
      }
    }
  }

  @Test func singlePacketsFareAsTheCasesSay() throws {
    for seed in UInt64(0)..<6 {
      let firewall = RandomFirewall(seed: 77 + seed, rules: 40, chains: 4)
      let reading = Self.reading(firewall.text)
      let tracer = Tracer(reading.ruleset, facts: reading.facts)
      var random = RandomNumbers(seed: seed)
      for _ in 0..<60 {
        let atom = random.pick(RandomFirewall.atoms)
        let query = try reading.query(atom.question)
        let trace = tracer.trace(query)
        #expect(trace.cases.count == 1)
        #expect(trace.cases.first?.verdict == firewall.answer(atom).verdict)
      }
    }
  }
}
