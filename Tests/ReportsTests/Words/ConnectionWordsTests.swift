import FlowTrace
import RuleGraph
import RuleParser
import TestHosts
import Testing

@testable import Reports

/// The first line of an answer says whether the connection works.
@Suite struct ConnectionWordsTests {
  private static func headline(_ rules: String, _ question: [(QueryOption, String)], _ facts: String = "") throws
    -> String
  {
    let text = """
      *filter
      :INPUT DROP [0:0]
      :FORWARD DROP [0:0]
      :OUTPUT ACCEPT [0:0]
      \(rules)
      COMMIT
      $ ip addr
      2: eth0: <BROADCAST,UP> mtu 1500
          inet 192.0.2.10/24 scope global eth0
      \(facts)

      """
    let reading = HostReading.of(text, name: "dump")
    var options = Tracer.Options()
    options.tracesReply = true
    let trace = Tracer(reading.ruleset, facts: reading.facts).trace(
      try Samples.query(question, facts: reading.facts), options: options)
    return ConnectionWords.summary(trace)
  }

  private static let ssh: [(QueryOption, String)] = [
    (.input, "eth0"), (.src, "192.0.2.77"), (.dst, "192.0.2.10:22"),
  ]
  private static let accepted = "-A INPUT -p tcp --dport 22 -j ACCEPT"

  static let rows: [(rules: String, question: [(QueryOption, String)], facts: String, words: String)] = [
    (accepted, ssh, "", "works: accepted both ways"),
    ("", ssh, "", "fails: dropped"),
    ("-A INPUT -p tcp -j REJECT", ssh, "", "fails: rejected"),
    (accepted + "\n-A OUTPUT -p tcp --sport 22 -j DROP", ssh, "", "fails: accepted, but its reply is dropped"),
    (
      accepted + "\n-A OUTPUT -p tcp --sport 22 -j REJECT", ssh, "", "fails: accepted, but its reply is rejected"
    ),
    (
      accepted + "\n-A OUTPUT -m unheard --of -j DROP", ssh, "",
      "it depends: accepted, but its reply may be dropped"
    ),
    (
      accepted + "\n-A OUTPUT -p tcp --dport 40000:40999 -j DROP", ssh, "",
      "it depends: accepted, but its reply may be dropped"
    ),
    (
      accepted, ssh, "$ ss -tulnp\nNetid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process",
      "fails: accepted, but nothing listens there"
    ),
    ("-A INPUT -m unheard --of -j ACCEPT", ssh, "", "undetermined in both cases"),
    (
      accepted, [(.input, "eth0"), (.src, "192.0.2.77"), (.dst, "192.0.2.10:22-23")], "",
      "it depends: 1 accepted, 1 dropped"
    ),
    (
      accepted + "\n-A OUTPUT -p tcp --sport 22 -j DROP",
      [(.input, "eth0"), (.src, "192.0.2.77"), (.dst, "192.0.2.10:22-23")], "",
      "fails in both cases: 1 accepted without a reply, 1 dropped"
    ),
    (
      "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n" + accepted, ssh + [(.state, "established")], "",
      "accepted"
    ),
  ]

  @Test(arguments: rows)
  func theFirstLineSaysWhetherItWorks(
    _ row: (rules: String, question: [(QueryOption, String)], facts: String, words: String)
  ) throws {
    let words = try Self.headline(row.rules, row.question, row.facts)
    #expect(words == row.words)
  }
}
