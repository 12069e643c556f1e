import RuleGraph

/// `-m set`: whether the packet is in an ipset (iptables-extensions(8), "set").
///
/// What a flag means depends on the set's type, which only `ipset` prints; so the test keeps one address field a flag,
/// source for `src` and destination for `dst`, and ``NamedSet/ipsetKey(_:family:)`` gives the key once the set is
/// known.
struct SetMatch: IptablesExtension {
  let names = ["set"]
  let kind = ExtensionKind.match
  let listingWords = ["match-set", "set"]
  let options = [
    OptionSpelling("match-set", values: .two, aliases: ["set"]), OptionSpelling("return-nomatch", values: .none),
    OptionSpelling("update-counters", values: .none), OptionSpelling("update-subcounters", values: .none),
    OptionSpelling("packets-eq"), OptionSpelling("packets-lt"), OptionSpelling("packets-gt"),
    OptionSpelling("bytes-eq"), OptionSpelling("bytes-lt"), OptionSpelling("bytes-gt"),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    let negated = text.eatNegation()
    guard text.eat(word: "match-set") || text.eat(word: "set"), let name = text.eatValue(), let flags = text.eatValue()
    else { return false }
    found.append(ExtensionOption(name: "match-set", negated: negated, value: name, second: flags))
    return text.eatOptions(Array(options.dropFirst()), &found)
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    guard let set = options.first(where: { $0.name == "match-set" }), let subject = Self.subject(set.second, rule)
    else {
      return false
    }
    let name = rule.text(set.value)
    let asksExceptions = options.contains { $0.name == "return-nomatch" }
    rule.statements.append(
      .match(
        Match(
          subject, asksExceptions ? .ipsetExceptions(name) : .ipset(name), negated: set.negated, whenAbsent: set.negated
        )))
    for option in options where option.name.hasPrefix("packets-") || option.name.hasPrefix("bytes-") {
      rule.statements.append(
        .environment(
          EnvironmentCondition(
            .nfacct, [Argument("set", rule.text(set.value)), Argument(option.name.text, rule.text(option.value))],
            negated: option.negated)))
    }
    return true
  }

  /// `src,dst` as the fields of a key.
  static func subject(_ range: Range<Int>, _ rule: borrowing RuleDraft) -> ValueExpression? {
    var parts: [ValueExpression] = []
    for flag in rule.list(range) {
      if rule.text(flag, is: "src") {
        parts.append(.field(.header(HeaderField(rule.network, .saddr))))
      } else if rule.text(flag, is: "dst") {
        parts.append(.field(.header(HeaderField(rule.network, .daddr))))
      } else {
        return nil
      }
    }
    return parts.count == 1 ? parts[0] : .concatenation(parts)
  }
}

/// `-j SET`: adds to or deletes from an ipset, or takes mark, priority and queue from the member that holds the packet
/// (iptables-extensions(8), "SET"; `set_target_v3` in `net/netfilter/xt_set.c`).
struct SetTarget: IptablesExtension {
  let names = ["SET"]
  let kind = ExtensionKind.target
  let listingWords = ["add-set", "del-set", "map-set"]
  let options = [
    OptionSpelling("add-set", values: .two), OptionSpelling("del-set", values: .two),
    OptionSpelling("map-set", values: .two),
    OptionSpelling("exist", values: .none), OptionSpelling("timeout"), OptionSpelling("map-mark", values: .none),
    OptionSpelling("map-prio", values: .none), OptionSpelling("map-queue", values: .none),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    text.eatOptions(options, &found) && !found.isEmpty
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    var arguments: [Argument] = []
    for option in options where !option.name.hasSuffix("-set") && !option.name.hasPrefix("map-") {
      arguments.append(Argument(option.name.text, rule.text(option.value)))
    }
    for option in options where option.name.hasSuffix("-set") {
      guard let key = SetMatch.subject(option.second, rule) else { return false }
      if option.name == "map-set" {
        let taken = options.map(\.name)
        lower(mapOf: rule.text(option.value), key, flags: rule.text(option.second), taken, into: &rule)
        continue
      }
      rule.statements.append(
        .updateSet(
          SetUpdate(
            option.name == "add-set" ? .add : .delete, set: rule.text(option.value), isIPSet: true, key: key,
            arguments: option.name == "add-set" ? arguments : [])))
    }
    return true
  }
}

extension SetTarget {
  private func lower(
    mapOf set: String, _ key: ValueExpression, flags: String, _ taken: [OptionLabel], into rule: inout RuleDraft
  ) {
    for (option, field) in Self.taken where taken.contains(option) {
      rule.statements.append(.assign(Assignment(field, .map(key: key, .ipset(set)))))
    }
    // Where the packet is queued says nothing about its fate; neither does a set that nothing is taken from.
    let isMapped = Self.taken.contains { taken.contains($0.option) }
    if taken.contains("map-queue") || !isMapped {
      let mapped = taken.contains("map-queue") ? [Argument("map-queue")] : []
      rule.statements.append(.effect(Effect(.queueMapping, [Argument("set", set), Argument("flags", flags)] + mapped)))
    }
  }

  /// What a member of a set may hold that a rule can ask about, and the option that takes it.
  private static let taken: [(option: OptionLabel, field: Field)] = [
    ("map-mark", .meta(.mark)), ("map-prio", .meta(.priority)),
  ]

  /// Spells `--map-set` with all that is taken from the set.
  private func spellMap(_ statements: ArraySlice<Statement>) -> SpelledStatement? {
    var set: (name: String, flags: String)?
    var options: [String] = []
    var count = 0
    for statement in statements {
      let found: (name: String, flags: String)
      switch statement {
      case .assign(let assignment):
        guard case .map(let key, .ipset(let name)) = assignment.value, let flags = SetMatch.flags(key),
          let option = Self.taken.first(where: { $0.field == assignment.field })?.option
        else { return nil }
        found = (name, flags)
        options.append("--\(option)")
      case .effect(let effect):
        guard effect.kind == .queueMapping, effect.arguments.count >= 2 else { return nil }
        found = (effect.arguments[0].value, effect.arguments[1].value)
        options += effect.arguments.dropFirst(2).map { "--\($0.name)" }
      default: return nil
      }
      if let set, set != found { return nil }
      set = found
      count += 1
    }
    guard let set else { return nil }
    let words = ["--map-set \(SaveText.quoted(set.name)) \(set.flags)"] + options
    return SpelledStatement(module: "SET", options: words.joined(separator: " "), isTarget: true, count: count)
  }
}

extension SetMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard case .match(let match) = statements.first, let flags = SetMatch.flags(match.subject),
      match.whenAbsent == match.negated
    else { return nil }
    let name: String
    let asked: String
    switch match.values {
    case .ipset(let set): (name, asked) = (set, "")
    case .ipsetExceptions(let set): (name, asked) = (set, " --return-nomatch")
    case .values, .masked, .elements, .named: return nil
    }
    var words = "\(match.negated ? "! " : "")--match-set \(SaveText.quoted(name)) \(flags)\(asked)"
    var count = 1
    // Tests of the set's counters follow their set.
    for statement in statements.dropFirst() {
      guard case .environment(let found) = statement, found.kind == .nfacct, found.arguments.count == 2,
        found.arguments[0] == Argument("set", name)
      else { break }
      words += " \(found.negated ? "! " : "")--\(found.arguments[1].name) \(found.arguments[1].value)"
      count += 1
    }
    return SpelledStatement(module: "set", options: words, names: ["*"], count: count)
  }

  /// The flags of a subject.
  static func flags(_ subject: ValueExpression) -> String? {
    let parts: [ValueExpression]
    if case .concatenation(let several) = subject { parts = several } else { parts = [subject] }
    var flags: [String] = []
    for part in parts {
      guard case .field(.header(let field)) = part, field.name == .saddr || field.name == .daddr else { return nil }
      flags.append(field.name == .saddr ? "src" : "dst")
    }
    return flags.joined(separator: ",")
  }
}

extension SetTarget {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    if let map = spellMap(statements) { return map }
    var words: [String] = []
    for statement in statements {
      guard case .updateSet(let update) = statement, update.isIPSet, let flags = SetMatch.flags(update.key),
        update.operation != .update
      else { break }
      words.append("--\(update.operation == .add ? "add" : "del")-set \(SaveText.quoted(update.set)) \(flags)")
      words += update.arguments.map { "--\($0.name)" + ($0.value.isEmpty ? "" : " \($0.value)") }
    }
    guard !words.isEmpty else { return nil }
    let count = words.filter { $0.hasPrefix("--add-set") || $0.hasPrefix("--del-set") }.count
    return SpelledStatement(module: "SET", options: words.joined(separator: " "), isTarget: true, count: count)
  }
}
