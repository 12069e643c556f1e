import RuleGraph
import Testing

@testable import Reports

@Suite struct TextTests {
  @Test(arguments: [("docker0", 7), ("网络", 4), ("e\u{301}", 1), ("", 0), ("a\u{1b}b", 2), ("ｆ", 2)])
  func widthIsWhatATerminalShows(_ text: String, _ width: Int) { #expect(DisplayWidth.of(text) == width) }

  @Test func controlCharactersNeverReachTheTerminal() {
    let text = StyledText("a\u{1b}[31mb\u{9b}c\td").rendered(inColor: true)
    #expect(text == "a?[31mb?c d")
  }

  @Test(arguments: [10, 20, 33])
  func wrappingKeepsWordsAndWidth(_ width: Int) {
    let text = StyledText("one two three ") + StyledText("four five six seven", .strong)
    let lines = text.wrapped(to: width)
    for line in lines { #expect(line.width <= width) }
    let words = lines.flatMap { $0.rendered(inColor: false).split(separator: " ") }
    #expect(words == ["one", "two", "three", "four", "five", "six", "seven"])
  }

  @Test func theIndentOfALongLineStays() {
    let lines = StyledText("    one two three four").wrapped(to: 10)
    #expect(lines.map { $0.rendered(inColor: false) } == ["    one", "two three", "four"])
  }

  @Test func sourcesAreCalledByTheirShortestNames() {
    var sources = SourceMap()
    for name in ["a/nat.txt", "b/nat.txt", "b/filter.txt"] { _ = sources.add(Source(name: name, bytes: [])) }
    let names = SourceNames(sources)
    #expect(
      (0..<3).map { names[SourceSpan(source: $0, line: 7, offset: 0, length: 0)] } == [
        "a/nat.txt:7", "b/nat.txt:7", "filter.txt:7",
      ])
  }

  @Test func jsonEscapesWhatMustBeEscaped() {
    var json = JSONWriter(indented: false)
    json.object { json in
      json.member("a\"\\", "\n\u{1}é")
      json.member("list", ["x", "y"])
      json.member("none", nil as String?)
      json.key("empty")
      json.array { _ in }
    }
    #expect(
      String(decoding: json.bytes, as: UTF8.self)
        == #"{"a\"\\": "\n\u0001é", "list": ["x", "y"], "none": null, "empty": []}"#)
  }

  static let span = SourceSpan(source: 0, line: 1, offset: 0, length: 0)

  static let rules: [(Rule, String, String)] = [
    (
      Rule(
        [
          .match(Match(.meta(.l4proto), in: ValueSet(6))),
          .match(Match(.header(HeaderField(.tcp, .dport)), in: ValueSet(80))),
          .verdict(.accept),
        ], span: span), "tcp dport 80", "ACCEPT"
    ),
    (
      Rule(
        [
          .match(Match(.meta(.iifname), in: ValueSet(InterfaceName("docker0")?.value ?? 0), negated: true)),
          .match(Match(.conntrack(ConntrackField(.state)), anyBitOf: 6)),
          .match(Match(.fib(FibField(.type, ofDestination: true)), in: ValueSet(2))), .verdict(.jump("DOCKER")),
        ], span: span), "in any but docker0, state established or related, to a local address", "jump DOCKER"
    ),
    (
      Rule(
        [
          .hiddenInterfaces,
          .translate(
            Translation(.dnat, address: .constant(IPAddress(ipv4: 0xac11_0002).bits), port: .constant(8080))),
        ], span: span), "(interfaces not shown)", "DNAT to 172.17.0.2:8080"
    ),
    (
      Rule([.effect(Effect(.counter)), .verdict(.reject(.icmp(code: 3)))], span: span), "everything",
      "REJECT with icmp-port-unreachable"
    ),
  ]

  @Test(arguments: TextTests.rules)
  func aRuleInWords(_ rule: Rule, _ conditions: String, _ action: String) {
    let words = RuleWords(rule)
    #expect(words.conditionText == conditions)
    #expect(words.actionText == action)
  }
}
