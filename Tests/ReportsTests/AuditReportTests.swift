import FlowTrace
import Foundation
import HostAnalysis
import HostModel
import RuleGraph
import RuleParser
import Testing

@testable import Reports

/// What an audit finds in the samples, as text, Markdown, JSON and SARIF.
@Suite struct AuditReportTests {
  private static func audit(_ name: String) throws -> (Audit, HostReading) {
    let reading = try Samples.read(name)
    return (AnalysedHost(reading.ruleset, facts: reading.facts).audit(), reading)
  }

  @Test(arguments: try Samples.names)
  func theTextIsTheOneThatWasLookedAt(_ name: String) throws {
    let (audit, reading) = try Self.audit(name)
    let text = AuditText(reading.ruleset, terminal: TerminalSettings(width: 110))
    try expectSnapshot(
      text.text(of: audit, diagnostics: reading.diagnostics), named: "audit-" + name.replacing("/", with: "-"))
  }

  @Test(arguments: try Samples.names)
  func theJSONIsOfItsSchema(_ name: String) throws {
    let (audit, reading) = try Self.audit(name)
    let bytes = AuditJSON(reading.ruleset).bytes(of: audit, diagnostics: reading.diagnostics)
    let value = try JSONSerialization.jsonObject(with: Data(bytes))
    let schema = try JSONSchema(contentsOf: Samples.root.appending(path: "Schemas/fwtrace.audit.1.json"))
    #expect(schema.problems(of: value) == [])
  }

  @Test(arguments: ["questions/02-docker-user-port", "questions/11-jumps-lost-in-a-reload", "user-network"])
  func theSARIFIsOfItsSchema(_ name: String) throws {
    let (audit, reading) = try Self.audit(name)
    let value = try JSONSerialization.jsonObject(
      with: Data(AuditSARIF.bytes(of: audit, reading.ruleset, version: "1.2.3")))
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Policy/sarif-2.1.0.json")
    #expect(try JSONSchema(contentsOf: file).problems(of: value) == [])
  }

  /// The witness of a finding about what is open is a packet that gets through, and that of one about what is closed does not.
  @Test(arguments: try Samples.names)
  func everyWitnessFaresAsTheFindingSays(_ name: String) throws {
    let (audit, reading) = try Self.audit(name)
    let tracer = Tracer(reading.ruleset, facts: reading.facts)
    for finding in audit.findings {
      guard let query = finding.witness else { continue }
      let verdicts = Set(tracer.trace(query).cases.map(\.verdict))
      switch finding.id {
      case .missesPurpose, .dangerousForward, .dangerousContainers, .dangerousIPv6, .dangerousService,
        .dangerousLoopback:
        #expect(verdicts == [.accept], "\(name): \(finding.fact)")
      case .overruled, .dangerousNeighbours, .dangerousFragmentation:
        #expect(verdicts.isSubset(of: [.drop, .reject]), "\(name): \(finding.fact)")
      case .neverReached, .contradiction, .shadowed, .redundant, .correlated, .missingSet, .missingInterface,
        .missingContainer,
        .costlyEstablished, .costlyList:
        Issue.record("\(name): \(finding.fact) has a witness")
      }
    }
  }

  // MARK: Single kinds

  private static func findings(_ rules: String, _ facts: String = "") -> [(Finding, String)] {
    var inputs = [DumpInput(name: "rules", text: rules)]
    if !facts.isEmpty { inputs.append(DumpInput(name: "facts", text: facts)) }
    let reading = DumpReader().read(inputs)
    let words = FindingWords(reading.ruleset)
    return AnalysedHost(reading.ruleset, facts: reading.facts).audit().findings.map {
      ($0, $0.key(in: reading.ruleset) + ": " + words.sentence($0))
    }
  }

  private static func save(_ rules: String, policy: String = "DROP", chains: String = "") -> String {
    "*filter\n:INPUT \(policy) [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n\(chains)\(rules)COMMIT\n"
  }

  @Test(arguments: [
    // One rule takes all, several together do, in another chain too.
    (
      "-A INPUT -s 10.0.0.0/8 -j ACCEPT\n-A INPUT -s 10.1.2.3 -j DROP\n", "",
      ["shadowed@filter/INPUT/2: never reached: rule 1 (ACCEPT) takes all its packets first"]
    ),
    (
      "-A INPUT -p tcp --dport 1:500 -j DROP\n-A INPUT -p tcp --dport 400:900 -j ACCEPT\n-A INPUT -p tcp --dport 300:800 -j DROP\n",
      "",
      ["shadowed@filter/INPUT/3: never reached: rules 1 and 2 together take all its packets first"]
    ),
    (
      "-A INPUT -j MINE\n-A INPUT -p tcp --dport 22 -j DROP\n-A MINE -p tcp -j ACCEPT\n", ":MINE - [0:0]\n",
      ["shadowed@filter/INPUT/2: never reached: filter MINE 1 (ACCEPT) takes all its packets first"]
    ),
    // What may return, or may not match, takes nothing for certain.
    ("-A INPUT -m limit --limit 3/min -j ACCEPT\n-A INPUT -p tcp --dport 22 -j ACCEPT\n", "", []),
    (
      "-A INPUT -j MINE\n-A INPUT -p tcp --dport 22 -j ACCEPT\n-A MINE -s 10.0.0.0/8 -j RETURN\n-A MINE -p tcp -j ACCEPT\n",
      ":MINE - [0:0]\n", []
    ),
    // A rule is compared with what a mark is before another one changes it, and not after.
    (
      "-A INPUT -m mark --mark 1 -j ACCEPT\n-A INPUT -p tcp --dport 9 -j DROP\n-A INPUT -m mark --mark 1 -j DROP\n", "",
      ["shadowed@filter/INPUT/3: never reached: rule 1 (ACCEPT) takes all its packets first"]
    ),
    (
      "-A INPUT -j MINE\n-A INPUT -p tcp -j ACCEPT\n-A MINE -p udp -j ACCEPT\n",
      ":MINE - [0:0]\n:LOST - [0:0]\n-A LOST -p tcp -j DROP\n",
      ["never-reached@filter/LOST: nothing jumps to LOST: its rule does nothing"]
    ),
    (
      "-A INPUT -p udp -j MINE\n-A MINE -p tcp --dport 22 -j ACCEPT\n", ":MINE - [0:0]\n",
      ["never-reached@filter/MINE/1: never matches: filter INPUT 1 lets only other packets into MINE"]
    ),
  ])
  func rulesThatGetNoPackets(_ rules: String, _ chains: String, _ wanted: [String]) {
    let found = Self.findings(Self.save(rules, chains: chains)).filter { $0.0.severity >= .warning }
    #expect(found.map(\.1) == wanted)
  }

  @Test func rulesOfNftAtTheWrongHook() {
    let rules = """
      table ip t {
        chain in {
          type filter hook input priority 0; policy drop;
          oifname "eth0" tcp dport 22 accept
          ip6 saddr ::1 accept
        }
        chain pre {
          type nat hook prerouting priority -100;
          ct state established dnat to 10.0.0.1
        }
        chain out {
          type filter hook output priority 0;
          iifname "eth0" drop
        }
      }

      """
    let found = Self.findings(rules).filter { $0.0.id == .neverReached || $0.0.id == .contradiction }.map(\.1)
    #expect(
      found.sorted() == [
        "never-reached@ip/t/in/1: never matches: packets at input have no output interface",
        "never-reached@ip/t/in/2: never matches: no packet at input is like that",
        "never-reached@ip/t/out/1: never matches: packets at output have no input interface",
        "never-reached@ip/t/pre/1: never matches: nat chains see only the packet that begins a connection",
      ])
  }

  @Test func rulesThatAreNotNeeded() {
    let rules = Self.save(
      "-A INPUT -s 10.0.0.5 -p tcp --dport 22 -j ACCEPT\n-A INPUT -p tcp --dport 22 -j ACCEPT\n-A INPUT -p tcp --dport 23 -j DROP\n-A INPUT -s 10.0.0.0/8 -j ACCEPT\n"
    )
    let found = Self.findings(rules).filter { $0.0.id == .redundant || $0.0.id == .correlated }.map(\.1)
    #expect(
      found == [
        "redundant@filter/INPUT/1: not needed: rule 2 does the same with its packets",
        "correlated@filter/INPUT/4: order matters: rule 3 decides otherwise about some of its packets",
      ])
  }

  /// Of two rules that stand in for each other one can go, and nothing that keeps packets from a log or a mark can.
  @Test(arguments: [
    (
      "-A INPUT -p tcp --dport 22 -j ACCEPT\n-A INPUT -p tcp --dport 22 -j ACCEPT\n",
      ["shadowed@filter/INPUT/2: never reached: rule 1 (ACCEPT) takes all its packets first"]
    ),
    ("-A INPUT -p tcp --dport 137 -j DROP\n-A INPUT -j LOG\n", []),
    ("-A INPUT -s 10.0.0.0/8 -j DROP\n-A INPUT -p udp -j MARK --set-mark 1\n", []),
    // A rule without packets takes none, and a second denial denies nothing more.
    (
      "-A INPUT -s 10.0.0.1 -j DROP\n-A INPUT -s 10.0.0.1 -j ACCEPT\n-A INPUT -s 10.0.0.1 -p tcp -j REJECT\n-A INPUT -j LOG\n",
      [
        "shadowed@filter/INPUT/2: never reached: rule 1 (DROP) takes all its packets first",
        "shadowed@filter/INPUT/3: never reached: rule 1 (DROP) takes all its packets first",
      ]
    ),
  ])
  func whatCanGo(_ rules: String, _ wanted: [String]) {
    let found = Self.findings(Self.save(rules)).filter { [.shadowed, .redundant, .correlated].contains($0.0.id) }
    #expect(found.map(\.1).sorted() == wanted)
  }

  @Test func aGapMayHoldAnotherJump() {
    let rules =
      "*filter\n:INPUT DROP [0:0]\n:X - [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j X\n...\n-A X -p udp -j DROP\nCOMMIT\n"
    #expect(!Self.findings(rules).contains { [.neverReached, .shadowed].contains($0.0.id) })
  }

  /// Behind a gap rules are counted among those that were shown, and each has a key of its own.
  @Test func rulesBehindAGapAreCountedAsShown() {
    let rules =
      "*filter\n:INPUT DROP [0:0]\n-A INPUT -p udp -j ACCEPT\n...\n-A INPUT -p tcp -j ACCEPT\n-A INPUT -p tcp --dport 22 -j DROP\nCOMMIT\n"
    let found = Self.findings(rules).filter { $0.0.id == .shadowed }
    #expect(found.map(\.1) == ["shadowed@filter/INPUT/3: never reached: rule 2 (ACCEPT) takes all its packets first"])
  }

  /// An accept is overruled by a base chain of another table, and by one of its own; a set of ports is asked about as a whole.
  @Test(arguments: [
    "table inet a { chain i { type filter hook input priority 0; policy drop; } }\n",
    "table inet b { chain j { type filter hook input priority 10; policy drop; } }\n",
  ])
  func acceptsThatAnotherBaseChainOverrules(_ other: String) {
    let rules =
      "table inet b {\n chain i {\n type filter hook input priority -10; policy accept;\n tcp dport { 80, 443 } accept\n }\n}\n"
    let text = other.replacing("{ chain", with: "{\n chain").replacing("; }", with: ";\n }\n").replacing(
      "{ type", with: "{\n type")
    let facts =
      "$ ip addr\n1: lo: <LOOPBACK,UP> mtu 65536\n    inet 127.0.0.1/8 scope host lo\n2: eth0: <BROADCAST,UP> mtu 1500\n    inet 192.0.2.10/24 scope global eth0\n"
    let found = Self.findings(rules + text, facts).filter { $0.0.id == .overruled }
    #expect(found.map(\.0.rule?.rule) == [0])
    #expect(found.first?.0.witness?.destinationPort?.single != nil)
  }

  /// What was not shown may jump anywhere.
  @Test func aChainWithoutJumpsInAPartOfATableIsNotCalledUnreached() {
    let rules =
      "*filter\n:INPUT DROP [0:0]\n:MINE - [0:0]\n-A INPUT -p tcp -j ACCEPT\n[...]\n-A MINE -p tcp --dport 22 -j ACCEPT\nCOMMIT\n"
    #expect(!Self.findings(rules).contains { $0.0.id == .neverReached })
  }

  @Test func listsThatASetWouldHoldAndLateAccepts() {
    let bans = (1...60).map { "-A INPUT -s 198.51.100.\($0) -j DROP\n" }.joined()
    let found = Self.findings(Self.save(bans + "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n")).map(
      \.1)
    #expect(
      found.contains(
        "costly-list@filter/INPUT/1: 60 rules in a row, to rule 60, differ in one value: one rule with a set would do"))
    #expect(
      found.contains(
        "costly-established@filter/INPUT/61: packets of known connections pass 60 rules before this one accepts them"))
  }

  @Test func messagesThatIPv6Needs() {
    let facts = """
      $ ip addr
      1: lo: <LOOPBACK,UP> mtu 65536
          inet6 ::1/128 scope host
      2: eth0: <BROADCAST,UP> mtu 1500
          inet 192.0.2.10/24 scope global eth0
          inet6 2001:db8::10/64 scope global
          inet6 fe80::10/64 scope link
      $ ip -6 route
      2001:db8::/64 dev eth0 metric 256
      fe80::/64 dev eth0 metric 256

      """
    func rules(_ icmp: String) -> String {
      "# Generated by ip6tables-save v1.8.9\n*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n\(icmp)COMMIT\n"
    }
    let closed = Self.findings(rules(""), facts).map(\.0.id)
    #expect(closed.contains(.dangerousNeighbours) && closed.contains(.dangerousFragmentation))
    let open = Self.findings(rules("-A INPUT -p ipv6-icmp -j ACCEPT\n"), facts).map(\.0.id)
    #expect(!open.contains(.dangerousNeighbours) && !open.contains(.dangerousFragmentation))
  }

  @Test func whatTheHostDoesNotHave() {
    let facts = """
      $ ip addr
      1: lo: <LOOPBACK,UP> mtu 65536
          inet 127.0.0.1/8 scope host lo
      2: eth0: <BROADCAST,UP> mtu 1500
          inet 192.0.2.10/24 scope global eth0

      """
    let rules =
      "create allowed hash:ip family inet\n"
      + Self.save("-A INPUT -i eth1 -p tcp --dport 22 -j ACCEPT\n-A INPUT -m set --match-set allowed src -j ACCEPT\n")
    let found = Self.findings(rules, facts).filter { $0.0.id != .dangerousFragmentation }.map(\.1)
    #expect(
      found == [
        "missing-interface@filter/INPUT/1: never matches: the host has no interface eth1",
        "missing-set@filter/INPUT/2: never matches: set allowed is empty",
      ])
  }
}
