import FlowTrace
import Foundation
import HostModel
import RuleGraph
import RuleParser
import TestHosts
import Testing

@testable import Reports

/// The order and the table of an open question's outcomes.
@Suite struct OutcomeTableTests {
  /// ufw and Docker with two networks: port 8443 is published, 22 is open, and the rest is dropped.
  static let host = """
    *nat
    :PREROUTING ACCEPT [0:0]
    :INPUT ACCEPT [0:0]
    :OUTPUT ACCEPT [0:0]
    :POSTROUTING ACCEPT [0:0]
    :DOCKER - [0:0]
    -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
    -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
    -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
    -A POSTROUTING -s 172.20.0.0/16 ! -o br-1a2b3c4d5e6f -j MASQUERADE
    -A DOCKER -i docker0 -j RETURN
    -A DOCKER -i br-1a2b3c4d5e6f -j RETURN
    -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8443 -j DNAT --to-destination 172.17.0.2:443
    COMMIT
    *filter
    :INPUT DROP [0:0]
    :FORWARD DROP [0:0]
    :OUTPUT ACCEPT [0:0]
    :DOCKER - [0:0]
    -A INPUT -i lo -j ACCEPT
    -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
    -A INPUT -s 198.51.100.0/24 -p tcp -m tcp --dport 9100 -j ACCEPT
    -A INPUT -p tcp -m tcp --dport 8443 -j DROP
    -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    -A FORWARD -o docker0 -j DOCKER
    -A FORWARD -i docker0 ! -o docker0 -j ACCEPT
    -A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 443 -j ACCEPT
    COMMIT
    $ ip addr
    1: lo: <LOOPBACK,UP> mtu 65536
        inet 127.0.0.1/8 scope host lo
    2: eth0: <BROADCAST,UP> mtu 1500
        inet 192.0.2.10/24 scope global eth0
    3: docker0: <BROADCAST,UP> mtu 1500
        inet 172.17.0.1/16 scope global docker0
    4: br-1a2b3c4d5e6f: <BROADCAST,UP> mtu 1500
        inet 172.20.0.1/16 scope global br-1a2b3c4d5e6f
    $ ip route
    default via 192.0.2.1 dev eth0
    172.17.0.0/16 dev docker0 scope link src 172.17.0.1
    172.20.0.0/16 dev br-1a2b3c4d5e6f scope link src 172.20.0.1
    192.0.2.0/24 dev eth0 scope link src 192.0.2.10
    $ sysctl net.ipv4.ip_forward
    net.ipv4.ip_forward = 1

    """

  private static func read(_ text: String = host) -> HostReading {
    HostReading.of(text, name: "host.txt")
  }

  private static func trace(
    _ reading: HostReading, _ options: [(QueryOption, String)], wanted: Case.Verdict? = nil
  ) throws -> Trace {
    var tracing = Tracer.Options()
    tracing.tracesReply = true
    tracing.findsRulesOffPath = true
    tracing.wanted = wanted
    return Tracer(reading.ruleset, facts: reading.facts).trace(
      try Samples.query(options, facts: reading.facts), options: tracing)
  }

  private static func text(
    _ options: [(QueryOption, String)], _ detail: Detail = .normal, case number: Int? = nil, width: Int = 120
  ) throws -> String {
    let reading = read()
    var text = TraceText(
      reading.ruleset, facts: reading.facts, terminal: TerminalSettings(width: width), detail: detail)
    text.shownCase = number
    return text.text(of: try trace(reading, options), diagnostics: reading.diagnostics)
  }

  private static let published: [(QueryOption, String)] = [(.dst, "192.0.2.10:8443")]

  @Test(arguments: [80, 120])
  func theTableIsTheOneOnFile(_ width: Int) throws {
    try expectSnapshot(try Self.text(Self.published, width: width), named: "outcomes-port-\(width)")
    try expectSnapshot(
      try Self.text([(.dst, "192.0.2.10"), (.proto, "tcp")], .brief, width: width), named: "outcomes-host-\(width)")
  }

  @Test func realSendersComeBeforeSpoofedOnes() throws {
    let lines = try Self.text(Self.published).split(separator: "\n").map(String.init)
    // Below the first line, which names the senders, too.
    let rows = Array(lines.dropFirst())
    let outside = try #require(rows.firstIndex { $0.contains("other hosts (eth0)") })
    let containers = try #require(rows.firstIndex { $0.contains("all containers") })
    let itself = try #require(rows.firstIndex { $0.contains("this host") && !$0.contains("other hosts") })
    let spoofed = try #require(rows.firstIndex { $0.contains("spoofed and unusual packets") })
    #expect(outside < containers && containers < itself && itself < spoofed)
    #expect(rows[outside].contains("ACCEPTED -> 172.17.0.2:443"))
    #expect(rows[containers].contains("DROPPED"))
  }

  /// The same sources, and the same groups, whatever the width.
  @Test func eachOutcomeCanBeShownByItsNumber() throws {
    let reading = Self.read()
    let trace = try Self.trace(reading, Self.published)
    let count = TraceText(reading.ruleset, facts: reading.facts).outcomeCount(of: trace)
    #expect(count > 3)
    #expect(count < trace.cases.count, "two networks of containers fare alike")
    var shown: Set<String> = []
    for number in 1...count {
      let text = try Self.text(Self.published, case: number)
      #expect(text.contains("<- decides") || text.contains("no rules apply"))
      #expect(!text.contains("--case"), "no table")
      shown.insert(text)
    }
    #expect(shown.count == count)
    let dropped = try Self.text(Self.published, case: 2)
    #expect(dropped.contains("DROPPED  from a container on docker0"))
    #expect(dropped.contains("all of it    from all containers\n"))
  }

  @Test func allShowsEveryCaseAndNoTable() throws {
    let trace = try Self.trace(Self.read(), Self.published)
    let text = try Self.text(Self.published, .all)
    let heads = text.split(separator: "\n").count { $0.hasPrefix("ACCEPTED") || $0.hasPrefix("DROPPED") }
    #expect(heads == trace.cases.count)
    #expect(!text.contains("decided by"))
  }

  @Test func threeCasesNeedNoTable() throws {
    let text = try Self.text([(.from, "outside"), (.src, "198.51.100.9"), (.dst, "192.0.2.10:9100-9101")])
    #expect(!text.contains("decided by"))
    #expect(text.split(separator: "\n").count { $0.hasPrefix("ACCEPTED") || $0.hasPrefix("DROPPED") } == 2)
  }

  @Test func whatPoliciesLeaveIsAnythingElse() throws {
    let text = try Self.text([(.from, "outside"), (.dst, "192.0.2.10"), (.proto, "tcp")], .brief)
    #expect(text.contains("port 22 "))
    #expect(text.contains("anything else"))
  }

  @Test func theFirstLineNamesTheSendersForWhichItWorks() throws {
    let text = try Self.text(Self.published)
    #expect(
      text.hasPrefix(
        "tcp  anyone -> 192.0.2.10:8443  (new connection)   works for other hosts (eth0) and this host; fails for"
      ))
    let sure = try Self.text([(.from, "outside"), (.dst, "192.0.2.10:22")])
    #expect(sure.contains("works: accepted both ways"))
  }

  /// Who asks what would help is shown what fails first.
  @Test func whatFailsComesFirstWhereHelpIsAskedFor() throws {
    let reading = Self.read()
    let trace = try Self.trace(reading, Self.published, wanted: .accept)
    let order = OutcomeOrder(
      ruleset: reading.ruleset, facts: reading.facts,
      words: HostWords(
        ruleset: reading.ruleset, facts: reading.facts, knowledge: RulesetKnowledge(reading.ruleset)))
    let groups = order.groups(of: trace).groups.filter { !$0.isUnusual }
    #expect(trace.cases[try #require(groups.first).indices[0]].verdict == .drop)
    #expect(trace.cases[try #require(groups.last).indices[0]].verdict == .accept)
  }

  static let questions: [[(QueryOption, String)]] = [
    [(.family, "ipv4")], [(.dport, "80")], [(.from, "host"), (.family, "ipv6")],
    [(.state, "established"), (.family, "ipv4")], [(.src, "10.0.0.0/8"), (.dport, "1-1024")],
  ]

  /// Every case is in one outcome; a brief answer has at most 15 lines, and every table fits its terminal.
  @Test(arguments: try Samples.names)
  func anyQuestionIsAnsweredBriefly(_ sample: String) throws {
    let reading = try Samples.read(sample)
    for options in Self.questions {
      let trace = try Self.trace(reading, options)
      let order = OutcomeOrder(
        ruleset: reading.ruleset, facts: reading.facts,
        words: HostWords(
          ruleset: reading.ruleset, facts: reading.facts, knowledge: RulesetKnowledge(reading.ruleset)))
      let groups = order.groups(of: trace).groups
      #expect(groups.flatMap(\.indices).sorted() == Array(trace.cases.indices))
      for width in [60, 110] {
        let brief = TraceText(
          reading.ruleset, facts: reading.facts, terminal: TerminalSettings(width: width), detail: .brief
        ).text(of: trace, diagnostics: reading.diagnostics)
        let lines = brief.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        #expect(lines.count <= 15, "\(options)\n\(brief)")
        for line in lines { #expect(line.count <= width, "\(line)") }
      }
    }
  }
}
