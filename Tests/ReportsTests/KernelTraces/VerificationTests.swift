import Foundation
import HostModel
import RuleGraph
import RuleParser
import Testing
import Traffic

@testable import Reports

/// What the kernel traced, held against the model.
@Suite struct VerificationTests {
  /// The rules of a router of the laboratory, as `nft -a list ruleset` printed them, shortened.
  private static let rules = """
    table inet fw {
      chain pre {
        type filter hook prerouting priority -350; policy accept;
        ip saddr 192.0.2.9 udp dport { 53, 5353, 9999 } meta nftrace set 1 # handle 5
      }
      chain input {
        type filter hook input priority 10; policy accept;
        udp dport vmap { 53 : accept, 5353 : jump dns } # handle 8
      }
      chain dns {
        ip saddr 192.0.2.0/24 counter packets 0 bytes 0 drop comment "no dns" # handle 6
      }
    }
    table ip nat {
      chain PREROUTING {
        type nat hook prerouting priority dstnat; policy accept;
        fib daddr type local counter packets 3 bytes 149 jump DOCKER # handle 6
      }
      chain DOCKER {
        tcp dport 8080 dnat to 172.17.0.2:80 # handle 7
      }
    }
    table ip filter {
      chain INPUT {
        type filter hook input priority filter; policy drop;
        tcp dport 22 counter packets 0 bytes 0 log prefix "[UFW BLOCK] " # handle 14
        udp dport 5353 counter packets 0 bytes 0 accept # handle 13
        udp dport 9999 counter packets 0 bytes 0 accept # handle 12
      }
    }

    """

  private static let packet =
    #"packet: iif "eth0" ether saddr ce:64:88:6a:a5:7d ip saddr 192.0.2.9 ip daddr 192.0.2.1 ip ttl 64 ip protocol udp ip length 29 udp sport 54035 udp dport 5353 udp length 9"#

  /// As `nft monitor trace` printed it.
  private static let nft = """
    trace id 437830de inet fw pre \(packet) @th,64,8 0x78
    trace id 437830de inet fw pre rule ip saddr 192.0.2.9 udp dport { 53, 5353, 9999 } meta nftrace set 1 # handle 5 (verdict continue)
    trace id 437830de inet fw pre policy accept
    trace id 437830de ip raw PREROUTING \(packet)
    trace id 437830de ip raw PREROUTING policy accept
    trace id 437830de ip nat PREROUTING \(packet)
    trace id 437830de ip nat PREROUTING rule fib daddr type local counter packets 3 bytes 149 jump DOCKER # handle 6 (verdict jump DOCKER)
    trace id 437830de ip nat PREROUTING policy accept
    trace id 437830de ip filter INPUT \(packet)
    trace id 437830de ip filter INPUT rule udp dport 5353 counter packets 0 bytes 0 accept # handle 13 (verdict accept)
    trace id 437830de inet fw input \(packet)
    trace id 437830de inet fw input rule udp dport vmap { 53 : accept, 5353 : jump dns } # handle 8 (verdict jump dns)
    trace id 437830de inet fw dns rule ip saddr 192.0.2.0/24 counter packets 0 bytes 0 drop comment "no dns" # handle 6 (verdict drop)

    """

  /// The same of xtables-monitor.
  private static let monitor = """
    PACKET: 1 437830de IN=eth0 NFPROTO=2 SRC=192.0.2.9 DST=192.0.2.1 LEN=29 TOS=0x0 TTL=64 ID=63578 DF SPORT=54035 DPORT=5353
     TRACE: 1 437830de fw:pre:rule:0x5:CONTINUE
     TRACE: 1 437830de fw:pre:policy:ACCEPT
    PACKET: 2 437830de IN=eth0 SRC=192.0.2.9 DST=192.0.2.1 LEN=29 TOS=0x0 TTL=64 ID=63578 DF SPORT=54035 DPORT=5353
     TRACE: 2 437830de nat:PREROUTING:rule:0x6:JUMP:DOCKER  -4 -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
     TRACE: 2 437830de nat:PREROUTING:policy:ACCEPT
    PACKET: 2 437830de IN=eth0 SRC=192.0.2.9 DST=192.0.2.1 LEN=29 TOS=0x0 TTL=64 ID=63578 DF SPORT=54035 DPORT=5353
     TRACE: 2 437830de filter:INPUT:rule:0xd:ACCEPT  -4 -t filter -A INPUT -p udp -m udp --dport 5353 -j ACCEPT
    PACKET: 1 437830de IN=eth0 NFPROTO=2 SRC=192.0.2.9 DST=192.0.2.1 LEN=29 TOS=0x0 TTL=64 ID=63578 DF SPORT=54035 DPORT=5353
     TRACE: 1 437830de fw:input:rule:0x8:JUMP:dns
     TRACE: 1 437830de fw:dns:rule:0x6:DROP

    """

  private static func verified(_ trace: String, _ rules: String) -> (TraceVerification, HostReading) {
    var reading = DumpReader().read([DumpInput(name: "rules.nft", text: rules)])
    reading.facts.unplacedAddresses = [IPAddress(ipv4: 0xc000_0201)]
    return (TraceVerification(KernelTraceReader(trace).traces, reading.ruleset, facts: reading.facts), reading)
  }

  private static func text(_ trace: String, _ rules: String) -> String {
    let (verification, reading) = verified(trace, rules)
    return VerificationText(reading.ruleset, traceName: "trace.txt").text(of: verification)
  }

  @Test(arguments: [nft, monitor])
  func everyStepAgrees(_ trace: String) {
    let (verification, _) = Self.verified(trace, Self.rules)
    #expect(verification.counts == (1, 0, 0), "\(Self.text(trace, Self.rules))")
    #expect((verification.results.first?.agreed ?? 0) >= 7, "\(Self.text(trace, Self.rules))")
    #expect(Self.text(trace, Self.rules).contains("dropped by inet fw dns 1"))
  }

  @Test func theKernelsLogAgrees() {
    let packet =
      "IN=eth0 OUT= SRC=192.0.2.9 DST=192.0.2.1 TTL=64 ID=63578 DF PROTO=UDP SPT=54035 DPT=5353 LEN=9"
    let trace = """
      Nov 29 10:00:00 host kernel: TRACE: nat:PREROUTING:rule:1 \(packet)
      Nov 29 10:00:00 host kernel: TRACE: nat:DOCKER:return:2 \(packet)
      Nov 29 10:00:00 host kernel: TRACE: nat:PREROUTING:policy:2 \(packet)
      Nov 29 10:00:00 host kernel: TRACE: filter:INPUT:rule:2 \(packet)

      """
    #expect(Self.verified(trace, Self.rules.replacing("drop comment", with: "accept comment")).0.counts == (1, 0, 0))
  }

  @Test func aStaleDumpIsNamed() {
    let without = Self.rules.replacing("udp dport 5353 counter packets 0 bytes 0 accept # handle 13\n", with: "\n")
    let text = Self.text(Self.nft, without)
    #expect(text.contains("the chain in the dump has no such rule"), "\(text)")
    #expect(text.contains("rule with handle 13 of filter INPUT: accept  trace.txt:10"), "\(text)")
    let early = Self.rules.replacing(
      "udp dport 9999 counter", with: "udp sport 54035 counter drop # handle 20\n        udp dport 9999 counter"
    ).replacing("udp dport 5353 counter packets 0 bytes 0 accept # handle 13\n", with: "\n").replacing(
      "udp dport 9999 counter packets 0 bytes 0 accept # handle 12",
      with: "udp dport 5353 counter packets 0 bytes 0 accept # handle 13")
    let other = Self.text(Self.nft, early)
    #expect(other.contains("the rule is in the dump, and the model does not do this there"), "\(other)")
    #expect(other.contains("filter INPUT 2: drop"), "\(other)")
  }

  @Test func theJSONIsOfItsSchema() throws {
    let schema = try JSONSchema(contentsOf: Samples.root.appending(path: "Schemas/fwtrace.verify.1.json"))
    for rules in [Self.rules, Self.rules.replacing("# handle 13", with: "# handle 33")] {
      let (verification, reading) = Self.verified(Self.nft, rules)
      let bytes = VerificationJSON(reading.ruleset, traceName: "trace.txt").bytes(of: verification, unreadable: [3])
      #expect(schema.problems(of: try JSONSerialization.jsonObject(with: Data(bytes))) == [])
    }
  }

  /// xtables-monitor names no protocol: flags are TCP's, and they stand behind the ports. A name of a rule's log prefix
  /// is none.
  @Test(arguments: [
    ("SPORT=40000 DPORT=22 SEQ=1 ACK=0 WINDOW=64240 SYN", UInt8(6), UInt8?(2)), ("SPORT=54035 DPORT=53", 17, nil),
  ])
  func aPacketOfTheMonitorIsTCPByItsFlags(_ ports: String, _ transport: UInt8, _ flags: UInt8?) throws {
    let text = """
      PACKET: 2 437830de IN=eth0 OUT=docker0 SRC=192.0.2.9 DST=192.0.2.1 LEN=60 TTL=64 ID=1 DF \(ports)
       TRACE: 2 437830de filter:INPUT:policy:DROP

      """
    let trace = try #require(KernelTraceReader(text).traces.first)
    #expect((trace.packet.transport, trace.packet.tcpFlags) == (transport, flags))
    #expect((trace.packet.input, trace.output) == (InterfaceName("eth0")?.value, InterfaceName("docker0")?.value ?? 0))
  }

  @Test func packetsThatWereNotComparedAreCounted() {
    let packet = #"packet: iif "eth0" ip saddr 192.0.2.9 ip daddr 192.0.2.1 ip protocol icmp icmp type time-exceeded"#
    let one = "trace id ID ip filter INPUT \(packet)\ntrace id ID ip filter INPUT policy drop\n"
    let text = Self.text(one.replacing("ID", with: "1") + one.replacing("ID", with: "2"), Self.rules)
    #expect(text.contains("Not compared: 2 packets about another packet (ICMP errors)"), "\(text)")
  }

  @Test func whatIsNoTraceIsPassedOver() {
    #expect(KernelTraceReader("*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\ntrace id\nTRACE: x\nPACKET:\n").traces.isEmpty)
    #expect(KernelTraceReader("trace id 1 ip filter INPUT rule accept (verdict accept)\n").unreadable == [1])
  }
}
