import FlowTrace
import Glibc
import RuleGraph
import RuleParser

/// Questions that are asked inside of this process, reading excluded.
enum Asking {
  /// A tracer over a dump and the host around it.
  static func tracer(_ lab: Lab, _ shape: Shape, _ rules: Int) throws -> (Tracer, QueryBuilder) {
    let reading = DumpReader().read([
      DumpInput(name: "rules", bytes: try Lab.bytes(try lab.generated(shape, rules))),
      DumpInput(name: "host", text: Surroundings.text),
    ])
    return (Tracer(reading.ruleset, facts: reading.facts), QueryBuilder(facts: reading.facts))
  }

  /// A packet that is given whole.
  static func packet(_ builder: QueryBuilder, src: String, dst: String, port: Int) throws -> Query {
    var builder = builder
    try builder.set(.input, "eth0")
    try builder.set(.src, "\(src):40000")
    try builder.set(.dst, "\(dst):\(port)")
    return try builder.query()
  }

  /// Asks again and again, in rounds that are long enough for the clock; gives seconds a question.
  static func time(_ tracer: Tracer, _ query: Query, options: Tracer.Options, seconds: Double) -> [Timing] {
    var each: [Timing] = []
    var count = 1
    let start = Timing.clock(CLOCK_MONOTONIC)
    while each.count < 3 || (each.count < 25 && Timing.clock(CLOCK_MONOTONIC) - start < seconds) {
      let taken = Timing.of {
        for _ in 0..<count { precondition(!tracer.trace(query, options: options).cases.isEmpty) }
      }
      if taken.seconds < 0.002, count < 1 << 20 {
        count *= 2
        continue
      }
      each.append(Timing(seconds: taken.seconds / Double(count), processor: taken.processor / Double(count)))
    }
    return each
  }

  /// Only the verdict and the way: no near misses, no answer to the packet.
  static var verdictOnly: Tracer.Options {
    var options = Tracer.Options()
    options.findsNearMisses = false
    return options
  }
}

/// One packet that must pass by every rule of one long chain, and one in a ruleset whose chains it mostly does not visit.
enum AskPacket: Row {
  static let name = "query"
  static func claims(_ lab: Lab) throws -> [Claim] {
    let (tracer, builder) = try Asking.tracer(lab, .flat, lab.large)
    let last = lab.large - 1
    let query = try Asking.packet(builder, src: Flat.source(of: last), dst: "172.17.0.9", port: Flat.port(of: last))
    let first = Timing.of { _ = tracer.trace(query, options: Asking.verdictOnly) }
    let seconds = lab.seconds / 4
    let verdict = Asking.time(tracer, query, options: Asking.verdictOnly, seconds: seconds)
    let explained = Asking.time(tracer, query, options: Tracer.Options(), seconds: seconds)
    let rules = Double(lab.large)
    func claim(_ what: String, _ times: [Timing], _ goal: Claim.Goal?) -> Claim {
      Claim(
        rules: lab.large, what: what, value: Spread(times.map { $0.seconds / rules * 1e9 }),
        byProcessor: Spread(times.map { $0.processor / rules * 1e9 }), unit: "ns a rule", goal: goal)
    }
    return [
      claim("a packet down one chain", verdict, .atMost(5)),
      claim("the first packet down one chain", [first], .atMost(200)),
      claim("a packet down one chain, with near misses", explained, nil),
    ] + (try unvisited(lab))
  }

  private static func unvisited(_ lab: Lab) throws -> [Claim] {
    func times(_ rules: Int) throws -> [Timing] {
      let (tracer, builder) = try Asking.tracer(lab, .kube, rules)
      let query = try Asking.packet(builder, src: "198.51.100.7", dst: "192.0.2.1", port: 22)
      _ = tracer.trace(query, options: Asking.verdictOnly)
      return Asking.time(tracer, query, options: Asking.verdictOnly, seconds: lab.seconds / 4)
    }
    let small = try times(lab.sizes[0])
    let large = try times(lab.large)
    let base = Spread(small.map(\.seconds)).median
    let processor = Spread(small.map(\.processor)).median
    return [
      Claim(
        rules: lab.large, what: "a packet that no service is for, as long as with \(lab.sizes[0]) rules",
        value: Spread(large.map { $0.seconds / base }), byProcessor: Spread(large.map { $0.processor / processor }),
        unit: "x")
    ]
  }
}

/// A question that leaves the source open, on kube-proxy's rules.
enum AskOpen: Row {
  static let name = "open-query"
  static func claims(_ lab: Lab) throws -> [Claim] {
    let (tracer, builder) = try Asking.tracer(lab, .kube, lab.large)
    var open = builder
    try open.set(.dst, "\(Kube.address(of: 7)):80")
    let query = try open.query()
    let first = Timing.of { _ = tracer.trace(query) }
    let later = Asking.time(tracer, query, options: Tracer.Options(), seconds: lab.seconds / 2)
    return [
      Claim(
        rules: lab.large, what: "--dst SERVICE, all else open, after reading", value: Spread([first.seconds * 1e3]),
        byProcessor: Spread([first.processor * 1e3]), unit: "ms", goal: .atMost(50)),
      Claim(
        rules: lab.large, what: "the same, asked again", value: Spread(later.map { $0.seconds * 1e3 }),
        byProcessor: Spread(later.map { $0.processor * 1e3 }), unit: "ms", goal: .atMost(50)),
    ]
  }
}
