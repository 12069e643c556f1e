public import RuleGraph

/// Prints a rule graph in nft's own layout, whichever tool's dump it was read from.
///
/// `nft -f` loads the result, and reading it gives the same graph. What nft's language cannot say (an ipset, iptables'
/// `recent`, interfaces that a dump hides) becomes a comment that names it, so that nothing is left out silently.
///
///     table ip filter {
///     	chain INPUT {
///     		type filter hook input priority filter; policy drop;
///     		ct state established,related counter packets 5 bytes 420 accept
///     	}
///     }
///
/// Source: nft(8).
public enum NftPrinter {
  /// The whole ruleset.
  public static func print(_ ruleset: Ruleset) -> String {
    var lines: [String] = []
    for table in ruleset.shownOnly.tables {
      guard NftSafety.isName(table.name) else {
        lines.append(comment("nft can't hold the name of the table \(table.family.rawValue) \"\(table.name)\""))
        continue
      }
      lines += self.lines(table, ruleset.sources)
    }
    for set in ruleset.ipsets { lines.append(comment("nft has no word for the ipset \(set.name)")) }
    return lines.isEmpty ? "" : lines.joined(separator: "\n") + "\n"
  }

  /// A line that nft passes over, whatever it holds.
  private static func comment(_ text: String) -> String {
    "# " + text.split(whereSeparator: \.isNewline).joined(separator: " ").harmless
  }

  /// One rule in nft's words, without its comment's and handle's remarks; parts that nft can't say stand in square
  /// brackets.
  public static func ruleText(_ rule: Rule, table: Table) -> String {
    let writer = NftRuleWriter(table: table)
    var words = parts(rule, writer).map { part in
      switch part {
      case .text(let text): text
      case .unprintable(let reason, let statement): bracketed(statement, reason)
      }
    }
    if let comment = rule.comment { words.append("comment \(NftValueText.quoted(comment))") }
    return words.joined(separator: " ")
  }

  /// A part of a rule's text.
  private enum Part {
    case text(String)
    case unprintable(String, Statement)
  }

  private static func bracketed(_ statement: Statement, _ reason: String) -> String {
    switch statement {
    case .missingRules: return "[rules not shown]"
    case .opaqueMatch(let opaque), .opaqueTarget(let opaque):
      let words = opaque.name.split(separator: " ", maxSplits: 2).map { String($0) }
      if words.count == 3, words[0] == "xt" { return "xt \(words[1]) \(NftValueText.quoted(words[2]))" }
      return "[\(opaque.text)]"
    default: return "[\(reason)]"
    }
  }

  /// The statements in order; the counter stands where the rule begins to act.
  private static func parts(_ rule: Rule, _ writer: NftRuleWriter) -> [Part] {
    var rule = rule
    rule.statements = JoinedComparisons.apart(rule.statements)
    var parts: [Part] = []
    var needsCounter = rule.counter != nil
    var index = 0
    while index < rule.statements.count {
      let statement = rule.statements[index]
      if needsCounter, acts(statement), let counter = rule.counter {
        parts.append(.text("counter packets \(counter.packets) bytes \(counter.bytes)"))
        needsCounter = false
      }
      if index + 1 < rule.statements.count, let text = objectMap(statement, rule.statements[index + 1], writer) {
        parts.append(.text(text))
        index += 2
        continue
      }
      do throws(NftUnprintable) {
        parts.append(.text(try writer.text(statement)))
      } catch {
        parts.append(.unprintable(error.reason, statement))
      }
      index += 1
    }
    if needsCounter, let counter = rule.counter {
      parts.append(.text("counter packets \(counter.packets) bytes \(counter.bytes)"))
    }
    return parts
  }

  private static func acts(_ statement: Statement) -> Bool {
    switch statement {
    case .match, .anyOf, .environment, .opaqueMatch, .hiddenInterfaces: false
    default: true
    }
  }

  /// `counter name tcp dport map { 22 : "web" }`, which the graph holds as a test and an effect.
  private static func objectMap(_ test: Statement, _ use: Statement, _ writer: NftRuleWriter) -> String? {
    let kind: String
    switch use {
    case .effect(let effect) where effect.kind == .object && effect.arguments.first?.name == "map": kind = "counter"
    case .environment(let condition) where condition.arguments.first?.name == "map": kind = condition.kind.rawValue
    default: return nil
    }
    guard case .match(let match) = test else { return nil }
    let reference: MapReference
    switch match.values {
    case .named(let name): reference = .named(name)
    case .elements(let elements): reference = .anonymous(elements)
    default: return nil
    }
    guard let (key, parts) = try? writer.text(match.subject, writer.keyTypes(reference)),
      let map = try? writer.text(reference, parts, [])
    else { return nil }
    return "\(kind) name \(key) map \(map)"
  }

  // MARK: - Blocks

  private static func lines(_ table: Table, _ sources: SourceMap) -> [String] {
    let writer = NftRuleWriter(table: table)
    var lines = ["table \(table.family.rawValue) \(table.name) {"]
    if let comment = table.comment { lines.append("\tcomment \(NftValueText.quoted(comment))") }
    let flags = "flags \(table.flags.joined(separator: ","))"
    if !table.flags.isEmpty { lines.append("\t" + (NftSafety.staysInside(flags) ? flags : comment(flags))) }
    var blocks: [[String]] = []
    for object in table.objects {
      blocks.append(checkedBlock(object.kind, object.name, NftSetWriter.lines(object)))
    }
    for set in table.sets {
      do throws(NftUnprintable) {
        blocks.append(
          checkedBlock(set.dataTypes == nil ? "set" : "map", set.name, try NftSetWriter.lines(set, writer)))
      } catch {
        blocks.append([
          "\t" + comment("nft's JSON does not tell how to declare the set \(set.name): \(error.reason)")
        ])
      }
    }
    for chain in table.chains {
      guard NftSafety.isName(chain.name) else {
        blocks.append(["\t" + comment("nft can't hold the name of the chain \"\(chain.name)\" and its rules")])
        continue
      }
      blocks.append(block("chain \(chain.name)", self.lines(chain, table, writer, sources)))
    }
    for (index, block) in blocks.enumerated() {
      if index > 0 { lines.append("") }
      lines += block
    }
    return lines + ["}"]
  }

  /// The block of a set or an object; a comment where its name or a line of it would be read as more than that.
  private static func checkedBlock(_ kind: String, _ name: String, _ content: [String]) -> [String] {
    guard NftSafety.isName(name), content.allSatisfy(NftSafety.staysInside), NftSafety.staysInside(kind) else {
      return ["\t" + comment("nft can't hold the \(kind) \"\(name)\"")]
    }
    return block("\(kind) \(name)", content)
  }

  private static func block(_ head: String, _ content: [String]) -> [String] {
    ["\t\(head) {"] + content.map { $0.isEmpty ? "" : "\t\t\($0)" } + ["\t}"]
  }

  private static func lines(
    _ chain: Chain, _ table: Table, _ writer: NftRuleWriter, _ sources: SourceMap
  ) -> [String] {
    var lines: [String] = []
    if let comment = chain.comment { lines.append("comment \(NftValueText.quoted(comment))") }
    if let base = chain.base {
      var head = "type \(base.type.rawValue) hook \(base.hook.rawValue)"
      if base.devices.count == 1 {
        head += " device \(NftValueText.quoted(base.devices[0]))"
      } else if !base.devices.isEmpty {
        head += " devices = { \(base.devices.map { NftValueText.quoted($0) }.joined(separator: ", ")) }"
      }
      head += " priority \(priority(base, table.family));"
      if let policy = base.policy { head += " policy \(policy.rawValue);" }
      lines.append(head)
    }
    for rule in chain.rules { lines.append(line(rule, writer, sources)) }
    return lines
  }

  private static func priority(_ base: BaseChain, _ family: TableFamily) -> String {
    let named = NftPriority.names(hook: base.hook, family: family).first {
      abs(Int($0.value) - Int(base.priority)) <= 10
    }
    guard let named else { return String(base.priority) }
    let distance = Int(base.priority) - Int(named.value)
    return distance == 0 ? named.name : "\(named.name) \(distance < 0 ? "-" : "+") \(abs(distance))"
  }

  private static func line(_ rule: Rule, _ writer: NftRuleWriter, _ sources: SourceMap) -> String {
    var words: [String] = []
    var missing: [String] = []
    var remarks: [String] = []
    for part in parts(rule, writer) {
      switch part {
      case .text(let text): words.append(text)
      // Without an effect the rule still does to the packet what it did.
      case .unprintable(let reason, .effect): remarks.append(reason)
      case .unprintable(let reason, _): missing.append(reason)
      }
    }
    if missing.isEmpty, !NftSafety.staysInside(words.joined(separator: " ")) { missing.append("all of this rule") }
    if !missing.isEmpty {
      let original = sources.text(of: rule.span)
      let text = original.isEmpty ? words.joined(separator: " ") : original
      return comment("nft can't say \(missing.joined(separator: " and ")): \(text)")
    }
    if let comment = rule.comment { words.append("comment \(NftValueText.quoted(String(comment.prefix(120))))") }
    let remark = remarks.isEmpty ? "" : " " + comment("without \(remarks.joined(separator: ", "))")
    return words.isEmpty ? "# a rule without statements\(remark)" : words.joined(separator: " ") + remark
  }
}
