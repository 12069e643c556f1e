import RuleGraph
import Testing

@testable import RuleParser

@Suite struct JSONTapeTests {
  private func read(_ text: String) -> JSONTape { JSONTape(SourceBytes(Array(text.utf8))) }

  /// The value written back without blanks, by walking the tape.
  private func print(_ value: JSONValue?) -> String {
    guard let value else { return "nothing" }
    switch value.kind {
    case .object:
      return "{" + value.members.map { print($0.key) + ":" + print($0.value) }.joined(separator: ",") + "}"
    case .array: return "[" + value.elements.map { print($0) }.joined(separator: ",") + "]"
    default: return value.sourceText
    }
  }

  @Test(arguments: [
    "null", "true", "-1.5e+3", #""a\"b""#, "[]", "{}", "[[],{},[[]]]", #"{"a":{},"b":[1,2,{"c":null}],"d":"x"}"#,
    #"[{"a":[]},{"b":{}},3]"#,
  ])
  func aWholeValuePrintsBack(_ text: String) {
    let tape = read(" \n" + text.map { $0 == "," ? " ,\n" : String($0) }.joined() + " rest")
    #expect(tape.problem == nil)
    #expect(print(tape.root) == text)
  }

  @Test(arguments: [
    (#"{"a":1,"b":[1,2"#, #"{"a":1,"b":[1,2]}"#, 15), (#"{"a":1,"b""#, #"{"a":1}"#, 10),
    (#"{"a":1,"b":"#, #"{"a":1}"#, 11),
    ("[1,]", "[1]", 3), ("[1 2]", "[1]", 3), (#"{"a" 1}"#, "{}", 5), ("[tru]", "[]", 1), (#"["abc"#, "[]", 1),
    ("", "nothing", 0), ("{1:2}", "{}", 1),
  ])
  func whatStandsBeforeTheBreakIsKept(_ text: String, _ printed: String, _ offset: Int) {
    let tape = read(text)
    #expect(print(tape.root) == printed)
    #expect(tape.problem?.offset == offset)
  }

  @Test func valuesAreReadAsTheirType() throws {
    let root = try #require(
      read(#"{"n": 7, "m": -7, "s": "a\u0041\ud83d\ude00\n", "t": true, "big": 18446744073709551616}"#).root)
    #expect(root["n"]?.unsigned == 7)
    #expect(root["m"]?.integer == -7)
    #expect(root["m"]?.unsigned == nil)
    #expect(root["s"]?.string == "aA\u{1F600}\n")
    #expect(root["t"]?.bool == true)
    #expect(root["big"]?.unsigned == nil)
    #expect(root["none"] == nil)
    #expect(root["n"]?["x"] == nil)
  }

  @Test func nestingIsBounded() {
    let tape = read(String(repeating: "[", count: 100_000))
    #expect(tape.nodes.count == JSONTape.maximumDepth)
    #expect(tape.problem != nil)
  }

  @Test func spansReachThroughQuotationMarksAroundLines() throws {
    let bytes = Array("> {\"a\":\r\n> [1,\r\n> 22]}\r\n".utf8)
    let text = DumpText(
      source: 3, memory: SourceBytes(bytes),
      lines: [
        DumpLine(start: 2, end: 7, number: 1), DumpLine(start: 11, end: 14, number: 2),
        DumpLine(start: 18, end: 22, number: 3),
      ])
    let tape = JSONTape(text)
    #expect(tape.problem == nil)
    let last = try #require(tape.root?["a"]?.elements.map { $0 }.last)
    #expect(last.unsigned == 22)
    #expect(last.span(in: text) == SourceSpan(source: 3, line: 3, offset: 18, length: 2))
  }
}
