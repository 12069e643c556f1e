import RuleGraph
import RuleText

/// The tables of nft on a host, which commands change.
struct NftHost {
  private var reader: NftTextReader
  private(set) var texts = CommandTexts()
  private var refusals: [Diagnostic] = []
  /// The first command that loaded a file which nobody shows.
  private var firstUnseen: SourceSpan?
  /// What dumps show of a host on which commands are carried out exactly; nil on any other.
  private var shown: Ruleset?
  /// Why nobody knows what the last command did, or what nft said of it.
  private var obstacle: CommandFailure.Problem?
  private var lastRefusal: String?

  /// The first command that loaded a file which nobody shows, as long as nothing has taken away what was in it.
  var unseen: SourceSpan? { reader.carrying?.hasUnseen == true ? firstUnseen : nil }

  init() {
    let empty = DumpText(source: 0, memory: SourceBytes([]), lines: [])
    reader = NftTextReader(text: empty, tokens: NftTokens(empty)) { _ in nil }
    reader.carrying = NftCarrying()
  }

  /// A host on which each command does what it does there, or is refused.
  init(of ruleset: Ruleset) {
    self.init()
    shown = ruleset
    reader.builder = NftTableBuilder(showing: ruleset.tables.filter(\.isSeenByNft))
    reader.carrying?.isExact = true
    reader.carrying?.hasAllTables = ruleset.coverage.allOfNftables
    reader.carrying?.forgetAllHandles(tables: reader.builder.tables.count)
  }

  /// Puts what commands changed into the graph.
  func apply(to ruleset: inout Ruleset) {
    guard shown != nil else { return }
    var left = reader.builder.tables.map { texts.placed($0).joiningComparisons() }
    ruleset.tables = ruleset.tables.compactMap { table in
      guard table.isSeenByNft else { return table }
      guard let at = left.firstIndex(where: { $0.family == table.family && $0.name == table.name }) else { return nil }
      return left.remove(at: at)
    }
    ruleset.tables += left
  }

  /// Why nobody knows what the last command did; it is told once.
  mutating func takeObstacle() -> CommandFailure.Problem? {
    defer { obstacle = nil }
    return obstacle
  }

  /// What nft said of the last command; it is told once.
  mutating func takeRefusal() -> String? {
    defer { lastRefusal = nil }
    return lastRefusal
  }

  /// The tables as the graph has them.
  var tables: [Table] {
    var builder = reader.builder
    // nft refuses rules of chains that it does not have, so there is nothing to tell of such.
    var diagnostics: [Diagnostic] = []
    return builder.finish(&diagnostics).map { texts.placed($0) }
  }

  /// What could not be read, and what nft would have refused.
  var diagnostics: [Diagnostic] { texts.placed(reader.diagnostics) + refusals }

  /// Carries out `nft` with its words.
  mutating func run(_ words: [CommandWord], _ input: CommandInput, _ place: CommandPlace) -> CommandOutcome {
    var rest = words[...]
    var file: CommandWord?
    while let option = rest.first, option.text.hasPrefix("-") {
      rest.removeFirst()
      if shown != nil, !Self.quietOptions.contains(option.text) {
        obstacle = .unsupported("nft \(option.text)")
        return .unknown
      }
      if option.text == "-f" || option.text == "--file" {
        file = rest.popFirst()
      } else if option.text.hasPrefix("--file=") || (option.text.hasPrefix("-f") && option.text.utf8.count > 2) {
        file = CommandWord(text: "unknown")
      } else if option.text == "-I" || option.text == "-D" {
        rest = rest.dropFirst()
      }
    }
    if let file { return load(file, input, place) }
    guard let verb = rest.first else { return .success }
    if verb.text == "list" { return isThere(Array(rest.dropFirst())) }
    let line = rest.map(\.nftText).joined(separator: " ")
    return carryOut([(line, place.span)], isComputed: rest.contains(where: \.isUnknown), place)
  }

  /// The options that change nothing of what a command does, and the one whose text is read.
  private static let quietOptions: Set<String> = [
    "-f", "--file", "-a", "--handle", "-n", "--numeric", "-s", "--stateless", "-e", "--echo",
  ]

  private mutating func load(_ file: CommandWord, _ input: CommandInput, _ place: CommandPlace) -> CommandOutcome {
    guard ["-", "/dev/stdin"].contains(file.text), let lines = input.lines else {
      obstacle = .inputMissing
      if shown != nil { return .unknown }
      reader.carrying?.hasUnseen = true
      firstUnseen = firstUnseen ?? place.span
      refusals.append(
        Diagnostic(
          "commands-from-a-file", .warning,
          "the rules that nft loads here from \(file.text) are not in the input; `nft list ruleset` prints them",
          span: place.span))
      return .unknown
    }
    return carryOut(
      lines.map { ($0.text.nftText, $0.span ?? place.span) }, isComputed: lines.contains { $0.text.isUnknown }, place)
  }

  /// Carries out commands as one transaction: all of them or none.
  mutating func carryOut(
    _ lines: [(line: String, place: SourceSpan)], isComputed: Bool, _ place: CommandPlace
  ) -> CommandOutcome {
    let text = texts.text(lines)
    let isOne = shown == nil && lines.count == 1 && !lines[0].line.utf8.contains(UInt8(ascii: ";"))
    // A copy would be another owner of all rules, and each command would copy them all.
    let before = isOne ? nil : (reader.builder, reader.carrying)
    reader.text = text
    reader.tokens = NftTokens(text)
    reader.variables = [:]
    reader.carrying?.doubt = place.doubt
    reader.carrying?.isComputed = isComputed
    reader.carrying?.hasLostCommand = false
    let told = reader.diagnostics.count
    reader.readCommands()
    if shown != nil { return endExactly(told, before) }
    if reader.carrying?.hasLostCommand == true {
      reader.carrying?.refusal = nil
      reader.doubtEverything(SourceSpan(source: text.source, line: text.lines[0].number, offset: 0, length: 0))
      return .unknown
    }
    guard let refusal = reader.carrying?.refusal else { return place.doubt.isNone ? .success : .unknown }
    if let before {
      (reader.builder, reader.carrying) = before
      reader.carrying?.forgetAllHandles(tables: reader.builder.tables.count)
    }
    reader.carrying?.refusal = nil
    refusals.append(
      Diagnostic(
        "command-failed", .warning, "nft refuses this command (\(refusal)): it changes nothing", span: place.span))
    return place.doubt.isNone && !isComputed ? .failure : .unknown
  }

  /// Ends a transaction on a host that dumps show: it was carried out wholly, or nothing of it was.
  private mutating func endExactly(
    _ told: Int, _ before: (NftTableBuilder, NftCarrying?)?
  ) -> CommandOutcome {
    defer { reader.diagnostics.removeLast(reader.diagnostics.count - told) }
    let unread = reader.diagnostics.dropFirst(told).first { $0.severity != .note }
    let carried = reader.carrying
    guard carried?.refusal != nil || carried?.gap != nil || unread != nil else { return .success }
    if let before { (reader.builder, reader.carrying) = before }
    reader.carrying?.refusal = nil
    reader.carrying?.gap = nil
    // Numbers that a command took are not given again.
    reader.carrying?.forgetAllHandles(tables: reader.builder.tables.count)
    if let gap = carried?.gap {
      obstacle = .notShown(gap)
      return .unknown
    }
    guard let refusal = carried?.refusal else {
      obstacle = .unsupported(unread.flatMap { Self.unreadText($0, reader.text) } ?? "nft")
      return .unknown
    }
    lastRefusal = refusal
    return .failure
  }

  /// What could not be read of a command.
  private static func unreadText(_ unread: Diagnostic, _ text: DumpText) -> String? {
    guard let span = unread.span,
      let line = text.lines.first(where: { $0.start <= span.offset && $0.end >= span.offset })
    else { return nil }
    let rest = String(decoding: text.bytes[min(span.offset, line.end)..<line.end], as: UTF8.self)
    return rest.isEmpty ? nil : rest
  }

  /// Whether what is listed is there.
  private func isThere(_ words: [CommandWord]) -> CommandOutcome {
    guard let object = words.first, object.text == "table" || object.text == "chain" else { return .success }
    var names = words.dropFirst().map(\.text)[...]
    let family = names.first.flatMap { TableFamily(rawValue: $0) } ?? .ip
    if names.first == family.rawValue { names.removeFirst() }
    if reader.carrying?.hasUnseen == true || words.contains(where: \.isUnknown) { return .unknown }
    if shown != nil, reader.carrying?.hasAllTables == false { return .success }
    guard let name = names.popFirst(), let table = reader.builder.tableIndex(family, name) else { return .failure }
    guard object.text == "chain" else { return .success }
    return names.first.map { reader.builder.chainID($0, in: table) != nil } == true ? .success : .failure
  }
}

extension CommandWord {
  /// The word as a text of nft's: what the script computes is a variable that is not defined.
  fileprivate var nftText: String {
    guard isUnknown else { return text }
    var result = ""
    var rest = text[...]
    while let start = rest.firstIndex(where: { $0 == "$" || $0 == "`" }) {
      result += rest[..<start]
      rest = rest[start...]
      let next = rest.dropFirst().first
      guard rest.first == "`" || next == "(" || next == "{" else {
        result.append(rest.removeFirst())
        continue
      }
      result += "$computed"
      rest = rest[Self.end(of: rest)...]
    }
    return result + rest
  }

  /// Where `$(...)`, `${...}` or `` `...` `` ends.
  private static func end(of part: Substring) -> Substring.Index {
    if part.first == "`" {
      return part.dropFirst().firstIndex(of: "`").map { part.index(after: $0) } ?? part.endIndex
    }
    var depth = 0
    for index in part.indices {
      if part[index] == "(" || part[index] == "{" { depth += 1 }
      if part[index] == ")" || part[index] == "}" {
        depth -= 1
        if depth == 0 { return part.index(after: index) }
      }
    }
    return part.endIndex
  }
}

extension Table {
  /// Whether nft has the table among its own.
  fileprivate var isSeenByNft: Bool { origin == .nftables || origin == .iptablesNFT }

  /// The table with the comparisons together that nft loads as one, which it does in tables of its own.
  fileprivate func joiningComparisons() -> Table {
    guard origin == .nftables else { return self }
    var table = self
    for chain in table.chains.indices {
      for rule in table.chains[chain].rules.indices {
        if let joined = JoinedComparisons.joined(table.chains[chain].rules[rule].statements) {
          table.chains[chain].rules[rule].statements = joined
        }
      }
    }
    return table
  }
}
