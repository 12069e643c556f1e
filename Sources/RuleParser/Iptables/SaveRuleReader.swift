import RuleGraph

/// Reads the options of one rule in save form (`-s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT`).
///
/// One reader serves all rules of a dump, so that its buffers are made once.
struct SaveRuleReader: ~Copyable {
  /// What was not understood; the caller takes it.
  var diagnostics: [Diagnostic] = []

  private let registry = ExtensionRegistry.shared
  private var rule: RuleDraft
  private var tokens = ScratchList<Token>()
  private var options = ScratchList<ExtensionOption>()
  /// How many statements and options there were before the last one was read.
  private var beforeLast = (statements: 0, options: 0)
  private var segments = ScratchList<Segment>()
  private var at = 0
  /// Where the rule that is read ends: past the end of its line where a quotation mark of that ends in a later one.
  private var ruleEnd = 0
  /// What is wrong with the line that is read.
  private var damage = LineDamage()
  /// The rules without a target, which iptables prints of those that only count.
  private(set) var bare = BareRules()

  /// Whether a quotation mark of the last rule has no end in its line.
  var endsInQuote: Bool { damage.quote != nil }

  /// A word of the line; of a quoted one what stands between the marks.
  struct Token {
    /// The place of the word in the source.
    let range: Range<Int>
    /// Where it ends, with the quotation mark behind it, which a cut line has not.
    let end: Int
    let isQuoted: Bool
    let isEscaped: Bool

    init(_ range: Range<Int>) {
      self.range = range
      end = range.upperBound
      isQuoted = false
      isEscaped = false
    }

    init(quoted range: Range<Int>, end: Int, isEscaped: Bool) {
      self.range = range
      self.end = end
      isQuoted = true
      self.isEscaped = isEscaped
    }
  }

  /// One `-m NAME ...` or `-j NAME ...` of the rule.
  struct Segment {
    /// The index of the extension in the registry; nil when it is unknown.
    var known: Int?
    var kind: ExtensionKind
    var name: Range<Int>
    var start: Int
    var end: Int
    var isUnderstood = true
  }

  /// Makes a reader for rules of one source.
  ///
  /// - Parameter declared: The names of chains that are known already; whoever gives them keeps them for as long as the
  ///   reader is there.
  init(bytes: ByteView, family: AddressFamily, declared: TextsView? = nil) {
    rule = RuleDraft(bytes: bytes, family: family)
    rule.declaredNames = declared
  }

  /// The number of a chain's name among ``chainNames``.
  mutating func chainName(_ range: Range<Int>) -> Int { rule.chainNames.index(of: range, in: rule.bytes) }

  /// Adds the names of many chains. False as soon as one of them is not new, or is empty; then those before it are
  /// added.
  mutating func add(newChainNames names: [Range<Int>]) -> Bool { rule.chainNames.add(new: names, in: rule.bytes) }

  /// Gives away what is known of the rules without a target.
  mutating func takeBare() -> BareRules {
    let taken = bare
    bare = BareRules()
    return taken
  }

  /// The names of chains that were read so far.
  var chainNames: TextPool { rule.chainNames }

  /// Reads a rule from the cursor to the end of its line, or of one that was cut up to its last word.
  mutating func read(_ cursor: ByteCursor, counter: Counter?, span: SourceSpan, line: DumpLine) -> Rule {
    let end = line.form == .cutOff ? ColumnCut.endOfWholeWords(cursor) : cursor.end
    return read(cursor, upTo: end, counter: counter, span: span, line: line)
  }

  private mutating func read(
    _ cursor: ByteCursor, upTo end: Int, counter given: Counter?, span: SourceSpan, line: DumpLine
  ) -> Rule {
    rule.reset()
    options.clear()
    segments.clear()
    damage = LineDamage()
    ruleEnd = end
    tokenize(ByteCursor(cursor.bytes, cursor.at..<end))
    var counter = given
    var verdict: Statement?
    var negated = false
    at = 0
    while at < tokens.count {
      let token = tokens[at]
      at += 1
      beforeLast = (rule.statements.count, options.count)
      guard !token.isQuoted, !token.range.isEmpty else {
        unknown(token.range, span, line)
        continue
      }
      let first = rule.bytes[token.range.lowerBound]
      if first == UInt8(ascii: "!"), token.range.count == 1 {
        if negated || at == tokens.count { unknown(token.range, span, line) }
        negated.toggle()
        continue
      }
      guard first == UInt8(ascii: "-"), token.range.count >= 2 else {
        unknown(token.range, span, line)
        continue
      }
      // The options of a module come first: policy has a `--proto` of its own.
      let hasTwoDashes = rule.bytes[token.range.lowerBound + 1] == UInt8(ascii: "-")
      let own = token.range.count > 2 && hasTwoDashes ? optionOfLast(token.range.dropFirst(2)) : nil
      if own == nil, token.range.count == 2 || hasTwoDashes,
        readPlain(token.range, &negated, &counter, &verdict, span, line)
      {
        negated = false
        continue
      }
      readOption(token, own, negated, span, line)
      negated = false
    }
    let isBare = damage.targets == 0
    if isBare, end == cursor.end, endsInComma {
      // Half of a list: what stands before it holds.
      let whole = ColumnCut.endOfWholeWords(cursor)
      if whole < end { return read(cursor, upTo: whole, counter: given, span: span, line: line) }
    }
    if isBare, end < cursor.end || line.form == .cutOff || endsInName { damage.noteLoose(end) }
    if damage.any, let read = readDamaged(counter, span, line, lineEnd: cursor.end) {
      // What a quotation mark begins may end in a later line.
      if isBare, damage.quote == nil { bare.append(line, breaksOff: damage.whole == nil) }
      return read
    }
    lowerSegments(span, line)
    if isBare { noteBare(end, span, line) }
    if let verdict { rule.statements.append(verdict) }
    for range in rule.maskedRanges {
      diagnostics.append(.masked(rule.text(range), span: span, column: range.lowerBound - line.start + 1))
    }
    return Rule(rule.statements.takeAll(), counter: counter, comment: rule.comment, span: span)
  }

  /// Notes a rule without a target. Where something at its end is not understood, it is no rule that only counts, but
  /// the first half of another.
  private mutating func noteBare(_ end: Int, _ span: SourceSpan, _ line: DumpLine) {
    let breaksOff = rule.statements.indices.contains { index in
      if case .opaqueMatch = rule.statements[index] { true } else { false }
    }
    bare.append(line, breaksOff: breaksOff)
    guard breaksOff else { return }
    rule.statements.append(.opaqueTarget(Opaque(lost: .rest)))
    reportUnreadable("this rule breaks off before its target", at: end, span, line)
  }

  /// Whether the last value of the line ends where a further one has to come.
  private var endsInComma: Bool {
    guard let last = tokens.indices.last, !tokens[last].isQuoted, let end = tokens[last].range.last else {
      return false
    }
    return rule.bytes[end] == UInt8(ascii: ",")
  }

  /// Whether the line ends in the name of a match that iptables prints no rule with, unless its options stand behind
  /// it.
  private var endsInName: Bool {
    guard let last = segments.last, let known = last.known, last.kind == .match,
      let word = tokens.indices.last, tokens[word].range == last.name
    else { return false }
    return !LineDamage.standsAlone(registry.extensions[known].name)
  }

  /// Reads what can be read of a damaged line; nil where its target is known all the same.
  private mutating func readDamaged(
    _ counter: Counter?, _ span: SourceSpan, _ line: DumpLine, lineEnd: Int
  ) -> Rule? {
    if let place = damage.whole {
      rule.statements.removeLast(rule.statements.count)
      reportUnreadable("not a rule that iptables prints", at: place, span, line)
      return Rule(missing: MissingRules(.unreadable, count: 1), span: span)
    }
    guard let place = damage.quote ?? (damage.targets == 0 ? damage.loose : nil) else { return nil }
    if damage.quote != nil {
      // The value that the mark begins goes on to the line's end, and nobody knows what of it was meant.
      rule.statements.removeLast(rule.statements.count - beforeLast.statements)
      options.removeLast(options.count - beforeLast.options)
    }
    if isOutOfOrder { options.sort { $0.segment < $1.segment } }
    lower(.match, span, line)
    let rest = rule.text(min(place, lineEnd)..<lineEnd)
    rule.statements.append(.opaqueTarget(Opaque(lost: .rest, text: rest)))
    reportUnreadable(
      damage.quote == nil
        ? "this rule breaks off before its target" : "nothing in this line ends the quotation mark that begins here",
      at: place, span, line)
    return Rule(rule.statements.takeAll(), counter: counter, comment: rule.comment, span: span)
  }

  /// Cuts the line into words, as the shell would.
  private mutating func tokenize(_ cursor: ByteCursor) {
    tokens.clear()
    let bytes = cursor.bytes
    let end = cursor.end
    guard bytes.hasControl(in: cursor.at..<end) else {
      var words = Words(bytes, cursor.at..<end)
      while let word = words.next() {
        let behind = take(word, of: bytes, to: end)
        if behind != word.upperBound { words.skip(to: behind) }
      }
      return
    }
    // Other control characters than tabs and carriage returns belong to words.
    var position = cursor.at
    while true {
      while position < end, Self.isBlank(bytes[position]) { position += 1 }
      guard position < end else { return }
      let start = position
      while position < end, !Self.isBlank(bytes[position]) { position += 1 }
      position = take(start..<position, of: bytes, to: end)
    }
  }

  /// Takes a word, or what a quotation mark at its beginning opens; gives where that ends.
  private mutating func take(_ word: Range<Int>, of bytes: ByteView, to end: Int) -> Int {
    let first = bytes[word.lowerBound]
    let isQuoted = first == UInt8(ascii: "\"") || first == UInt8(ascii: "'")
    let token = isQuoted ? Self.quoted(bytes, from: word.lowerBound, to: end) : Token(word)
    tokens.append(token)
    if isQuoted, token.end == token.range.upperBound, damage.quote == nil { damage.quote = word.lowerBound }
    return token.end
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
  }

  /// The word that a quotation mark begins; one that nothing ends goes to the end of the line.
  private static func quoted(_ bytes: ByteView, from mark: Int, to end: Int) -> Token {
    let quote = bytes[mark]
    var isEscaped = false
    var position = mark + 1
    while position < end {
      if quote == UInt8(ascii: "\"") { position = bytes.endOfText(from: position, to: end) }
      guard position < end, bytes[position] != quote else { break }
      if bytes[position] == UInt8(ascii: "\\"), position + 1 < end {
        isEscaped = true
        position += 1
      }
      position += 1
    }
    let last = min(position, end)
    return Token(quoted: mark + 1..<last, end: min(last + 1, end), isEscaped: isEscaped)
  }

  /// The next word as a value; a `!` before it (the older place) negates.
  private mutating func value(_ negated: inout Bool) -> Range<Int>? {
    if at + 1 < tokens.count, !tokens[at].isQuoted, tokens[at].range.count == 1,
      rule.bytes[tokens[at].range.lowerBound] == UInt8(ascii: "!")
    {
      negated.toggle()
      at += 1
    }
    guard at < tokens.count else { return nil }
    at += 1
    return tokens[at - 1].range
  }

  /// The next word as the value of an option that every rule has: a `!` alone or another option is none.
  private mutating func plainValue(_ name: Range<Int>, _ negated: inout Bool) -> Range<Int>? {
    var next = at
    if next + 1 < tokens.count, !tokens[next].isQuoted, tokens[next].range.count == 1,
      rule.bytes[tokens[next].range.lowerBound] == UInt8(ascii: "!")
    {
      next += 1
    }
    guard next < tokens.count, tokens[next].isQuoted || !startsOption(tokens[next].range) else {
      damage.noteLoose(name.lowerBound)
      let option = rule.text(name)
      rule.statements.append(.opaqueMatch(Opaque(name: option, text: option)))
      return nil
    }
    let read = value(&negated)
    // `-i docker0! -o docker0` lost a blank: what is negated is the next option.
    if let read, read.count > 1, !tokens[at - 1].isQuoted, rule.bytes[read.upperBound - 1] == UInt8(ascii: "!") {
      damage.noteWhole(name.lowerBound)
    }
    // So did `-o docker0-j DOCKER`: the name is half of an option, whose value belongs to nothing.
    if let read, endsInOption(read), at < tokens.count, !tokens[at].isQuoted, !startsOption(tokens[at].range) {
      damage.noteWhole(name.lowerBound)
    }
    return read
  }

  /// Whether a value ends like an option of one letter: `docker0-j`.
  private func endsInOption(_ value: Range<Int>) -> Bool {
    value.count > 2 && rule.bytes[value.upperBound - 2] == UInt8(ascii: "-")
      && "sdiopmjg".utf8.contains(rule.bytes[value.upperBound - 1])
  }

  /// Reads an option that every rule has. False when it is another one.
  private mutating func readPlain(
    _ name: Range<Int>, _ negated: inout Bool, _ counter: inout Counter?, _ verdict: inout Statement?,
    _ span: SourceSpan, _ line: DumpLine
  ) -> Bool {
    let letter: UInt8
    if name.count == 2 {
      letter = rule.bytes[name.lowerBound + 1]
    } else if let long = Self.longOptions[rule.bytes, name] {
      letter = long
    } else {
      return false
    }
    // What iptables takes once, and what it takes no `!` for.
    if damage.repeats(letter) || negated && LineDamage.isNeverNegated(letter) { damage.noteWhole(name.lowerBound) }
    switch letter {
    case UInt8(ascii: "s"), UInt8(ascii: "d"):
      let field: HeaderFieldName = letter == UInt8(ascii: "s") ? .saddr : .daddr
      guard let range = plainValue(name, &negated) else { break }
      let header = Field.header(HeaderField(rule.network, field))
      if !rule.matchAddress(header, range, negated: negated) {
        opaque(name.lowerBound..<range.upperBound, .match, span, line)
      }
    case UInt8(ascii: "i"), UInt8(ascii: "o"):
      guard let range = plainValue(name, &negated) else { break }
      let field: MetaKey = letter == UInt8(ascii: "i") ? .iifname : .oifname
      if !rule.matchInterface(field, range, negated: negated) {
        opaque(name.lowerBound..<range.upperBound, .match, span, line)
      }
    case UInt8(ascii: "p"):
      guard let range = plainValue(name, &negated) else { break }
      if let number = rule.transport(range) {
        if number != 0 || negated { rule.match(.meta(.l4proto), ValueSet(number), negated: negated) }
        if !negated { rule.transport = number }
      } else {
        opaque(name.lowerBound..<range.upperBound, .match, span, line)
      }
    case UInt8(ascii: "f"):
      rule.statements.append(FragmentMatch.statement(negated: negated))
    case UInt8(ascii: "m"):
      guard let range = plainValue(name, &negated) else { break }
      segments.append(
        Segment(
          known: registry.matches[rule.bytes, range], kind: .match, name: range, start: name.lowerBound,
          end: range.upperBound))
    case UInt8(ascii: "j"):
      guard let range = plainValue(name, &negated) else { break }
      damage.targets += 1
      readTarget(range, start: name.lowerBound, &verdict)
    case UInt8(ascii: "g"):
      guard let range = plainValue(name, &negated) else { break }
      damage.targets += 1
      verdict = .verdict(.goto(rule.chainName(range)))
    case UInt8(ascii: "c"):
      guard let packets = plainValue(name, &negated), let bytes = plainValue(name, &negated) else { break }
      if let packets = rule.number(packets), let bytes = rule.number(bytes) {
        counter = Counter(packets: packets, bytes: bytes)
      } else {
        diagnostics.append(.unreadableCounter(span, column: packets.lowerBound - line.start + 1))
      }
    case UInt8(ascii: "4"), UInt8(ascii: "6"): break
    default: return false
    }
    return true
  }

  private static let longOptions = WordTable<UInt8>([
    ("--source", UInt8(ascii: "s")), ("--src", UInt8(ascii: "s")), ("--destination", UInt8(ascii: "d")),
    ("--dst", UInt8(ascii: "d")), ("--in-interface", UInt8(ascii: "i")), ("--out-interface", UInt8(ascii: "o")),
    ("--protocol", UInt8(ascii: "p")), ("--proto", UInt8(ascii: "p")), ("--fragment", UInt8(ascii: "f")),
    ("--match", UInt8(ascii: "m")), ("--jump", UInt8(ascii: "j")), ("--goto", UInt8(ascii: "g")),
    ("--set-counters", UInt8(ascii: "c")), ("--ipv4", UInt8(ascii: "4")), ("--ipv6", UInt8(ascii: "6")),
  ])

  private mutating func readTarget(_ range: Range<Int>, start: Int, _ verdict: inout Statement?) {
    if let standard = StandardTarget.verdict(rule.bytes, range) {
      verdict = .verdict(standard)
    } else if let known = registry.targets[rule.bytes, range] {
      segments.append(Segment(known: known, kind: .target, name: range, start: start, end: range.upperBound))
    } else {
      // A name that is no target is a chain, unless options follow: then it is a target that is not known here.
      segments.append(Segment(known: nil, kind: .target, name: range, start: start, end: range.upperBound))
    }
  }

  /// Reads an option of an extension: of the one just named, or of an earlier one, or of the one that `-p` implies.
  ///
  /// `own` is the option of the one just named, where that is known already.
  private mutating func readOption(
    _ token: Token, _ own: OptionName?, _ negated: Bool, _ span: SourceSpan, _ line: DumpLine
  ) {
    let dashes = rule.bytes[token.range.lowerBound + 1] == UInt8(ascii: "-") ? 2 : 1
    let name = token.range.lowerBound + dashes..<token.range.upperBound
    var found: (segment: Int, spelling: OptionName)?
    if let last = segments.indices.last {
      if let known = segments[last].known {
        if let spelling = own ?? registry.options[known][rule.bytes, name] {
          found = (last, spelling)
        } else if let earlier = segments.indices.dropLast().last(where: { index in
          segments[index].known.map { registry.options[$0][rule.bytes, name] != nil } ?? false
        }), let known = segments[earlier].known, let spelling = registry.options[known][rule.bytes, name] {
          found = (earlier, spelling)
        }
      } else {
        segments[last].isUnderstood = false
      }
    }
    if found == nil, segments.last?.known != nil || segments.isEmpty, let transport = rule.transport,
      let implied = registry.impliedMatch(of: transport),
      let spelling = registry.options[implied][rule.bytes, name]
    {
      segments.append(
        Segment(
          known: implied, kind: .match, name: name, start: token.range.lowerBound, end: token.range.upperBound))
      found = (segments.count - 1, spelling)
    }
    guard let (segment, spelling) = found else {
      // Everything up to the next option belongs to what is not understood.
      var end = token.range.upperBound
      while at < tokens.count, tokens[at].isQuoted || !startsOption(tokens[at].range) {
        end = tokens[at].end
        at += 1
      }
      if damage.targets > 0, segments.last?.kind != .target {
        damage.noteWhole(token.range.lowerBound)
      } else if let last = segments.indices.last {
        segments[last].isUnderstood = false
        segments[last].end = end
      } else {
        opaque(token.range.lowerBound..<end, .match, span, line)
      }
      return
    }
    var option = ExtensionOption(name: spelling.name, negated: negated, segment: segment)
    var end = token.range.upperBound
    let isMissing =
      spelling.values == .oneOrNone && (at >= tokens.count || (!tokens[at].isQuoted && startsOption(tokens[at].range)))
    if spelling.values != .none, !isMissing {
      guard let range = value(&option.negated) else {
        segments[segment].isUnderstood = false
        damage.noteLoose(token.range.lowerBound)
        return
      }
      option.value = range
      option.isEscaped = tokens[at - 1].isEscaped
      end = tokens[at - 1].end
    }
    if spelling.values == .two {
      guard at < tokens.count else {
        segments[segment].isUnderstood = false
        damage.noteLoose(token.range.lowerBound)
        return
      }
      option.second = tokens[at].range
      end = tokens[at].end
      at += 1
    }
    segments[segment].end = max(segments[segment].end, end)
    options.append(option)
  }

  /// Whether an option stands behind those of a later module.
  private var isOutOfOrder: Bool {
    guard options.count > 1 else { return false }
    return (1..<options.count).contains { options[$0 - 1].segment > options[$0].segment }
  }

  /// The option of this name that the module named last has.
  private func optionOfLast(_ name: Range<Int>) -> OptionName? {
    guard let known = segments.last?.known else { return nil }
    return registry.options[known][rule.bytes, name]
  }

  private func startsOption(_ range: Range<Int>) -> Bool {
    guard let first = range.first.map({ rule.bytes[$0] }) else { return false }
    return first == UInt8(ascii: "-") && range.count > 1 || first == UInt8(ascii: "!") && range.count == 1
  }

  /// Turns what was read of each extension into statements, matches before targets.
  private mutating func lowerSegments(_ span: SourceSpan, _ line: DumpLine) {
    guard !segments.isEmpty else { return }
    if isOutOfOrder { options.sort { $0.segment < $1.segment } }
    lower(.match, span, line)
    lower(.target, span, line)
  }

  /// Turns what was read of each match, or of each target, into statements.
  private mutating func lower(_ kind: ExtensionKind, _ span: SourceSpan, _ line: DumpLine) {
    var next = 0
    for index in segments.indices {
      let start = next
      while next < options.count, options[next].segment == index { next += 1 }
      guard segments[index].kind == kind else { continue }
      let segment = segments[index]
      let before = rule.statements.count
      if let known = segment.known, segment.isUnderstood,
        next - start < 2 || kind == .target || !hasTwice(start..<next, known), lower(known, start..<next)
      {
        continue
      }
      rule.statements.removeLast(rule.statements.count - before)
      if kind == .target, segment.known == nil, segment.isUnderstood {
        rule.statements.append(.verdict(.jump(rule.chainName(segment.name))))
        continue
      }
      let text = rule.text(segment.start..<min(max(segment.end, segment.start), ruleEnd))
      let part = Opaque(name: rule.text(segment.name), text: text)
      rule.statements.append(kind == .target ? .opaqueTarget(part) : .opaqueMatch(part))
      report(segment.name, part.name, kind, span, line, isKnown: segment.known != nil)
    }
  }

  /// Whether an option stands twice in one match, which iptables takes of no match but `policy`.
  private func hasTwice(_ range: Range<Int>, _ known: Int) -> Bool {
    for index in range.dropFirst() {
      for earlier in range.lowerBound..<index where options[earlier].name == options[index].name {
        return registry.extensions[known].name != "policy"
      }
    }
    return false
  }

  /// Adds what some options of an extension mean to the rule. False when a value is not understood.
  private mutating func lower(_ known: Int, _ range: Range<Int>) -> Bool {
    // The options lie apart from the rule that is changed.
    unsafe options.withElements(range) { unsafe registry.extensions[known].lower(ExtensionOptions($0), into: &rule) }
  }

  private mutating func opaque(_ range: Range<Int>, _ kind: ExtensionKind, _ span: SourceSpan, _ line: DumpLine) {
    let text = rule.text(range)
    rule.statements.append(.opaqueMatch(Opaque(name: text, text: text)))
    report(range, text, kind, span, line, isKnown: false)
  }

  /// A word that belongs to no option: something is missing before it, or it is the beginning of another line.
  private mutating func unknown(_ range: Range<Int>, _ span: SourceSpan, _ line: DumpLine) {
    if damage.targets > 0, Remark.begins(rule.bytes, at: range.lowerBound, to: ruleEnd) {
      at = tokens.count
      if let quote = damage.quote, quote >= range.lowerBound { damage.quote = nil }
      return
    }
    if damage.targets > 0 { damage.noteWhole(range.lowerBound) } else { damage.noteLoose(range.lowerBound) }
    opaque(range, .match, span, line)
  }

  private mutating func reportUnreadable(_ message: String, at place: Int, _ span: SourceSpan, _ line: DumpLine) {
    diagnostics.append(
      Diagnostic(
        "unreadable-rule", .warning, message + ": what it does is unknown", span: span,
        column: place - line.start + 1))
  }

  private mutating func report(
    _ range: Range<Int>, _ name: String, _ kind: ExtensionKind, _ span: SourceSpan, _ line: DumpLine, isKnown: Bool
  ) {
    let word = kind == .match ? "match" : "target"
    diagnostics.append(
      .notUnderstood(
        isKnown ? "the values of \(word) '\(name)' were not understood" : "\(word) '\(name)' is not known", kind,
        span: span,
        column: range.lowerBound - line.start + 1))
  }
}

extension Diagnostic {
  /// Says that a counter could not be read, which decides nothing.
  static func unreadableCounter(_ span: SourceSpan, column: Int) -> Diagnostic {
    Diagnostic("unreadable-counter", .note, "this counter can't be read", span: span, column: column)
  }

  /// Says that a part of a rule became opaque.
  static func notUnderstood(_ message: String, _ kind: ExtensionKind, span: SourceSpan, column: Int) -> Diagnostic {
    Diagnostic(
      kind == .match ? "opaque-match" : "opaque-target", .warning, message + ": what it does is unknown", span: span,
      column: column)
  }
}
