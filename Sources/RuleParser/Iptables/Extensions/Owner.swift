import RuleGraph

/// `-m owner`: the user and group of the sending socket (iptables-extensions(8), "owner").
///
/// A packet without a socket satisfies the match when all its tests are negated (`owner_mt` in
/// `net/netfilter/xt_owner.c`).
struct OwnerMatch: IptablesExtension {
  let names = ["owner"]
  let kind = ExtensionKind.match
  // Before 1.4 the word stood in capitals.
  let listingWords = ["owner", "OWNER", "incl."]
  let options = [
    OptionSpelling("uid-owner"), OptionSpelling("gid-owner"), OptionSpelling("socket-exists", values: .none),
    OptionSpelling("suppl-groups", values: .none),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    while true {
      let start = text.cursor.at
      var option = ExtensionOption(name: "", negated: text.eatNegation())
      if text.eat(word: "incl."), text.eat(word: "suppl."), text.eat(word: "groups") {
        option.name = "suppl-groups"
        found.append(option)
        continue
      }
      guard text.eat(word: "owner") || text.eat(word: "OWNER") else {
        text.cursor.at = start
        return !found.isEmpty
      }
      if text.eat(word: "socket"), text.eat(word: "exists") {
        option.name = "socket-exists"
        found.append(option)
        continue
      }
      option.name = text.eat(word: "UID") ? "uid-owner" : text.eat(word: "GID") ? "gid-owner" : ""
      guard !option.name.bytes.isEmpty, text.eat(word: "match") else { return false }
      if text.eatNegation() { option.negated = true }
      guard let value = text.eatValue() else { return false }
      option.value = value
      found.append(option)
    }
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    let withoutSocket = options.allSatisfy { $0.negated || $0.name == "suppl-groups" }
    let supplementary = options.contains { $0.name == "suppl-groups" }
    for option in options {
      switch option.name {
      case "uid-owner", "gid-owner":
        let isGroup = option.name == "gid-owner"
        guard let ids = id(option.value, rule) else {
          // The number of a name stands in the host's own list of users.
          guard isName(option.value, rule) else { return false }
          rule.statements.append(
            .environment(
              EnvironmentCondition(
                .owner, [Argument(isGroup ? "gid-owner" : "uid-owner", rule.text(option.value))],
                negated: option.negated)))
          continue
        }
        // Which further groups a process is in, no dump of rules can tell.
        if isGroup, supplementary {
          rule.statements.append(
            .environment(
              EnvironmentCondition(
                .owner, [Argument("gid-owner", rule.text(option.value)), Argument("suppl-groups")],
                negated: option.negated)))
        } else {
          rule.match(
            .meta(isGroup ? .skgid : .skuid), ValueSet(ids), negated: option.negated, whenAbsent: withoutSocket)
        }
      case "socket-exists":
        rule.match(.meta(.hasSocket), ValueSet(1), negated: option.negated, whenAbsent: withoutSocket)
      default: break
      }
    }
    return true
  }

  /// Whether a value is a name as useradd(8) takes it.
  private func isName(_ range: Range<Int>, _ rule: borrowing RuleDraft) -> Bool {
    let name = rule.text(range).utf8
    guard let first = name.first,
      first == UInt8(ascii: "_") || first | 0x20 >= UInt8(ascii: "a") && first | 0x20 <= UInt8(ascii: "z")
    else { return false }
    return name.allSatisfy { byte in
      byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "$")
        || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
        || byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")
    }
  }

  /// A number or a range of numbers; of names only `root` has the same number everywhere.
  private func id(_ range: Range<Int>, _ rule: borrowing RuleDraft) -> ClosedRange<UInt128>? {
    rule.text(range, is: "root") ? 0...0 : rule.interval(range, upTo: 0xffff_ffff)
  }
}

extension OwnerMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    if case .environment(let found) = statements.first, found.kind == .owner {
      if found.arguments.count == 1, let name = found.arguments.first {
        return SpelledStatement(
          module: "owner", options: "\(found.negated ? "! " : "")--\(name.name) \(name.value)", names: [name.name],
          group: "owner")
      }
      let group = found.arguments.first { $0.name == "gid-owner" }?.value ?? ""
      return SpelledStatement(
        module: "owner", options: "\(found.negated ? "! " : "")--gid-owner \(group) --suppl-groups",
        names: ["gid-owner", "suppl-groups"])
    }
    guard let test = PlainTest(statements.first), let key = test.meta, test.mask == nil else { return nil }
    // A test that holds without a socket stands beside negated ones only.
    let group = test.whenAbsent ? "owner without socket" : "owner"
    guard test.negated || !test.whenAbsent else { return nil }
    switch key {
    case .skuid, .skgid:
      guard let ids = test.interval else { return nil }
      let name = key == .skuid ? "uid-owner" : "gid-owner"
      return SpelledStatement(
        module: "owner", options: "\(test.sign)--\(name) \(PlainTest.text(ids, "-"))", names: [name], group: group)
    case .hasSocket:
      guard test.values == ValueSet(1) else { return nil }
      return SpelledStatement(
        module: "owner", options: "\(test.sign)--socket-exists", names: ["socket-exists"], group: group)
    default: return nil
    }
  }
}
