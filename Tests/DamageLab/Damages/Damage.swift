import Randomness

/// What happens to a dump between the terminal and the reader.
public enum Damage: String, CaseIterable, Sendable {
  // Something is left out.
  case tableLeftOut = "table left out"
  case chainLeftOut = "chain left out"
  case baseChainLeftOut = "base chain left out"
  case headLeftOut = "head of a chain left out"
  case rulesLeftOut = "rules left out"
  case endCut = "end cut off"
  case endCutInLine = "end cut off in a line"
  case closingCut = "closing line cut off"
  case beginningCut = "beginning cut off"
  case elided = "middle elided"
  case columnCut = "cut at a column"
  case ruleMasked = "line of masks for rules"
  case grepped = "grep"
  case greppedWithContext = "grep with context"
  case headOnly = "head"
  case tailOnly = "tail"
  case elementsElided = "elements elided"
  // Something is made unreadable.
  case addressMasked = "address masked"
  case addressMaskedInPart = "address masked in part"
  case addressesMasked = "all addresses masked"
  case interfaceMasked = "interface masked"
  case portMasked = "port masked"
  case quoteUnterminated = "quote not closed"
  case blankLost = "blank lost"
  case counterLost = "counter lost"
  // Something is added.
  case secondHost = "second host"
  case secondHostWithoutAddresses = "second host, no addresses"
  case firstHost = "another host before it"
  // Nothing is lost.
  case undamaged = "undamaged"
  case emptyTableLeftOut = "empty table left out"
  case reordered = "other order"
  case excerptAfterWhole = "excerpt after whole"
  case excerptBeforeWhole = "excerpt before whole"
  case chainByChain = "chain by chain"
  case chainsUnderHeadings = "chains under headings"
  case bothDialects = "nft and iptables together"
  case briefListingBeside = "listing without -v beside"
  case hardwareAddressesMasked = "hardware addresses masked"
  case hardFold = "hard fold"
  case softFold = "soft fold"
  case foldInQuotes = "fold in quotes"
  case quoted = "quoted"
  case quotedTwice = "quoted twice"
  case fenced = "fenced"
  case piped = "table marks"
  case indented = "indented"
  case tabbed = "tabs"
  case numberedLines = "cat -n"
  case dashes = "dashes for --"
  case curlyQuotes = "curly quotes"
  case hardBlanks = "no-break blanks"
  case prose = "prose around"
  case remarks = "remarks behind rules"

  /// Whether the damage takes, hides or adds something that an answer may depend on.
  public var canMatter: Bool { !Self.harmless.contains(self) }

  private static let harmless = Set(allCases.drop { $0 != .undamaged })

  /// Whether other commands than those for whole tables print the rules.
  var isListing: Bool { self == .chainByChain || self == .chainsUnderHeadings }

  /// Whether it is done to the finished text, whatever its lines mean.
  var isOfText: Bool {
    switch self {
    case .addressMasked, .addressMaskedInPart, .addressesMasked, .interfaceMasked, .portMasked,
      .hardwareAddressesMasked, .hardFold, .softFold, .foldInQuotes, .quoted, .quotedTwice, .fenced, .piped, .indented,
      .tabbed, .numberedLines, .dashes, .curlyQuotes, .hardBlanks, .prose:
      true
    default: false
    }
  }

  /// Damages a dump; false where there is nothing in it that this could be done to so that a trace remains.
  func isDone(to wound: inout Wound, by random: inout RandomNumbers) -> Bool {
    switch self {
    case .tableLeftOut: wound.leaveOutTable(&random)
    case .chainLeftOut: wound.leaveOutChain(&random)
    case .baseChainLeftOut: wound.leaveOutBaseChain(&random)
    case .headLeftOut: wound.leaveOutHead(&random)
    case .rulesLeftOut: wound.leaveOutRules(&random)
    case .endCut: wound.cutEnd(&random)
    case .endCutInLine: wound.cutEndInLine(&random)
    case .closingCut: wound.cutClosing(&random)
    case .beginningCut: wound.cutBeginning(&random)
    case .elided: wound.elideMiddle(&random)
    case .columnCut: wound.cutColumn(&random)
    case .ruleMasked: wound.maskRules(&random)
    case .grepped: wound.grep(&random, withContext: false)
    case .greppedWithContext: wound.grep(&random, withContext: true)
    case .headOnly: wound.keepHead(&random)
    case .tailOnly: wound.keepTail(&random)
    case .elementsElided: wound.elideElements(&random)
    case .addressMasked: wound.maskAddress(&random, inPart: false)
    case .addressMaskedInPart: wound.maskAddress(&random, inPart: true)
    case .addressesMasked: wound.maskAllAddresses(&random)
    case .interfaceMasked: wound.maskInterface(&random)
    case .portMasked: wound.maskPort(&random)
    case .hardwareAddressesMasked: wound.maskHardwareAddresses()
    case .quoteUnterminated: wound.openQuote(&random)
    case .blankLost: wound.loseBlank(&random)
    case .counterLost: wound.loseCounter(&random)
    case .secondHost: wound.addHost(&random, withAddresses: true, isFirst: false)
    case .secondHostWithoutAddresses: wound.addHost(&random, withAddresses: false, isFirst: false)
    case .firstHost: wound.addHost(&random, withAddresses: true, isFirst: true)
    case .undamaged: true
    case .emptyTableLeftOut: wound.leaveOutEmptyTable(&random)
    case .reordered: wound.reorder(&random)
    case .excerptAfterWhole: wound.addExcerpt(&random, isFirst: false)
    case .excerptBeforeWhole: wound.addExcerpt(&random, isFirst: true)
    case .chainByChain: wound.showChainByChain(&random, underHeadings: false)
    case .chainsUnderHeadings: wound.showChainByChain(&random, underHeadings: true)
    case .bothDialects: wound.addNft(&random)
    case .briefListingBeside: wound.addBriefListing(&random)
    case .hardFold: wound.fold(&random, isHard: true)
    case .softFold: wound.fold(&random, isHard: false)
    case .foldInQuotes: wound.fold(&random, isHard: random.happens(50)) && wound.prefix("> ")
    case .quoted: wound.prefix("> ")
    case .quotedTwice: wound.prefix(random.pick([">> ", "> > "]))
    case .fenced: wound.fence(&random)
    case .piped: wound.prefix("| ")
    case .indented: wound.prefix(random.pick(["    ", "  "]))
    case .tabbed: wound.prefix("\t")
    case .numberedLines: wound.numberLines()
    case .dashes: wound.joinDashes(&random)
    case .curlyQuotes: wound.curlQuotes()
    case .hardBlanks: wound.hardenBlanks(&random)
    case .prose: wound.addProse(&random)
    case .remarks: wound.addRemarks(&random)
    }
  }
}
