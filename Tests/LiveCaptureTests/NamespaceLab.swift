import Foundation

@testable import LiveCapture

/// A network namespace with rules of every kind, made for a test and removed behind it.
final class NamespaceLab {
  let name: String

  /// What the tests need, or nil when all is there.
  static let obstacle: String? = {
    for program in ["nft", "iptables-nft", "iptables-legacy", "ipset", "ip", "busybox", "dash"]
    where ProgramPath.find(program) == nil {
      return program
    }
    return run(["ip", "netns", "exec", "-h"]).status != 0 && run(["unshare", "-n", "true"]).status != 0
      ? "network namespaces" : nil
  }()
  static var isPossible: Bool { obstacle == nil }

  struct Outcome {
    var status: Int32
    var output: String
    var errors: String
  }

  /// A namespace with loopback and a ruleset of nft, nothing else.
  init(_ suffix: String, ruleset: String) throws {
    name = "fwtrace-\(suffix)-\(getpid())"
    for words in [["ip", "netns", "add", name], ["ip", "-n", name, "link", "set", "lo", "up"]] {
      let outcome = Self.run(words)
      guard outcome.status == 0 else { throw LabFailure(message: outcome.errors) }
    }
    let nft = inside(["nft", "-f", "-"], input: ruleset)
    guard nft.status == 0 else { throw LabFailure(message: nft.errors) }
  }

  init(_ suffix: String) throws {
    name = "fwtrace-\(suffix)-\(getpid())"
    let outcome = Self.run(["ip", "netns", "add", name])
    guard outcome.status == 0 else { throw LabFailure(message: outcome.errors) }
    for line in Self.setUp {
      let outcome = inside(line.split(separator: " ").map(String.init))
      guard outcome.status == 0 else { throw LabFailure(message: "\(line): \(outcome.errors)") }
    }
    let nft = inside(["nft", Self.nftRules])
    guard nft.status == 0 else { throw LabFailure(message: nft.errors) }
  }

  deinit { _ = Self.run(["ip", "netns", "del", name]) }

  struct LabFailure: Error { var message: String }

  private static let setUp = [
    "ip link set lo up", "ip link add br0 type bridge", "ip link add v0 type veth peer name v1",
    "ip link set v0 master br0",
    "ip link set v0 up", "ip link set v1 up", "ip link set br0 up", "ip addr add 93.184.216.34/24 brd + dev br0",
    "ip -6 addr add 2a01:4f8:1:2::5/64 dev br0 nodad", "ip route add default via 93.184.216.1",
    "sysctl -qw net.ipv4.ip_forward=1", "ipset create blocked hash:net", "ipset add blocked 185.220.0.0/16",
    "ipset add blocked 93.184.216.34", "iptables-nft -A INPUT -p tcp --dport 25 -j REJECT",
    "iptables-nft -A INPUT -p tcp --dport 29 -m set --match-set blocked src -m comment --comment Alice -j DROP",
    "iptables-nft -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 93.184.216.77:80",
    "iptables-nft -A FORWARD -m iprange --src-range 8.8.8.8-8.8.8.20 -j DROP",
    "iptables-nft -A FORWARD -d 93.184.216.77 -p tcp --dport 80 -j ACCEPT", "iptables-nft -P FORWARD DROP",
    "iptables-legacy -A INPUT -p tcp --dport 26 -j DROP",
    "ip6tables-nft -A INPUT -s 2a01:4f8::/32 -p tcp --dport 27 -j DROP",
  ]

  private static let nftRules = """
    add table inet host; add set inet host ranges { type ipv4_addr; flags interval; elements = { 81.2.69.142-81.2.69.160, 151.101.0.0/16 }; }; \
    add chain inet host input { type filter hook input priority 10; policy accept; }; \
    add rule inet host input tcp dport 23 drop comment "no telnet for Alice"; add rule inet host input ip saddr @ranges drop
    """

  /// Questions whose answers differ: each rule above decides at least one.
  static let questions: [[String]] = [
    ["--dst", "93.184.216.34:23"], ["--dst", "93.184.216.34:25"], ["--dst", "93.184.216.34:26"],
    ["--from", "host", "--dst", "93.184.216.34:29"], ["--src", "185.220.5.5", "--dst", "93.184.216.34:29"],
    ["--src", "81.2.69.150", "--dst", "93.184.216.34:80"], ["--src", "81.2.69.161", "--dst", "93.184.216.34:80"],
    ["--dst", "93.184.216.34:8080"], ["--src", "8.8.8.15", "--dst", "93.184.216.34:8080"],
    ["--src", "2a01:4f8:9::1", "--dst", "[2a01:4f8:1:2::5]:27"], ["--from", "host", "--dst", "1.1.1.1:443"],
  ]

  /// The program that was built beside the tests.
  static let program: String = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    .deletingLastPathComponent()
    .appending(path: "fwtrace").path

  /// Runs a command inside the namespace.
  func inside(_ words: [String], input: String = "") -> Outcome {
    Self.run(["ip", "netns", "exec", name] + words, input: input)
  }

  /// Runs the built program inside the namespace.
  func fwtrace(_ words: [String]) -> Outcome { inside([Self.program] + words) }

  static func run(_ words: [String], input: String = "") -> Outcome {
    guard let path = ProgramPath.find(words[0]) ?? (words[0].hasPrefix("/") ? words[0] : nil) else {
      return Outcome(status: 127, output: "", errors: "\(words[0]) is not installed")
    }
    let files = (0..<3).map { _ in FileManager.default.temporaryDirectory.appending(path: UUID().uuidString) }
    defer { for file in files { try? FileManager.default.removeItem(at: file) } }
    do {
      try Data(input.utf8).write(to: files[0])
      for file in files.dropFirst() { try Data().write(to: file) }
      let process = Process()
      process.executableURL = URL(filePath: path)
      process.arguments = Array(words.dropFirst())
      process.environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "COLUMNS": "100"]
      process.standardInput = try FileHandle(forReadingFrom: files[0])
      process.standardOutput = try FileHandle(forWritingTo: files[1])
      process.standardError = try FileHandle(forWritingTo: files[2])
      try process.run()
      process.waitUntilExit()
      return Outcome(
        status: process.terminationStatus, output: try String(contentsOf: files[1], encoding: .utf8),
        errors: try String(contentsOf: files[2], encoding: .utf8))
    } catch {
      return Outcome(status: 126, output: "", errors: "\(error)")
    }
  }
}
