import RuleGraph

/// Carries a script out, as far as its text tells what it does: variables, loops over words, conditions, functions.
///
/// What is decided elsewhere (files, other programs, arguments) is in doubt: both ways are gone, and what each does is
/// done *perhaps*. Of a way that ends the script nothing is done: the script is taken to have run to its end.
struct ShellRun {
  /// The programs that commands name.
  var host: CommandHost
  private var variables = ShellVariables()
  private var functions: [String: ShellNode] = [:]
  private var documents: [ShellDocument] = []
  private var doubt = CommandDoubt.none
  /// How the part that runs is left.
  private var leaving: Leaving?
  private var stopsAtFailure = false
  private var depth = 0
  /// How many conditions are open: a command that fails in one is no failure of the script.
  private var conditions = 0
  /// How many more commands are carried out: a loop in a loop in a loop would never end.
  private var budget = 0

  private enum Leaving { case script, function, loop }

  private static let maximumDepth = 30

  init(host: CommandHost) { self.host = host }

  /// Whether so many commands were met that the rest was left out.
  private(set) var isExhausted = false

  /// Carries out a text behind those before it.
  mutating func run(_ text: ShellText) {
    var parser = ShellParser(text)
    let node = parser.script()
    documents = parser.documents
    leaving = nil
    doubt = .none
    budget = max(20_000, text.bytes.count / 8)
    _ = run(node, input: nil)
    isExhausted = isExhausted || budget <= 0
    if isExhausted, host.shown != nil {
      host.shown?.fail(.tooMany, node.span ?? .beginning)
    }
  }

  // MARK: - Nodes

  private mutating func run(_ node: ShellNode, input: CommandInput?) -> CommandOutcome {
    guard leaving == nil, budget > 0, depth < Self.maximumDepth * 4 else { return .unknown }
    depth += 1
    defer { depth -= 1 }
    switch node {
    case .command(let command): return run(command, input)
    case .pipeline(let nodes, let isNegated):
      guard isNegated else { return run(pipeline: nodes, input) }
      return asCondition { shell in shell.run(pipeline: nodes, input) }.negated
    case .and(let left, let right): return run(left, then: right, when: .success, input)
    case .or(let left, let right): return run(left, then: right, when: .failure, input)
    case .sequence(let nodes): return run(sequence: nodes, input)
    case .loop(let name, let words, let body): return run(loop: name, words, body)
    case .repetition(let repetition): return run(repetition, self.input(repetition.redirections) ?? input)
    case .branch(let branches, let otherwise): return run(branches: branches[...], otherwise)
    case .choice(let subject, let choices, let written): return run(choice: subject, choices, written)
    case .function(let name, let body):
      functions[name] = body
      return .success
    case .group(let body, let redirections): return run(body, input: self.input(redirections) ?? input)
    }
  }

  private mutating func run(sequence nodes: [ShellNode], _ input: CommandInput?) -> CommandOutcome {
    var outcome = CommandOutcome.success
    for node in nodes where leaving == nil {
      outcome = run(node, input: input)
      if stopsAtFailure, outcome == .failure, doubt.isNone, case .command = node { leaving = .script }
      if host.shown != nil, conditions == 0, leaving == nil { endUnlessDone(outcome, node) }
    }
    return outcome
  }

  /// On a host on which nothing is passed over, a command that fails ends the script, and so does one of which nobody
  /// knows what it does.
  private mutating func endUnlessDone(_ outcome: CommandOutcome, _ node: ShellNode) {
    let (span, text) = (node.span ?? .beginning, written(node))
    switch outcome {
    case .success: return
    case .failure: host.shown?.failUnhandled(span)
    case .unknown: host.shown?.fail(.computed(text), span)
    }
    leaving = .script
  }

  /// Runs what decides about something else, and is no part of what the script does.
  private mutating func asCondition(_ body: (inout ShellRun) -> CommandOutcome) -> CommandOutcome {
    conditions += 1
    defer { conditions -= 1 }
    return body(&self)
  }

  private mutating func run(
    _ left: ShellNode, then right: ShellNode, when wanted: CommandOutcome, _ input: CommandInput?
  ) -> CommandOutcome {
    let outcome = asCondition { shell in shell.run(left, input: input) }
    if outcome == wanted { return run(right, input: input) }
    guard outcome == .unknown else { return outcome }
    // `[ -x /sbin/iptables ] || exit 1`
    if endsScript(right) { return .success }
    let condition = (wanted == .success ? "if " : "unless ") + written(left)
    return inDoubt(condition) { shell in _ = shell.run(right, input: input) }
  }

  /// The words of a condition.
  private func written(_ node: ShellNode) -> String {
    switch node {
    case .command(let command): return variables.words(command.words).map(\.text).joined(separator: " ")
    case .pipeline(let nodes, _): return nodes.map { written($0) }.joined(separator: " | ")
    case .and(let left, let right): return written(left) + " && " + written(right)
    case .or(let left, let right): return written(left) + " || " + written(right)
    default: return "what stands before it succeeds"
    }
  }

  /// Does something whose condition nobody knows.
  @discardableResult
  private mutating func inDoubt(_ condition: String, _ body: (inout ShellRun) -> Void) -> CommandOutcome {
    let before = (doubt, variables)
    doubt = doubt.with(condition)
    body(&self)
    variables.merge(before.1)
    doubt = before.0
    leaveInDoubt()
    return .unknown
  }

  /// What stands behind a `return` or `break` that is perhaps taken is itself in doubt.
  private mutating func leaveInDoubt() {
    guard let left = leaving else { return }
    leaving = nil
    if left != .script { doubt = doubt.with("the script leaves before it or not") }
  }

  private mutating func run(pipeline nodes: [ShellNode], _ input: CommandInput?) -> CommandOutcome {
    var input = input
    for node in nodes.dropLast() {
      if let printed = printed(by: node) {
        input = printed
      } else {
        _ = run(node, input: input)
        input = .unknown
      }
    }
    guard let last = nodes.last else { return .success }
    return run(last, input: input)
  }

  private mutating func run(loop name: String, _ words: [ShellWord]?, _ body: ShellNode) -> CommandOutcome {
    let outside = doubt
    let items =
      words.map { self.items($0) } ?? variables.arguments ?? [
        CommandWord(text: "$@", isUnknown: true, isAnyNumber: true)
      ]
    for item in items where budget > 0 {
      if item.isUnknown {
        variables[name] = .unknown
        doubt = item.isAnyNumber ? outside.repeated("the list \(item.text) holds") : doubt
      } else {
        variables[name] = .text(item.text)
      }
      let before = variables
      _ = run(body, input: nil)
      if item.isAnyNumber { variables.merge(before) }
      if leaving == .loop { leaving = nil }
      if item.isAnyNumber { doubt = outside }
      if leaving != nil { break }
    }
    doubt = outside
    return .success
  }

  /// The words of a `for`, with `{1..3}` and `{a,b}` as bash has them.
  private func items(_ words: [ShellWord]) -> [CommandWord] {
    words.flatMap { word in
      if let plain = word.plain, let expanded = BraceExpansion.words(plain) {
        return expanded.map { CommandWord(text: $0) }
      }
      return variables.words(word)
    }
  }

  private mutating func run(_ loop: ShellRepetition, _ input: CommandInput?) -> CommandOutcome {
    if let names = readNames(loop.condition), let lines = input?.lines, !lines.contains(where: \.text.isUnknown) {
      for line in lines where leaving == nil && budget > 0 {
        assign(names, line.text.text)
        _ = run(loop.body, input: nil)
        if leaving == .loop { leaving = nil }
      }
      return .success
    }
    if let count = loop.count, !Self.assigns(count.name, in: loop.body), let found = count.values(in: variables) {
      return run(loop.body, counting: count.name, found.values, end: found.end)
    }
    if let count = loop.count { variables[count.name] = .unknown }
    // `while iptables -D INPUT -j OLD; do :; done`
    var outcome = asCondition { shell in shell.run(loop.condition, input: input) }
    var rounds = 0
    let goesOn = loop.isUntil ? CommandOutcome.failure : .success
    while outcome == goesOn, rounds < 1000, budget > 0, !loop.isEndless {
      _ = run(loop.body, input: nil)
      if leaving == .loop {
        leaving = nil
        return .success
      }
      if leaving != nil { return .unknown }
      outcome = asCondition { shell in shell.run(loop.condition, input: input) }
      rounds += 1
    }
    if outcome == goesOn.negated { return .success }
    let outside = doubt
    doubt = outside.repeated("a loop runs")
    let before = variables
    for name in readNames(loop.condition) ?? [] { variables[name] = .unknown }
    Self.forget(assignedIn: loop.body, &variables)
    _ = run(loop.body, input: .unknown)
    variables.merge(before)
    doubt = outside
    if leaving == .loop { leaving = nil }
    leaveInDoubt()
    return .unknown
  }

  private mutating func run(
    _ body: ShellNode, counting name: String, _ values: [Int], end: Int
  ) -> CommandOutcome {
    let outside = doubt
    for value in values where budget > 0 {
      variables[name] = .text(String(value))
      _ = run(body, input: nil)
      if leaving == .loop { leaving = nil }
      if leaving != nil { break }
    }
    variables[name] = doubt.condition == outside.condition ? .text(String(end)) : .unknown
    doubt = outside
    return .success
  }

  /// Whether a part of the script may set a variable.
  private static func assigns(_ name: String, in node: ShellNode) -> Bool {
    var variables = ShellVariables()
    variables[name] = .text("")
    forget(assignedIn: node, &variables)
    return variables[name] != .text("")
  }

  /// The variables of `read NAME NAME`, where a condition is nothing else.
  private func readNames(_ condition: ShellNode) -> [String]? {
    guard case .sequence(let nodes) = condition, nodes.count == 1, case .command(let command) = nodes[0],
      command.words.first?.plain == "read"
    else { return nil }
    return command.words.dropFirst().compactMap(\.plain).filter { !$0.hasPrefix("-") }
  }

  private mutating func assign(_ names: [String], _ line: String) {
    var fields = line.split { $0 == " " || $0 == "\t" }[...]
    for (index, name) in names.enumerated() {
      let isLast = index == names.count - 1
      variables[name] = .text(isLast ? fields.joined(separator: " ") : fields.popFirst().map(String.init) ?? "")
    }
  }

  /// Forgets what a loop changes each time that it runs.
  private static func forget(assignedIn node: ShellNode, _ variables: inout ShellVariables) {
    switch node {
    case .command(let command):
      for word in command.assignments { if let name = word.assignment?.name { variables[name] = .unknown } }
    case .pipeline(let nodes, _), .sequence(let nodes): for node in nodes { forget(assignedIn: node, &variables) }
    case .and(let a, let b), .or(let a, let b):
      forget(assignedIn: a, &variables)
      forget(assignedIn: b, &variables)
    case .loop(_, _, let body), .group(let body, _): forget(assignedIn: body, &variables)
    case .repetition(let loop): forget(assignedIn: loop.body, &variables)
    case .branch(let branches, let otherwise):
      for branch in branches { forget(assignedIn: branch.body, &variables) }
      if let otherwise { forget(assignedIn: otherwise, &variables) }
    case .choice(_, let choices, _): for choice in choices { forget(assignedIn: choice.body, &variables) }
    case .function: break
    }
  }

  // MARK: - Conditions

  private mutating func run(branches: ArraySlice<ShellBranch>, _ otherwise: ShellNode?) -> CommandOutcome {
    guard let first = branches.first else { return otherwise.map { run($0, input: nil) } ?? .success }
    let rest = branches.dropFirst()
    switch asCondition({ shell in shell.run(first.condition, input: nil) }) {
    case .success: return run(first.body, input: nil)
    case .failure: return run(branches: rest, otherwise)
    case .unknown: break
    }
    if endsScript(first.body) { return run(branches: rest, otherwise) }
    if rest.isEmpty, let otherwise, endsScript(otherwise) { return run(first.body, input: nil) }
    let outside = (doubt, variables)
    doubt = doubt.with("if \(first.written)")
    _ = run(first.body, input: nil)
    leaveInDoubt()
    let one = variables
    variables = outside.1
    doubt = outside.0.with("unless \(first.written)")
    _ = run(branches: rest, otherwise)
    leaveInDoubt()
    variables.merge(one)
    doubt = outside.0
    return .unknown
  }

  private mutating func run(
    choice subject: ShellWord, _ choices: [(patterns: [ShellWord], body: ShellNode)], _ written: String
  ) -> CommandOutcome {
    let value = variables.text(subject.parts)
    if !value.isUnknown {
      for choice in choices {
        for pattern in choice.patterns {
          let text = variables.text(pattern.parts)
          guard !text.isUnknown, let fits = Self.fits(value.text, text.text) else { return inDoubt(choices, written) }
          if fits { return run(choice.body, input: nil) }
        }
      }
      return .success
    }
    // A script that is called with `start` and the like makes the rules when it starts.
    if let start = choices.first(where: { $0.patterns.contains { $0.plain == "start" } }) {
      host.note(startOf: written)
      return run(start.body, input: nil)
    }
    return inDoubt(choices, written)
  }

  private mutating func inDoubt(
    _ choices: [(patterns: [ShellWord], body: ShellNode)], _ written: String
  ) -> CommandOutcome {
    for choice in choices where !endsScript(choice.body) {
      inDoubt("case \(written) in \(choice.patterns.compactMap(\.plain).joined(separator: "|")))") { shell in
        _ = shell.run(choice.body, input: nil)
      }
    }
    return .unknown
  }

  /// Whether a text fits a pattern of `case`; nil for patterns with more than a `*` at an end.
  private static func fits(_ text: String, _ pattern: String) -> Bool? {
    if pattern == "*" { return true }
    let body = pattern.dropLast(pattern.hasSuffix("*") ? 1 : 0)
    if body.contains(where: { "*?[".contains($0) }) { return nil }
    return pattern.hasSuffix("*") ? text.hasPrefix(body) : text == pattern
  }

  /// Whether a part of the script surely ends it.
  private func endsScript(_ node: ShellNode, depth: Int = 0) -> Bool {
    switch node {
    case .command(let command):
      guard let name = command.words.first?.plain else { return false }
      if name == "exit" { return true }
      return depth < 4 && functions[name].map { endsScript($0, depth: depth + 1) } ?? false
    case .sequence(let nodes): return nodes.contains { endsScript($0, depth: depth) }
    case .group(let body, _): return endsScript(body, depth: depth)
    case .and(_, let last): return endsScript(last, depth: depth)
    default: return false
    }
  }

  // MARK: - Commands

  private mutating func run(_ command: ShellSimpleCommand, _ given: CommandInput?) -> CommandOutcome {
    budget -= 1
    // wg-quick puts the interface's name for `%i`, which is the file's.
    let words = variables.words(command.words).map { $0.text == "%i" ? CommandWord(text: "%i", isUnknown: true) : $0 }
    // What long variables make of a short line counts, too.
    budget -= words.reduce(0) { $0 + $1.text.utf8.count } / 256
    for word in command.assignments { assign(word) }
    guard !words.isEmpty else { return .success }
    let input = input(command.redirections) ?? given
    let outcome = run(words, input, command)
    if host.shown?.failure != nil { leaving = .script }
    return outcome
  }

  /// Carries out a command with its words; one that runs another is taken off.
  private mutating func run(
    _ words: [CommandWord], _ input: CommandInput?, _ command: ShellSimpleCommand
  ) -> CommandOutcome {
    guard let first = words.first, leaving == nil else { return .unknown }
    let name = ShellCommand.baseName(first.text)
    if let body = functions[first.text], depth < Self.maximumDepth { return call(body, words, input) }
    let arguments = Array(words.dropFirst())
    switch name {
    case "export", "readonly", "declare", "local", "typeset":
      for word in command.words.dropFirst() { assign(word) }
      return .success
    case "unset":
      for word in arguments { variables[word.text] = nil }
      return .success
    case "read":
      for word in arguments where !word.text.hasPrefix("-") { variables[word.text] = .unknown }
      return .unknown
    case "set":
      if arguments.contains(where: { $0.text.hasPrefix("-") && !$0.text.hasPrefix("--") && $0.text.contains("e") }) {
        stopsAtFailure = true
      }
      return .success
    case "shift":
      if variables.arguments?.isEmpty == false { variables.arguments?.removeFirst() }
      return .success
    case "exit":
      leaving = .script
      return .success
    case "return":
      leaving = .function
      return arguments.first.map { $0.text == "0" ? .success : $0.isUnknown ? .unknown : .failure } ?? .success
    case "break", "continue":
      leaving = .loop
      return .success
    case "true", ":", "echo", "printf", "sleep", "modprobe", "logger":
      host.write(printed(words), to: outputs(command.redirections), CommandPlace(span: command.span, doubt: doubt))
      return .success
    case "false": return .failure
    case "test", "[", "[[": return ShellTest.outcome(words).map { $0 ? .success : .failure } ?? .unknown
    case "eval": return run(text: arguments.map(\.text).joined(separator: " "), arguments, command)
    case "sh", "bash", "dash", "ash", "su":
      guard let flag = arguments.firstIndex(where: { $0.text == "-c" }), flag + 1 < arguments.count else {
        return host.run(words, input: .none, CommandPlace(span: command.span, doubt: doubt))
      }
      return run(text: arguments[flag + 1].text, [arguments[flag + 1]], command)
    case "sudo", "doas", "env", "nice", "time", "command", "exec", "nohup", "builtin":
      return run(Self.withoutPrefix(arguments), input, command)
    case "source", ".": return source(arguments, command)
    default:
      let place = CommandPlace(span: command.span, doubt: doubt)
      return host.run(words, input: input ?? .none, place)
    }
  }

  /// Takes off the options of `sudo` and the variables of `env`.
  private static func withoutPrefix(_ words: [CommandWord]) -> [CommandWord] {
    var rest = words[...]
    while let word = rest.first {
      if word.text.hasPrefix("-") {
        rest.removeFirst()
        if ["-u", "-g", "-n", "-h", "-p"].contains(word.text), word.text != "-n" || Int(rest.first?.text ?? "") != nil {
          rest = rest.dropFirst()
        }
      } else if let equals = word.text.firstIndex(of: "="), ShellWord.isName(word.text[..<equals]) {
        rest.removeFirst()
      } else {
        break
      }
    }
    return Array(rest)
  }

  private mutating func call(_ body: ShellNode, _ words: [CommandWord], _ input: CommandInput?) -> CommandOutcome {
    let outside = (variables.arguments, doubt)
    variables.arguments = Array(words.dropFirst())
    let outcome = run(body, input: input)
    (variables.arguments, doubt) = outside
    if leaving == .function { leaving = nil }
    return outcome
  }

  /// Carries out a text that a command was given.
  private mutating func run(
    text: String, _ words: [CommandWord], _ command: ShellSimpleCommand
  ) -> CommandOutcome {
    guard depth < Self.maximumDepth, !words.contains(where: \.isUnknown) else { return .unknown }
    var parser = ShellParser(ShellText(text, at: command.span))
    let node = parser.script()
    let outer = documents
    documents = parser.documents
    defer { documents = outer }
    return run(node, input: nil)
  }

  /// Reads another script in, which nobody shows: it may set any variable. Those of the system only hold functions for
  /// messages.
  private mutating func source(_ arguments: [CommandWord], _ command: ShellSimpleCommand) -> CommandOutcome {
    guard let file = arguments.first?.text, !file.hasSuffix("functions"), !file.hasPrefix("/etc/default/rcS") else {
      return .success
    }
    variables.forgetAll()
    if host.besideDumps {
      let words = [CommandWord(text: ".")] + arguments
      return host.run(words, input: .none, CommandPlace(span: command.span, doubt: doubt))
    }
    host.note(unseen: file, CommandPlace(span: command.span, doubt: doubt))
    return .unknown
  }

  private mutating func assign(_ word: ShellWord) {
    guard let (name, value) = word.assignment else { return }
    let adds: Bool
    if case .text(let text, _)? = word.parts.first { adds = text.hasPrefix(name + "+=") } else { adds = false }
    var new: ShellVariables.Value
    if let list = value.list {
      let words = list.flatMap { variables.words($0) }
      new = words.contains(where: \.isUnknown) ? .unknown : .list(words.map(\.text))
    } else {
      let text = variables.text(value.parts)
      new = text.isUnknown ? .unknown : .text(text.text)
    }
    if adds {
      switch (variables[name], new) {
      case (.text(let old)?, .text(let text)): new = .text(old + text)
      case (.list(let old)?, .list(let texts)): new = .list(old + texts)
      case (nil, _): break
      default: new = .unknown
      }
    }
    variables[name] = new
  }

  // MARK: - Inputs and outputs

  /// What a command reads from; nil when nothing was said.
  private func input(_ redirections: [ShellRedirection]) -> CommandInput? {
    for redirection in redirections.reversed() {
      switch redirection {
      case .document(let number):
        guard documents.indices.contains(number) else { return .unknown }
        return .text(
          documents[number].lines.map { line in
            CommandInput.Line(text: variables.text(line.parts), span: line.span)
          })
      case .input: return .unknown
      case .text(let word):
        return .text([CommandInput.Line(text: variables.text(word.parts), span: nil)])
      case .output: continue
      }
    }
    return nil
  }

  /// The files that a command writes to.
  private func outputs(_ redirections: [ShellRedirection]) -> [String] {
    redirections.compactMap { redirection in
      guard case .output(let word) = redirection else { return nil }
      let text = variables.text(word.parts)
      return text.isUnknown ? nil : text.text
    }
  }

  /// What a command before a pipe prints: `echo`, and `cat` of a here-document.
  private func printed(by node: ShellNode) -> CommandInput? {
    guard case .command(let command) = node, let name = command.words.first?.plain else { return nil }
    if name == "cat", command.words.count == 1 || command.words[1].plain == "-" { return input(command.redirections) }
    guard name == "echo" || name == "printf" else { return nil }
    let text = printed(variables.words(command.words))
    guard !text.isUnknown else { return .unknown }
    let lines = text.text.split(separator: "\n", omittingEmptySubsequences: false)
    return .text(lines.map { CommandInput.Line(text: CommandWord(text: String($0)), span: command.span) })
  }

  /// What `echo` and `printf` print.
  private func printed(_ words: [CommandWord]) -> CommandWord {
    var arguments = words.dropFirst()
    while let option = arguments.first?.text, ["-e", "-n", "-en", "-ne", "-E"].contains(option) {
      arguments.removeFirst()
    }
    var text = arguments.map(\.text).joined(separator: " ")
    if words.first?.text == "printf" || words.dropFirst().first?.text.contains("e") == true {
      text = text.replacing("\\n", with: "\n")
    }
    return CommandWord(text: text, isUnknown: arguments.contains(where: \.isUnknown))
  }
}

/// `{1..3}`, `{a,b}` (bash(1), "Brace Expansion"), alone or with text around it.
enum BraceExpansion {
  /// The words; nil of a word without such brackets.
  static func words(_ word: String) -> [String]? {
    guard let open = word.firstIndex(of: "{"), let close = word[open...].firstIndex(of: "}") else { return nil }
    let inside = word[word.index(after: open)..<close]
    let (before, behind) = (word[..<open], word[word.index(after: close)...])
    if let dots = inside.firstRange(of: "..") {
      guard let first = Int(inside[..<dots.lowerBound]), let last = Int(inside[dots.upperBound...]),
        abs(last.subtractingReportingOverflow(first).partialValue) < 5000
      else { return nil }
      let numbers = first <= last ? Array(first...last) : (last...first).reversed()
      return numbers.map { "\(before)\($0)\(behind)" }
    }
    guard inside.contains(",") else { return nil }
    return inside.split(separator: ",", omittingEmptySubsequences: false).map { "\(before)\($0)\(behind)" }
  }
}
