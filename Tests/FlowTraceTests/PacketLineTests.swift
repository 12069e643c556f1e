import FlowTrace
import HostModel
import RuleGraph
import Testing

@Suite struct PacketLineTests {
  @Test(arguments: [
    (
      "12:34:56.789 IP 10.0.0.5.51234 > 192.168.0.140.32769: Flags [S], seq 1, win 64240, length 0",
      "proto=tcp tcp_flags=[S] src=10.0.0.5 sport=51234 dst=192.168.0.140 dport=32769"
    ),
    (
      "12:34:56.789 eth0  In  IP6 2001:db8::1.53 > 2001:db8::2.4242: 12345 1/0/0 A 1.2.3.4 (44)",
      "in=eth0 proto=udp src=2001:db8::1 sport=53 dst=2001:db8::2 dport=4242"
    ),
    (
      "IP 172.17.0.2 > 8.8.8.8: ICMP echo request, id 7, seq 1, length 64",
      "proto=icmp icmp_type=8 src=172.17.0.2 dst=8.8.8.8"
    ),
    (
      "kernel: [12.3] DROP IN=eth0 OUT= MAC=00:11 SRC=1.2.3.4 DST=5.6.7.8 LEN=60 TTL=64 PROTO=TCP SPT=1000 DPT=22 WINDOW=1 RES=0x00 SYN URGP=0",
      "proto=tcp src=1.2.3.4 dst=5.6.7.8 sport=1000 dport=22 in=eth0 ttl=64 length=60 tcp_flags=syn"
    ),
    (
      "tcp      6 431999 ESTABLISHED src=10.0.0.5 dst=172.17.0.2 sport=1 dport=80 src=172.17.0.2 dst=10.0.0.5 sport=80 dport=1 [ASSURED] mark=0 use=1",
      "proto=tcp src=10.0.0.5 dst=172.17.0.2 sport=1 dport=80"
    ),
    ("http://192.168.0.140:32769/index.html", "proto=tcp dst=192.168.0.140 dport=32769"),
    ("https://user@[2001:db8::1]/", "proto=tcp dst=2001:db8::1 dport=443"),
  ])
  func aLineFixesWhatItSays(_ line: String, _ expected: String) throws {
    let packet = try #require(PacketLine(line))
    #expect(packet.options.map { "\($0.option.rawValue)=\($0.text)" }.joined(separator: " ") == expected)
    var builder = QueryBuilder(facts: HostFacts())
    try builder.set(packet: line)
    #expect(try builder.query().destination != nil)
  }

  @Test(arguments: ["", "hello world", "IP", "SRC=1.2.3.4", "http://", "IP a >"])
  func otherLinesAreRefused(_ line: String) {
    #expect(PacketLine(line) == nil)
  }

  @Test func aKernelLineWithoutInputIsSentByTheHost() throws {
    let packet = try #require(PacketLine("IN= OUT=eth0 SRC=10.0.0.1 DST=10.0.0.2 PROTO=UDP SPT=1 DPT=53"))
    #expect(packet.isSentByHost)
  }
}
