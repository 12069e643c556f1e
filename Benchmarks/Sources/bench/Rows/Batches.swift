import Foundation
import GeneratedRules

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
    var random = RandomNumbers(seed: 7)
    func below(_ limit: Int) -> Int { random.number(0...limit - 1) }
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
        let rule = below(5000)
        let isOfRule = below(2) == 0
        let anybody = (0..<4).map { "\(below($0 == 0 ? 223 : 256) + ($0 == 0 ? 1 : 0))" }
        let source = isOfRule ? Flat.source(of: rule) : anybody.joined(separator: ".")
        text +=
          #"{"id":"\#(index)","proto":"tcp","in":"eth0","src":"\#(source)","sport":\#(1024 + below(64512)),"dst":"172.17.0.9","dport":\#(below(65536)),"length":\#(40 + below(1461))}"#
      }
      text += "\n"
    }
    return text
  }
}
