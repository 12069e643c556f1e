import Foundation

/// Many packets in one run of the program: `--batch` on 5,000 rules.
enum AskBatch: Row {
  static let name = "batch"
  static func claims(_ lab: Lab) throws -> [Claim] {
    let rules = try lab.generated(.flat, 5000)
    return try [Kind.repeating, .different].flatMap { kind in try claims(lab, rules, kind) }
  }

  /// What the questions are like.
  private enum Kind: String {
    /// As logs of connections have them: 10,000 pairs of client and service, each with many source ports.
    case repeating = "packets of 10,000 clients and services"
    /// No two are the same: anybody asks for anything.
    case different = "packets that are all different"
  }

  private static func claims(_ lab: Lab, _ rules: String, _ kind: Kind) throws -> [Claim] {
    let one = try run(lab, rules, kind, questions: 1)
    // As many questions as take a few seconds, a million at most.
    var count = 100
    var many = try run(lab, rules, kind, questions: count)
    while many.timing.seconds - one.timing.seconds < min(4, lab.seconds / 4), count < 1_000_000 {
      count = min(1_000_000, count * 10)
      many = try run(lab, rules, kind, questions: count)
    }
    let runs = try [many] + (0..<2).map { _ in try run(lab, rules, kind, questions: count) }
    let few = try run(lab, rules, kind, questions: max(1, count / 10))
    func spread(_ figure: (Program.Outcome) -> Double) -> Spread { Spread(runs.map(figure)) }
    let asked = Double(count - 1)
    let processors = Double(ProcessInfo.processInfo.activeProcessorCount)
    return [
      Claim(
        rules: 5000, what: "\(count) \(kind.rawValue), a second and core",
        value: spread { asked / ($0.timing.processor - one.timing.processor) }, unit: "queries/s",
        goal: .atLeast(300_000)),
      Claim(
        rules: 5000, what: "the same, a second", value: spread { asked / ($0.timing.seconds - one.timing.seconds) },
        unit: "queries/s"),
      Claim(
        rules: 5000, what: "processors at work, of \(Int(processors))",
        value: spread {
          ($0.timing.processor - one.timing.processor) / ($0.timing.seconds - one.timing.seconds)
        }, unit: "cores", goal: .atLeast(0.9 * processors)),
      Claim(
        rules: 5000, what: "most memory, times that of a tenth of the packets",
        value: spread { Double($0.peak) / Double(few.peak) }, unit: "x", goal: .atMost(1.1)),
    ]
  }

  private static func run(_ lab: Lab, _ rules: String, _ kind: Kind, questions: Int) throws -> Program.Outcome {
    let file = try lab.write(lines(questions, kind), to: "questions-\(kind)-\(questions).ndjson")
    // To empty a file of gigabytes, when it is opened, takes as long as a third of the answers.
    _ = unsafe unlink(lab.path("answers.ndjson"))
    let outcome = try Program(
      [lab.program, "--batch", file, rules, try lab.surroundings()], output: lab.path("answers.ndjson")
    ).run()
    let answers = try lineCount(lab.path("answers.ndjson"))
    guard answers == questions else {
      throw Program.Failure(description: "\(questions) questions got \(answers) answers")
    }
    return outcome
  }

  /// The number of lines of a file that may be larger than the memory.
  private static func lineCount(_ path: String) throws -> Int {
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    defer { try? file.close() }
    var count = 0
    while let part = try file.read(upToCount: 1 << 24), !part.isEmpty { count += part.count { $0 == 0x0a } }
    return count
  }

  private static func lines(_ count: Int, _ kind: Kind) -> String {
    var numbers = Numbers()
    var text = ""
    for index in 0..<count {
      switch kind {
      case .repeating:
        // Spread over the rules, half of them with a port that no rule has.
        let rule = index &* 7919 % 5000
        let port = Flat.port(of: rule) + (index % 2 == 0 ? 0 : 1000)
        text +=
          #"{"id":"\#(index)","proto":"tcp","in":"eth0","src":"\#(Flat.source(of: rule))","sport":\#(1024 + index % 60000),"dst":"172.17.0.9","dport":\#(port)}"#
      case .different:
        // Half of the sources are those of rules; everything else is drawn from all there is.
        let rule = numbers.next(below: 5000)
        let isOfRule = numbers.next(below: 2) == 0
        let anybody = (0..<4).map { "\(numbers.next(below: $0 == 0 ? 223 : 256) + ($0 == 0 ? 1 : 0))" }
        let source = isOfRule ? Flat.source(of: rule) : anybody.joined(separator: ".")
        text +=
          #"{"id":"\#(index)","proto":"tcp","in":"eth0","src":"\#(source)","sport":\#(1024 + numbers.next(below: 64512)),"dst":"172.17.0.9","dport":\#(numbers.next(below: 65536)),"length":\#(40 + numbers.next(below: 1461))}"#
      }
      text += "\n"
    }
    return text
  }

  /// The same numbers in every run, as if drawn (splitmix64).
  private struct Numbers {
    private var state: UInt64 = 7

    mutating func next(below limit: Int) -> Int {
      state &+= 0x9e37_79b9_7f4a_7c15
      var mixed = state
      mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
      mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
      return Int((mixed ^ mixed >> 31) % UInt64(limit))
    }
  }
}

/// A policy of a thousand expectations over 5,000 rules of a host, against one question about them.
enum TestPolicy: Row {
  static let name = "policy"
  static func claims(_ lab: Lab) throws -> [Claim] {
    let rules = try lab.write(hostRules(5000), to: "policy-rules.txt")
    let policy = try lab.write(expectations(1000, of: "policy-rules.txt"), to: "policy.yaml")
    let test = Program([lab.program, "test", policy])
    let question = Program([lab.program, "--in", "eth0", "--dst", "192.0.2.1:22", rules])
    var peak: [Double] = []
    let turns = try Turns(
      seconds: lab.seconds, atLeast: 2,
      subject: {
        let outcome = try test.run(expecting: [0, 1])
        peak.append(Double(outcome.peak) / 1e6)
        return outcome.timing
      }, reference: { try question.run(expecting: [0, 1, 3]).timing })
    return [
      Claim(
        rules: 5000, what: "1,000 expectations, as long as one question", value: turns.timesAsLong,
        byProcessor: turns.timesAsLongByProcessor, unit: "x"),
      Claim(
        rules: 5000, what: "1,000 expectations", value: Spread(turns.subject.map(\.seconds)),
        byProcessor: Spread(turns.subject.map(\.processor)), unit: "s"),
      Claim(rules: 5000, what: "most memory", value: Spread(peak), unit: "MB"),
    ]
  }

  /// Half of the rules accept or drop a source and port in INPUT, half stand in chains by network that FORWARD jumps to.
  private static func hostRules(_ rules: Int) -> String {
    let half = rules / 2
    let networks = min(200, half / 50)
    var text = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n"
    for network in 0..<networks { text += ":NET-\(network) - [0:0]\n" }
    for rule in 0..<half {
      text +=
        "-A INPUT -s 10.\(rule / 250 % 250).\(rule % 250).0/24 -p tcp -m tcp --dport \(1000 + rule % 7) -j \(rule % 3 == 0 ? "DROP" : "ACCEPT")\n"
    }
    for network in 0..<networks { text += "-A FORWARD -d 172.20.\(network).0/24 -j NET-\(network)\n" }
    for rule in 0..<(half - networks) {
      text +=
        "-A NET-\(rule % networks) -s 10.\(rule / networks % 250).0.0/16 -p tcp -m tcp --dport \(8000 + rule % 11) -j ACCEPT\n"
    }
    return text + """
      COMMIT
      $ ip addr
      1: lo: <LOOPBACK,UP> mtu 65536
          inet 127.0.0.1/8 scope host lo
      2: eth0: <BROADCAST,UP> mtu 1500
          inet 192.0.2.1/24 scope global eth0
      3: eth1: <BROADCAST,UP> mtu 1500
          inet 172.20.255.1/16 scope global eth1
      $ ip route
      default via 192.0.2.254 dev eth0
      172.20.0.0/16 dev eth1 scope link
      192.0.2.0/24 dev eth0 scope link
      $ sysctl net.ipv4.ip_forward
      net.ipv4.ip_forward = 1

      """
  }

  /// Each expectation is a claim about a network of sources.
  private static func expectations(_ count: Int, of dump: String) -> String {
    var text = "hosts: { dumps: [\(dump)] }\npacket: { family: ipv4, in: eth0 }\ntests:\n"
    for index in 0..<count {
      text +=
        index % 2 == 0
        ? "  - { name: through \(index), packet: { src: 10.\(index % 250).0.0/16, dst: 172.20.\(index % 40).0/24, service: 25/tcp }, expect: drop }\n"
        : "  - { name: in \(index), packet: { src: 10.\(index / 250 % 250).\(index % 250).0/24, dst: 192.0.2.1, dport: 22 }, expect: drop }\n"
    }
    return text
  }
}
