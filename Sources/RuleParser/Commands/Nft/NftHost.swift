import RuleGraph

/// The tables of nft on a host, which commands change.
struct NftHost {
  private var reader: NftTextReader
  private(set) var texts = CommandTexts()
  private var refusals: [Diagnostic] = []
  /// The first command that loaded a file which nobody shows.
  private var firstUnseen: SourceSpan?

  /// The first command that loaded a file which nobody shows, as long as nothing has taken away what was in it.
  var unseen: SourceSpan? { reader.carrying?.hasUnseen == true ? firstUnseen : nil }

  init() {
    let empty = DumpText(source: 0, memory: SourceBytes([]), lines: [])
    reader = NftTextReader(text: empty, tokens: NftTokens(empty)) { _ in nil }
    reader.carrying = NftCarrying()
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

  private mutating func load(_ file: CommandWord, _ input: CommandInput, _ place: CommandPlace) -> CommandOutcome {
    guard ["-", "/dev/stdin"].contains(file.text), let lines = input.lines else {
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
    let isOne = lines.count == 1 && !lines[0].line.utf8.contains(0x3b)
    // A copy would be another owner of all rules, and each command would copy them all.
    let before = isOne ? nil : (reader.builder, reader.carrying)
    reader.text = text
    reader.tokens = NftTokens(text)
    reader.variables = [:]
    reader.carrying?.doubt = place.doubt
    reader.carrying?.isComputed = isComputed
    reader.carrying?.hasLostCommand = false
    reader.readCommands()
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

  /// Whether what is listed is there.
  private func isThere(_ words: [CommandWord]) -> CommandOutcome {
    guard let object = words.first, object.text == "table" || object.text == "chain" else { return .success }
    var names = words.dropFirst().map(\.text)[...]
    let family = names.first.flatMap { TableFamily(rawValue: $0) } ?? .ip
    if names.first == family.rawValue { names.removeFirst() }
    if reader.carrying?.hasUnseen == true || words.contains(where: \.isUnknown) { return .unknown }
    guard let name = names.popFirst(), let table = reader.builder.tableIndex(family, name) else { return .failure }
    guard object.text == "chain" else { return .success }
    return names.first.map { reader.builder.chainIndex($0, in: table) != nil } == true ? .success : .failure
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
