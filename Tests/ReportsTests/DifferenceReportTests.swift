import FlowTrace
import Foundation
import HostAnalysis
import HostModel
import RuleGraph
import RuleParser
import TestHosts
import Testing

@testable import Reports

/// What changed between samples, as text, Markdown and JSON.
@Suite struct DifferenceReportTests {
  /// Pairs of samples that are two states of one host.
  static let pairs = [
    ("questions/08-loopback-port-docker-27", "questions/08-loopback-port-docker-28"),
    ("questions/13-one-bridge-icc-off", "questions/13-one-bridge-no-bridge-nf"),
    ("questions/12-half-of-two-rulesets", "questions/12-two-live-rulesets"),
    ("questions/03-a-paste-without-the-raw-table", "questions/03-routed-access-docker-28"),
    ("one-tomcat", "tomcat-redis"),
  ]

  private static func difference(_ old: String, _ new: String) throws -> (Difference, HostReading, HostReading) {
    let (before, after) = (try Samples.read(old), try Samples.read(new))
    return (Difference(of: (before.ruleset, before.facts), and: (after.ruleset, after.facts)), before, after)
  }

  @Test(arguments: pairs)
  func theTextIsTheOneThatWasLookedAt(_ old: String, _ new: String) throws {
    let (difference, before, after) = try Self.difference(old, new)
    let text = DifferenceText(before.ruleset, after.ruleset, terminal: TerminalSettings(width: 110))
    let markdown = DifferenceMarkdown(before.ruleset, after.ruleset)
    try expectSnapshot(
      text.text(of: difference) + "\n" + markdown.text(of: difference),
      named: "diff-\(old.replacing("/", with: "-"))-\(new.replacing("/", with: "-"))")
  }

  @Test(arguments: pairs)
  func theJSONIsOfItsSchema(_ old: String, _ new: String) throws {
    let (difference, before, after) = try Self.difference(old, new)
    let bytes = DifferenceJSON(before.ruleset, after.ruleset).bytes(
      of: difference, diagnostics: (before.diagnostics, after.diagnostics))
    let value = try JSONSerialization.jsonObject(with: Data(bytes))
    let schema = try JSONSchema(contentsOf: Samples.root.appending(path: "Schemas/fwtrace.diff.1.json"))
    #expect(schema.problems(of: value) == [])
  }

  @Test(arguments: pairs)
  func theSARIFIsOfItsSchema(_ old: String, _ new: String) throws {
    let (difference, before, after) = try Self.difference(old, new)
    let bytes = DifferenceSARIF.bytes(of: difference, before.ruleset, after.ruleset, version: "1.2.3")
    let value = try JSONSerialization.jsonObject(with: Data(bytes))
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Policy/sarif-2.1.0.json")
    #expect(try JSONSchema(contentsOf: file).problems(of: value) == [])
    let runs = (value as? [String: Any])?["runs"] as? [[String: Any]]
    let results = (runs?.first?["results"] as? [[String: Any]]) ?? []
    #expect(results.count == difference.changes.count { $0.kind != .rule } + difference.unknown.count)
  }

  /// Every sample is proved equal to itself without a question, whatever its dumps hide of the host; what they hide of rules is asked about and stays open.
  /// The one left out is a listing that hides the interfaces of every rule, whose packets fall into thousands of pieces.
  @Test(arguments: try Samples.names.filter { $0 != "empty-host" })
  func aSampleIsNotDifferentFromItself(_ name: String) throws {
    let (difference, _, _) = try Self.difference(name, name)
    #expect(!difference.hasChanges && !difference.changes.contains { $0.kind == .rule })
    if difference.questions == 0 { #expect(difference.isEqual) }
  }

  /// Questions about everyone find no difference either where the rules are the same.
  @Test(arguments: ["user-network", "questions/01-ufw-and-published-port", "docker29-nft", "docker29-iptables"])
  func askingAboutEveryoneFindsNothing(_ name: String) throws {
    let reading = try Samples.read(name)
    let side = (reading.ruleset, reading.facts)
    let difference = Difference(of: side, and: side, asksAboutEveryone: true)
    #expect(difference.questions > 0 && difference.changes.isEmpty)
  }

  /// Hosts with translations, of whose rules one is left out or two change places: asking only about the packets that a changed rule may match finds what asking about
  /// everyone finds.
  @Test(arguments: [
    "user-network/iptables-save.txt", "questions/01-ufw-and-published-port/iptables-save.txt",
    "questions/07-own-published-port-and-ufw/iptables-save.txt", "questions/14-client-address/iptables-save.txt",
  ])
  func askingAboutFewFindsWhatAskingAboutEveryoneFinds(_ file: String) throws {
    let url = Samples.root.appending(path: "samples/\(file)")
    let lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map(String.init)
    let places = lines.indices.filter { lines[$0].hasPrefix("-A ") }
    let old = Self.reading(lines.joined(separator: "\n") + "\n")
    let step = ProcessInfo.processInfo.environment["FWTRACE_MUTATIONS"] == nil ? 7 : 1
    var changes = 0
    for (number, place) in places.enumerated() where number % step == 0 {
      var changed = lines
      if number % 2 == 0 { changed.remove(at: place) } else { changed.swapAt(place, max(place - 1, places[0])) }
      let new = Self.reading(changed.joined(separator: "\n") + "\n")
      let sides = ((old.ruleset, old.facts), (new.ruleset, new.facts))
      let few = Difference(of: sides.0, and: sides.1)
      let all = Difference(of: sides.0, and: sides.1, asksAboutEveryone: true)
      #expect(Self.deciders(few) == Self.deciders(all), "\(file): \(lines[place])")
      changes += all.changes.count
    }
    #expect(changes > 0)
  }

  /// What changed, by kind, verdicts and deciders.
  private static func deciders(_ difference: Difference) -> Set<[String]> {
    Set(
      difference.changes.map { change in
        [
          "\(change.kind)", "\(change.old.verdict)", "\(change.new.verdict)", "\(change.old.deciders)",
          "\(change.new.deciders)",
        ]
      })
  }

  private static func reading(_ text: String) -> HostReading {
    HostReading.of(text, name: "rules")
  }

  private static func rules(_ rules: String) -> HostReading {
    reading("*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n\(rules)\nCOMMIT\n")
  }

  /// A rate limit that both sides have holds on both or on neither; one that became another does not.
  @Test func aLimitOnBothSidesIsOneLimit() {
    let limit = "-A INPUT -p tcp -m tcp --dport 22 -m limit --limit 3/min -j ACCEPT\n"
    let drop = "-A INPUT -s 198.51.100.0/24 -j DROP\n"
    let (old, new) = (Self.rules(limit), Self.rules(drop + limit))
    let difference = Difference(of: (old.ruleset, old.facts), and: (new.ruleset, new.facts))
    #expect(difference.isDetermined && difference.hasChanges)
    let verdicts = difference.changes.filter { $0.kind == .verdict }
    #expect(verdicts.count == 1)
    #expect(verdicts.first?.packets.first?.conditions.map(\.holds).contains(true) == true)
    let same = Difference(of: (old.ruleset, old.facts), and: (old.ruleset, old.facts), asksAboutEveryone: true)
    #expect(same.isEqual && same.changes.isEmpty)
  }

  /// The same set name with other members is another set.
  @Test func aSetWithOtherMembersIsAnotherSet() {
    func ruleset(_ members: String) -> HostReading {
      Self.reading(
        """
        table inet filter {
          set ban {
            type ipv4_addr
            elements = { \(members) }
          }
          chain input {
            type filter hook input priority filter; policy accept;
            ip saddr @ban drop
          }
        }

        """)
    }
    let (old, new) = (ruleset("198.51.100.1, 198.51.100.2"), ruleset("198.51.100.2, 198.51.100.3"))
    let difference = Difference(of: (old.ruleset, old.facts), and: (new.ruleset, new.facts))
    let verdicts = difference.changes.filter { $0.kind == .verdict }
    #expect(difference.isDetermined)
    // 198.51.100.1 is let in, 198.51.100.3 no longer.
    let sources = verdicts.flatMap(\.packets).flatMap(\.boxes).compactMap {
      $0[.field(.header(HeaderField(.ip, .saddr)))]?.single.map { IPAddress(bits: $0).description }
    }
    #expect(Set(verdicts.map { $0.new.verdict }) == [.accept, .drop])
    #expect(Set(sources) == ["198.51.100.1", "198.51.100.3"])
  }

  /// A table that one side alone shows is no change.
  @Test func whatOneSideDoesNotShowIsUndetermined() {
    let old = Self.reading(
      "# iptables -t filter -S\n-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n")
    let new = Self.reading(
      """
      *filter
      :INPUT ACCEPT [0:0]
      :FORWARD ACCEPT [0:0]
      :OUTPUT ACCEPT [0:0]
      COMMIT
      *raw
      :PREROUTING ACCEPT [0:0]
      :OUTPUT ACCEPT [0:0]
      -A PREROUTING -s 198.51.100.0/24 -j DROP
      COMMIT

      """)
    let difference = Difference(of: (old.ruleset, old.facts), and: (new.ruleset, new.facts))
    #expect(!difference.hasChanges && !difference.isDetermined && !difference.isEqual)
    #expect(difference.gaps.contains(.table("raw", .ipv4, notShownBy: .old)))
  }
}
