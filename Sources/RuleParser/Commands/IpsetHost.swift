import RuleGraph

/// The ipsets of a host, which commands change (ipset(8)).
struct IpsetHost {
  private var lines: [(line: String, place: SourceSpan)] = []
  private var names: Set<String> = []
  /// The sets of which nobody knows what they hold.
  private var unknown: Set<String> = []
  /// What dumps show of a host on which commands are carried out exactly; nil on any other.
  var exact: ExactIpsets?

  init() {}

  /// A host on which each command does what it does there, or is refused.
  init(of ruleset: Ruleset) { exact = ExactIpsets(ruleset) }

  /// The sets, and what could not be read.
  func result() -> (sets: [NamedSet], diagnostics: [Diagnostic]) {
    guard !lines.isEmpty else { return ([], []) }
    var texts = CommandTexts()
    let text = texts.text(lines)
    let read = IpsetReader.read(text)
    let sets = read.ipsets.map { set in
      var set = set
      set.span = set.span.map { texts.place($0) }
      if unknown.contains(set.name) { set.elementsKnown = false }
      return set
    }
    return (sets, texts.placed(read.diagnostics))
  }

  private static let verbs: [String: String] = [
    "create": "create", "-N": "create", "n": "create", "--create": "create", "add": "add", "-A": "add", "--add": "add",
    "del": "del", "-D": "del", "--del": "del", "flush": "flush", "-F": "flush", "--flush": "flush",
    "destroy": "destroy", "-X": "destroy", "x": "destroy", "--destroy": "destroy", "rename": "rename", "-E": "rename",
    "swap": "swap", "-W": "swap", "list": "list", "-L": "list", "save": "list", "-S": "list", "restore": "restore",
    "-R": "restore",
  ]

  /// The types as versions before 6 named them.
  static let oldTypes: [String: String] = [
    "iphash": "hash:ip", "nethash": "hash:net", "ipporthash": "hash:ip,port", "ipportiphash": "hash:ip,port,ip",
    "ipportnethash": "hash:ip,port,net", "ipmap": "bitmap:ip", "macipmap": "bitmap:ip,mac", "portmap": "bitmap:port",
    "setlist": "list:set",
  ]

  /// Carries out `ipset` with its words.
  mutating func run(_ words: [CommandWord], _ input: CommandInput, _ place: CommandPlace) -> CommandOutcome {
    let isForgiving = words.contains { $0.text == "-exist" || $0.text == "-!" || $0.text == "--exist" }
    var rest = words.filter { !["-exist", "-!", "--exist", "-q", "-quiet", "-n", "-t"].contains($0.text) }[...]
    let first = rest.popFirst()
    guard let verb = first.flatMap({ Self.verbs[$0.text] }) else {
      exact?.refusal = "No command specified" + (first.map { ": unknown argument \($0.text)" } ?? ".")
      return exact == nil ? .unknown : .failure
    }
    if verb == "restore" {
      guard let given = input.lines else {
        exact?.obstacle = .inputMissing
        return .unknown
      }
      for line in given {
        let words = line.text.text.split(separator: " ").map {
          CommandWord(text: String($0), isUnknown: line.text.isUnknown)
        }
        if words.isEmpty || words[0].text.hasPrefix("#") || words[0].text == "COMMIT" { continue }
        let there = CommandPlace(span: line.span ?? place.span, doubt: place.doubt)
        let isForgiven = isForgiving && exact != nil
        let outcome = run(isForgiven ? words + [CommandWord(text: "-exist")] : words, .none, there)
        if outcome == .failure || (exact != nil && outcome == .unknown) { return outcome }
      }
      return .success
    }
    let name = rest.first?.text
    if let outcome = exact?.run(verb, rest.map(\.text), isForgiving: isForgiving, place) { return outcome }
    if verb == "list" { return name.map { names.contains($0) } == false ? .failure : .success }
    return change(verb, Array(rest), isForgiving: isForgiving, place)
  }

  private mutating func change(
    _ verb: String, _ words: [CommandWord], isForgiving: Bool, _ place: CommandPlace
  ) -> CommandOutcome {
    guard words.first?.isUnknown != true else {
      unknown.formUnion(names)
      return .unknown
    }
    let name = words.first?.text
    var texts = words.map(\.text)
    if verb == "create" {
      guard let name else { return .failure }
      if !names.insert(name).inserted { return isForgiving ? .success : .failure }
      if texts.count > 1 { texts[1] = Self.oldTypes[texts[1]] ?? texts[1] }
      lines.append(((["create"] + texts).joined(separator: " "), place.span))
      return .success
    }
    if let name, !names.contains(name) { return .failure }
    // A set takes a name that is free, and changes places only with one that is there.
    if verb == "rename" || verb == "swap" {
      guard texts.count > 1, names.contains(texts[1]) == (verb == "swap") else { return .failure }
    }
    if !place.doubt.isNone || words.contains(where: \.isUnknown) {
      unknown.formUnion(name.map { [$0] } ?? names)
      // What is perhaps taken out is perhaps not there.
      if verb != "add" { lines.append(("flush" + (name.map { " " + $0 } ?? ""), place.span)) }
      return .unknown
    }
    lines.append((([verb] + texts).joined(separator: " "), place.span))
    switch verb {
    case "flush": for gone in name.map({ [$0] }) ?? Array(names) { unknown.remove(gone) }
    case "destroy":
      unknown.subtract(name.map { [$0] } ?? Array(names))
      names.subtract(name.map { [$0] } ?? Array(names))
    case "rename":
      if let name, texts.count > 1 {
        names.remove(name)
        names.insert(texts[1])
        if unknown.remove(name) != nil { unknown.insert(texts[1]) }
      }
    case "swap":
      if let name, texts.count > 1, unknown.contains(name) != unknown.contains(texts[1]) {
        unknown.formSymmetricDifference([name, texts[1]])
      }
    default: break
    }
    return .success
  }
}

extension IpsetHost {
  /// Puts what commands changed into the graph.
  func apply(to ruleset: inout Ruleset) { if let exact { ruleset.ipsets = exact.sets } }

  /// Why nobody knows what the last command did; it is told once.
  mutating func takeObstacle() -> CommandFailure.Problem? {
    defer { exact?.obstacle = nil }
    return exact?.obstacle
  }

  /// What ipset said of the last command; it is told once.
  mutating func takeRefusal() -> String? {
    defer { exact?.refusal = nil }
    return exact?.refusal
  }
}
