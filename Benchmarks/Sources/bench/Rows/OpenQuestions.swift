import FlowTrace
import Foundation
import GeneratedRules
import RuleParser

/// Who may reach TCP port 22, all else open, through firewalls of 10,000 rules that overlap as real ones do, against the SMT solver z3 with the same rules.
enum AskFirewalls: Row {
  static let name = "open-firewall"
  private static let rules = 10_000

  static func claims(_ lab: Lab) throws -> [Claim] {
    try OverlappingRules.allCases.flatMap { kind in try claims(lab, kind) }
  }

  private static func claims(_ lab: Lab, _ kind: OverlappingRules) throws -> [Claim] {
    let text = kind.text(rules: rules, seed: 7)
    let reading = DumpReader().read([
      DumpInput(name: "rules", text: text),
      DumpInput(name: "host", text: Surroundings.text),
    ])
    var builder = QueryBuilder(facts: reading.facts)
    try builder.set(.dst, ":22")
    try builder.set(.proto, "tcp")
    let query = try builder.query()
    var times: [Timing] = []
    var undetermined = 0
    // A tracer of its own each time: what it has learnt of the chain counts.
    for _ in 0..<3 {
      times.append(
        Timing.of {
          let trace = Tracer(reading.ruleset, facts: reading.facts).trace(query)
          undetermined = trace.cases.count { $0.verdict == .undetermined }
        })
    }
    var claims = [
      Claim(
        rules: rules, what: "tcp/22 over \(kind.rawValue), all else open, after reading",
        value: Spread(times.map(\.seconds)), byProcessor: Spread(times.map(\.processor)), unit: "s", goal: .atMost(1)),
      Claim(
        rules: rules, what: "its undetermined cases", value: Spread([Double(undetermined)]), unit: "cases",
        goal: .atMost(0)),
    ]
    if let solver = Solver.found {
      let file = try lab.write(Solver.formula(kind.rules(rules, seed: 7)), to: "\(kind.rawValue).smt2")
      let z3 = try solver.run(file).timing
      let median = Spread(times.map(\.seconds)).median
      claims.append(
        Claim(
          rules: rules, what: "times faster than z3 finds whether any is accepted, in \(Table.short(z3.seconds)) s",
          value: Spread([z3.seconds / median]), unit: "x", goal: .atLeast(1)))
    }
    return claims
  }

  /// z3 in Python: of PyPI (z3-solver) or of the distribution (python3-z3).
  private struct Solver {
    var python: String

    /// The first Python that has it.
    static var found: Solver? {
      ["python3", "/usr/bin/python3"].first { python in
        (try? Program([python, "-c", "import z3"]).run()) != nil
      }
      .map(Solver.init)
    }

    func run(_ formula: String) throws -> Program.Outcome {
      try Program(
        [
          python, "-c",
          "import sys, z3; s = z3.Solver(); s.from_file(sys.argv[1]); sys.exit(0 if s.check() == z3.sat else 1)",
          formula,
        ]
      ).run()
    }

    /// The rules as the formula that one writes first: the first rule that matches decides, and a packet to TCP port 22 is accepted.
    static func formula(_ rules: [OverlappingRules.Rule]) -> String {
      var text = "(set-logic QF_BV)\n"
      for (name, bits) in [("src", 32), ("dst", 32), ("sport", 16), ("dport", 16), ("proto", 8)] {
        text += "(declare-const \(name) (_ BitVec \(bits)))\n"
      }
      func prefix(_ name: String, _ prefix: (address: UInt32, length: Int)) -> String {
        if prefix.length == 0 { return "" }
        let low = 32 - prefix.length
        return " (= ((_ extract 31 \(low)) \(name)) (_ bv\(prefix.address >> UInt32(low)) \(prefix.length)))"
      }
      func ports(_ name: String, _ ports: ClosedRange<Int>) -> String {
        if ports == 0...65535 { return "" }
        return " (bvule (_ bv\(ports.lowerBound) 16) \(name)) (bvule \(name) (_ bv\(ports.upperBound) 16))"
      }
      for (index, rule) in rules.enumerated() {
        let tests =
          prefix("src", rule.source) + prefix("dst", rule.destination) + ports("sport", rule.sourcePorts)
          + ports("dport", rule.destinationPorts) + (rule.isTCP ? " (= proto #x06)" : "")
        text += "(define-fun matches\(index) () Bool (and true\(tests)))\n"
      }
      var rest = "false"
      for (index, rule) in rules.enumerated().reversed() {
        text += "(define-fun from\(index) () Bool (ite matches\(index) \(rule.accepts) \(rest)))\n"
        rest = "from\(index)"
      }
      return text + "(assert (= proto #x06))\n(assert (= dport #x0016))\n(assert \(rest))\n"
    }
  }
}

/// What is asked of hosts that have many rules of one kind: the whole program, from its start to the last line.
enum AskHosts: Row {
  static let name = "open-host"

  static func claims(_ lab: Lab) throws -> [Claim] {
    let host = try lab.surroundings()
    let drops = try lab.write(Self.drops(6000), to: "drops.rules")
    let docker = try lab.generated(.docker, 3012)
    return try claims(
      lab, ["--from", "outside", "--dst", "192.0.2.1", drops, host], rules: 6000,
      "6,000 drops of a source and a port, --from outside --dst HOST", seconds: 0.3, lines: 15)
      + claims(
        lab, [docker, host], rules: 3012, "Docker with 1,000 published ports, no packet at all", seconds: 1, lines: nil)
      + claims(
        lab, ["--in", "eth0", docker, host], rules: 3012, "the same host, every packet from eth0", seconds: 1,
        lines: nil)
  }

  private static func claims(
    _ lab: Lab, _ arguments: [String], rules: Int, _ what: String, seconds: Double, lines: Int?
  ) throws -> [Claim] {
    let answer = lab.path("answer.txt")
    var times: [Timing] = []
    let start = Timing.clock(CLOCK_MONOTONIC)
    while times.count < 3 || (times.count < 9 && Timing.clock(CLOCK_MONOTONIC) - start < lab.seconds / 4) {
      times.append(try Program([lab.program] + arguments, output: answer).run(expecting: [0, 1, 3]).timing)
    }
    let text = String(decoding: try Lab.bytes(answer), as: UTF8.self)
    let count = Double(text.split(separator: "\n").count)
    return [
      Claim(
        rules: rules, what: what, value: Spread(times.map(\.seconds)), byProcessor: Spread(times.map(\.processor)),
        unit: "s", goal: .atMost(seconds)),
      Claim(
        rules: rules, what: "its lines", value: Spread([count]), unit: "lines",
        goal: lines.map { .atMost(Double($0)) }),
      Claim(
        rules: rules, what: "its undetermined cases",
        value: Spread([text.lowercased().contains("undetermined") ? 1 : 0]), unit: "cases", goal: .atMost(0)),
    ]
  }

  /// Rules of INPUT that each drop a source and a port of its own.
  private static func drops(_ rules: Int) -> String {
    var lines = ""
    for rule in 0..<rules {
      lines += "-A INPUT -s \(Flat.source(of: rule * 7))/32 -p tcp -m tcp --dport \(1000 + rule) -j DROP\n"
    }
    return "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n\(lines)COMMIT\n"
  }
}
