import FlowTrace
package import HostAnalysis
package import RuleGraph

/// All about one rule, as text for a person.
package struct RuleStoryText: Sendable {
  private let ruleset: Ruleset
  private let terminal: TerminalSettings

  /// Makes a writer for the rules of a host.
  package init(_ ruleset: Ruleset, terminal: TerminalSettings = TerminalSettings()) {
    self.ruleset = ruleset
    self.terminal = terminal
  }

  private static let labelWidth = 11
  /// More rules than this are counted.
  private static let ruleLimit = 6

  /// The text of a rule's story.
  package func text(of story: RuleStory) -> String {
    let words = FindingWords(ruleset)
    let rule = ruleset[story.rule]
    let parts = RuleWords(rule)
    let chain = ruleset[story.rule.chainID]
    var page = Page(terminal)
    var head = StyledText(ruleset.place(of: story.rule), .strong)
    if let source = DeciderWords(ruleset: ruleset, names: SourceNames(ruleset.sources)).source(.rule(story.rule)) {
      head += StyledText("  \(source)", .faint)
    }
    page.add(head, hanging: 2)
    func add(_ label: String, _ text: String) {
      let padded = label + String(repeating: " ", count: max(1, Self.labelWidth - label.count))
      page.add(StyledText(padded, .faint) + StyledText(text), indent: 2, hanging: Self.labelWidth)
    }
    let text = ruleset.sources.text(of: rule.span)
    if !text.hasPrefix("{") { add("text", text.trimmed) }
    add("matches", parts.conditionText)
    add("does", parts.actionText)
    if let owner = ChainOwner.sentence(chain.name) { add("chain", owner) }
    if chain.base == nil {
      add("jump from", story.callers.isEmpty ? "nothing" : places(story.callers))
      if !story.bases.isEmpty { add("base", story.bases.map { ruleset.place(of: $0) }.joined(separator: ", ")) }
    }
    if !story.takers.isEmpty {
      add("before it", "\(places(story.takers)) \(story.takers.count == 1 ? "takes" : "take") packets that it matches")
    }
    switch story.arrival {
    case .some(let packet): add("gets", "packets, as far as the rules show: e.g. \(AuditText.text(packet))")
    case .none: add("gets", "no packet")
    case .unknown: add("gets", "unknown: not everything that jumps there was shown")
    }
    if let counter = rule.counter { add("counted", "\(counter.packets) packet\(counter.packets == 1 ? "" : "s")") }
    for finding in story.findings {
      var sentence = words.sentence(finding)
      if let mend = words.mend(finding) { sentence += "; \(mend)" }
      add(FindingWords.name(finding.severity), sentence)
    }
    return page.text
  }

  private func places(_ rules: [RuleID]) -> String {
    var names = rules.prefix(Self.ruleLimit).map { ruleset.place(of: $0) }
    if rules.count > names.count { names.append("\(rules.count - names.count) more") }
    return names.enumerated
  }
}

extension String {
  /// The text without the white space around it.
  fileprivate var trimmed: String {
    let bytes = utf8
    guard let first = bytes.firstIndex(where: { $0 > 0x20 }), let last = bytes.lastIndex(where: { $0 > 0x20 }) else {
      return ""
    }
    return String(self[first...last])
  }
}
