import ArgumentParser
import RuleParser

/// The dumps that a command reads.
struct DumpArguments: ParsableArguments {
  @ArgumentParser.Argument(
    help: ArgumentHelp(
      "What iptables, nft, ip, docker and others printed: files, folders, or - for standard input.",
      discussion: "Each may hold several pasted outputs with prompts and prose around them; all together are one host.",
      valueName: "dump"))
  var dumps: [String] = []

  @Option(
    help: ArgumentHelp(
      "Where a table was printed several times: take the moment with this number (1 is the first).", valueName: "n"))
  var snapshot: Int?

  /// Reads the dumps into one host.
  func read() throws -> HostReading {
    if let snapshot, snapshot < 1 { throw Failure("--snapshot \(snapshot): moments are counted from 1") }
    guard !dumps.isEmpty else {
      throw Failure(
        "no dump given: name files or folders with what iptables-save, nft or ip printed, or - for standard input")
    }
    let reading = DumpReader().read(try DumpFiles.read(dumps), snapshot: snapshot)
    if let snapshot, snapshot > reading.snapshotCount {
      throw Failure(
        "--snapshot \(snapshot): the dumps show \(reading.snapshotCount) moment\(reading.snapshotCount == 1 ? "" : "s")"
      )
    }
    return reading
  }
}
