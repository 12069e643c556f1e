import FlowTrace
import RuleGraph

/// How much of a packet's way is shown.
public enum Detail: String, Sendable, CaseIterable {
  /// Translations and the deciding rule.
  case brief
  /// The rules that mattered.
  case normal
  /// Every rule that was looked at.
  case all
}

/// One line of a packet's way: where, on what condition, and what happened.
struct PathRow {
  /// The hook, or `routing`.
  var hook: String
  /// The rule or chain: `filter FORWARD 4`. Empty for events without.
  var place: String
  /// The rule's conditions, or the event in words.
  var words: String
  /// What was done.
  var action: StyledText
  /// `nat.txt:22`.
  var source: String?
  /// Whether this decided the case.
  var isDecider = false
  /// Whether the row is of less interest: a rule that did not match.
  var isFaint = false

  /// The words of a rule without conditions; they go without saying where a row has several lines.
  static let everything = "everything"
}

/// Chooses from the steps of a case those to show, and puts them into rows.
struct PathRows {
  let ruleset: Ruleset
  let names: SourceNames
  let detail: Detail

  /// The rows of a case in order.
  func rows(of one: Case) -> [PathRow] {
    let decider = deciderIndex(of: one)
    let shown = detail == .all ? Array(one.path.indices) : mattering(one.path, decider: decider)
    return shown.compactMap { index in
      let step = one.path[index]
      if detail == .brief, index != decider, !step.action.isTranslation { return nil }
      return row(step, isDecider: index == decider, of: one)
    }
  }

  /// The last step that is the case's decider.
  private func deciderIndex(of one: Case) -> Int? {
    one.path.lastIndex { step in
      switch (one.decidedBy, step.event) {
      case (.rule(let id), .rule(let other)): id == other && step.matched
      case (.policy(let id), .policy(let other)): id == other
      default: false
      }
    }
  }

  /// The indices of the steps that mattered: what matched and did something, without the visits to chains in which
  /// nothing happened.
  private func mattering(_ path: [Step], decider: Int?) -> [Int] {
    var kept: [Int] = []
    /// The open jumps: where `kept` stood before each.
    var jumps: [(kept: Int, hook: Hook?, chain: ChainID?)] = []
    for (index, step) in path.enumerated() {
      if index == decider {
        kept.append(index)
        jumps = []
        continue
      }
      switch step.event {
      case .rule(let id):
        guard step.matched else { continue }
        if step.action == .jump || step.action == .goto {
          jumps.append((kept.count, step.hook, chain(step.target, beside: id)))
          kept.append(index)
        } else if step.action == .return {
          // A return that was reached for a reason of its own is why nothing happened in this chain.
          if isSelective(id) { kept.append(index) }
          close(&kept, &jumps, path, leaving: id.chainID, keepSelective: true)
        } else if step.action != .continue {
          kept.append(index)
          if step.action.isFinal { jumps = [] }
        }
      case .endOfChain(let chain): close(&kept, &jumps, path, leaving: chain, keepSelective: true)
      case .policy:
        jumps = []
        if step.action == .drop || step.action == .unknown { kept.append(index) }
      case .routing, .conntrack, .bridge, .remark:
        if step.fact != nil { kept.append(index) }
      }
    }
    return kept
  }

  /// Leaves a chain: when nothing was kept inside it, the jump into it is taken back too.
  private func close(
    _ kept: inout [Int], _ jumps: inout [(kept: Int, hook: Hook?, chain: ChainID?)], _ path: [Step],
    leaving chain: ChainID, keepSelective: Bool
  ) {
    guard let last = jumps.lastIndex(where: { $0.chain == nil || $0.chain == chain }) else { return }
    let start = jumps[last].kept
    if kept.count == start + 1 { kept.removeLast() }
    jumps.removeSubrange(last...)
  }

  private func chain(_ target: Step.Target?, beside id: RuleID) -> ChainID? {
    guard case .chain(let name)? = target, ruleset.tables.indices.contains(id.table),
      let index = ruleset.tables[id.table].chainIndex(name)
    else { return nil }
    return ChainID(table: id.table, chain: index)
  }

  /// Whether a rule matches only some packets.
  private func isSelective(_ id: RuleID) -> Bool { ruleset.holds(id) && !RuleWords(ruleset[id]).conditions.isEmpty }

  // MARK: One row

  private func row(_ step: Step, isDecider: Bool, of one: Case) -> PathRow {
    let hook = step.event == .bridge ? "bridge" : step.hook?.rawValue ?? (step.event == .routing ? "routing" : "")
    switch step.event {
    case .rule(let id) where ruleset.holds(id):
      let rule = ruleset[id]
      var words = RuleWords(rule)
      if !step.matched {
        let failed = step.failedStatement.flatMap { failedWords(rule, $0) } ?? words.conditionText
        return PathRow(
          hook: hook, place: ruleset.place(of: id), words: "no: \(failed)", action: StyledText("-", .faint),
          source: names.place(rule.span), isFaint: true)
      }
      if words.conditions.isEmpty { words.conditions = [PathRow.everything] }
      if isDecider, one.rules.count > 1 {
        let text = words.conditionText
        words.conditions = ["one of \(one.rules.count) rules, the first: \(text)"]
      }
      return PathRow(
        hook: hook, place: ruleset.place(of: id), words: words.conditionText,
        action: action(of: step, words, isDecider: isDecider, of: one), source: names.place(rule.span),
        isDecider: isDecider)
    case .policy(let id) where ruleset.holds(id):
      let chain = ruleset[id]
      return PathRow(
        hook: hook, place: ruleset.place(of: id), words: chain.rules.isEmpty ? "has no rules" : "no rule decided",
        action: StyledText("policy \(step.action.rawValue.uppercased())", style(step.action, isDecider: isDecider)),
        source: chain.span.flatMap { names.place($0) }, isDecider: isDecider)
    case .endOfChain(let id) where ruleset.holds(id):
      return PathRow(
        hook: hook, place: ruleset.place(of: id), words: "end of the chain", action: StyledText("back", .faint),
        isFaint: true)
    default:
      return PathRow(hook: hook, place: "", words: step.fact?.text ?? step.action.rawValue, action: "")
    }
  }

  private func failedWords(_ rule: Rule, _ index: Int) -> String? {
    guard rule.statements.indices.contains(index) else { return nil }
    let words = RuleWords(Rule([rule.statements[index]], span: rule.span)).conditions
    return words.isEmpty ? nil : words.joined(separator: ", ")
  }

  private func action(of step: Step, _ words: RuleWords, isDecider: Bool, of one: Case) -> StyledText {
    let target = step.targetText.map { " \($0)" } ?? ""
    // A masquerade whose interface is not known gives an address that is not known: the word says enough.
    let to = step.target?.isAnyAddress == true ? "" : step.targetText.map { " to \($0)" } ?? ""
    let text: String
    switch step.action {
    case .accept, .drop, .return: text = step.action.rawValue.uppercased()
    case .jump, .goto: text = step.action.rawValue + target
    case .reject: text = "REJECT" + (one.rejectWith.map { " with \($0)" } ?? "")
    case let action where action.isTranslation: text = step.action.rawValue.uppercased() + to
    case .unknown: text = "unknown: " + words.actionText
    default: text = words.actionText
    }
    return StyledText(text, style(step.action, isDecider: isDecider))
  }

  private func style(_ action: Step.Action, isDecider: Bool) -> Style {
    switch action {
    case .accept: isDecider ? .good : .plain
    case .drop, .reject: .bad
    case .unknown: .doubtful
    default: action.isTranslation ? .strong : .plain
    }
  }
}

/// Sets rows in columns: side by side where the terminal is wide enough, else the conditions below their rule.
struct PathTable {
  let rows: [PathRow]

  func add(to page: inout Page, indent: Int) {
    // The longest hook is `postrouting`; what stands below the path has its label in the same column.
    let hookWidth = 13
    let placeWidth = (rows.filter { !$0.place.isEmpty }.map { DisplayWidth.of($0.place) }.max() ?? 0) + 2
    let actionWidth = (rows.map { PathTable.action($0).width }.max() ?? 0) + 2
    let sourceWidth = rows.compactMap { $0.source.map { DisplayWidth.of($0) } }.max() ?? 0
    let before = indent + hookWidth + placeWidth
    let free = page.terminal.width - before - actionWidth - sourceWidth
    let widest = (rows.filter { !$0.place.isEmpty }.map { DisplayWidth.of($0.words) }.max() ?? 0) + 2
    let side = free >= min(widest, 26)
    var hook = ""
    for row in rows {
      let label = row.hook == hook ? "" : row.hook
      hook = row.hook
      let start =
        StyledText(String(repeating: " ", count: indent)) + StyledText(label, .named).padded(to: hookWidth)
      if row.place.isEmpty {
        page.add(start + StyledText(row.words), hanging: indent + hookWidth)
      } else if side {
        addSideBySide(row, start, to: &page, before: before, widths: (placeWidth, min(free, widest), actionWidth))
      } else {
        addStacked(row, start, to: &page, indent: indent + hookWidth, place: placeWidth)
      }
    }
  }

  private static func action(_ row: PathRow) -> StyledText {
    row.isDecider ? row.action + StyledText("  <- decides", .strong) : row.action
  }

  private func addSideBySide(
    _ row: PathRow, _ start: StyledText, to page: inout Page, before: Int, widths: (place: Int, words: Int, action: Int)
  ) {
    let style: Style = row.isFaint ? .faint : .plain
    let lines = StyledText(row.words, style).wrapped(to: max(widths.words - 2, 10))
    var first = start + StyledText(row.place, style).padded(to: widths.place)
    first += lines[0].padded(to: widths.words)
    first += PathTable.action(row).padded(to: widths.action)
    if let source = row.source { first += StyledText(source, .faint) }
    page.add(first, hanging: before)
    for line in lines.dropFirst() { page.add(line, indent: before) }
  }

  private func addStacked(
    _ row: PathRow, _ start: StyledText, to page: inout Page, indent: Int, place: Int
  ) {
    let style: Style = row.isFaint ? .faint : .plain
    let action = PathTable.action(row)
    var head = start + StyledText(row.place, style).padded(to: place)
    // What was done is never torn apart: where it does not fit behind the rule it stands below it.
    let isBeside = head.width + action.width <= page.terminal.width
    head = isBeside ? head + action : start + StyledText(row.place, style)
    var below = isBeside ? StyledText("") : action
    if row.words != PathRow.everything { below += StyledText((below.isEmpty ? "" : "  ") + row.words, style) }
    if let source = row.source {
      let room = page.terminal.width - head.width - DisplayWidth.of(source)
      if room >= 2 {
        head += StyledText(String(repeating: " ", count: room)) + StyledText(source, .faint)
      } else {
        below += StyledText((below.isEmpty ? "" : "  ") + source, .faint)
      }
    }
    page.add(head, hanging: indent)
    if !below.isEmpty { page.add(below, indent: indent + 2) }
  }
}
