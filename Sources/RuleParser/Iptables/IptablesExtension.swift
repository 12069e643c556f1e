import RuleGraph

/// One option of a match or target as it was read: `--dport 80` of `-m tcp --dport 80`, or `dpt:80` of a listing.
///
/// Both printed forms of an extension are read into these, so that one lowering serves both.
struct ExtensionOption {
  /// The option's name without dashes, in its first spelling.
  var name: OptionLabel
  /// Whether a `!` belongs to it.
  var negated: Bool = false
  /// The bytes of its value; empty for an option without one.
  var value: Range<Int> = 0..<0
  /// The bytes of its second value (`--tcp-flags MASK COMPARED`).
  var second: Range<Int> = 0..<0
  /// Whether the value stood in quotes with backslashes in it, which are no part of it.
  var isEscaped: Bool = false
  /// The part of the rule that the option belongs to.
  var segment: Int = 0
}

/// The options of one match or target as they were read, in their order: a look at a list that somebody else keeps.
@safe struct ExtensionOptions: RandomAccessCollection {
  private let memory: UnsafeBufferPointer<ExtensionOption>

  /// A look at options, which must not outlive them.
  @unsafe init(_ memory: UnsafeBufferPointer<ExtensionOption>) { unsafe self.memory = memory }

  var startIndex: Int { 0 }
  var endIndex: Int { unsafe memory.count }

  subscript(place: Int) -> ExtensionOption {
    precondition(place >= 0 && place < endIndex, "there is no such option")
    return unsafe memory[place]
  }
}

/// An option that an extension has: its name, other spellings of it, and how many values follow.
struct OptionSpelling: Sendable {
  /// The name without dashes.
  var name: OptionLabel
  /// Other names for the same option, without dashes.
  var aliases: [OptionLabel]
  /// How many values follow.
  var values: ValueCount

  /// How many values follow an option.
  enum ValueCount: Sendable {
    case none, one, two
    /// One that may be missing.
    case oneOrNone
  }

  /// Describes an option.
  init(_ name: OptionLabel, values: ValueCount = .one, aliases: [OptionLabel] = []) {
    self.name = name
    self.aliases = aliases
    self.values = values
  }
}

/// What a spelling of an option stands for: what is needed of it for each rule of a dump.
struct OptionName: Sendable {
  /// The name without dashes, in its first spelling.
  var name: OptionLabel
  /// How many values follow.
  var values: OptionSpelling.ValueCount
}

/// What stands behind `-m` or `-j`.
enum ExtensionKind: Sendable {
  case match, target
}

/// A match or target extension of iptables: how its options are spelled in the save form and in the listing, and what
/// they mean.
///
/// The listing's prose is first translated into the options of the save form (``readListing(_:_:)``), then both are
/// lowered to statements by ``lower(_:into:)``; ``spell(_:for:)`` is the way back.
protocol IptablesExtension: Sendable {
  /// The names behind `-m` or `-j`; the first is the one that is printed.
  var names: [String] { get }
  /// Whether it is a match or a target.
  var kind: ExtensionKind { get }
  /// The options it has.
  var options: [OptionSpelling] { get }
  /// The words its prose in a listing may begin with, each up to a blank or including its first colon.
  var listingWords: [String] { get }

  /// Reads the extension's prose in a listing, from its first word on, and takes nothing behind it.
  ///
  /// False when it is not understood. The text of a target is the rest of the line.
  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool

  /// Adds what the options mean to the rule. False when a value is not understood.
  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool

  /// Spells the first of some statements, or the first few, as options of the save form; nil when they are none of this
  /// extension's.
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement?
}

/// A statement in the save form.
struct SpelledStatement {
  /// The module that has to be loaded (`tcp`); empty for the options that every rule has.
  var module: String
  /// Options that may stand beside others of the same module in one `-m`.
  var options: String
  /// The names of the options in it: one module can't have the same option twice. `*` lets no other stand beside it.
  var names: [String] = []
  /// Whether it is a target (`-j`).
  var isTarget: Bool = false
  /// How many statements it spells.
  var count: Int = 1
  /// The options that it may stand beside, where the module alone does not tell.
  var group: String?
}

/// What the spelling of a statement depends on.
struct SpellingContext {
  /// The family of the table.
  var family: AddressFamily
  /// The one transport protocol of the rule, when it names one.
  var transport: UInt8?
}

extension IptablesExtension {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? { nil }
}
