import RuleGraph

/// The forms in which a table is printed, from the one that tells least to the one that tells most.
enum TableForm: Int, Comparable, Sendable {
  /// Commands that make it.
  case commands
  /// `iptables -L` without `-v`: no interfaces.
  case briefListing
  /// nft JSON with `xt` expressions, whose content it hides.
  case nftJSONWithXt
  /// `iptables -vL`.
  case listing
  /// `nft list` with parts that could not be understood.
  case nftTextWithXt
  case nftText
  case nftJSON
  /// `iptables -S`.
  case rules
  case save

  static func < (a: TableForm, b: TableForm) -> Bool { a.rawValue < b.rawValue }

  /// The command that prints it.
  var command: String {
    switch self {
    case .briefListing: "iptables -L"
    case .listing: "iptables -vL"
    case .nftJSON, .nftJSONWithXt: "nft -j list"
    case .nftText, .nftTextWithXt: "nft list"
    case .rules: "iptables -S"
    case .save: "iptables-save"
    case .commands: "the commands"
    }
  }

  /// Whether nft printed it.
  var isNft: Bool {
    switch self {
    case .nftJSON, .nftJSONWithXt, .nftText, .nftTextWithXt: true
    default: false
    }
  }
}

/// An output that printed all tables of nf_tables, so that what it lacks did not exist then.
struct RulesetListing: Sendable {
  /// The places of its sections, one a table, among all.
  var orders: ClosedRange<Int>
  /// The strand of its sections.
  var strand: Int
  /// The line of the command.
  var commandIndex: Int?
  /// Whether its end is missing.
  var isCut = false
  /// Whether rules were loaded from a file behind it.
  var isOutdated = false
  /// Its first line; nil of an output without one.
  var span: SourceSpan?
}

/// A table as one section printed it.
struct TablePrinting: Sendable {
  /// What was read.
  var table: Table
  /// How it was printed.
  var form: TableForm
  /// The strand of its section: see ``DumpSection/strand``.
  var strand: Int
  /// The machine that printed it, where prompts tell.
  var host: String?
  /// The place of its section among all.
  var order: Int
  /// Whether the whole table was printed, so that a chain that is absent does not exist: not a chain alone, what a
  /// filter let through or a text that was cut.
  var isWhole: Bool
  /// Whether a filter took lines away.
  var isFiltered: Bool
  /// Whether it is what a configuration file holds.
  var isFile = false
  /// Whether rules were loaded from a file behind it.
  var isOutdated = false
  /// Whether the words above it say that it shows a time gone by.
  var isPast = false
  /// The moment that it shows, counted from 1.
  var moment = 1
  /// The first moment at which the table is known to be gone.
  var endMoment: Int?
  /// Its first line.
  var span: SourceSpan?
  /// The session of its section: see ``DumpSection/session``.
  var session: Int32?
  /// The input that it stands in.
  var source: Int32? { span?.source }

  /// What makes two printings forms of one table.
  struct Key: Hashable, Sendable {
    var family: TableFamily
    var name: String
    var origin: TableOrigin
  }

  /// The key.
  var key: Key { Key(family: table.family, name: table.name, origin: table.origin) }
}

extension Rule {
  /// Whether the form of the dump does not tell the interfaces of the rule.
  var hidesInterfaces: Bool {
    statements.contains { statement in
      if case .hiddenInterfaces = statement { true } else { false }
    }
  }

  /// Whether words of the rule were not understood.
  var hasUnreadWords: Bool {
    statements.contains { statement in
      switch statement {
      case .opaqueMatch, .opaqueTarget: true
      default: false
      }
    }
  }

  /// Whether a part of the rule is hidden by the form of the dump or was not understood.
  var hasUnknownPart: Bool {
    hasUnreadWords
      || statements.contains { statement in
        switch statement {
        case .hiddenInterfaces, .missingRules: true
        default: false
        }
      }
  }
}

extension Table {
  /// Whether a rule jumps to one of some chains.
  func jumps(toOneOf names: Set<String>) -> Bool {
    chains.contains { chain in
      chain.rules.contains { rule in
        rule.statements.contains { statement in
          switch statement {
          case .verdict(.jump(let name)), .verdict(.goto(let name)): names.contains(name)
          default: false
          }
        }
      }
    }
  }

  /// Whether a rule holds a part that was not understood or that the dump hides.
  var hasOpaquePart: Bool {
    chains.contains { chain in
      chain.rules.contains { rule in
        rule.statements.contains { statement in
          switch statement {
          case .opaqueMatch, .opaqueTarget: true
          default: false
          }
        }
      }
    }
  }
}
