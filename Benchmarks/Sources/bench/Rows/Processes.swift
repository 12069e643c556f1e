/// The program's start against nft's.
enum Start: Row {
  static let name = "start"
  static func claims(_ lab: Lab) throws -> [Claim] {
    let version = Program([lab.program, "--version"])
    let nft = Program(["nft", "--version"])
    let turns = try Turns(
      seconds: lab.seconds, atLeast: 10, atMost: 60, subject: { try version.run().timing },
      reference: { try nft.run().timing })
    return [
      Claim(
        what: "fwtrace --version, as long as nft --version", value: turns.timesAsLong,
        byProcessor: turns.timesAsLongByProcessor, unit: "x", goal: .atMost(1.5))
    ]
  }
}

/// A question about the host that the program runs on, with few rules, against `nft list ruleset` there.
enum Live: Row {
  static let name = "live"
  static func claims(_ lab: Lab) throws -> [Claim] {
    try lab.load(.docker, 15)
    try Program(["ip", "link", "set", "lo", "up"]).run()
    let question = Program([lab.program, "--dst", "127.0.0.1:22"])
    let nft = Program(["nft", "list", "ruleset"])
    let turns = try Turns(
      seconds: lab.seconds, atLeast: 10, atMost: 60,
      subject: { try question.run(expecting: [0, 1, 3]).timing }, reference: { try nft.run().timing })
    return [
      Claim(
        rules: 15, what: "fwtrace --dst, as long as nft list ruleset", value: turns.timesAsLong,
        byProcessor: turns.timesAsLongByProcessor, unit: "x")
    ]
  }
}

/// The whole program on a large dump against the program that printed it.
enum Whole: Row {
  static let name = "whole"
  static func claims(_ lab: Lab) throws -> [Claim] {
    let size = min(lab.large, lab.toolLimit)
    let question = Program([
      lab.program, "--dst", "\(Kube.address(of: 7)):80", try lab.dump(.kube, size, .save), try lab.surroundings(),
    ])
    let turns = try Turns(
      seconds: lab.seconds, atLeast: 2,
      subject: { try question.run(expecting: [0, 1, 3]).timing }, reference: { try lab.printing(.kube, size, .save) })
    return [
      Claim(
        rules: size, what: "fwtrace --dst DUMP, times faster than iptables-save printed it", value: turns.timesFaster,
        byProcessor: turns.timesFasterByProcessor, unit: "x", goal: .atLeast(1)),
      Claim(
        rules: size, what: "the whole process", value: Spread(turns.subject.map { $0.seconds * 1e3 }),
        byProcessor: Spread(turns.subject.map { $0.processor * 1e3 }), unit: "ms", goal: .atMost(130)),
    ]
  }
}

/// How much memory the graph of a dump holds; measured in a process of its own, by what is resident.
enum Memory: Row {
  static let name = "memory"
  static func claims(_ lab: Lab) throws -> [Claim] {
    let path = try lab.dump(.kube, lab.large, .save)
    let size = Double(try Lab.bytes(path).count)
    var held: [Double] = []
    var peak: [Double] = []
    for _ in 0..<3 {
      let answer = lab.path("memory.txt")
      peak.append(Double(try Program([CommandLine.arguments[0], "hold", path], output: answer).run().peak) / 1e6)
      let text = String(decoding: try Lab.bytes(answer), as: UTF8.self)
      guard let bytes = Double(text.split(separator: "\n").first ?? "") else {
        throw Program.Failure(description: "the process that holds a graph does not say how large it is")
      }
      held.append(bytes)
    }
    return [
      Claim(
        rules: lab.large, what: "graph and dump in memory, times the dump's size",
        value: Spread(held.map { $0 / size }),
        unit: "x", goal: .atMost(6)),
      Claim(
        rules: lab.large, what: "graph and dump in memory", value: Spread(held.map { $0 / 1e6 }), unit: "MB",
        goal: .atMost(150)),
      Claim(rules: lab.large, what: "most memory while reading", value: Spread(peak), unit: "MB"),
    ]
  }
}
