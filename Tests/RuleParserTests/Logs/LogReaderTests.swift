import RuleGraph
import RuleParser
import Testing

/// Logs of connections and packets, as the programs write them.
@Suite struct LogReaderTests {
  /// A log, what it is called, and its flows in short.
  struct Sample: CustomTestStringConvertible, Sendable {
    var format: String
    var log: String
    var flows: [String]
    var later = 0
    var others = 0
    var answersByPorts = 0

    var testDescription: String { "\(format): \(flows.first ?? "")" }
  }

  static let samples: [Sample] = [
    // Zeek 6, shortened to the columns that are read and some that are not.
    Sample(
      format: "Zeek conn.log",
      log: """
        #separator \\x09
        #path\tconn
        #fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\torig_bytes\tresp_bytes\tconn_state\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes
        #types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tcount\tcount\tstring\tcount\tcount\tcount\tcount
        1764374400.1\tC1\t192.0.2.9\t40000\t198.51.100.1\t443\ttcp\tssl\t10\t20\tSF\t3\t130\t4\t180
        1764374400.2\tC2\t192.0.2.9\t40001\t198.51.100.1\t22\ttcp\t-\t-\t-\tS0\t1\t60\t0\t0
        1764374400.3\tC3\t2001:db8::9\t50000\t2001:db8::1\t53\tudp\tdns\t30\t40\tSF\t1\t78\t1\t88
        1764374400.4\tC4\t192.0.2.9\t8\t198.51.100.1\t0\ticmp\t-\t56\t56\tOTH\t1\t84\t1\t84
        1764374400.5\tC5\t192.0.2.9\t40002\t198.51.100.1\t23\ttcp\t-\t-\t-\tREJ\t1\t60\t1\t40
        #close\t2026-11-29-00-00-00
        """,
      flows: [
        "6 192.0.2.9:40000 198.51.100.1:443 310B answered", "6 192.0.2.9:40001 198.51.100.1:22 60B unanswered",
        "17 2001:db8::9:50000 2001:db8::1:53 166B answered", "1 192.0.2.9:0 198.51.100.1:0 168B untold type 8",
        "6 192.0.2.9:40002 198.51.100.1:23 100B refused",
      ]),
    Sample(
      format: "Zeek conn.log (JSON)",
      log: #"""
        {"ts":1764374400.1,"uid":"C1","id.orig_h":"192.0.2.9","id.orig_p":40000,"id.resp_h":"198.51.100.1","id.resp_p":443,"proto":"tcp","service":"ssl","conn_state":"RSTO","history":"ShADa\"dR","orig_ip_bytes":130,"resp_ip_bytes":180,"tunnel_parents":["a","b"]}
        """#,
      flows: ["6 192.0.2.9:40000 198.51.100.1:443 310B answered"]),
    Sample(
      format: "nfdump (CSV)",
      log: """
        ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt
        2026-11-29 10:00:00,2026-11-29 10:00:01,1.000,192.0.2.9,198.51.100.1,40000,443,TCP,...AP.SF,0,0,5,500,0,0
        2026-11-29 10:00:00,2026-11-29 10:00:01,1.000,198.51.100.1,192.0.2.9,443,40000,TCP,...AP.SF,0,0,5,900,0,0
        2026-11-29 10:00:00,2026-11-29 10:00:01,1.000,192.0.2.9,198.51.100.1,40001,22,TCP,......S.,0,0,1,60,0,0
        2026-11-29 10:00:00,2026-11-29 10:00:01,1.000,192.0.2.9,198.51.100.1,0,8.0,ICMP,........,0,0,1,84,0,0
        Summary
        flows,bytes,packets,avg_bps,avg_pps,avg_bpp
        4,1544,12,1,1,128
        """,
      flows: [
        "6 192.0.2.9:40000 198.51.100.1:443 500B answered", "6 198.51.100.1:443 192.0.2.9:40000 900B answered answer",
        "6 192.0.2.9:40001 198.51.100.1:22 60B untold", "1 192.0.2.9:0 198.51.100.1:0 84B untold type 8",
      ], answersByPorts: 1),
    // The examples of Amazon's guide, with addresses for documentation.
    Sample(
      format: "VPC flow log",
      log: """
        2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK
        2 123456789010 eni-1235b8ca123456789 172.31.9.69 172.31.9.12 49761 3389 6 20 4249 1418530010 1418530070 REJECT OK
        2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA
        """,
      flows: [
        "6 172.31.16.139:20641 172.31.16.21:22 4249B untold", "6 172.31.9.69:49761 172.31.9.12:3389 4249B stopped",
      ], others: 1),
    Sample(
      format: "VPC flow log",
      log: """
        version srcaddr dstaddr srcport dstport protocol tcp-flags packets bytes action log-status
        5 52.213.180.42 10.0.0.62 43416 5001 6 2 8 568 ACCEPT OK
        5 10.0.0.62 52.213.180.42 5001 43416 6 18 7 376 ACCEPT OK
        """,
      flows: [
        "6 52.213.180.42:43416 10.0.0.62:5001 568B untold", "6 10.0.0.62:5001 52.213.180.42:43416 376B answered answer",
      ]),
    Sample(
      format: "Suricata EVE",
      log: #"""
        {"timestamp":"2026-11-29T10:00:00.1+0000","flow_id":1,"event_type":"dns","src_ip":"192.0.2.9","src_port":50000,"dest_ip":"198.51.100.1","dest_port":53,"proto":"UDP","dns":{"type":"query","id":7}}
        {"timestamp":"2026-11-29T10:00:00.1+0000","flow_id":2,"event_type":"flow","src_ip":"192.0.2.9","src_port":40000,"dest_ip":"198.51.100.1","dest_port":443,"proto":"TCP","flow":{"pkts_toserver":5,"pkts_toclient":4,"bytes_toserver":500,"bytes_toclient":900,"start":"2026-11-29T09:59:00","state":"closed","reason":"timeout"},"tcp":{"tcp_flags":"1b","syn":true}}
        {"timestamp":"2026-11-29T10:00:00.1+0000","flow_id":3,"event_type":"flow","src_ip":"192.0.2.9","src_port":40001,"dest_ip":"198.51.100.1","dest_port":22,"proto":"TCP","flow":{"pkts_toserver":1,"pkts_toclient":0,"bytes_toserver":60,"bytes_toclient":0,"state":"new"}}
        """#,
      flows: [
        "6 192.0.2.9:40000 198.51.100.1:443 1400B answered", "6 192.0.2.9:40001 198.51.100.1:22 60B unanswered",
      ], others: 1),
    Sample(
      format: "conntrack -E",
      log: """
            [NEW] tcp      6 120 SYN_SENT src=192.0.2.9 dst=192.0.2.1 sport=34002 dport=8080 [UNREPLIED] src=172.17.0.2 dst=192.0.2.9 sport=80 dport=34002
         [UPDATE] tcp      6 60 SYN_RECV src=192.0.2.9 dst=192.0.2.1 sport=34002 dport=8080 src=172.17.0.2 dst=192.0.2.9 sport=80 dport=34002
        conntrack v1.4.7 (conntrack-tools): 2 flow events have been shown.
        """,
      flows: ["6 192.0.2.9:34002 192.0.2.1:8080 0B passed"], later: 1),
    Sample(
      format: "conntrack -E",
      log: """
        [DESTROY] udp      17 src=192.0.2.9 dst=192.0.2.1 sport=50000 dport=53 packets=1 bytes=60 src=192.0.2.1 dst=192.0.2.9 sport=53 dport=50000 packets=1 bytes=90
        """,
      flows: ["17 192.0.2.9:50000 192.0.2.1:53 150B answered"]),
    Sample(
      format: "conntrack -L",
      log: """
        tcp      6 431999 ESTABLISHED src=192.0.2.9 dst=192.0.2.1 sport=40000 dport=22 src=192.0.2.1 dst=192.0.2.9 sport=22 dport=40000 [ASSURED] mark=0 use=1
        icmp     1 29 src=192.0.2.9 dst=192.0.2.1 type=8 code=0 id=5 [UNREPLIED] src=192.0.2.1 dst=192.0.2.9 type=0 code=0 id=5 mark=0 use=1
        """,
      flows: ["6 192.0.2.9:40000 192.0.2.1:22 0B answered", "1 192.0.2.9:0 192.0.2.1:0 0B passed type 8"]),
    Sample(
      format: "ulogd2",
      log: #"""
        {"timestamp": "2026-11-28T16:46:31", "dvc": "Netfilter", "orig.ip.protocol": 6, "orig.l4.sport": 35896, "orig.l4.dport": 8080, "orig.raw.pktlen": 0, "reply.ip.protocol": 6, "reply.l4.sport": 8080, "ct.event": 1, "src_ip": "192.0.2.9", "dest_ip": "192.0.2.1", "reply.ip.saddr.str": "192.0.2.1"}
        {"timestamp": "2026-11-28T16:46:32", "dvc": "Netfilter", "orig.ip.protocol": 6, "orig.l4.sport": 35896, "orig.l4.dport": 8080, "orig.raw.pktlen": 0, "reply.ip.protocol": 6, "reply.l4.sport": 8080, "ct.event": 4, "src_ip": "192.0.2.9", "dest_ip": "192.0.2.1", "reply.ip.saddr.str": "192.0.2.1"}
        {"timestamp": "2026-11-28T16:46:31.3", "dvc": "Netfilter", "raw.pktlen": 60, "oob.prefix": "drop22 ", "ip.protocol": 6, "src_port": 46526, "dest_port": 22, "tcp.ack": 0, "tcp.syn": 1, "oob.in": "eth0", "oob.out": "", "src_ip": "192.0.2.9", "dest_ip": "192.0.2.1"}
        """#,
      flows: [
        "6 192.0.2.9:35896 192.0.2.1:8080 0B passed", "6 192.0.2.9:46526 192.0.2.1:22 60B untold in eth0 flags 2",
      ],
      later: 1),
    Sample(
      format: "kernel log",
      log: """
        Nov 29 10:00:00 host kernel: [12345.678] [UFW BLOCK] IN=eth0 OUT= MAC=52:54:00:12:34:56:52:54:00:65:43:21:08:00 SRC=203.0.113.9 DST=192.0.2.1 LEN=60 TOS=0x00 PREC=0x00 TTL=54 ID=1 DF PROTO=TCP SPT=40000 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0
        Nov 29 10:00:00 host systemd[1]: Started something.
        Nov 29 10:00:01 host kernel: outIN= OUT=eth0 SRC=192.0.2.1 DST=203.0.113.9 LEN=88 TOS=0x00 PREC=0xC0 TTL=64 ID=1 PROTO=ICMP TYPE=3 CODE=3 [SRC=203.0.113.9 DST=192.0.2.1 LEN=60 TOS=0x00 TTL=54 ID=2 PROTO=UDP SPT=1 DPT=2 LEN=40 ]
        """,
      flows: [
        "6 203.0.113.9:40000 192.0.2.1:22 60B stopped in eth0 flags 2",
        "1 192.0.2.1:0 203.0.113.9:0 88B untold host type 3",
      ], others: 1),
    Sample(
      format: "tcpdump",
      log: """
        16:30:17.37 IP6 :: > ff02::1:ff61:4eab: ICMP6, neighbor solicitation, who has fe80::1493:bdff:fe61:4eab, length 32
        16:30:18.69 ARP, Request who-has 192.0.2.1 tell 192.0.2.9, length 28
        16:30:18.70 IP 192.0.2.9.34002 > 192.0.2.1.8080: Flags [S], seq 1192624957, win 64240, options [mss 1460], length 0
        16:30:18.71 IP 192.0.2.1.8080 > 192.0.2.9.34002: Flags [S.], seq 1661137096, ack 1192624958, win 65160, length 0
        16:30:18.72 IP 192.0.2.9.34002 > 192.0.2.1.8080: Flags [.], ack 1, win 63, length 0
        16:30:18.73 eth0  In  IP 192.0.2.9.50000 > 192.0.2.1.53: 12345+ A? example.com. (29)
        """,
      flows: [
        "6 192.0.2.9:34002 192.0.2.1:8080 0B untold", "6 192.0.2.1:8080 192.0.2.9:34002 0B answered answer",
        "17 192.0.2.9:50000 192.0.2.1:53 0B untold in eth0",
      ], later: 1, others: 2),
    Sample(
      format: "fwtrace batch",
      log: #"""
        {"id": "a", "proto": "tcp", "src": "203.0.113.9", "sport": 40000, "dst": "192.0.2.1", "dport": 22, "in": "eth0"}
        {"id": "b", "src": "192.0.2.1", "dst": "203.0.113.9", "dport": 443, "in": null}
        """#,
      flows: ["6 203.0.113.9:40000 192.0.2.1:22 0B untold in eth0", "6 192.0.2.1:0 203.0.113.9:443 0B untold host"]),
  ]

  private static func short(_ flow: FlowRecord) -> String {
    var text = "\(flow.transport) \(IPAddress(bits: flow.source)):\(flow.sourcePort)"
    text += " \(IPAddress(bits: flow.destination)):\(flow.destinationPort) \(flow.bytes)B \(flow.sighting)"
    if flow.place != .first { text += " \(flow.place)" }
    if flow.isSentByHost { text += " host" }
    if flow.input != 0 { text += " in \(InterfaceName(value: flow.input))" }
    if let flags = flow.tcpFlags { text += " flags \(flags)" }
    if let type = flow.icmpType { text += " type \(type)" }
    return text
  }

  private static func read(_ log: String) throws -> (format: String, flows: [String], lines: LogLines) {
    let bytes = Array(log.utf8)
    let reader = try #require(LogReader(beginning: bytes))
    var lines = LogLines()
    var flows: [String] = []
    reader.read(bytes, firstLine: 1, &lines) { flow, _ in flows.append(short(copy flow)) }
    return (reader.format.name, flows, lines)
  }

  @Test(arguments: samples)
  func everyFormIsFoundAndRead(_ sample: Sample) throws {
    let (format, flows, lines) = try Self.read(sample.log)
    #expect(format == sample.format)
    #expect(flows == sample.flows)
    #expect(lines.flows == sample.flows.count)
    #expect(lines.malformed == 0, "\(lines.firstMalformed)")
    #expect(lines.later == sample.later)
    #expect(lines.others == sample.others)
    #expect(lines.answersByPorts == sample.answersByPorts)
  }

  /// No byte that is missing or another one stops a reader, and every line is counted as something.
  @Test(arguments: samples)
  func damagedLinesAreCounted(_ sample: Sample) throws {
    let bytes = Array(sample.log.utf8)
    let reader = try #require(LogReader(beginning: bytes))
    for place in bytes.indices {
      for damaged in [Array(bytes[..<place]), bytes[..<place] + [0x22] + bytes[(place + 1)...]] {
        var lines = LogLines()
        var flows = 0
        reader.read(damaged, firstLine: 1, &lines) { _, _ in flows += 1 }
        #expect(lines.flows == flows)
      }
    }
  }

  @Test func malformedLinesAreToldWithTheirNumber() throws {
    let log = """
      #fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto
      1\t192.0.2.9\t40000\t198.51.100.1\t443\ttcp
      1\t192.0.2.999\t40000\t198.51.100.1\t443\ttcp
      1\t192.0.2.9\t40000\t198.51.100.1\t443
      1\t192.0.2.9\t70000\t198.51.100.1\t443\ttcp
      #fields\tts\tid.orig_h\tid.resp_h\tproto
      """
    let lines = try Self.read(log).lines
    #expect(lines.flows == 1)
    #expect(lines.malformed == 4)
    #expect(
      lines.firstMalformed.map(\.problem) == [
        .value(of: .source), .columns(5, of: 6), .value(of: .sourcePort), .newColumns,
      ])
    #expect(lines.firstMalformed.map(\.line) == [3, 4, 5, 6])
  }

  @Test(arguments: [
    "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 192.0.2.9/32 -j DROP\nCOMMIT\n",
    "table ip filter {\n  chain input {\n    ip saddr 192.0.2.9 drop\n  }\n}\n",
    "Chain INPUT (policy ACCEPT)\ntarget prot opt source destination\nDROP all -- 192.0.2.9 0.0.0.0/0\n",
    "", "\n\n", "{}", #"{"nftables": [{"metainfo": {"version": "1.0.6"}}]}"#,
    "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536\n    inet 127.0.0.1/8 scope host lo\n",
  ])
  func dumpsAreNoLogs(_ text: String) {
    #expect(LogReader(beginning: Array(text.utf8))?.format.name == nil)
  }
}
