import RuleGraph

/// The outputs that were found in all inputs, before it is told which are of which host.
struct DumpContents {
  /// The texts that were read.
  private(set) var sources = SourceMap()
  /// The outputs, in the order of the inputs.
  private(set) var sections: [DumpSection] = []
  /// What the readers of rule files got, by the index of their section: they are read at once, with the files that they
  /// include.
  private(set) var fragments: [Int: RuleFragment] = [:]
  /// The inputs in which no output was found.
  private(set) var unrecognised: [Int32] = []
  /// What the readers look at stays until all is read.
  private(set) var texts: [SourceBytes] = []
  private var strand = 0
  private var captured: [(source: Int32, text: String)] = []
  private var legacy: [Int32: Set<AddressFamily>] = [:]
  private var failures: [FailedOutput] = []
  private var unreadOutputs: [(sentence: String, span: SourceSpan)] = []

  /// Finds the outputs of an input.
  mutating func add(_ input: DumpInput, _ include: DumpReader.Include) {
    let bytes = InputEncoding.normalised(input.bytes)
    let source = sources.add(Source(name: input.name, bytes: bytes))
    let paste = PasteLines(bytes)
    texts.append(paste.memory)
    if var section = NftRuleFile.section(source, paste, strand: strand + 1) {
      strand += 1
      section.order = sections.count
      if section.kind == .nftText {
        fragments[sections.count] = RuleReaders.nftText(section.text) { path in
          include(path, input.name)?.map { included in
            let source = sources.add(Source(name: included.name, bytes: included.bytes))
            let lines = PasteLines(included.bytes)
            texts.append(lines.memory)
            return DumpText(source: source, memory: lines.memory, lines: lines.lines)
          }
        }
      }
      sections.append(section)
      return
    }
    let finder = SectionFinder(source: source, name: input.name, paste: paste, strand: strand)
    strand = finder.strand + 1
    legacy[source] = finder.legacyFamilies
    if let text = finder.captured { captured.append((source, text)) }
    for (sentence, line) in finder.unread {
      unreadOutputs.append(
        (sentence, SourceSpan(source: source, line: line.number, offset: line.start, length: line.end - line.start)))
    }
    for (failure, line, output) in finder.failures {
      // `# Table ... is incompatible` is iptables' word, of whichever family.
      let isOfNft = failure.program == nil && failure.table != nil
      let program = isOfNft ? .iptables(nil) : failure.program ?? Self.program(printing: output)
      failures.append(
        FailedOutput(
          program: program == .iptables(nil) ? .iptables(output?.family) : program,
          table: failure.table ?? output?.table, isNotFound: failure.isNotFound, isOfNft: isOfNft,
          span: SourceSpan(source: source, line: line.number, offset: line.start, length: line.end - line.start)))
    }
    if finder.captured != nil, !finder.hasBundleEnd { addCutBundle(finder, paste, source) }
    if finder.sections.isEmpty { unrecognised.append(source) }
    let host = finder.captured.flatMap(Self.hostName)
    for var section in finder.sections {
      section.order = sections.count
      if section.host == nil { section.host = host }
      sections.append(section)
    }
  }

  /// The program whose output a command would have been, where its message names none: `Fatal: can't open lock file
  /// /run/xtables.lock`.
  private static func program(printing output: CommandOutput?) -> OutputFailure.Program? {
    switch output?.kind {
    case .listing, .save: .iptables(output?.family)
    case .nftText, .nftJSON: .nft
    default: nil
    }
  }

  /// Settles whose the outputs are that a command printed on another machine (`ssh web2 iptables -S`): those of a
  /// machine that prompts elsewhere in the inputs are that machine's. Where nothing but such outputs shows rules, they
  /// are what is asked about, and each machine is a host of its own.
  mutating func settleMachines() {
    let prompting = Set(sections.compactMap(\.host))
    let isAlone = !sections.contains { $0.kind.tellsRules && $0.kind != .commands && $0.place == .host }
    for index in sections.indices {
      guard case .machine(let name) = sections[index].place, isAlone || prompting.contains(name) else { continue }
      sections[index].place = .host
      if !name.isEmpty { sections[index].host = name }
    }
  }

  /// A bundle whose last line is missing: of the outputs of rules that it would hold, those that are not there are
  /// unread.
  private mutating func addCutBundle(_ finder: SectionFinder, _ paste: PasteLines, _ source: Int32) {
    let last = paste.lines.last ?? DumpLine(start: 0, end: 0, number: 1)
    let span = SourceSpan(source: source, line: last.number, offset: last.start, length: last.end - last.start)
    func isThere(_ kinds: [OutputKind], _ family: AddressFamily?) -> Bool {
      finder.sections.contains { kinds.contains($0.kind) && (family == nil || $0.output.family == family) }
    }
    // The ruleset of nft holds everything, but for legacy tables, which stand before it.
    if isThere([.nftJSON, .nftText], nil) { return }
    unreadOutputs.append(("nft -j list ruleset: the bundle ends before it", span))
    for (family, program) in [(AddressFamily.ipv4, "iptables-save"), (.ipv6, "ip6tables-save")]
    where !isThere([.save], family) {
      unreadOutputs.append(("\(program): the bundle ends before it", span))
    }
  }

  /// `host=web1` of a bundle's first line.
  private static func hostName(_ captured: String) -> String? {
    captured.split(separator: " ").first { $0.hasPrefix("host=") }.map { String($0.dropFirst(5)) }
  }

  /// What a bundle of some sources (nil: of any) says of its making.
  func captured(inSources some: Set<Int32>?) -> String? { captured.last { some?.contains($0.source) ?? true }?.text }

  /// The families of which iptables said in some sources that tables of iptables-legacy exist.
  func legacyFamilies(inSources some: Set<Int32>?) -> Set<AddressFamily> {
    legacy.reduce(into: []) { families, one in
      if some?.contains(one.key) ?? true { families.formUnion(one.value) }
    }
  }

  /// The outputs that bundles say they lack.
  func unread(inSources some: Set<Int32>?) -> [(sentence: String, span: SourceSpan)] {
    unreadOutputs.filter { some?.contains($0.span.source) ?? true }
  }

  /// The outputs that programs could not print.
  func failures(inSources some: Set<Int32>?) -> [FailedOutput] {
    failures.filter { some?.contains($0.span.source) ?? true }
  }

  /// What is to be told of some sources before their outputs are read.
  func diagnostics(ofSources some: Set<Int32>?) -> [Diagnostic] {
    unread(inSources: some).map {
      Diagnostic("capture-incomplete", .warning, "the capture could not read: \($0.sentence)", span: $0.span)
    }
  }
}
