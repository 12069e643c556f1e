import PolicyCheck
import PolicyYAML
import RuleGraph
import Testing

/// How packets, names, matrices and hosts are written.
@Suite struct WordingTests {
  private func holds(_ packet: String, _ names: String = "{}", expect: String = "accept") throws -> PolicyBench {
    try PolicyBench(
      """
      names: \(names)
      packet: { family: ipv4 }
      tests:
        - { name: it, packet: \(packet), expect: \(expect) }

      """, on: Dumps.shop)
  }

  @Test(arguments: [
    "{ in: ens33, src: office, dst: host, dport: 22 }", "{ in: ens33, src: office, dst: host, dport: ssh }",
    "{ in: ens33, src: office, dst: 'host:22' }", "{ in: ens33, src: office, dst: gate }",
    "{ in: ens33, from: office, to: host, service: 22/tcp }", "{ in: wan, from: office, to: host, service: tcp/22 }",
    "{ in: ens33, from: [office], to: host, service: [login] }",
    "{ in: ens33, src: 'office', to: host, service: 'login' }",
    "{ in: ens33, src: [office, '!198.51.100.7'], dst: host, dport: 22 }",
    "{ in: ens33, src: 198.51.100.0-198.51.100.255, dst: host, dport: [22] }",
    "{ in: ens33, src: { not: others }, dst: host, dport: 22 }",
    "{ in: [ens33, ens34], src: office, dst: host, dport: 22 }",
  ])
  func namesAndListsMeanTheSamePackets(_ packet: String) throws {
    let names = """
      { office: 198.51.100.0/24, others: [0.0.0.0-198.51.99.255, 198.51.101.0-255.255.255.255], host: 192.168.0.140,
        gate: "host:22", ssh: 22, login: 22/tcp, wan: ens33 }
      """
    let bench = try holds(packet, names.replacing("\n", with: " "))
    #expect(bench.complaints == [])
    #expect(bench.problems == [])
  }

  @Test(arguments: [
    ("{ dst: host, src: '!office', in: ens33, dport: 22 }", "drop"),
    ("{ in: null, dst: 203.0.113.9, dport: 80 }", "accept"),
    ("{ from: host, dst: 203.0.113.9, dport: 80 }", "accept"), ("{ in: ens33, dst: host, proto: udp }", "drop"),
    ("{ in: ens33, dst: host, proto: icmp, icmp-type: echo-request }", "drop"),
    ("{ in: ens33, dst: host, service: [22/tcp, 53/udp], src: 203.0.113.1 }", "drop"),
  ])
  func otherPackets(_ packet: String, _ verdict: String) throws {
    let bench = try holds(packet, "{ office: 198.51.100.0/24, host: 192.168.0.140 }", expect: verdict)
    #expect(bench.complaints == [])
    #expect(bench.problems == [])
  }

  @Test func aMatrixRepeatsItsTest() throws {
    let bench = try PolicyBench(
      """
      names: { office: 198.51.100.0/24, vpn: 10.8.0.0/24 }
      packet: { family: ipv4, in: ens33 }
      tests:
        - name: closed
          matrix: { from: [office, vpn], to: [172.17.0.2, 172.17.0.9], dport: [23, [25, 110]] }
          expect: drop

      """, on: Dumps.shop)
    #expect(bench.complaints == [])
    #expect(bench.tally == "8 passed, 0 failed, 0 skipped")
    #expect(bench.checks.first?.name == "closed (from office, to 172.17.0.2, dport 23)")
    #expect(bench.checks.last?.name == "closed (from vpn, to 172.17.0.9, dport 25,110)")
  }

  @Test func aTestMayBeForSomeHosts() throws {
    let policy = """
      tests:
        - { name: web, hosts: web*, packet: { from: host, dst: 203.0.113.9 }, expect: accept }
        - { name: db, hosts: [db1, db2], packet: { from: host, dst: 203.0.113.9 }, expect: accept }

      """
    #expect(try PolicyBench(policy, on: Dumps.shop, host: "web01").checks.map(\.name) == ["web"])
    #expect(try PolicyBench(policy, on: Dumps.shop, host: "db2").checks.map(\.name) == ["db"])
  }

  @Test(arguments: [
    ("nmaes: {}\ntests: []", "1:1 unknown key nmaes of a policy; did you mean names?"),
    ("tests: {}", "1:8 tests must be a list, not a mapping"),
    ("names: {}", "1:1 a policy needs the key `tests`"),
    ("[]", "1:1 a policy is a mapping with the keys hosts, names, packet, undetermined, tests"),
    ("tests: [{ expect: acept }]", "1:19 expect: acept is unknown; did you mean accept?"),
    ("tests: [{ expect: accept, packet: { proto: tpc } }]", "1:44 tpc: did you mean tcp?"),
    (
      "tests: [{ expect: accept, packet: { dst: } }]",
      "1:42 dst is empty; leave out the key to leave the field open"
    ),
    (
      "tests: [{ packet: { dst: 192.0.2.1 } }]",
      "1:9 this test expects nothing; say one of expect, with, fate, to, source, out, via, never-via, only, reply, one-of"
    ),
    (
      "tests: [{ via: a b c d e }]",
      "1:16 via: a chain or rule is named as in FORWARD, filter FORWARD, or ip filter FORWARD 3"
    ),
    ("tests: [{ expect: drop, with: tcp-reset }]", "1:9 with says how a packet is rejected, so expect is reject"),
    (
      "tests: [{ expect: reject, with: tpc-reset }]",
      "1:33 with: tpc-reset is not an answer that a reject can send; did you mean tcp-reset?"
    ),
    ("tests: [{ one-of: [{ expect: drop }] }]", "1:19 one-of holds at least two expectations"),
    (
      "names: { a: b, b: a }\ntests: [{ expect: drop, packet: { src: a } }]",
      "1:13 the name a stands for itself: a > b > a"
    ),
    (
      "tests: [{ expect: drop, packet: { src: 10.0.0.1, dst: '2001:db8::1' } }]",
      "1:33 no packet fits: source, destination and family are not all IPv4 or all IPv6"
    ),
    ("tests: [{ expect: drop, packet: { proto: icmp, dport: 7 } }]", "1:42 icmp has no ports"),
    (
      "tests: [{ only: { mark: 7 } }]",
      "1:19 only distinguishes packets by addresses, ports, protocols, interfaces and senders; mark belongs in packet"
    ),
    ("undetermined: maybe\ntests: []", "1:15 undetermined: maybe is unknown; it is one of fail, skip"),
  ])
  func mistakesSayWhereAndWhatWouldBeRight(_ policy: String, _ complaint: String) throws {
    let bench = try PolicyBench(policy, on: Dumps.shop)
    #expect(bench.complaints.contains(complaint), "\(bench.complaints)")
    #expect(bench.results.isEmpty)
  }

  @Test(arguments: [
    ("tests: [", 1), ("a: 1\na: 2", 1), ("\ttests: []", 1), ("tests: *gone", 1), ("a: &a [*a]", 1), ("\"", 1),
  ])
  func brokenYAMLIsAMistakeWithItsPlace(_ text: String, _ line: Int) throws {
    guard case .failure(let mistake) = PolicyYAML.read(Array(text.utf8)) else {
      Issue.record("it was read")
      return
    }
    #expect(mistake.place.line >= line)
    #expect(!mistake.message.isEmpty)
  }

  @Test func aShortFileThatUnfoldsWithoutEndIsRefused() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...12 {
      text += "a\(level): &a\(level) [" + repeatElement("*a\(level - 1)", count: 10).joined(separator: ", ") + "]\n"
    }
    let nested = String(repeating: "[", count: 500) + String(repeating: "]", count: 500)
    for text in [text, nested] {
      guard case .failure = NodeStream.node(NodeStream.bytes(of: PolicyYAML.read(Array(text.utf8)))) else {
        Issue.record("it was read")
        continue
      }
    }
  }

  @Test func nodesComeThroughTheStreamUnchanged() throws {
    let root = try PolicyYAML.read(Array(Dumps.policy.utf8)).get()
    #expect(try NodeStream.node(NodeStream.bytes(of: .success(root))).get() == root)
    let bytes = NodeStream.bytes(of: .success(root))
    for cut in stride(from: 0, to: bytes.count, by: 7) {
      guard case .failure = NodeStream.node(Array(bytes[..<cut])) else {
        Issue.record("a stream cut at \(cut) was read")
        return
      }
    }
  }
}
