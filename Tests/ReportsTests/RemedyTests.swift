import FlowTrace
import Foundation
import Reports
import RuleGraph
import RuleParser
import Testing

/// What `--want` answers: a command that was tried, or what would help where no rule does.
@Suite struct RemedyTests {
  struct Question: Sendable, CustomTestStringConvertible {
    var sample: String
    var options: [(QueryOption, String)]
    var wanted: Case.Verdict
    var command: String
    var testDescription: String { "\(sample), \(wanted)" }
  }

  static let published: [(QueryOption, String)] = [
    (.input, "eth0"), (.src, "203.0.113.9"), (.dst, "192.0.2.10:8080"),
  ]

  static let questions = [
    Question(
      sample: "questions/01-ufw-and-published-port", options: published, wanted: .drop,
      command: "iptables -I DOCKER-USER 1 -i eth0 -s 203.0.113.9 -d 172.17.0.2 -p tcp --dport 80 -j DROP"),
    Question(
      sample: "questions/01-ufw-and-published-port", options: published, wanted: .reject,
      command: "iptables -I DOCKER-USER 1 -i eth0 -s 203.0.113.9 -d 172.17.0.2 -p tcp --dport 80 -j REJECT"),
    Question(
      sample: "questions/05-accept-is-not-final", options: [(.input, "eth0"), (.dst, "192.0.2.10:443")],
      wanted: .accept,
      command: "nft add rule inet filter input iifname \"eth0\" ip daddr 192.0.2.10 tcp dport 443 accept"),
    Question(
      sample: "questions/05-accept-is-not-final", options: [(.input, "eth0"), (.dst, "192.0.2.10:22")],
      wanted: .drop, command: "nft insert rule inet filter input iifname \"eth0\" ip daddr 192.0.2.10 tcp dport 22 drop"
    ),
    Question(
      sample: "questions/12-two-live-rulesets", options: [(.input, "eth0"), (.dst, "192.0.2.10:443")], wanted: .accept,
      command: "iptables-legacy -A INPUT -i eth0 -d 192.0.2.10 -p tcp --dport 443 -j ACCEPT"),
    Question(
      sample: "questions/07-own-published-port-and-ufw",
      options: [(.input, "docker0"), (.src, "172.17.0.2"), (.dst, "192.0.2.10:8080")], wanted: .accept,
      command: "ufw allow in on docker0 proto tcp from 172.17.0.2 to 192.0.2.10 port 8080"),
    Question(
      sample: "questions/09-service-of-the-host",
      options: [(.input, "docker0"), (.src, "172.17.0.2"), (.dst, "172.17.0.1:5432")], wanted: .accept,
      command: "iptables -A INPUT -i docker0 -s 172.17.0.2 -d 172.17.0.1 -p tcp --dport 5432 -j ACCEPT"),
    Question(
      sample: "questions/15-docker-user-and-replies",
      options: [(.input, "docker0"), (.src, "172.17.0.2"), (.dst, "1.1.1.1:443")], wanted: .accept,
      command: "iptables -I DOCKER-USER 1 -i eth0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"),
  ]

  private static func trace(_ reading: HostReading, _ options: [(QueryOption, String)], _ wanted: Case.Verdict?) throws
    -> Trace
  {
    var settings = Tracer.Options()
    settings.wanted = wanted
    settings.tracesReply = true
    return Tracer(reading.ruleset, facts: reading.facts).trace(
      try Samples.query(options, facts: reading.facts), options: settings)
  }

  @Test(arguments: RemedyTests.questions)
  func theCommandIsTheOneForTheChain(_ question: Question) throws {
    let trace = try Self.trace(Samples.read(question.sample), question.options, question.wanted)
    #expect(trace.cases.compactMap { $0.remedy?.rule?.command }.first == question.command)
  }

  /// The command is carried out on the text of the dump, as iptables would, and the dump is read anew.
  @Test(arguments: RemedyTests.questions.filter { $0.command.hasPrefix("iptables ") })
  func theCommandCarriedOutOnTheDumpGivesTheOutcome(_ question: Question) throws {
    let before = try Samples.read(question.sample)
    let changed = try Samples.inputs(question.sample).map { input -> DumpInput in
      guard input.name.hasSuffix("iptables-save.txt") else { return input }
      let text = try Self.carriedOut(question.command, on: String(decoding: input.bytes, as: UTF8.self))
      return DumpInput(name: input.name, text: text)
    }
    let after = DumpReader().read(changed)
    #expect(Self.ruleCount(after.ruleset) == Self.ruleCount(before.ruleset) + 1)
    let trace = try Self.trace(after, question.options, nil)
    #expect(trace.cases.allSatisfy { $0.verdict == question.wanted })
    #expect(trace.cases.allSatisfy { $0.reply?.allSatisfy { $0.verdict == .accept } ?? true })
  }

  private static func ruleCount(_ ruleset: Ruleset) -> Int {
    ruleset.tables.reduce(0) { $0 + $1.chains.reduce(0) { $0 + $1.rules.count } }
  }

  /// A dump of `iptables-save` with the rule of an `iptables -I` or `-A` command for the filter table.
  private static func carriedOut(_ command: String, on dump: String) throws -> String {
    let words = command.split(separator: " ").map(String.init)
    // `iptables -I CHAIN NUMBER ...` or `iptables -A CHAIN ...`
    let isInserted = words[1] == "-I"
    let chain = words[2]
    let number = isInserted ? Int(words[3]) ?? 1 : .max
    let rule = words[(isInserted ? 4 : 3)...].joined(separator: " ")
    var lines = dump.components(separatedBy: "\n")
    let start = try #require(lines.firstIndex(of: "*filter"))
    let end = try #require(lines[start...].firstIndex(of: "COMMIT"))
    let own = lines.indices[start..<end].filter { lines[$0].hasPrefix("-A \(chain) ") }
    let place = number <= own.count ? own[number - 1] : end
    lines.insert("-A \(chain) \(rule)", at: place)
    return lines.joined(separator: "\n")
  }

  @Test func theCommandStandsOnOneLineHoweverNarrowTheTerminal() throws {
    let question = Self.questions[0]
    let reading = try Samples.read(question.sample)
    let trace = try Self.trace(reading, question.options, question.wanted)
    let text = TraceText(reading.ruleset, facts: reading.facts, terminal: TerminalSettings(width: 40)).text(of: trace)
    #expect(text.contains("\n  fix          \(question.command)\n"))
  }

  @Test func whatElseChangesIsSaid() throws {
    let reading = try Samples.read("one-tomcat")
    let trace = try Self.trace(reading, [(.dst, "172.17.0.2:8080")], .drop)
    let accepted = trace.cases.indices.filter { trace.cases[$0].verdict == .accept }
    #expect(accepted.count > 1)
    let rules = accepted.compactMap { trace.cases[$0].remedy?.rule }
    #expect(rules.contains { !$0.changes.isEmpty })
    for change in rules.flatMap(\.changes) { #expect(change.verdict == .drop) }
    let text = TraceText(reading.ruleset, facts: reading.facts, terminal: TerminalSettings(width: 200)).text(of: trace)
    #expect(text.contains("is dropped then, too"))
  }

  static let helpless: [(String, [(QueryOption, String)], String)] = [
    (
      "questions/09-service-of-the-host",
      [(.input, "docker0"), (.src, "172.17.0.2"), (.dst, "172.17.0.1:6379")],
      "redis-server must listen on 172.17.0.1 or on every address, not on 127.0.0.1 alone"
    ),
    (
      "connectivity/published-ports", [(.input, "ens33"), (.dst, "192.168.0.140:8080")],
      "a program must listen on port 8080 of 192.168.0.140"
    ),
    ("connectivity/none-mode", [(.from, "b1"), (.dst, "1.1.1.1:443")], "`docker network connect NETWORK CONTAINER`"),
    ("connectivity/macvlan", [(.from, "host"), (.dst, "web:80")], "type macvlan mode bridge"),
    (
      "questions/04-virtual-machines", [(.input, "eth0"), (.src, "127.0.0.1"), (.dst, "192.0.2.10:22")],
      "the kernel takes such a source or destination from no wire"
    ),
  ]

  @Test(arguments: RemedyTests.helpless)
  func whereNoRuleHelpsTheAnswerSaysWhatWould(_ sample: String, _ options: [(QueryOption, String)], _ words: String)
    throws
  {
    let reading = try Samples.read(sample)
    let remedy = try #require(try Self.trace(reading, options, .accept).cases.first?.remedy)
    #expect(remedy.rule == nil)
    let advice = try #require(remedy.advice).text(in: reading.ruleset)
    #expect(advice.contains(words), "\(advice)")
  }

  @Test(arguments: [
    ("net.ipv4.ip_forward = 0", "`sysctl -w net.ipv4.ip_forward=1` does: then it is accepted", "192.0.2.50"),
    (
      "net.ipv4.conf.all.rp_filter = 1",
      "`sysctl -w net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.eth0.rp_filter=2` does: then it is dropped by filter DOCKER-USER 2",
      "172.17.0.9"
    ),
  ])
  func aKernelSettingIsTried(_ setting: String, _ words: String, _ source: String) throws {
    var inputs = try Samples.inputs("questions/15-docker-user-and-replies")
    inputs.append(DumpInput(name: "sysctl.txt", bytes: Array("$ sysctl -a\n\(setting)\n".utf8)))
    let reading = DumpReader().read(inputs)
    let trace = try Self.trace(reading, [(.input, "eth0"), (.src, source), (.dst, "192.0.2.10:8080")], .accept)
    let advice = try #require(trace.cases.first?.remedy?.advice).text(in: reading.ruleset)
    #expect(advice.contains(words), "\(advice)")
  }

  @Test(arguments: [
    (
      "questions/04-virtual-machines",
      [(QueryOption.input, "virbr0"), (.src, "192.168.122.20"), (.dst, "1.1.1.1:443")],
      "`iptables -I DOCKER-USER 1 -i virbr0 -s 192.168.122.20 -d 1.1.1.1 -p tcp --dport 443 -j ACCEPT` and, for the replies, `iptables -I DOCKER-USER 1 -i eth0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`"
    ),
    (
      "connectivity/network-connect-before", [(.from, "tomcat02"), (.dst, "redis01:6379")],
      "`iptables -I DOCKER-USER 1 -i docker0 -s 172.17.0.2 -d 192.168.0.2 -p tcp --dport 6379 -j ACCEPT` and, for the replies, `iptables -I DOCKER-USER 1 -i br-778bd36dd458 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`; a network that both containers are on (`docker network connect`) needs no rule"
    ),
  ])
  func whereAnswersWouldBeDroppedTwoRulesAreTried(
    _ sample: String, _ options: [(QueryOption, String)], _ commands: String
  ) throws {
    let reading = try Samples.read(sample)
    let advice = try #require(try Self.trace(reading, options, .accept).cases.first?.remedy?.advice)
    #expect(advice.text(in: reading.ruleset) == "it takes two rules (tried): \(commands)")
  }

  @Test func twoDropsAreNotUndoneByOneRule() throws {
    let reading = try Samples.read("questions/03-routed-access-docker-28")
    let trace = try Self.trace(
      reading, [(.input, "wg0"), (.src, "10.8.0.2"), (.dst, "172.17.0.2:22")], .accept)
    let advice = try #require(trace.cases.first?.remedy?.advice).text(in: reading.ruleset)
    #expect(advice.hasPrefix("no single rule does that: with `iptables -t raw -I PREROUTING 1 "))
    #expect(advice.hasSuffix("it ends at filter DOCKER"))
  }

  @Test func theJSONFitsItsSchema() throws {
    let schema = try JSONSchema(contentsOf: Samples.root.appending(path: "Schemas/fwtrace.trace.1.json"))
    for question in Self.questions {
      let reading = try Samples.read(question.sample)
      let trace = try Self.trace(reading, question.options, question.wanted)
      let value = try JSONSerialization.jsonObject(with: Data(TraceJSON(reading.ruleset).bytes(of: trace)))
      #expect(schema.problems(of: value) == [])
      let cases = try #require((value as? [String: Any])?["cases"] as? [[String: Any]])
      let remedies = cases.compactMap { $0["remedy"] as? [String: Any] }
      #expect(remedies.first?["command"] as? String == question.command)
    }
  }
}
