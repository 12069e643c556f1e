/// How much of a table or chain the dumps showed.
public enum Shown: UInt8, Hashable, Sendable, CaseIterable {
  /// All of it: what is absent does not exist.
  case whole
  /// Some of it: the places where more may stand are ``Statement/missingRules(_:)`` statements.
  case part
  /// Nothing: it exists, or may exist, and any rules may stand in it.
  case nothing
}

/// Rules that stand, or may stand, at a place of a chain and that no dump shows.
///
/// What is not shown is unknown, at its place and only there: a packet that comes by may be accepted, dropped,
/// translated or left alone, and the trace follows each of these, so that an answer stays definite where the missing
/// rules can't matter.
public struct MissingRules: Hashable, Sendable {
  /// How one knows that rules are missing; the raw value is the stable name in JSON.
  public enum Evidence: String, Hashable, Sendable, CaseIterable {
    /// The chain, or its table, was not printed.
    case notShown = "not-shown"
    /// A line that could not be read: one rule.
    case unreadable = "unreadable-line"
    /// The printed rule numbers skip some.
    case numberGap = "number-gap"
    /// A filter behind the command (`| grep`, `| head`) took lines away.
    case filtered
    /// Someone left lines out: `...`, `[snip]`, `--More--`.
    case elided
    /// The text ends before the output does: no `COMMIT`, an open brace, a line that stops in the middle.
    case cut
    /// More rules jump to a chain than were printed, or a chain that nothing jumps to has counted packets.
    case unseenJump = "unseen-jump"
    /// The program that prints the rules failed (`can't initialize table`, `Permission denied`).
    case notPrinted = "not-printed"
    /// The chains of a container engine or cluster are there, whose other tables hold rules too.
    case engine
    /// `ufw status` says that ufw is active, or chains of its are in the tables of the other family, and none of its
    /// chains was shown.
    case ufw = "ufw-active"
    /// firewalld runs, and none of its rules was shown.
    case firewalld = "firewalld-active"
    /// A script computes the rule.
    case computed
    /// A command that is not carried out changed the table after it was printed.
    case changed = "changed-later"
  }

  /// What missing rules can do to a packet, beside leaving it alone.
  public struct Effects: OptionSet, Hashable, Sendable {
    /// The sum of the bits of the kinds.
    public let rawValue: UInt8

    /// Makes a set of effects of their bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Accept it, which ends the base chain.
    public static let accept = Effects(rawValue: 1)
    /// Drop it.
    public static let drop = Effects(rawValue: 2)
    /// Translate its destination (nat tables, prerouting and output).
    public static let translateDestination = Effects(rawValue: 4)
    /// Translate its source (nat tables, input and postrouting).
    public static let translateSource = Effects(rawValue: 8)
    /// Change what later rules and the routing look at: a mark, a header field, its tracking.
    public static let change = Effects(rawValue: 16)
    /// Reject it: stands beside ``drop``, since nobody knows which of both they do.
    public static let reject = Effects(rawValue: 32)
  }

  /// How one knows.
  public var evidence: Evidence
  /// How many rules are missing; nil when nobody knows, and then there may be none.
  public var count: Int?
  /// What they can do; nil for whatever the chain that they stand in allows.
  public var effects: Effects?
  /// The command whose output would show them.
  public var settledBy: String?
  /// The container whose published port they translate, where `docker ps` or the like tells that there is such a rule.
  public var publishes: String?

  /// Makes a description of missing rules.
  public init(_ evidence: Evidence, count: Int? = nil, effects: Effects? = nil, settledBy: String? = nil) {
    self.evidence = evidence
    self.count = count
    self.effects = effects
    self.settledBy = settledBy
  }
}

extension Rule {
  /// A place of a chain at which rules are missing.
  ///
  ///     Rule(missing: MissingRules(.numberGap, count: 5), span: span)
  public init(missing: MissingRules, span: SourceSpan) { self.init([.missingRules(missing)], span: span) }

  /// Whether what it does to a packet is not known: rules that were not shown, or a target that was not understood.
  public var isUnseen: Bool {
    switch statements.last {
    case .missingRules, .opaqueTarget: true
    default: false
    }
  }

  /// The rules that are missing here; nil of a rule that was shown.
  public var missing: MissingRules? {
    guard case .missingRules(let missing)? = statements.last else { return nil }
    return missing
  }
}

extension Ruleset {
  /// The ruleset without the tables and chains of which nothing was shown. Identifiers of rules are other ones in it.
  public var shownOnly: Ruleset {
    guard tables.contains(where: { $0.shown != .whole }) else { return self }
    var copy = self
    copy.tables = tables.compactMap { table in
      if table.shown == .nothing { return nil }
      var table = table
      table.chains.removeAll { $0.shown == .nothing }
      return table
    }
    return copy
  }

  /// The chains of which nothing was shown, those of one table together.
  public var unshownChains: [(table: Table, chains: [Chain])] {
    tables.compactMap { table in
      let chains = table.chains.filter { $0.shown == .nothing }
      return chains.isEmpty ? nil : (table, chains)
    }
  }
}

extension Chain {
  /// The number of a rule as `iptables --line-numbers` counts, from its index; nil behind missing rules whose number
  /// nobody knows.
  public func number(ofRule index: Int) -> Int? {
    if shown == .whole { return index + 1 }
    var number = 0
    for rule in rules.prefix(index + 1) {
      guard let missing = rule.missing else {
        number += 1
        continue
      }
      guard let count = missing.count else { return nil }
      number += count
    }
    return number
  }

  /// Adds a place at which rules are missing behind those that are there.
  public mutating func addMissing(_ missing: MissingRules, span: SourceSpan) {
    if shown == .whole { shown = .part }
    rules.append(Rule(missing: missing, span: span))
  }
}
