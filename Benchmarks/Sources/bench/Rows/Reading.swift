import RuleGraph
import RuleParser

/// A dump that is read into the typed graph inside of this process, against a program that reads or prints the same.
enum Reading {
  /// What a dump is held against.
  struct Reference {
    var name: String
    var goal: Double
    var measure: () throws -> Timing
  }

  /// Reads a dump again and again, in turns with the reference.
  static func claims(
    _ lab: Lab, of path: String, against reference: Reference, megabytesPerSecond goal: Double?
  ) throws -> [Claim] {
    let bytes = try Lab.source(path)
    let turns = try Turns(seconds: lab.seconds, atLeast: 2, subject: { time(bytes) }, reference: reference.measure)
    var claims = [
      Claim(
        rules: lab.large, what: "times faster than \(reference.name)", value: turns.timesFaster,
        byProcessor: turns.timesFasterByProcessor, unit: "x", goal: .atLeast(reference.goal))
    ]
    if let goal {
      // The reference leaves few turns where it takes seconds: reading alone is measured more often.
      let more = turns.subject + (0..<max(0, 10 - turns.subject.count)).map { _ in time(bytes) }
      let size = Double(bytes.count) / 1e6
      claims.append(
        Claim(
          rules: lab.large, what: "of \(Table.short(size)) MB read", value: Spread(more.map { size / $0.seconds }),
          byProcessor: Spread(more.map { size / $0.processor }), unit: "MB/s", goal: .atLeast(goal)))
    }
    return claims
  }

  /// How long reading takes; giving the graph back is not counted.
  static func time(_ bytes: SourceBytes) -> Timing {
    var reading = HostReading()
    let timing = Timing.of { reading = DumpReader().read([DumpInput(name: "dump", bytes: bytes)]) }
    return withExtendedLifetime(reading) { timing }
  }
}

/// `iptables-save` against the program that reads it back.
enum ReadSave: Row {
  static let name = "read-save"
  static func claims(_ lab: Lab) throws -> [Claim] {
    let path = try lab.dump(.kube, lab.large, .save)
    let test = Program(["iptables-restore", "--test"], input: path)
    return try Reading.claims(
      lab, of: path, against: .init(name: "iptables-restore --test", goal: 10) { try test.run().timing },
      megabytesPerSecond: 150)
  }
}

/// `iptables -vnL` against the program that prints it.
enum ReadListing: Row {
  static let name = "read-listing"
  static func claims(_ lab: Lab) throws -> [Claim] {
    let size = min(lab.large, lab.toolLimit)
    return try Reading.claims(
      lab, of: try lab.dump(.kube, size, .listing),
      against: .init(name: "iptables -t nat -vnL prints it", goal: 10) { try lab.printing(.kube, size, .listing) },
      megabytesPerSecond: 200)
  }
}

/// nft's JSON against other readers of JSON.
enum ReadNftJSON: Row {
  static let name = "read-nft-json"
  static func claims(_ lab: Lab) throws -> [Claim] {
    let path = try lab.dump(.nft, min(lab.large, lab.toolLimit), .nftJSON)
    var claims: [Claim] = []
    if Program.exists("jq") {
      let jq = Program(["jq", "."], input: path)
      claims += try Reading.claims(
        lab, of: path, against: .init(name: "jq .", goal: 10) { try jq.run().timing }, megabytesPerSecond: 120)
    }
    let orjson = Program(["python3", "-c", "import orjson, sys; orjson.loads(sys.stdin.buffer.read())"], input: path)
    if Program.exists("python3"), (try? orjson.run()) != nil {
      var turn = try Reading.claims(
        lab, of: path, against: .init(name: "Python's orjson", goal: 0) { try orjson.run().timing },
        megabytesPerSecond: nil)
      turn[0].goal = nil
      claims += turn
    }
    return claims
  }
}

/// nft's text against the program that prints it.
enum ReadNftText: Row {
  static let name = "read-nft-text"
  static func claims(_ lab: Lab) throws -> [Claim] {
    let size = min(lab.large, lab.toolLimit)
    return try Reading.claims(
      lab, of: try lab.dump(.nft, size, .nftText),
      against: .init(name: "nft list ruleset prints it", goal: 20) { try lab.printing(.nft, size, .nftText) },
      megabytesPerSecond: nil)
  }
}

/// Docker with a thousand published ports, and nft with large sets and maps: what people have, against what prints it.
enum ReadOthers: Row {
  static let name = "read-others"
  static func claims(_ lab: Lab) throws -> [Claim] {
    let size = min(lab.large, lab.toolLimit)
    let docker = try Reading.claims(
      lab, of: try lab.dump(.docker, 3012, .save),
      against: .init(name: "iptables-save prints 1,000 published ports", goal: 1) {
        try lab.printing(.docker, 3012, .save)
      },
      megabytesPerSecond: nil)
    let sets = try Reading.claims(
      lab, of: try lab.dump(.sets, size, .nftText),
      against: .init(name: "nft list ruleset prints large sets and maps", goal: 1) {
        try lab.printing(.sets, size, .nftText)
      },
      megabytesPerSecond: nil)
    var claims = docker + sets
    claims[0].rules = 3012
    return claims
  }
}
