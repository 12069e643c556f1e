import FlowTrace
import HostAnalysis
import HostModel
import RuleGraph

/// The outcomes of an open question, a line each: who, what becomes of them, and what decides.
///
///        packets   from                     verdict                     decided by
///     1  8443/tcp  other hosts (eth0)       ACCEPTED -> 172.17.0.2:443  filter DOCKER 1          save.txt:46
///     2  8443/tcp  containers on docker0    DROPPED                     filter ufw-user-input 3  :68
struct OutcomeTable {
  let trace: Trace
  let groups: [OutcomeGroup]
  let zones: [Zone]
  let ruleset: Ruleset
  let names: SourceNames
  let words: HostWords

  /// Adds the table.
  ///
  /// - Parameter limit: How many rows it has at most, none of spoofed sources then; nil for all of them. What is left
  ///   out is counted below.
  func add(to page: inout Page, limit: Int? = nil) {
    let usual = groups.count { !$0.isUnusual }
    let shown = min(limit.map { usual > 0 ? min($0, usual) : $0 } ?? Self.rowLimit, groups.count)
    let deciders = DeciderWords(ruleset: ruleset, names: names)
    var rows = groups.indices.prefix(shown).map { row($0, deciders) }
    ColumnRow.shortenPlaces(&rows)
    let widths = widths(of: rows, room: page.terminal.width)
    let head = ["", "packets", "from", "verdict", "decided by", ""].map { StyledText($0, .faint) }
    page.addUnbroken(line(head, widths))
    for (index, row) in rows.enumerated() {
      if index == usual, usual > 0 { page.add(StyledText("spoofed and unusual packets", .faint), indent: 3) }
      page.addUnbroken(line(row.cells, widths))
    }
    let hidden = groups[shown...]
    let unusual = hidden.count(where: \.isUnusual)
    var rest: [String] = []
    if hidden.count > unusual { rest.append("and \(Self.count(hidden.count - unusual))") }
    if unusual > 0 { rest.append("spoofed and unusual packets: \(Self.count(unusual))") }
    if !rest.isEmpty { page.add(StyledText(rest.joined(separator: "; "), .faint), indent: 3) }
  }

  /// How many outcomes a table tells apart at most.
  private static let rowLimit = 200

  private static func count(_ outcomes: Int) -> String {
    outcomes == 1 ? "1 more outcome" : "\(outcomes) more outcomes"
  }

  private func row(_ index: Int, _ deciders: DeciderWords) -> ColumnRow {
    let group = groups[index]
    let one = trace.cases[group.indices[0]]
    var decider = ""
    var source: String?
    if one.verdict == .undetermined {
      decider = one.conditions.lazy.compactMap(\.settledBy).first.map { "needs \($0)" } ?? ""
    } else {
      decider = deciders.place(one.deciders)
      source = deciders.source(one.decidedBy)
    }
    return ColumnRow(cells: [
      StyledText("\(index + 1)"), StyledText(packets(group) ?? ""), StyledText(sender(group)), verdict(one),
      StyledText(decider), StyledText(source ?? "", .faint),
    ])
  }

  /// `ACCEPTED -> 172.17.0.2:443 (web)`, `ACCEPTED, reply is dropped`, `DROPPED`.
  private func verdict(_ one: Case) -> StyledText {
    var text = StyledText(one.outcome, one.verdict.style)
    if let target = words.missedTarget(of: one) { text += StyledText(" -> " + target) }
    guard one.verdict == .accept else { return text }
    if one.translations.contains(where: { !$0.ofSource }) {
      text += StyledText(" -> " + words.named(one.packet.destinationText, one.packet.destination))
    }
    switch one.connection.stage {
    case nil, .packet: break
    case .reply: text += StyledText(one.connection.outcome == .fails ? ", no reply" : ", reply uncertain", .bad)
    case .listener: text += StyledText(", nothing listens", .bad)
    case .proxy: text += StyledText(", docker-proxy fails", .bad)
    }
    return text
  }

  // MARK: Columns

  private func widths(of rows: [ColumnRow], room: Int) -> [Int] {
    var widths = (0..<6).map { column in rows.map { $0.cells[column].width }.max() ?? 0 }
    if widths[1] > 0 { widths[1] = max(widths[1], 7) }
    for (column, title) in [(2, "from"), (3, "verdict"), (4, "decided by")] {
      widths[column] = max(widths[column], title.utf8.count)
    }
    func missing() -> Int { widths.reduce(0, +) + 2 * (widths.count { $0 > 0 } - 1) - room }
    func shrink(_ column: Int, to least: Int) {
      if missing() > 0 { widths[column] = max(min(widths[column], least), widths[column] - missing()) }
    }
    // Where it gets narrow the place in the dump gives way first; who and what it is about is what rows are told apart
    // by.
    if missing() > 0 { widths[5] = 0 }
    for (column, least) in [
      (2, 24), (1, 24), (4, 16), (1, 16), (2, 14), (3, 16), (4, 10), (1, 10), (2, 10), (3, 12), (4, 8),
    ] { shrink(column, to: least) }
    return widths
  }

  private func line(_ cells: [StyledText], _ widths: [Int]) -> StyledText {
    var text = StyledText("")
    for (column, cell) in cells.enumerated() where widths[column] > 0 {
      let fitting = cell.cut(to: widths[column])
      if column == 0 {
        text = StyledText(String(repeating: " ", count: widths[0] - fitting.width)) + fitting
      } else {
        text += StyledText("  ") + fitting.padded(to: widths[column])
      }
    }
    return text
  }

  // MARK: Who and what

  /// Who sends the packets of a group, and what else sets them apart.
  func label(_ group: OutcomeGroup) -> String {
    [packets(group), "from " + sender(group)].compactMap(\.self).joined(separator: " ")
  }

  /// What sets the packets of a group apart beside their senders: `22/tcp`, `8080/tcp, from 10.0.0.0/8`; nil where
  /// nothing does.
  private func packets(_ group: OutcomeGroup) -> String? {
    let cases = group.indices.map { trace.cases[$0] }
    guard cases.first?.verdict != .undetermined else { return nil }
    var parts: [String] = []
    for one in cases {
      let hidesSource = group.isUnusual || hasAllSources(one, group)
      let text = words.limits(of: one, query: trace.query, hidingSource: hidesSource).short
      if !parts.contains(text) { parts.append(text) }
    }
    if parts.contains("") { return nil }
    if isTheRest(group), parts.count > 1 || parts[0].utf8.count > Self.plainLimit { return "anything else" }
    return parts.prefix(2).joined(separator: " or ") + (parts.count > 2 ? " or others" : "")
  }

  /// Longer words for what a policy decides say less than that it is what is left.
  private static let plainLimit = 24

  private func sender(_ group: OutcomeGroup) -> String {
    let known = group.zones.filter(zones.indices.contains).sorted().map { zones[$0] }
    if trace.query.sender == nil, !known.isEmpty, let text = ZoneWords(zones: zones, words: words).text(known) {
      return text
    }
    var names: [String] = []
    var sources: [String: [String?]] = [:]
    for index in group.indices {
      let name = words.sender(of: trace.cases[index], query: trace.query).name
      let part = group.isUnusual ? words.sources(of: trace.cases[index], query: trace.query) : nil
      if !names.contains(name) { names.append(name) }
      if sources[name]?.contains(part) != true { sources[name, default: []].append(part) }
    }
    return names.map { name in
      // Who sends from all of its addresses needs no list of some.
      guard let parts = sources[name], !parts.contains(nil) else { return name }
      return "\(name), \(parts.compactMap(\.self).joined(separator: " or "))"
    }.listed(upTo: 2)
  }

  /// Whether a case has every source that its zones have, so that its sources need no words.
  private func hasAllSources(_ one: Case, _ group: OutcomeGroup) -> Bool {
    let family = one.packet.family
    let field = Region.Dimension.address(.saddr, family)
    guard let sources = one.when.allowed[field] else { return true }
    let asked = trace.query.source ?? one.when.open[field] ?? .all
    let real = group.zones.filter(zones.indices.contains).map { (zones[$0].sources[family] ?? .empty) }
    return !real.isEmpty && real.allSatisfy { $0.intersection(asked).isSubset(of: sources) }
  }

  /// Whether a group is what no rule of the table decided: all that the other rows of its senders leave.
  private func isTheRest(_ group: OutcomeGroup) -> Bool {
    func isRest(_ group: OutcomeGroup) -> Bool {
      let one = trace.cases[group.indices[0]]
      if one.verdict == .undetermined || !one.conditions.isEmpty { return false }
      switch one.decidedBy {
      case .policy, .nothing: return true
      case .rule, .outside: return false
      }
    }
    func shares(_ other: OutcomeGroup) -> Bool { !group.zones.isDisjoint(with: other.zones) }
    return isRest(group) && groups.count { isRest($0) && shares($0) } == 1 && groups.count(where: shares) > 1
  }

  // MARK: All senders in a sentence

  /// `works for other hosts and this host; fails for containers on docker0`; nil where the senders alone do not tell
  /// how it comes out.
  func summary() -> String? {
    var working: [Int] = []
    var failing: [Int] = []
    for (index, group) in groups.enumerated() where !group.isUnusual {
      let outcome = trace.cases[group.indices[0]].connection.outcome
      guard outcome != .depends, group.zones.allSatisfy(zones.indices.contains) else { return nil }
      if outcome == .works { working.append(index) } else { failing.append(index) }
    }
    func zonesOf(_ indices: [Int]) -> Set<Int> { indices.reduce(into: []) { $0.formUnion(groups[$1].zones) } }
    let (good, bad) = (zonesOf(working), zonesOf(failing))
    guard good.isDisjoint(with: bad), trace.query.sender == nil else { return nil }
    func text(_ zones: Set<Int>) -> String? {
      ZoneWords(zones: self.zones, words: words).text(zones.sorted().map { self.zones[$0] })
    }
    let unusual = groups.filter(\.isUnusual).map { trace.cases[$0.indices[0]].connection.outcome }
    if bad.isEmpty, unusual.allSatisfy({ $0 == .fails }), !unusual.isEmpty {
      return "works, but not for spoofed and unusual packets"
    }
    guard !good.isEmpty, !bad.isEmpty, let works = text(good), let fails = text(bad) else { return nil }
    return "works for \(works); fails for \(fails)"
  }
}

/// Zones in a few words: `other hosts (eth0)`, `containers on docker0 and backend (br-1a2b)`, `this host`.
struct ZoneWords {
  let zones: [Zone]
  let words: HostWords

  func text(_ some: [Zone]) -> String? {
    if some.count == zones.count { return "everybody" }
    let parts = [
      outside(some.filter(\.isOutside)), networks(some), some.contains { $0.kind == .host } ? "this host" : nil,
    ].compactMap(\.self)
    return parts.isEmpty ? nil : parts.enumerated
  }

  private func outside(_ some: [Zone]) -> String? {
    guard !some.isEmpty else { return nil }
    let names = some.compactMap(\.interface)
    let all = zones.filter(\.isOutside)
    if some.count == all.count {
      let areTold = !names.isEmpty && names.count <= 3 && names.count == all.count
      return areTold ? "other hosts (\(names.joined(separator: ", ")))" : "other hosts"
    }
    if names.isEmpty { return "other hosts on other interfaces" }
    let rest = some.count > names.count ? " and other interfaces" : ""
    return "other hosts on \(Self.list(names))\(rest)"
  }

  private func networks(_ some: [Zone]) -> String? {
    let bridges = some.compactMap { zone -> String? in
      guard case .network(let bridge) = zone.kind else { return nil }
      return bridge
    }
    guard !bridges.isEmpty else { return nil }
    let all = zones.count { if case .network = $0.kind { true } else { false } }
    let what = bridges.allSatisfy(words.isContainerBridge) ? "containers" : "guests"
    if bridges.count > 1, bridges.count == all { return "all \(what)" }
    return "\(what) on \(Self.list(bridges.map(words.network)))"
  }

  private static func list(_ names: [String]) -> String {
    if names.count > 3 { return names.prefix(2).joined(separator: ", ") + " and \(names.count - 2) more" }
    return names.enumerated
  }
}
