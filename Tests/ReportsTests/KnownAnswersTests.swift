import FlowTrace
import Reports
import RuleParser
import Testing

@Suite struct KnownAnswersTests {
  private static func line(_ id: String, _ port: Int, more: String = "") -> [UInt8] {
    Array(#"{"id":"\#(id)","sport":\#(port),"dst":"192.0.2.2"\#(more)}"#.utf8)
  }

  private static func answer(_ id: String, _ port: Int, rest: String) -> ArraySlice<UInt8> {
    ArraySlice(#"{"schema": "fwtrace.trace/1", "id": "\#(id)", "sport": [\#(port)], \#(rest)}"#.utf8)
  }

  /// The answer of `known` to a question, or nil.
  private static func ask(_ known: KnownAnswers, _ line: [UInt8]) -> String? {
    var answers: [UInt8] = []
    guard let question = known.question(line, line.indices), known.answer(question, to: &answers) else { return nil }
    return String(decoding: answers, as: UTF8.self)
  }

  private static func keep(_ known: KnownAnswers, _ line: [UInt8], _ answer: ArraySlice<UInt8>) {
    if let question = known.question(line, line.indices) { known.keep(answer, to: question) }
  }

  @Test func twoAnswersForDifferentPortsTellWhereThePortStands() {
    let known = KnownAnswers(keepsSourcePort: false)
    Self.keep(known, Self.line("a", 80), Self.answer("a", 80, rest: #""dport": 80"#))
    #expect(
      Self.ask(known, Self.line("b", 80)) == #"{"schema": "fwtrace.trace/1", "id": "b", "sport": [80], "dport": 80}"#)
    #expect(
      Self.ask(known, Self.line("b", 81)) == nil, "one answer doesn't tell that the other 80 is not the source port")
    Self.keep(known, Self.line("b", 81), Self.answer("b", 81, rest: #""dport": 80"#))
    #expect(Self.ask(known, Self.line("c", 82)) == nil, "the two differ in more than the source port, as it seems")
    Self.keep(known, Self.line("c", 82), Self.answer("c", 82, rest: #""dport": 80"#))
    #expect(
      Self.ask(known, Self.line("d", 80)) == #"{"schema": "fwtrace.trace/1", "id": "d", "sport": [80], "dport": 80}"#)
    #expect(Self.ask(known, Self.line("d", 83, more: #","in":"eth0""#)) == nil)
  }

  @Test func answersThatDependOnThePortAreNotGivenAgain() {
    let known = KnownAnswers(keepsSourcePort: false)
    for port in 1...20 {
      #expect(Self.ask(known, Self.line("a", port)) == nil)
      Self.keep(known, Self.line("a", port), Self.answer("a", port, rest: #""x": "p\#(port)""#))
    }
  }

  @Test func whereRulesLookAtThePortItIsPartOfTheQuestion() {
    let known = KnownAnswers(keepsSourcePort: true)
    for port in 1...3 { Self.keep(known, Self.line("a", port), Self.answer("a", port, rest: "0")) }
    #expect(Self.ask(known, Self.line("b", 4)) == nil)
    #expect(Self.ask(known, Self.line("b", 2)) == #"{"schema": "fwtrace.trace/1", "id": "b", "sport": [2], 0}"#)
  }

  @Test func laterPacketsKeepTheirPort() {
    let known = KnownAnswers(keepsSourcePort: false)
    for more in [#","reply":true"#, #","state":"established""#] {
      for port in 1...3 { Self.keep(known, Self.line("a", port, more: more), Self.answer("a", port, rest: "0")) }
      #expect(Self.ask(known, Self.line("b", 4, more: more)) == nil)
      #expect(Self.ask(known, Self.line("b", 3, more: more)) != nil)
    }
  }

  @Test(arguments: [
    #"{"id":"a\n","sport":1}"#, #"{"id":null,"sport":1}"#, #"{"id":"ä","sport":1}"#, #"{"id":1,"id":2}"#,
    #"{"sport":[1,2]}"#,
    #"{"sport":01}"#, #"{"sport":65536}"#, #"{"sport":-1}"#, #"{"sport":""}"#, #"{"id":01}"#, #"{"id":1.5}"#,
    #"{"id":1"#,
    #"{"id":1} x"#, #"["id"]"#, #"{"in":{"not":["lo"]}}"#, #"{}"#, "", "{",
  ])
  func linesThatAreNotPlainAreReadAsTheyAre(_ line: String) {
    #expect(KnownAnswers(keepsSourcePort: false).question(Array(line.utf8), 0..<line.utf8.count) == nil)
  }

  @Test(arguments: [
    ("*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n", false),
    ("*filter\n:INPUT DROP [0:0]\n-A INPUT -p udp --sport 67 -j ACCEPT\nCOMMIT\n", true),
    ("*filter\n:INPUT DROP [0:0]\n-A INPUT -p udp -m multiport --ports 67 -j ACCEPT\nCOMMIT\n", true),
    ("*filter\n:INPUT DROP [0:0]\n-A INPUT -m set --match-set s src -j ACCEPT\nCOMMIT\n", true),
    ("*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctorigsrcport 7 -j ACCEPT\nCOMMIT\n", true),
    ("table ip t {\n chain c {\n  tcp dport 22 accept\n }\n}\n", false),
    ("table ip t {\n chain c {\n  tcp sport 22 accept\n }\n}\n", true),
    ("table ip t {\n chain c {\n  th sport . th dport { 22 . 23 } accept\n }\n}\n", true),
    ("table ip t {\n chain c {\n  @th,0,16 22 accept\n }\n}\n", true),
    ("table ip t {\n chain c {\n  dnat to tcp sport map { 1 : 192.0.2.1 }\n }\n}\n", true),
    ("table ip t {\n chain c {\n  tcp sport vmap { 1 : drop }\n }\n}\n", true),
    ("table ip t {\n chain c {\n  meta mark set tcp sport\n }\n}\n", true),
    ("*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n", false),
    ("*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -p tcp -j MASQUERADE --to-ports 7-9\nCOMMIT\n", true),
    ("$ ip rule\n0: from all lookup local\n9: from all ipproto tcp sport 22 lookup 7\n", true),
  ])
  func rulesThatLookAtTheSourcePortAreFound(_ dump: String, _ looks: Bool) {
    let reading = DumpReader().read([DumpInput(name: "rules", bytes: Array(dump.utf8))])
    #expect(Tracer.looksAtSourcePorts(reading.ruleset, reading.facts) == looks)
  }
}
