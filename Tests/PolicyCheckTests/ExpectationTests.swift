import FlowTrace
import PolicyCheck
import RuleGraph
import Testing

/// Each kind of expectation breaks alone when the dump changes what it is about, and its packet shows it.
@Suite struct ExpectationTests {
  /// One test for each kind, each about packets of its own.
  static let policy = """
    names:
      host: 192.168.0.140
      office: 198.51.100.0/24
    packet: { family: ipv4, in: ens33 }
    tests:
      - { name: accept, packet: { src: 203.0.113.0/24, dst: host, dport: 8443 }, expect: accept }
      - { name: drop, packet: { src: 203.0.113.0/24, dst: host, dport: 9000 }, expect: drop }
      - { name: reject, packet: { src: 203.0.113.0/24, dst: host, dport: 113 }, expect: reject, with: tcp-reset }
      - { name: fate, packet: { in: docker0, src: 172.17.0.2, dst: 203.0.113.9, dport: 9999 }, fate: forward }
      - { name: to, packet: { dst: host, dport: 32769 }, to: "172.17.0.2:8080" }
      - { name: source, packet: { in: docker0, src: 172.17.0.0/25, dst: 203.0.113.9, dport: 443 }, source: masquerade }
      - { name: out, packet: { in: docker0, src: 172.17.0.4, dst: 198.51.100.9, dport: 25 }, out: ens33 }
      - { name: via, packet: { src: office, dst: 172.17.0.3, dport: 6379 }, via: filter DOCKER 2 }
      - { name: never-via, packet: { in: docker0, src: 172.17.0.5, dst: 203.0.113.9, service: 53/udp }, never-via: DOCKER }
      - { name: only, packet: { src: 192.0.2.0-203.0.113.255, dst: host, service: 22/tcp }, only: { src: office } }
      - { name: reply, packet: { in: docker0, src: 172.17.0.6, dst: 203.0.113.9, dport: 993 }, reply: accept }
      - { name: works, packet: { in: docker0, src: 172.17.0.7, dst: 203.0.113.9, dport: 465 }, expect: works }
      - name: one-of
        packet: { src: 203.0.113.0/24, dst: host, dport: 7 }
        one-of: [{ expect: drop }, { expect: reject, with: tcp-reset }]

    """

  static let dump = Dumps.shop.replacing(
    "-A FORWARD -j DOCKER-USER",
    with: "-A INPUT -p tcp -m tcp --dport 8443 -j ACCEPT\n-A FORWARD -j DOCKER-USER")

  @Test func everyKindHoldsOnTheDumpItWasWrittenFor() throws {
    let bench = try PolicyBench(Self.policy, on: Self.dump)
    #expect(bench.complaints == [])
    #expect(bench.problems == [])
    #expect(bench.tally == "13 passed, 0 failed, 0 skipped")
  }

  @Test(arguments: [
    ("accept", "--dport 8443", "--dport 8444", "dropped, expected accept"),
    (
      "drop", "-A FORWARD -j DOCKER-USER",
      "-A INPUT -s 203.0.113.64/26 -p tcp --dport 9000 -j ACCEPT\n-A FORWARD -j DOCKER-USER",
      "accepted, expected drop"
    ),
    ("reject", "tcp-reset", "icmp-port-unreachable", "rejected with icmp-port-unreachable, expected tcp-reset"),
    (
      "fate", ":DOCKER - [0:0]\n-A PREROUTING",
      ":DOCKER - [0:0]\n-A PREROUTING -p tcp --dport 9999 -j REDIRECT\n-A PREROUTING",
      "fate discarded, expected forward"
    ),
    ("to", "172.17.0.2:8080", "172.17.0.2:8081", "it ends at 172.17.0.2:8081, expected 172.17.0.2:8080"),
    (
      "source", "-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE", "-s 172.17.0.64/26 ! -o docker0 -j MASQUERADE",
      "its source is kept, expected masquerade"
    ),
    (
      "out", "192.168.0.0/24 dev", "198.51.100.9 dev ens34\n192.168.0.0/24 dev",
      "it leaves through ens34, expected out ens33"
    ),
    (
      "via", "-A DOCKER-USER -j RETURN", "-A DOCKER-USER -s 198.51.100.77 -j ACCEPT\n-A DOCKER-USER -j RETURN",
      "not decided via filter DOCKER 2"
    ),
    (
      "never-via", "-A FORWARD -j DOCKER-USER", "-A FORWARD -j DOCKER-USER\n-A FORWARD -p udp -j DOCKER",
      "it passes DOCKER, which it never may"
    ),
    (
      "only", "-s 198.51.100.0/24 -p tcp -m tcp --dport 22", "-s 198.51.100.0/23 -p tcp -m tcp --dport 22",
      "accepted, which only others are to be"
    ),
    (
      "only", "-s 198.51.100.0/24 -p tcp -m tcp --dport 22", "-s 198.51.100.0/25 -p tcp -m tcp --dport 22",
      "dropped, expected accept"
    ),
    (
      "reply", "-A FORWARD -j DOCKER-USER",
      "-A FORWARD -s 203.0.113.9 -i ens33 -p tcp --sport 993 -j DROP\n-A FORWARD -j DOCKER-USER",
      "its reply is dropped, expected accept"
    ),
    (
      "works", "-A FORWARD -j DOCKER-USER",
      "-A FORWARD -s 203.0.113.9 -i ens33 -p tcp --sport 465 -j DROP\n-A FORWARD -j DOCKER-USER",
      "accepted, but its reply does not come back, expected works"
    ),
    (
      "one-of", "-A FORWARD -j DOCKER-USER", "-A INPUT -p tcp --dport 7 -j REJECT\n-A FORWARD -j DOCKER-USER",
      "none of the alternatives: rejected, expected drop; rejected with icmp-port-unreachable, expected tcp-reset"
    ),
  ])
  func aKindBreaksAlone(_ name: String, _ old: String, _ new: String, _ reason: String) throws {
    let mutated = Self.dump.replacing(old, with: new, maxReplacements: 1)
    try #require(mutated != Self.dump)
    let bench = try PolicyBench(Self.policy, on: mutated)
    #expect(bench.complaints == [])
    #expect(bench.failed == [name], "\(bench.problems)")
    #expect(bench.reasons(name) == [reason])
    let example = try #require(bench.results.first { $0.check.name == name }?.failure?.counterexample)
    let again = try bench.ask(example)
    #expect(
      again.contains {
        $0.verdict == example.part.verdict && $0.fate == example.part.fate && $0.decidedBy == example.part.decidedBy
      })
  }

  @Test func thePacketOfACounterexampleLeavesNothingOpen() throws {
    let bench = try PolicyBench(Self.policy, on: Self.dump.replacing("--dport 8443", with: "--dport 8444"))
    let example = try #require(bench.results.first { $0.failure != nil }?.failure?.counterexample)
    #expect(
      example.commandLine
        == "--in ens33 --proto tcp --src 203.0.113.7 --sport 40000 --dst 192.168.0.140 --dport 8443")
    #expect(try bench.ask(example).count == 1)
  }

  @Test func onlyMayBeAboutConnectionsThatWork() throws {
    let policy = """
      tests:
        - name: only mail gets out
          packet: { family: ipv4, in: docker0, src: 172.17.0.6, dst: 203.0.113.9, service: [25/tcp, 465/tcp] }
          expect: works
          only: { dport: 25 }

      """
    let open = try PolicyBench(policy, on: Dumps.shop)
    #expect(open.reasons("only mail gets out") == ["works, which only others are to"])
    let silent = "-A FORWARD -s 203.0.113.9 -p tcp --sport 465 -j DROP\n-A FORWARD -j DOCKER-USER"
    let closed = Dumps.shop.replacing("-A FORWARD -j DOCKER-USER", with: silent)
    let shut = try PolicyBench(policy, on: closed)
    #expect(shut.tally == "1 passed, 0 failed, 0 skipped")
    let word = try PolicyBench(policy.replacing("works", with: "wroks"), on: Dumps.shop)
    #expect(word.complaints.first?.contains("did you mean works?") == true)
  }

  /// What is open and should not be is worse than what is closed and should be open, wherever it stands.
  @Test(arguments: ["[{ dport: 443 }, { dport: 8443 }]", "[{ dport: 8443 }, { dport: 443 }]"])
  func onlyTellsTheWorstOfItsFindings(_ listed: String) throws {
    let policy = """
      tests:
        - name: web alone
          packet: { family: ipv4, in: ens33, src: 203.0.113.0/24, dst: 192.168.0.140, proto: tcp, dport: 443-9000 }
          only: \(listed)

      """
    let open = "-A INPUT -p tcp --dport 6379 -j ACCEPT\n-A FORWARD -j DOCKER-USER"
    let bench = try PolicyBench(policy, on: Dumps.shop.replacing("-A FORWARD -j DOCKER-USER", with: open))
    #expect(bench.reasons("web alone") == ["accepted, which only others are to be"])
    let example = try #require(bench.results.first?.failure?.counterexample)
    #expect(example.commandLine.contains("--dport 6379"))
    // Nothing is open that should not be: then what is closed.
    #expect(try PolicyBench(policy, on: Dumps.shop).reasons("web alone") == ["dropped, expected accept"])
  }

  @Test func oneDirtyPacketAmongFourBillionIsFound() throws {
    let policy = """
      tests:
        - name: nobody reaches redis
          packet: { family: ipv4, in: ens33, dst: 172.17.0.4, dport: 6379 }
          expect: drop

      """
    let hole = "-A DOCKER-USER -s 77.88.99.11 -p tcp --sport 31337 -j ACCEPT\n-A DOCKER-USER -j RETURN"
    let bench = try PolicyBench(policy, on: Dumps.shop.replacing("-A DOCKER-USER -j RETURN", with: hole))
    let example = try #require(bench.results.first?.failure?.counterexample)
    #expect(example.commandLine.contains("--src 77.88.99.11 --sport 31337"))
  }

  /// Rules that share a case were all met by its test, not only the first.
  @Test func coverageCountsEachRuleOfARun() throws {
    let bans = (1...100).map { "-A INPUT -s 198.51.100.\($0)/32 -j DROP" }.joined(separator: "\n")
    let dump = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n\(bans)\nCOMMIT\n"
    let policy = """
      tests:
        - name: banned
          packet: { family: ipv4, in: eth0, src: 198.51.100.1-198.51.100.70, dst: 192.0.2.1, service: 22/tcp }
          expect: drop

      """
    let bench = try PolicyBench(policy, on: dump)
    #expect(bench.tally == "1 passed, 0 failed, 0 skipped")
    let coverage = PolicyCoverage(HostResult(host: bench.host, results: bench.results))
    #expect(coverage.covered == 70)
    #expect(coverage.chains.first?.rules.filter { $0.use == .decided }.map(\.rule.rule) == Array(0..<70))
  }
}
