import Foundation

/// Counted instructions of a few fixed runs: the figure that hardly moves from run to run.
///
/// The counts are compared with the ones in `Benchmarks/instructions.json`; they hold for one compiler and one architecture.
enum Instructions: Row {
  static let name = "instructions"

  /// What is counted, on which input.
  private static func cases(_ lab: Lab) throws -> [(String, [String])] {
    let host = try lab.surroundings()
    let questions = try lab.write(
      (0..<100).map {
        #"{"proto":"tcp","in":"eth0","src":"\#(Flat.source(of: $0 * 7))","dst":"172.17.0.9","dport":1030}"#
      }
      .joined(separator: "\n"), to: "hundred.ndjson")
    let service = "\(Kube.address(of: 7)):80"
    return [
      ("start", ["--version"]),
      ("read-save", ["--batch", "/dev/null", try lab.generated(.kube, 4000)]),
      ("read-listing", ["--batch", "/dev/null", try lab.dump(.kube, 1000, .listing)]),
      ("read-nft-json", ["--batch", "/dev/null", try lab.dump(.nft, 1000, .nftJSON)]),
      ("read-nft-text", ["--batch", "/dev/null", try lab.generated(.nft, 4000)]),
      ("open-query", ["--dst", service, try lab.generated(.kube, 1000), host]),
      ("batch", ["--batch", questions, try lab.generated(.flat, 1000), host]),
    ]
  }

  static func claims(_ lab: Lab) throws -> [Claim] {
    guard Program.exists("valgrind") else { throw Program.Failure(description: "valgrind is not installed") }
    let committed = (try? Lab.bytes(file)).flatMap { try? JSONDecoder().decode([String: Double].self, from: Data($0)) }
    var counts: [String: Double] = [:]
    var claims: [Claim] = []
    for (name, arguments) in try cases(lab) {
      let count = try count(lab, arguments)
      counts[name] = count
      claims.append(Claim(what: "instructions of \(name)", value: Spread([count / 1e6]), unit: "million"))
      guard let before = committed?[name] else { continue }
      claims.append(
        Claim(what: "the same, against the committed count", value: Spread([100 * (count / before - 1)]), unit: "%"))
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try (encoder.encode(counts) + Data("\n".utf8)).write(to: URL(fileURLWithPath: lab.path("instructions.json")))
    return claims
  }

  /// The committed counts.
  private static let file = "Benchmarks/instructions.json"

  private static func count(_ lab: Lab, _ arguments: [String]) throws -> Double {
    let log = lab.path("callgrind.txt")
    // Hashes are seeded at random otherwise, and dictionaries then take other ways from run to run.
    try Program(
      [
        "env", "SWIFT_DETERMINISTIC_HASHING=1", "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
        lab.program,
      ] + arguments, errors: log
    ).run(expecting: [0, 1, 3])
    let text = String(decoding: try Lab.bytes(log), as: UTF8.self)
    guard let line = text.split(separator: "\n").first(where: { $0.contains("Collected : ") }),
      let count = line.split(separator: " ").last.flatMap({ Double($0) })
    else { throw Program.Failure(description: "callgrind counts nothing") }
    return count
  }
}
