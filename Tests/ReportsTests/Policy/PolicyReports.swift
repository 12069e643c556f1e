import Foundation
import PolicyCheck
import PolicyYAML
import RuleParser

/// What came of a policy with one test that passes, one that fails, one that is not told and one that is skipped, all
/// with awkward names.
enum PolicyReports {
  static let dump = """
    *filter
    :INPUT DROP [0:0]
    :FORWARD DROP [0:0]
    :OUTPUT ACCEPT [0:0]
    -A INPUT -s 198.51.100.0/24 -p tcp -m tcp --dport 22 -j ACCEPT
    -A INPUT -p tcp -m tcp --dport 80 -j ACCEPT
    -A INPUT -m brandnew --mystery -p udp -j ACCEPT
    COMMIT

    """

  static let policy = """
    packet: { family: ipv4, in: eth0, dst: 192.0.2.1, host-address: 192.0.2.1 }
    tests:
      - { name: "the <office> & \\"others\\" # 1", packet: { src: 198.51.100.0/24, dport: 22 }, expect: accept }
      - { name: "80 is closed, 100 %", tags: [web], packet: { dport: 80 }, expect: drop }
      - { name: "udp\\nis open", packet: { service: 53/udp }, expect: accept }
      - { name: later, skip: "# not yet", packet: { dport: 443 }, expect: accept }

    """

  /// Runs the policy on the dump, as two hosts.
  static func results(dump name: String = "captures/my rules.txt") throws -> [HostResult] {
    let (policy, mistakes) = PolicyReader.read(try PolicyYAML.read(Array(policy.utf8)).get())
    guard mistakes.isEmpty else { throw mistakes[0] }
    return ["web 01", "web02"].map { host in
      let reading = DumpReader().read([DumpInput(name: name, text: dump)])
      let host = PolicyHost(name: host, ruleset: reading.ruleset, facts: reading.facts, dumps: [name])
      let checker = Checker(host)
      return HostResult(host: host, results: PolicyBinder.bind(policy, to: host).checks.map { checker.run($0) })
    }
  }

  /// Runs a program of the machine; nil where it is not installed.
  static func run(_ program: String, _ arguments: [String], in folder: URL) throws -> (status: Int32, output: String)? {
    let path = "/usr/bin/\(program)"
    guard FileManager.default.isExecutableFile(atPath: path) else { return nil }
    let process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    process.currentDirectoryURL = folder
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, output)
  }

  static func has(_ program: String) -> Bool { FileManager.default.isExecutableFile(atPath: "/usr/bin/\(program)") }

  /// A folder that is gone when the body ends.
  static func inFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "fwtrace-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
  }
}
