import HostModel
import RuleGraph
import Testing

@testable import RuleParser

/// Two hosts in one paste are two hosts.
@Suite struct HostPartitionTests {
  private func hosts(_ inputs: (String, String)...) -> [HostReading] {
    DumpReader().readHosts(inputs.map { DumpInput(name: $0.0, bytes: Array($0.1.utf8)) })
  }

  private static func addresses(_ address: String) -> String {
    "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536\n    inet 127.0.0.1/8 scope host lo\n2: eth0: <BROADCAST,UP,LOWER_UP> mtu 1500\n    inet \(address)/24 scope global eth0\n"
  }

  private static func rules(_ port: Int) -> String {
    "-P INPUT DROP\n-P FORWARD DROP\n-P OUTPUT ACCEPT\n-A INPUT -p tcp -m tcp --dport \(port) -j ACCEPT\n"
  }

  /// The port that each host accepts.
  private func ports(_ hosts: [HostReading]) -> [String] {
    hosts.map { host in
      host.ruleset.tables.flatMap(\.chains).flatMap(\.rules).map { host.ruleset.sources.text(of: $0.span) }
        .joined(separator: ";")
    }
  }

  @Test(arguments: [
    // Addresses before the rules, and behind them.
    "$ ip addr\n\(addresses("10.1.1.6"))$ iptables -S\n\(rules(443))\n$ ip addr\n\(addresses("10.1.1.99"))$ iptables -S\n\(rules(80))",
    "$ iptables -S\n\(rules(443))$ ip addr\n\(addresses("10.1.1.6"))\n$ iptables -S\n\(rules(80))$ ip addr\n\(addresses("10.1.1.99"))",
    "root@a:~# iptables -S\n\(rules(443))root@a:~# ip addr\n\(addresses("10.1.1.6"))root@b:~# iptables -S\n\(rules(80))root@b:~# ip addr\n\(addresses("10.1.1.99"))",
  ])
  func eachHostHasItsOwnRulesAndAddresses(_ paste: String) {
    let hosts = hosts(("-", paste))
    #expect(
      ports(hosts) == ["-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT", "-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT"])
    #expect(
      hosts.map { $0.facts.interface("eth0")?.addresses.map(\.address.description) } == [["10.1.1.6"], ["10.1.1.99"]])
  }

  @Test func aHostIsCalledByItsPromptItsBundleOrItsHeading() {
    let prompts = hosts(
      ("-", "root@web1:~# iptables -S\n\(Self.rules(1))root@web2:~# iptables -S\n\(Self.rules(2))"))
    #expect(prompts.map(\.name) == ["web1", "web2"])
    let bundles = hosts(
      ("a", "#### fwtrace capture 1 host=x1\n#### fwtrace: iptables -S\n\(Self.rules(1))"),
      ("b", "#### fwtrace capture 1 host=x2\n#### fwtrace: iptables -S\n\(Self.rules(2))"))
    #expect(bundles.map(\.name) == ["x1", "x2"])
    let headings = hosts(
      (
        "-",
        "host A:\n$ ip addr\n\(Self.addresses("10.1.1.6"))$ iptables -S\n\(Self.rules(1))\nhost B:\n$ ip addr\n\(Self.addresses("10.1.1.7"))$ iptables -S\n\(Self.rules(2))"
      ))
    #expect(headings.map(\.name) == ["host A", "host B"])
  }

  private func clues(_ destination: IPAddress, _ interfaces: String...) -> HostClues {
    var clues = HostClues()
    clues.destination = destination
    clues.interfaces = interfaces
    return clues
  }

  @Test func ofHostsThatShareAnAddressTheInterfaceChooses() throws {
    func host(_ name: String, _ bridge: String) -> (String, String) {
      let addresses = Self.addresses("172.17.0.1").replacing("eth0", with: bridge)
      return (name, "root@\(name):~# ip addr\n\(addresses)root@\(name):~# iptables -S\n\(Self.rules(1))")
    }
    let hosts = hosts(host("a", "docker0"), host("b", "br-0a1b2c3d4e5f"))
    let shared = try #require(IPAddress("172.17.0.1"))
    #expect(hosts.index(for: clues(shared)) == nil)
    #expect(hosts.index(for: clues(shared, "br-0a1b2c3d4e5f")) == 1)
    #expect(hosts.index(for: clues(shared, "docker0")) == 0)
    #expect(hosts.index(for: clues(shared, "wg0")) == nil)
  }

  @Test func aHostThatShowsNoInterfacesMayHaveTheOneOfTheQuestion() throws {
    let addresses = Self.addresses("10.1.1.6")
    let shown = "root@a:~# ip addr\n\(addresses)root@a:~# iptables -S\n-A INPUT -d 10.9.9.9/32 -j DROP\n"
    let hidden = "root@b:~# iptables -S\n-A INPUT -d 10.9.9.9/32 -j ACCEPT\n"
    let hosts = hosts(("a", shown), ("b", hidden))
    let wanted = try #require(IPAddress("10.9.9.9"))
    #expect(hosts.count == 2)
    #expect(hosts.index(for: clues(wanted, "eth0")) == nil)
    // The one that shows its interfaces has no such one.
    #expect(hosts.index(for: clues(wanted, "wg0")) == 1)
  }

  @Test func oneHostStaysOne() {
    // The same machine at another moment, and bridges that are alike everywhere.
    let moment =
      "root@a:~# ip addr\n\(Self.addresses("10.1.1.6"))root@a:~# ip addr\n\(Self.addresses("10.1.1.7"))root@a:~# iptables -S\n\(Self.rules(1))"
    #expect(hosts(("-", moment)).count == 1)
    let files = hosts(("h/ip-addr.txt", Self.addresses("10.1.1.6")), ("h/iptables-S.txt", Self.rules(1)))
    #expect(files.count == 1)
    #expect(hosts(("-", "nothing\n")).count == 1)
  }

  @Test func hostsWithoutRulesAreLeftOut() {
    let hosts = hosts(
      ("-", "root@a:~# iptables -S\n\(Self.rules(1))root@client:~# ip addr\n\(Self.addresses("10.1.1.99"))"))
    #expect(hosts.map(\.name) == ["a"])
    #expect(hosts[0].facts.interfaces.isEmpty)
  }

  @Test(arguments: [
    ("host1$ iptables -S\n", "host2$ iptables -S\n", ["host1", "host2"]),
    ("web1:~# iptables -S\n", "web2:/etc# iptables -S\n", ["web1", "web2"]),
    ("Server A:\n$ iptables -S\n", "Server B:\n$ iptables -S\n", ["Server A", "Server B"]),
    ("## web1 (production)\n```\n", "```\n## web2 (staging)\n```\n", ["web1 (production)", "web2 (staging)"]),
    (
      "On the working server:\n\n", "On the server that does not work:\n\n",
      ["On the working server", "On the server that does not work"]
    ),
    ("=== 192.0.2.1 ===\n", "=== 192.0.2.2 ===\n", ["192.0.2.1", "192.0.2.2"]),
    (
      "**Rules on db01.example.com**:\n", "**Rules on db02.example.com**:\n",
      ["Rules on db01.example.com", "Rules on db02.example.com"]
    ),
    ("My rules:\n", "\nAnd on the other machine:\n", [nil, "And on the other machine"]),
  ])
  func whatIsPrintedAgainUnderAnotherMachinesNameIsAnotherHosts(_ first: String, _ second: String, _ names: [String?]) {
    let hosts = hosts(("-", "\(first)\(Self.rules(1))\(second)\(Self.rules(2))"))
    #expect(hosts.map(\.name) == names)
    #expect(ports(hosts).map { $0.contains("dport 1 ") } == [true, false])
  }

  @Test(arguments: [
    ("Before:\n", "After I start docker:\n", 2), ("## filter\n", "### iptables -t filter\n", 2),
    ("On the server:\n", "\nOn the server after the reboot:\n", 2), ("Step1:\n", "Step2:\n", 2),
    ("alice@web:~$ iptables -S\n", "root@web:~# iptables -S\n", 2), ("user$ iptables -S\n", "root# iptables -S\n", 2),
    ("### eth0\n", "### eth1\n", 2),
  ])
  func twoMomentsAreNoHosts(_ first: String, _ second: String, _ moments: Int) {
    let hosts = hosts(("-", "\(first)\(Self.rules(1))\(second)\(Self.rules(2))"))
    #expect(hosts.map(\.snapshotCount) == [moments])
  }

  @Test func underTwoNamesTheSameRulesAreOneHosts() {
    #expect(hosts(("-", "Server A:\n\(Self.rules(1))Server B:\n\(Self.rules(1))")).count == 1)
  }

  @Test func whatAnotherMachinePrintedIsNotTheHosts() {
    let beside = hosts(("-", "root@a:~# iptables -S\n\(Self.rules(1))root@a:~# ssh b iptables -S\n\(Self.rules(2))"))
    #expect(beside.count == 1 && ports(beside)[0].contains("dport 1 "))
    #expect(beside[0].diagnostics.contains { $0.id == "rules-of-another-place" && $0.message.contains("machine b") })
    for command in ["echo iptables -S | ssh b", "ssh b <<EOF\niptables -S\nEOF"] {
      let piped = hosts(("-", "root@a:~# iptables -S\n\(Self.rules(1))root@a:~# \(command)\n\(Self.rules(2))"))
      #expect(piped.count == 1 && ports(piped)[0].contains("dport 1 "), "\(command)")
    }
    // Where nothing else shows rules they are what is asked about.
    let alone = hosts(("-", "me@a:~$ ssh b iptables -S\n\(Self.rules(1))me@a:~$ ssh c iptables -S\n\(Self.rules(2))"))
    #expect(alone.map(\.name) == ["b", "c"])
    // Its own prompt says the same of it.
    let both = hosts(
      (
        "-",
        "root@a:~# iptables -S\n\(Self.rules(1))root@a:~# ssh b iptables -S\n\(Self.rules(2))root@b:~# iptables -S\n\(Self.rules(2))"
      ))
    #expect(both.map(\.name) == ["a", "b"] && both.map(\.snapshotCount) == [1, 1])
  }
}
