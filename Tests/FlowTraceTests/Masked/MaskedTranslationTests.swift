import FlowTrace
import RuleGraph
import RuleParser
import Testing

/// A masked target of a translation is one address or port that nobody knows: the verdict is definite where it does not matter.
@Suite struct MaskedTranslationTests {
  private func verdict(_ rules: String) throws -> OverallVerdict {
    let reading = DumpReader().read([MaskedRow.input("iptables-save.txt", rules)] + MaskedMatchTests.host)
    let query = try MaskedRow(.dport, "").query("80", reading)
    return Tracer(reading.ruleset, facts: reading.facts).trace(query).verdict
  }

  private static func rules(_ chain: String, _ target: String, _ filter: String, policy: String = "DROP") -> String {
    "*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n-A \(chain) \(target)\nCOMMIT\n"
      + "*filter\n:INPUT \(policy) [0:0]\n:FORWARD \(policy) [0:0]\n\(filter.isEmpty ? "" : filter + "\n")COMMIT\n"
  }

  @Test(arguments: ["x.x.x.62", "<WAN_IP>", "203.0.113.xxx", "x.x.x.x-x.x.x.y"])
  func aMaskedSourceChangesNothing(_ mask: String) throws {
    #expect(
      try verdict(Self.rules("POSTROUTING", "-j SNAT --to-source \(mask)", "-A FORWARD -p tcp -j ACCEPT")) == .accept)
    #expect(try verdict(Self.rules("POSTROUTING", "-j SNAT --to-source \(mask)", "")) == .drop)
  }

  @Test(arguments: ["x.x.x.x:80", "<SERVER>:80", "REDACTED:80", "x.x.x.x"])
  func aMaskedDestinationLeavesOpenWhereThePacketGoes(_ mask: String) throws {
    let target = "-p tcp --dport 80 -j DNAT --to-destination \(mask)"
    #expect(try verdict(Self.rules("PREROUTING", target, "-A FORWARD -d 10.1.0.7 -j ACCEPT")) == .undetermined)
    // Nothing lets it through, wherever it goes.
    #expect(try verdict(Self.rules("PREROUTING", target, "")) == .drop)
    #expect(try verdict(Self.rules("PREROUTING", target, "-A FORWARD -s 192.0.2.1 -j ACCEPT")) == .drop)
  }

  @Test func theShapeOfADestinationMayTellEnough() throws {
    let target = "-p tcp --dport 80 -j DNAT --to-destination 10.1.0.xxx:8080"
    #expect(
      try verdict(Self.rules("PREROUTING", target, "-A FORWARD -d 10.1.0.0/24 -p tcp --dport 8080 -j ACCEPT"))
        == .undetermined)
    #expect(try verdict(Self.rules("PREROUTING", target, "-A FORWARD -d 10.9.0.0/24 -j ACCEPT")) == .drop)
  }

  @Test func aMaskedPortIsOneThatNobodyKnows() throws {
    let target = "-p tcp --dport 80 -j DNAT --to-destination 10.1.0.7:XXXX"
    #expect(try verdict(Self.rules("PREROUTING", target, "-A FORWARD -p tcp --dport 8080 -j ACCEPT")) == .undetermined)
    #expect(try verdict(Self.rules("PREROUTING", target, "-A FORWARD -p tcp -d 10.1.0.7 -j ACCEPT")) == .accept)
  }

  @Test func nftTranslatesToMaskedTargets() throws {
    func verdict(_ statement: String, _ filter: String) throws -> OverallVerdict {
      let reading = DumpReader().read(
        [
          MaskedRow.input(
            "nft-list-ruleset.txt",
            """
            table ip t {
            \tchain p {
            \t\ttype nat hook prerouting priority dstnat; policy accept;
            \t\t\(statement)
            \t}
            \tchain f {
            \t\ttype filter hook forward priority filter; policy drop;
            \t\t\(filter)
            \t}
            \tchain i {
            \t\ttype filter hook input priority filter; policy drop;
            \t}
            }

            """)
        ] + MaskedMatchTests.host)
      #expect(reading.diagnostics.filter { $0.severity != .note } == [])
      let query = try MaskedRow(.dport, "").query("80", reading)
      return Tracer(reading.ruleset, facts: reading.facts).trace(query).verdict
    }
    for target in [
      "x.x.x.x", "<SERVER>:80", "[redacted]:80", "$server", "tcp dport map { 80 : 10.x.x.x, 81 : 10.1.0.7 }",
      "tcp dport map { 81 : 10.1.0.7, ... }",
    ] {
      #expect(try verdict("dnat to \(target)", "ip daddr 10.1.0.7 accept") == .undetermined, "\(target)")
      #expect(try verdict("dnat to \(target)", "ip saddr 192.0.2.1 accept") == .drop, "\(target)")
    }
    #expect(try verdict("dnat to tcp dport map { 80 : 10.1.0.7, ... }", "ip daddr 10.1.0.7 accept") == .accept)
  }
}
