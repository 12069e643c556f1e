import HostModel
import RuleGraph
import RuleParser

/// Reads the dumps of a host.
enum HostDumps {
  /// The hosts that dumps are of.
  ///
  /// - Parameters:
  ///   - dumps: Files, folders, or `-` for standard input.
  ///   - snapshot: If the dumps show a table several times, which one, counted from 1; the last by default.
  static func hosts(_ dumps: [String], snapshot: Int? = nil) throws -> [HostReading] {
    let reader = DumpReader { path, includer in IncludedFiles.read(path, includedBy: includer) }
    let inputs = try DumpFiles.read(dumps)
    return ProgressLine.during(DumpFiles.readingWords(inputs)) { reader.readHosts(inputs, snapshot: snapshot) }
  }

  /// The host that dumps are of, of several the one of a name; without dumps, the host that the program runs on.
  static func host(_ dumps: [String], named name: String?, namespace: NamespaceArguments) throws -> HostReading {
    if dumps.isEmpty { return try LiveHost.read(namespace: namespace.netns) }
    let reading = try HostChoice(hosts(dumps), named: name).host(for: HostClues())
    try RefuseEmpty.check(reading, dumps: dumps)
    return reading
  }
}

extension HostReading {
  /// Takes over addresses of the host that no dump shows, as `--host-address` gives them, several behind commas.
  mutating func add(hostAddresses texts: [String]) throws(Failure) {
    for text in texts.flatMap({ $0.split(separator: ",") }) {
      guard let address = IPAddress(text) else { throw Failure("--host-address \(text): not an address") }
      facts.unplacedAddresses.append(address)
    }
  }
}
