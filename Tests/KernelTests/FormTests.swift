import KernelLab
import RuleGraph
import RuleParser
import Testing

/// One ruleset in the kernel, printed by its tools in every form they have: fwtrace reads one graph.
@Suite(.serialized, .enabled(if: Lab.obstacle == nil, "needs network namespaces"))
struct FormTests {
  /// Rulesets of each profile, whose seeds are always the same.
  private static let rulesets: ClosedRange<UInt64> = 1...16

  @Test(arguments: Scenario.Profile.allCases)
  func everyFormOfAGeneratedRulesetGivesOneGraph(_ profile: Scenario.Profile) throws {
    var forms = 0
    var rules = 0
    var hidden = 0
    var refused = 0
    for seed in Self.rulesets {
      let scenario = Scenario(profile, seed: seed, probes: 0)
      guard let comparison = try? Lab.inOwnThread({ try FormComparison(scenario) }) else {
        refused += 1
        continue
      }
      for difference in comparison.differences {
        Issue.record(Comment(rawValue: "\(profile.rawValue) \(seed): \(difference)\n\(comparison.ruleset)"))
      }
      forms += comparison.forms
      rules += comparison.rules
      hidden += comparison.hidden
    }
    print("\(profile.rawValue): \(forms) forms, \(rules) rules compared, \(hidden) that nft hides or changes")
    #expect(rules > 200 && hidden < rules)
    #expect(refused < 4, "the tools refused these rulesets")
  }
}

/// The forms of one ruleset beside each other.
private struct FormComparison {
  /// What the tools accepted of the scenario's rules.
  var ruleset: RulesetText
  /// The forms that show it.
  var forms = 0
  /// The pairs of one rule in two forms that were compared.
  var rules = 0
  /// The rules that a form hides, because iptables wrote them with extensions that nft does not know.
  var hidden = 0
  var differences: [String] = []

  /// What the form that is compared does not print.
  private var loss: Loss?
  /// Whether iptables wrote the table that is compared.
  private var isWrittenByIptables = false

  /// Loads the ruleset into a laboratory, prints it in every form and compares each form with the first.
  init(_ scenario: Scenario) throws {
    let lab = try Lab(scenario.topology)
    ruleset = try lab.loadWhatIsAccepted(scenario.ruleset)
    var first: (form: Lab.DumpForm, graph: Ruleset)?
    for form in [Lab.DumpForm.save, .listing, .nftJSON, .nftText] where shows(form) {
      let dumps = try lab.dumps(form, of: ruleset)
      let reading = DumpReader().read(dumps.map { DumpInput(name: $0.name, bytes: Array($0.text.utf8)) })
      forms += 1
      guard let known = first else {
        first = (form, reading.ruleset.canonical)
        continue
      }
      loss = form == .listing ? .listing : form == .nftText || form == .nftJSON ? .nft : nil
      compare(reading.ruleset.canonical, known.graph, "\(form.rawValue) and \(known.form.rawValue)")
    }
  }

  /// Whether a form shows the whole ruleset, be it that it hides parts of rules.
  private func shows(_ form: Lab.DumpForm) -> Bool {
    let hasIptables = !(ruleset.ipv4.isEmpty && ruleset.ipv6.isEmpty)
    return switch form {
    case .save, .listing: hasIptables
    case .nftJSON, .nftText: ruleset.backend == .nft || !ruleset.nft.isEmpty
    }
  }

  private mutating func compare(_ graph: Ruleset, _ other: Ruleset, _ forms: String) {
    let keys = Set((graph.tables + other.tables).map(Key.init))
    for key in keys.sorted() {
      isWrittenByIptables = graph.tables.contains { Key($0) == key && $0.origin != .nftables }
      let chains = (graph.chains(of: key), other.chains(of: key))
      for name in Set(chains.0.keys).union(chains.1.keys).sorted() {
        compare(chains.0[name], chains.1[name], "\(forms), \(key) \(name)")
      }
      if graph.sets(of: key) != other.sets(of: key) {
        differences.append("\(forms), \(key): \(graph.sets(of: key)) and \(other.sets(of: key))")
      }
    }
    if graph.ipsets != other.ipsets { differences.append("\(forms): other ipsets") }
  }

  private mutating func compare(_ chain: Chain?, _ other: Chain?, _ place: String) {
    guard let chain, let other else {
      // Listing a table makes it; what nobody wrote has no rules.
      if let one = chain ?? other, !one.rules.isEmpty { differences.append("\(place): only one form shows the chain") }
      return
    }
    if chain.base != other.base { differences.append("\(place): \(chain.base as Any) and \(other.base as Any)") }
    if chain.rules.count != other.rules.count {
      differences.append("\(place): \(chain.rules.count) rules and \(other.rules.count)")
    }
    for (number, (rule, twin)) in zip(chain.rules, other.rules).enumerated() {
      if rule.isHidden || twin.isHidden || (loss == .nft && isWrittenByIptables && twin.isChanged(in: rule)) {
        hidden += 1
        continue
      }
      rules += 1
      let (one, other) =
        loss == .listing ? (rule.withoutAbsence, twin.withoutAbsence) : (rule.statements, twin.statements)
      if one != other { differences.append("\(place) \(number + 1):\n\(one)\n\(other)") }
    }
  }
}

/// What a form does not print of what iptables wrote.
private enum Loss {
  /// `iptables -L` prints two matches of one name as one: which options stood beside which is lost.
  case listing
  /// nft 1.0.6 prints nothing for an extension of ip6tables when iptables has the same one (`XT target DNAT not found`), and other
  /// statements for some (``Rule/isChanged(in:)``).
  case nft
}

/// A table's name with its family.
private struct Key: Hashable, Comparable, CustomStringConvertible {
  var family: TableFamily
  var name: String

  init(_ table: Table) {
    family = table.family
    name = table.name
  }

  var description: String { "\(family.rawValue) \(name)" }

  static func < (a: Key, b: Key) -> Bool { a.description < b.description }
}

extension Ruleset {
  fileprivate func chains(of key: Key) -> [String: Chain] {
    let chains = tables.filter { Key($0) == key }.flatMap(\.chains)
    return Dictionary(chains.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The names and elements of a table's sets: nft 1.0.6 leaves some flags and arguments out of one of its forms.
  fileprivate func sets(of key: Key) -> [String] {
    tables.filter { Key($0) == key }.flatMap(\.sets).map { set in
      "\(set.name) \(set.elements.map { "\($0.key) \(String(describing: $0.data)) \($0.nomatch)" })"
    }
  }
}

extension Rule {
  /// The statements, whatever a test gives where its field is absent.
  fileprivate var withoutAbsence: [Statement] {
    statements.map { statement in
      guard case .match(var match) = statement else { return statement }
      match.whenAbsent = false
      return .match(match)
    }
  }

  /// Whether nft prints the rule, which iptables wrote, without a part of it or in statements that say something else.
  fileprivate func isChanged(in print: Rule) -> Bool {
    let rest = statements.filter { !print.statements.contains($0) }
    let isCut = !rest.isEmpty && print.statements.allSatisfy(statements.contains)
    let others = print.statements.filter { !statements.contains($0) }
    return isCut || rest.contains(where: Self.isRewritten) || others.contains(where: Self.isRewriting)
  }

  /// Whether nft 1.0.6 prints other statements for this one of iptables.
  private static func isRewritten(_ statement: Statement) -> Bool {
    switch statement {
    // The several options of a conntrack match become matches of their own, and of `RELATED,DNAT` remains `ct status dnat`.
    case .match(let match): match.whenAbsent || "\(match.subject)".contains("stateOrTranslation")
    // `CONNMARK --set-xmark` loses its mask; `TOS --set-tos` becomes the class alone.
    case .assign(let assignment):
      assignment.field == .conntrack(ConntrackField(.mark)) || assignment.field == .header(HeaderField(.ip, .tos))
        || assignment.field == .header(HeaderField(.ip6, .tos))
    default: false
    }
  }

  /// Whether only nft prints such a statement: the two ports of `multiport --ports` as one key, an `addrtype` of IPv6 as a route.
  private static func isRewriting(_ statement: Statement) -> Bool {
    guard case .match(let match) = statement else { return false }
    return switch match.subject {
    case .concatenation: true
    case .field(.fib(let fib)): fib.result == .type
    default: false
    }
  }

  /// Whether a part of the rule is hidden by the form.
  fileprivate var isHidden: Bool {
    statements.contains { statement in
      switch statement {
      case .opaqueMatch, .opaqueTarget: true
      default: false
      }
    }
  }
}
