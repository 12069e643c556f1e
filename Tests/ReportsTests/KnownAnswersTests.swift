import FlowTrace
import HostModel
import RuleGraph
import RuleParser
import TestHosts
import Testing

@testable import Reports
@testable import Traffic

@Suite struct KnownAnswersTests {
  private static func sample(_ rest: String, _ texts: [(PacketClasses.Field, String)]) -> AnswerTemplate.Sample {
    AnswerTemplate.Sample(rest: Array(rest.utf8)[...], texts: texts.map { ($0, Array($1.utf8)) })
  }

  /// The text of a template with the numbers of fields in the gaps.
  private static func shown(_ template: AnswerTemplate?) -> String? {
    guard let template else { return nil }
    var text = ""
    var from = 0
    for gap in template.gaps {
      text += String(decoding: template.text[from..<gap.place], as: UTF8.self) + "<\(gap.kind)>"
      from = gap.place
    }
    return text + String(decoding: template.text[from...], as: UTF8.self)
  }

  @Test func aWordThatIsOneFieldsValueInEveryAnswerIsAGap() {
    let template = AnswerTemplate(
      [
        Self.sample(#"": [80], "dst": "10.0.0.9:80", "dport": 80"#, [(.sourcePort, "80"), (.destination, "10.0.0.9")]),
        Self.sample(#"": [0], "dst": "10.0.0.1:80", "dport": 0"#, [(.sourcePort, "0"), (.destination, "10.0.0.1")]),
        Self.sample(
          #"": [65535], "dst": "10.0.0.200:80", "dport": 65535"#,
          [(.sourcePort, "65535"), (.destination, "10.0.0.200")]),
      ], beginning: nil)
    #expect(Self.shown(template) == #"": [<2>], "dst": "<1>:80", "dport": <2>"#)
  }

  @Test(arguments: [
    ["port 81", "port 1", "port 2"], ["p80", "p0", "p1"], ["80-90", "0-90", "1-90"], ["80 80", "0", "1"],
    ["80", "0", "1 1"], ["80", "0", "1 "], ["80 x", "0 x", "1 y"],
  ])
  func whatIsWorkedOutOfAValueIsNoGap(_ answers: [String]) {
    let samples = zip(answers, ["80", "0", "1"]).map { Self.sample($0, [(.sourcePort, $1)]) }
    #expect(AnswerTemplate(samples, beginning: nil) == nil)
  }

  @Test func aWordThatMayBeOfTwoFieldsMakesNoTemplate() {
    let samples = ["7", "8", "9"].map { Self.sample($0, [(.sourcePort, $0), (.destinationPort, $0)]) }
    #expect(AnswerTemplate(samples, beginning: nil) == nil)
  }

  /// A batch of a few questions is answered without classes, a longer one with them; nobody can tell by the answers.
  @Test func classesAreFoundWhenThereAreQuestionsEnough() {
    let dump = """
      *filter
      :FORWARD DROP [0:0]
      -A FORWARD -p tcp --dport 80 -j ACCEPT
      COMMIT
      $ ip addr
      2: eth0: <BROADCAST,UP> mtu 1500
          inet 192.0.2.1/24 scope global eth0
      3: docker0: <BROADCAST,UP> mtu 1500
          inet 172.17.0.1/16 scope global docker0
      $ sysctl net.ipv4.ip_forward
      net.ipv4.ip_forward = 1

      """
    let reading = HostReading.of(dump, name: "dump")
    let batch = BatchAnswers(reading.ruleset, facts: reading.facts, diagnostics: [])
    let classes = [(0, 200), (200, 100), (300, 100)].map { first, count in
      let lines = (first..<first + count).map {
        #"{"id":"\#($0)","proto":"tcp","in":"eth0","src":"203.0.113.9","sport":\#(2000 + $0),"dst":"172.17.0.2","dport":80}"#
      }
      var answers = AnswerBytes(room: 1 << 16)
      let hadError = batch.answer(
        linesIn: Array(lines.joined(separator: "\n").utf8), firstLine: first + 1, to: &answers)
      #expect(!hadError)
      let told = answers.bytes.split(separator: 0x0a).map { Array($0) }
      let alone = lines.map { Array(batch.answer(alone: Array($0.utf8), number: 1).answer.dropLast()) }
      #expect(told == alone)
      return batch.sharedAnswers
    }
    #expect(classes[0] == 0 && classes[1] == 0 && classes[2] > 0, "\(classes)")
  }

  private static let packets = PacketClasses(Ruleset(), HostFacts())

  private static func question(_ line: String) -> QuestionLine? {
    let bytes = Array(line.utf8)
    return QuestionLine(bytes.span, bytes.indices, packets)
  }

  @Test(arguments: [
    #"{"id":"a\n","sport":1}"#, #"{"id":null,"sport":1}"#, #"{"id":"ä","sport":1}"#, #"{"id":1,"id":2}"#,
    #"{"sport":1,"sport":1}"#, #"{"sport":[1,2]}"#, #"{"id":01}"#, #"{"id":1.5}"#, #"{"id":1"#, #"{"id":1} x"#,
    #"["id"]"#, #"{"in":{"not":["lo"]}}"#, #"{}"#, "", "{",
  ])
  func linesThatAreNotPlainAreReadAsTheyAre(_ line: String) {
    #expect(Self.question(line) == nil)
  }

  @Test(arguments: [
    (#"{"src":"10.0.0.1","dst":"10.0.0.2","sport":1,"dport":2,"length":3}"#, 0b11111),
    (#"{"src":"10.0.0.1","dst":"10.0.0.2","sport":"1","dport":2}"#, 0b01111),
    (#"{"src":"10.0.0.1","dst":"10.0.0.1","sport":1,"dport":1}"#, 0), (#"{"src":"10.0.0.1","dport":1}"#, 0b01000),
    (#"{"src":"10.0.0.0/8","dst":"10.0.0.1"}"#, 0), (#"{"src":"10.0.0.01","dst":"10.0.0.2"}"#, 0),
    (#"{"src":"10.0.0.256","dst":"10.0.0.2"}"#, 0), (#"{"src":"10.0.0.1:5","dst":"10.0.0.2"}"#, 0),
    (#"{"src":"10.0.0.1.1","dst":"10.0.0.2"}"#, 0), (#"{"src":"::1","dst":"::2"}"#, 0),
    (#"{"src":"web","dst":"10.0.0.2","sport":7}"#, 0b00100), (#"{"sport":01,"length":1}"#, 0b10000),
    (#"{"sport":65536}"#, 0), (#"{"sport":"any"}"#, 0), (#"{"sport":-1}"#, 0), (#"{"sport":""}"#, 0),
    (#"{"sport":1,"reply":true}"#, 0), (#"{"sport":1,"state":"new"}"#, 0),
    (#"{"sport":1,"host_address":"10.0.0.1"}"#, 0),
    (#"{"sport":1,"src":"10.0.0.1","dst":"10.0.0.2","from":"web"}"#, 0b00100), (#"{"sport":1,"x":1}"#, 0),
    (#"{"sport":1,"tcp_flags":"syn","in":"eth0","mark":1,"uid":1}"#, 0b00100),
  ])
  func onlyPlainValuesOfPlainPacketsStandForTheirClass(_ line: String, _ open: Int) throws {
    #expect(try #require(Self.question(line)).open == UInt8(open))
  }

  @Test func theKeyIsTheLineWithoutNameAndValues() throws {
    func key(_ line: String) throws -> [UInt8] {
      let bytes = Array(line.utf8)
      var key = QuestionKey()
      let question = Self.question(line)
      key.take(try #require(question), of: bytes.span, 0b11100)
      return Array(key.bytes)
    }
    let one = try key(#"{"id":"a","sport":1,"dst":"10.0.0.1"}"#)
    #expect(one == (try key(#"{"id":"long","sport":65535,"dst":"10.0.0.1"}"#)))
    #expect(one != (try key(#"{"id":"a","sport":1,"dst":"10.0.0.2"}"#)))
    #expect(one != (try key(#"{"id":"a","dport":1,"dst":"10.0.0.1"}"#)))
    #expect(one != (try key(#"{"id":"a","sport":"1","dst":"10.0.0.1"}"#)))
    #expect(one != (try key(#"{"sport":1,"dst":"10.0.0.1"}"#)))
  }

  @Test func classesAreWhatNoConstantTellsApart() throws {
    let rules =
      "*filter\n:INPUT DROP [0:0]\n-A INPUT -s 10.0.0.0/8 -p tcp --dport 80 -j ACCEPT\n-A INPUT -s 10.1.0.0/16 -j DROP\nCOMMIT\n"
    let reading = HostReading.of(rules, name: "rules")
    let packets = PacketClasses(reading.ruleset, reading.facts)
    func isOneClass(_ field: PacketClasses.Field, _ one: UInt32, _ other: UInt32) throws -> Bool {
      let classes = try #require(packets[field])
      let base: UInt128 = field == .source ? IPAddress.ipv4Base : 0
      #expect(classes.values(ofClass: classes.number(of: one)).contains(base + UInt128(one)))
      return classes.number(of: one) == classes.number(of: other)
    }
    #expect(try isOneClass(.destinationPort, 79, 81) && isOneClass(.destinationPort, 0, 65535))
    #expect(try !isOneClass(.destinationPort, 80, 81))
    #expect(try isOneClass(.source, 0x0a00_0009, 0x0a02_0009), "on both sides of 10.1.0.0/16")
    #expect(try !isOneClass(.source, 0x0a00_0009, 0x0a01_0009) && !isOneClass(.source, 0x0a00_0009, 0x0b00_0009))
    #expect(try isOneClass(.source, 0x0b00_0001, 0x0808_0808) && !isOneClass(.source, 0x0808_0808, 0x7f00_0001))
    #expect(packets[.sourcePort]?.count == 1 && packets[.length]?.count == 1, "nothing looks at them")
  }

  @Test(arguments: [
    ("*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n", false),
    ("*filter\n:INPUT DROP [0:0]\n-A INPUT -p udp --sport 67 -j ACCEPT\nCOMMIT\n", true),
    ("*filter\n:INPUT DROP [0:0]\n-A INPUT -p udp -m multiport --ports 67 -j ACCEPT\nCOMMIT\n", true),
    (
      "*filter\n:INPUT DROP [0:0]\n-A INPUT -m set --match-set s src -j ACCEPT\nCOMMIT\ncreate s hash:ip,port\nadd s 10.0.0.1,tcp:80\n",
      true
    ),
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
    let reading = HostReading.of(dump, name: "rules")
    #expect((PacketClasses(reading.ruleset, reading.facts)[.sourcePort]?.count == 1) == !looks)
  }
}
