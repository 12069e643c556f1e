import FlowTrace
import PolicyCheck
import RuleGraph
import Testing

@testable import Reports

@Suite struct CheckWordsTests {
  private static let address = ValueSet(IPAddress(ipv4: 0xac11_0002).bits)
  private static let port = ValueSet(80)
  private static let name = InterfaceName("eth0").map { ValueSet($0.value) } ?? .empty
  private static let patterns = [RulePattern("filter FORWARD 1"), RulePattern("GONE")].compactMap { $0 }

  static let breaches: [(Breach, String)] =
    [
      (.verdict(.drop, expected: [.accept, .reject]), "dropped, expected accept or reject"),
      (.forbidden(.accept), "accepted, which only others are to be"),
      (.connection(.fails(at: .packet), .drop, orExpected: [.reject]), "dropped, expected works or reject"),
      (
        .connection(.depends(on: .reply), .accept, orExpected: []),
        "accepted, but its reply may not come back, expected works"
      ),
      (
        .connection(.fails(at: .listener), .accept, orExpected: []),
        "accepted, but nothing listens there, expected works"
      ),
      (
        .connection(.fails(at: .proxy), .accept, orExpected: []),
        "accepted, but docker-proxy's own connection fails, expected works"
      ),
      (.forbiddenConnection, "works, which only others are to"),
      (
        .answer("tcp-reset", expected: ["icmp-port-unreachable"]),
        "rejected with tcp-reset, expected icmp-port-unreachable"
      ),
      (.answer(nil, expected: ["tcp-reset"]), "rejected with no answer, expected tcp-reset"),
      (.fate(.local, expected: [.forward, .bridged]), "fate local, expected forward or bridged"),
      (.destinationTranslated(address, ports: port), "its destination becomes 172.17.0.2:80, expected it kept"),
      (.destination(address, ports: nil, expected: "web"), "it ends at 172.17.0.2, expected web"),
      (.sourceTranslated(address, ports: .bits(16)), "its source becomes 172.17.0.2, expected it kept"),
      (.sourceTranslation(.snat, expected: .masquerade), "its source is translated by snat, expected masquerade"),
      (.sourceTranslation(nil, expected: .masquerade), "its source is kept, expected masquerade"),
      (.source(address, ports: port, expected: "gate"), "its source at the end is 172.17.0.2:80, expected gate"),
      (.output(name, expected: "eth1"), "it leaves through eth0, expected out eth1"),
      (.output(nil, expected: "eth1"), "it does not leave, expected out eth1"),
      (
        .decidedElsewhere(expected: patterns, missing: Array(patterns.dropFirst())),
        "not decided via filter FORWARD 1 or GONE (GONE does not exist)"
      ),
      (.decidedElsewhere(expected: Array(patterns.prefix(1)), missing: []), "not decided via filter FORWARD 1"),
      (.noReply(expected: [.accept]), "there is no reply, expected one: accept"),
      (.reply(.reject, expected: [.accept]), "its reply is rejected, expected accept"),
      (
        .alternatives([[.forbidden(.accept), .output(nil, expected: "eth1")], [.forbidden(.drop)]]),
        "none of the alternatives: accepted, which only others are to be, it does not leave, expected out eth1; dropped, which only others are to be"
      ),
    ] + patterns.prefix(1).map { (.passes($0), "it passes filter FORWARD 1, which it never may") }

  @Test(arguments: breaches)
  func aBreachReadsSo(_ breach: Breach, text: String) { #expect(breach.text == text) }

  static let doubts: [(Doubt, String)] = [
    (.fate, "the dumps do not show what happens to them"),
    (.source, "the dumps do not show whether its source is translated"),
    (.reply, "the dumps do not show what happens to the reply"),
    (.counterexample(.drop), "cannot be proved from these dumps: packets may be dropped"),
  ]

  @Test(arguments: doubts)
  func aDoubtReadsSo(_ doubt: Doubt, text: String) { #expect(doubt.text == text) }

  static let reasons: [(CheckResult.Reason, String)] = [
    (.broken(.forbidden(.accept)), "accepted, which only others are to be"),
    (.vacuous, "no packet fits this description, so it claims nothing"),
    (.undetermined(.fate, on: []), "undetermined: the dumps do not show what happens to them"),
    (
      .undetermined(
        .fate,
        on: [
          ConditionUse(Condition(.setMember("office"), settledBy: "ipset save office"), holds: true),
          ConditionUse(Condition(.end(.unseenRules)), holds: true),
          ConditionUse(Condition(.hiddenInterfaces), holds: false),
          ConditionUse(Condition(.hiddenInterfaces), holds: false),
        ]),
      "undetermined: the dumps do not show what happens to them; it depends on whether the set office holds the packet (ipset save office), and whether its interfaces do not fit the rule"
    ),
    (.skipped("not yet"), "not yet"),
  ]

  @Test(arguments: reasons)
  func aReasonReadsSo(_ reason: CheckResult.Reason, text: String) {
    #expect(reason.text(in: WordedRules.ruleset) == text)
  }

  static let recordings: [(Recorder.Reason, String)] = [
    (.noPacket, "no packet fits this question"),
    (
      .undetermined([
        ConditionUse(Condition(.hiddenInterfaces), holds: true),
        ConditionUse(Condition(.end(.unseenRules)), holds: true),
      ]), "undetermined: its interfaces fit the rule"
    ),
    (
      .conditional(.accept, [ConditionUse(Condition(.transparentProxy), holds: true)]),
      "accept only if a transparent proxy listens"
    ),
    (.tooManyPieces(.drop), "a part that is dropped has too many pieces to be written down"),
  ]

  @Test(arguments: recordings)
  func whatIsNotRecordedReadsSo(_ reason: Recorder.Reason, text: String) {
    #expect(reason.text(in: WordedRules.ruleset) == text)
  }

  static let refusals: [(PolicyEditor.Refusal, String)] = [
    (.testsOnOneLine, "the tests do not stand on lines of their own, so none can be added to them"),
    (.testsInBrackets, "the tests are written in brackets; begin them on a line of their own"),
    (.movedText, "the text is not where it was read"), (.severalLines, "the text goes over several lines"),
    (.noPlainScalar, "the text is not a plain scalar"),
  ]

  static let updates: [(Rerecorder.Reason, String)] = [
    (.authorsChoice, "only, one-of, via and never-via are the author's to decide"),
    (.noCommonAnswer, "its packets have no common answer today"),
    (.refused(key: "to", .severalLines), "to: the text goes over several lines"),
  ]

  @Test func whatIsNotUpdatedReadsSo() {
    for (refusal, text) in Self.refusals { #expect(refusal.text == text) }
    for (reason, text) in Self.updates { #expect(reason.text == text) }
  }

  @Test func everyReasonHasARow() throws {
    func isWhole(_ rows: [String], _ name: String, _ path: String) throws {
      let declared = try EnumCases.declared(of: name, in: "PolicyCheck/" + path)
      #expect(!declared.isEmpty)
      #expect(declared.subtracting(rows) == [])
    }
    try isWhole(Self.breaches.map { EnumCases.name(of: $0.0) }, "Breach", "Checking/Breach.swift")
    try isWhole(Self.doubts.map { EnumCases.name(of: $0.0) }, "Doubt", "Checking/Breach.swift")
    try isWhole(Self.reasons.map { EnumCases.name(of: $0.0) }, "Reason", "Checking/CheckResult.swift")
    try isWhole(Self.recordings.map { EnumCases.name(of: $0.0) }, "Reason", "Recording/Recorder.swift")
    try isWhole(Self.refusals.map { EnumCases.name(of: $0.0) }, "Refusal", "Recording/PolicyEditor.swift")
    try isWhole(Self.updates.map { EnumCases.name(of: $0.0) }, "Reason", "Recording/Rerecorder.swift")
  }
}
