import Foundation
import Testing

/// A batch gives an answer again where a question asks the same. It must be the answer that the question would have got by itself.
@Suite struct BatchReuseTests {
  /// Rules that look at source ports, each in another way, and rules that do not.
  static let rules: [(name: String, dump: String)] = [
    ("nothing looks", "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -p tcp --dport 80 -j ACCEPT\nCOMMIT\n"),
    (
      "a rule looks",
      "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -p tcp --sport 1000:1002 -j REJECT\n-A FORWARD -p tcp --dport 80 -j ACCEPT\nCOMMIT\n"
    ),
    (
      "either port",
      "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -p tcp -m multiport --ports 1003 -j DROP\nCOMMIT\n"
    ),
    (
      "the source is translated",
      "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -p tcp -j SNAT --to-source 192.0.2.1\nCOMMIT\n"
    ),
    (
      "ports are translated",
      "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -p tcp -j MASQUERADE --to-ports 1001-1003\nCOMMIT\n"
    ),
    (
      "ports are drawn",
      "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -p tcp -j MASQUERADE --random\nCOMMIT\n"
    ),
    ("raw bytes", "table ip t {\n chain c {\n  type filter hook forward priority 0;\n  @th,0,16 1001 drop\n }\n}\n"),
    (
      "a map",
      "table ip t {\n chain c {\n  type filter hook forward priority 0;\n  tcp sport vmap { 1001 : drop, 1002 : accept }\n }\n}\n"
    ),
    (
      "the connection",
      "table ip t {\n chain c {\n  type filter hook forward priority 0;\n  ct original proto-src 1002 drop\n }\n}\n"
    ),
    (
      "a mark is made of it",
      "table ip t {\n chain c {\n  type filter hook forward priority 0;\n  meta mark set tcp sport map { 1001 : 7 } mark 7 drop\n }\n}\n"
    ),
    (
      "a near miss",
      "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -p tcp --sport 1002 --dport 80 -j ACCEPT\nCOMMIT\n"
    ),
  ]

  /// Questions with the same values as the source ports elsewhere, where a careless copy would change them, too.
  private static func questions(_ port: Int, _ id: Int) -> [String] {
    [
      #"{"id": "\#(id)", "proto": "tcp", "in": "eth0", "src": "10.0.0.9", "sport": \#(port), "dst": "172.17.0.2", "dport": 80}"#,
      #"{"sport": "\#(port)", "id": \#(id), "proto": "tcp", "in": "eth0", "src": "10.0.0.9", "dst": "172.17.0.2", "dport": 1002}"#,
      #"{"proto": "udp", "in": "eth0", "src": "10.0.0.9", "sport": \#(port), "dst": "172.17.0.2", "dport": [1001, 1003]}"#,
      #"{"id": "\#(id)", "proto": "tcp", "in": null, "sport": \#(port), "dst": "172.17.0.2", "dport": 80, "mark": 1001}"#,
      #"{"id": "r", "proto": "tcp", "in": "eth0", "src": "10.0.0.9", "sport": \#(port), "dst": "172.17.0.2", "dport": 80, "reply": true}"#,
      #"{"id": "e", "proto": "tcp", "state": "established", "in": "eth0", "src": "10.0.0.9", "sport": \#(port), "dst": "172.17.0.2", "dport": 80}"#,
      #"{"id": "\#(id)", "proto": "icmp", "in": "eth0", "src": "10.0.0.9", "sport": \#(port), "dst": "172.17.0.2"}"#,
      #"{"id": "\#(id)", "dst": "172.17.0.2:80", "sport": 65536}"#,
      #"{"id": "a\"\#(id)", "dst": "172.17.0.2:80", "sport": \#(port)}"#,
      #"{"id": "\#(id)", "sport": 1001, "dst": "172.17.0.2:80", "sport": \#(port)}"#,
      #"{"id": \#(id % 4).0, "dst": "172.17.0.2:80", "sport": 0\#(port)}"#,
      #"{"id": "\#(id)", "dst": "172.17.0.2:80", "sport": \#(port)} {}"#,
    ]
  }

  /// Enough lines for several blocks, the later of which are answered with classes.
  private static let lines: [String] = (0..<60).flatMap { turn in questions(1000 + turn % 5, turn) }

  @Test(arguments: rules)
  func anAnswerIsTheOneThatTheQuestionWouldGetAlone(_ rules: (name: String, dump: String)) throws {
    try expectSameAnswers([rules.dump])
  }

  @Test(arguments: [
    "samples/docker29-nft", "samples/docker29-iptables", "samples/tomcat-redis", "samples/user-network",
  ])
  func soItIsOnRealHosts(_ sample: String) throws { try expectSameAnswers(dump: sample) }

  private func expectSameAnswers(_ dumps: [String]) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "batch-reuse-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let surroundings = """
      $ ip addr
      2: eth0: <BROADCAST,UP> mtu 1500
          inet 192.0.2.1/24 scope global eth0
      3: docker0: <BROADCAST,UP> mtu 1500
          inet 172.17.0.1/16 scope global docker0
      $ ip route
      default via 192.0.2.254 dev eth0
      172.17.0.0/16 dev docker0 scope link
      $ sysctl net.ipv4.ip_forward
      net.ipv4.ip_forward = 1

      """
    for (number, text) in (dumps + [surroundings]).enumerated() {
      try text.write(to: folder.appending(path: "\(number).txt"), atomically: true, encoding: .utf8)
    }
    try expectSameAnswers(dump: folder.path)
  }

  private func expectSameAnswers(dump: String) throws {
    let together = try Command.run(["--batch", "-", dump], input: Self.lines.joined(separator: "\n"))
    // Space at the end of a line makes it another one, with the same meaning.
    let padded = Self.lines.enumerated().map { $1 + String(repeating: " ", count: $0 + 1) }
    let alone = try Command.run(["--batch", "-", dump], input: padded.joined(separator: "\n"))
    let (a, b) = (together.output.split(separator: "\n"), alone.output.split(separator: "\n"))
    #expect(a.count == Self.lines.count && b.count == a.count)
    for ((line, a), b) in zip(zip(Self.lines, a), b) where a != b {
      Issue.record("\(line)\n\(a)\n\(b)")
    }
  }
}
