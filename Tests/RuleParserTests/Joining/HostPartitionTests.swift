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
}
