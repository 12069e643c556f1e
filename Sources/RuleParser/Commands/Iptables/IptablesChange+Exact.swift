import RuleGraph

/// What iptables says where a command is carried out as on the host itself. Measured with iptables 1.8.9, on nf_tables
/// and legacy.
extension IptablesChange {
  private typealias Refusal = IptablesCommand.Refusal

  /// Whether the table is one of the older variant, which has other words for some things.
  var isLegacy: Bool { program.origin == .iptablesLegacy }

  /// A chain that no dump shows: it is not there, unless only a part of the table was shown.
  func missing(
    _ chain: String, in table: IptablesTable, isDeleting: Bool = false
  ) -> IptablesCommand.Refusal {
    if table.isPart { return Refusal(obstacle: .notShown(.chain(table.graphFamily, table.name, chain))) }
    return Refusal(isDeleting ? Self.badRule : "No chain/target/match by that name.")
  }

  /// A rule that is looked for and not found.
  func notThere(in chain: IptablesChain, of table: IptablesTable) -> IptablesCommand.Refusal {
    if chain.mayHoldOthers {
      return Refusal(obstacle: .notShown(.rules(table.graphFamily, table.name, chain.name)))
    }
    return notThere
  }

  private static let badRule = "Bad rule (does a matching rule exist in that chain?)."

  /// What is said of a rule that is not there. The older variant has other words for one whose target is no plain
  /// verdict.
  private var notThere: IptablesCommand.Refusal {
    let target = command.rule.firstIndex { $0.text == "-j" || $0.text == "-g" }.flatMap { index in
      index + 1 < command.rule.count ? command.rule[index + 1].text : nil
    }
    let isPlain = target.map { ["ACCEPT", "DROP", "RETURN", "QUEUE"].contains($0) } ?? true
    return Refusal(
      isLegacy && !isPlain
        ? "No chain/target/match by that name." : Self.badRule)
  }

  /// A number counts rules that must all be known.
  func refuseUnlessKnown(before number: Int, in chain: IptablesChain) throws(IptablesCommand.Refusal) {
    guard chain.isUncertain(before: number) else { return }
    throw Refusal(obstacle: .notShown(.rules(TableFamily(program.family), command.table.text, chain.name)))
  }

  /// What the kernel refuses, in the words of the variant.
  func kernelRefusal(_ reason: String, in chain: String) -> IptablesCommand.Refusal {
    guard
      ["Invalid argument", "Operation not supported", "No such file or directory", "Too many links"].contains(reason)
    else {
      return Refusal(reason)
    }
    if isLegacy { return Refusal("Invalid argument. Run `dmesg' for more information.") }
    let verb =
      switch command.operation {
      case .insert: "INSERT"
      case .replace: "REPLACE"
      default: "APPEND"
      }
    return Refusal(" RULE_\(verb) failed (\(reason)): rule in chain \(chain)")
  }

  /// A chain that is not empty, or that rules jump to, stays.
  func refuseDeleting(
    _ chain: IptablesChain, of table: IptablesTable, _ targets: Set<String>
  ) throws(IptablesCommand.Refusal) {
    let isUsed = targets.contains(chain.name)
    if chain.rules.isEmpty, !isUsed {
      guard table.isPart else { return }
      throw Refusal(obstacle: .notShown(.table(table.graphFamily, table.name)))
    }
    if chain.rules.isEmpty == false, (0..<chain.rules.count).allSatisfy({ chain.rules[$0].missing != nil }), !isUsed {
      throw Refusal(obstacle: .notShown(.rules(table.graphFamily, table.name, chain.name)))
    }
    guard isLegacy else {
      throw Refusal(" CHAIN_DEL failed (Device or resource busy): chain \(chain.name)")
    }
    throw Refusal(isUsed ? "Too many links." : "Directory not empty.")
  }

  /// What a rule asks for must be known, and there.
  func refuseExactly(_ read: ReadRules, in table: IptablesTable) throws(IptablesCommand.Refusal) {
    if let message = IptablesValues.refusal(command.rule, program.family) { throw Refusal(message) }
    if let message = IptablesRefusals.needsProtocol(command.rule.map(\.text)) { throw Refusal(message) }
    if let message = IptablesRefusals.lacksOption(command.rule.map(\.text)) { throw Refusal(message) }
    for rule in read.rules {
      for statement in rule.statements {
        guard let name = statement.ipset, let ipsets, !ipsets.contains(name) else { continue }
        throw Refusal("Set \(name) doesn't exist.")
      }
    }
    let unread = read.rules.lazy.flatMap(\.statements).compactMap { statement -> String? in
      switch statement {
      case .opaqueMatch(let part), .opaqueTarget(let part): part.text
      case .missingRules: command.rule.map(\.text).joined(separator: " ")
      default: nil
      }
    }.first
    if let unread { throw Refusal(obstacle: .unsupported(unread)) }
    if read.diagnostics.contains(where: { $0.severity != .note }) {
      throw Refusal(obstacle: .unsupported(command.rule.map(\.text).joined(separator: " ")))
    }
  }

  /// A jump leads to a chain of the table.
  func refuseMissingTarget(_ target: CommandWord?, in table: IptablesTable) throws(IptablesCommand.Refusal) {
    guard let name = target?.text, table.index(name) == nil else { return }
    if table.isPart { throw Refusal(obstacle: .notShown(.chain(table.graphFamily, table.name, name))) }
    guard isLegacy else { throw Refusal("Chain '\(name)' does not exist") }
    throw Refusal(
      command.rule.contains { $0.text == "-g" }
        ? "goto '\(name)' is not a chain" : "Couldn't load target `\(name)':No such file or directory")
  }

  /// A jump leads to no built-in chain, and from where packets come in never back.
  func refuseLeadingBack(
    _ target: CommandWord?, from chain: IptablesChain, at place: Int?, in table: IptablesTable
  ) throws(IptablesCommand.Refusal) {
    guard isExact, let name = target?.text, let index = table.index(name) else { return }
    if table.chains[index].base != nil {
      let isThere = isLegacy || !table.chains[index].isAssumed
      throw kernelRefusal(isThere ? "Operation not supported" : "No such file or directory", in: chain.name)
    }
    // Behind a verdict for every packet the older tables look at nothing.
    if isLegacy, let place, let end = chain.firstEnd, place > end { return }
    let jumps = table.jumps(stopsAtEnds: isLegacy)
    guard table.chains.contains(where: { $0.base != nil && jumps.reaches(chain.name, from: $0.name) }),
      jumps.adding(name, to: chain.name).leadsBack(from: chain.name)
    else { return }
    throw isLegacy
      ? Refusal("Too many levels of symbolic links.") : kernelRefusal("Too many links", in: chain.name)
  }
}

extension IptablesTable {
  /// The family as the graph has it.
  var graphFamily: TableFamily { TableFamily(family) }

  /// The jumps of its rules.
  ///
  /// - Parameter stopsAtEnds: Whether what stands behind a verdict for every packet is left out, as the kernel's older
  ///   tables do.
  func jumps(stopsAtEnds: Bool) -> JumpGraph {
    var jumps = JumpGraph()
    for chain in chains {
      let last = stopsAtEnds ? chain.firstEnd.map { $0 + 1 } : nil
      for index in 0..<(last ?? chain.rules.count) {
        for statement in chain.rules[index].statements {
          if let name = statement.chain { jumps.add(name, to: chain.name) }
        }
      }
    }
    return jumps
  }
}

extension IptablesChain {
  /// The index of the first rule that ends the chain for every packet, as the kernel's older tables look at it: a rule
  /// with a comment has a match, and behind a `goto` they look on (`mark_source_chains` in
  /// `net/ipv4/netfilter/ip_tables.c`; measured).
  var firstEnd: Int? {
    (0..<rules.count).first { index in
      switch rules[index].statements.first {
      case .verdict(.accept), .verdict(.drop), .verdict(.return): rules[index].comment == nil
      default: false
      }
    }
  }

  /// Whether rules that nobody shows, or that were not understood, may be the same as one that is looked for.
  var mayHoldOthers: Bool {
    (0..<rules.count).contains { rules[$0].missing != nil || rules[$0].isInDoubt || rules[$0].hasUnknownPart }
  }
}

extension Statement {
  /// The chain that it leads to.
  fileprivate var chain: String? {
    switch self {
    case .verdict(.jump(let name)), .verdict(.goto(let name)): name
    default: nil
    }
  }

  /// The ipset that it asks or changes.
  var ipset: String? {
    switch self {
    case .match(let match):
      switch match.values {
      case .ipset(let name), .ipsetExceptions(let name): name
      default: nil
      }
    case .updateSet(let update): update.isIPSet ? update.set : nil
    default: nil
    }
  }
}
