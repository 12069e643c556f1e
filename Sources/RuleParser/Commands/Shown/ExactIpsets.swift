import RuleGraph

/// The ipsets that dumps show, on which commands do what ipset(8) does, or are refused in its words. Measured with
/// ipset 7.17.
struct ExactIpsets {
  private(set) var sets: [NamedSet]
  /// What ipset said of the last command.
  var refusal: String?
  /// Why nobody knows what the last command did.
  var obstacle: CommandFailure.Problem?
  /// The sets that rules ask or change.
  private let used: Set<String>
  /// Whether any set was shown, so that others are taken not to be there.
  private let isShown: Bool

  private static let missing = "The set with the given name does not exist"

  /// More members at once are not made.
  private static let maximumMembers: UInt128 = 65_536

  init(_ ruleset: Ruleset) {
    sets = ruleset.ipsets
    isShown = !ruleset.ipsets.isEmpty
    used = Set(ruleset.tables.lazy.flatMap(\.chains).flatMap(\.rules).flatMap(\.statements).compactMap(\.ipset))
  }

  private mutating func refuse(_ message: String) -> CommandOutcome {
    refusal = message
    return .failure
  }

  private mutating func stop(_ problem: CommandFailure.Problem) -> CommandOutcome {
    obstacle = problem
    return .unknown
  }

  private func index(_ name: String) -> Int? { sets.firstIndex { $0.name == name } }

  /// A set that no dump shows: whether it is there is known only where its like were shown.
  private mutating func refuseMissing(_ name: String, _ message: String = missing) -> CommandOutcome {
    isShown && !used.contains(name) ? refuse(message) : stop(.notShown(.ipset(name)))
  }

  /// Carries out a command, given its verb and the words behind it.
  mutating func run(
    _ verb: String, _ words: [String], isForgiving: Bool, _ place: CommandPlace
  ) -> CommandOutcome {
    guard let name = words.first else {
      switch verb {
      case "list": return .success
      case "flush":
        for index in sets.indices { empty(index) }
        return .success
      case "destroy":
        if sets.contains(where: { isUsed($0.name) }) { return refuse(Self.inUse) }
        sets = []
        return .success
      default: return refuse("Missing mandatory argument to command \(verb)")
      }
    }
    if verb == "create" { return create(words, isForgiving: isForgiving, place) }
    guard let index = index(name) else { return refuseMissing(name) }
    switch verb {
    case "list": return .success
    case "flush": empty(index)
    case "destroy":
      if isUsed(name) { return refuse(Self.inUse) }
      sets.remove(at: index)
    case "rename", "swap":
      guard words.count > 1 else { return refuse("Missing second mandatory argument to command \(verb)") }
      return verb == "swap" ? swap(index, words[1]) : rename(index, words[1])
    case "add", "del":
      guard words.count > 1 else { return refuse("Missing second mandatory argument to command \(verb)") }
      return change(index, words, isAdded: verb == "add", isForgiving: isForgiving, place)
    default: return stop(.unsupported("ipset \(verb)"))
    }
    return .success
  }

  private static let inUse = "Set cannot be destroyed: it is in use by a kernel component"

  /// Whether a rule or another set keeps a set.
  private func isUsed(_ name: String) -> Bool {
    used.contains(name) || sets.contains { $0.elements.contains { $0.member == name } }
  }

  private mutating func empty(_ index: Int) {
    sets[index].elements = []
    sets[index].elementsKnown = true
  }

  private mutating func swap(_ index: Int, _ name: String) -> CommandOutcome {
    guard let other = self.index(name) else {
      return refuseMissing(name, "Sets cannot be swapped: the second set does not exist")
    }
    guard sets[index].ipsetType == sets[other].ipsetType, sets[index].family == sets[other].family else {
      return refuse("The sets cannot be swapped: their type does not match")
    }
    sets[other].name = sets[index].name
    sets[index].name = name
    return .success
  }

  private mutating func rename(_ index: Int, _ name: String) -> CommandOutcome {
    if isUsed(sets[index].name) { return refuse("Set cannot be renamed: it is in use by another system") }
    if self.index(name) != nil { return refuse("Set cannot be renamed: a set with the new name already exists") }
    sets[index].name = name
    return .success
  }

  // MARK: - Creating

  private static let options: Set<String> = [
    "family", "hashsize", "maxelem", "bucketsize", "initval", "timeout", "counters", "comment", "skbinfo", "forceadd",
    "wildcard", "netmask", "bitmask", "markmask", "range", "size",
  ]
  private static let flags: Set<String> = ["counters", "comment", "skbinfo", "forceadd", "wildcard"]

  private mutating func create(_ given: [String], isForgiving: Bool, _ place: CommandPlace) -> CommandOutcome {
    var words = given
    guard words.count > 1 else { return refuse("Missing second mandatory argument to command create") }
    words[1] = IpsetHost.oldTypes[words[1]] ?? words[1]
    guard !IpsetType.keyTypes(words[1]).isEmpty else {
      return refuse("Syntax error: typename '\(words[1])' is unknown")
    }
    if words[1].hasPrefix("bitmap:"), !words.contains("range") {
      return refuse("Syntax error: mandatory option `range' is missing")
    }
    var rest = words.dropFirst(2)
    while let option = rest.popFirst() {
      guard Self.options.contains(option) else { return refuse("Syntax error: unknown argument: \(option)") }
      if !Self.flags.contains(option) { _ = rest.popFirst() }
    }
    var texts = CommandTexts()
    let read = IpsetReader.read(texts.text([((["create"] + words).joined(separator: " "), place.span)]))
    guard var set = read.ipsets.first, read.diagnostics.isEmpty else {
      return stop(.unsupported(words.joined(separator: " ")))
    }
    set.span = place.span
    set.addDefaults()
    guard let old = index(set.name) else {
      if used.contains(set.name) { return stop(.notShown(.ipset(set.name))) }
      sets.append(set)
      return .success
    }
    return isForgiving && sets[old].isMade(as: set)
      ? .success : refuse("Set cannot be created: set with the same name already exists")
  }

  // MARK: - Members

  private mutating func change(
    _ index: Int, _ words: [String], isAdded: Bool, isForgiving: Bool, _ place: CommandPlace
  ) -> CommandOutcome {
    let set = sets[index]
    for (option, name) in [("timeout", "Timeout"), ("comment", "Comment")]
    where isAdded && words.dropFirst(2).contains(option) && !set.flags.contains(option) {
      return refuse("\(name) cannot be used: set was created without \(option) support")
    }
    if let message = Self.refusal(ofAddress: words[1], set) { return refuse(message) }
    if set.keyTypes.first == "net", words[1].split(separator: ",").first?.hasSuffix("/0") == true {
      return refuse("The value of the CIDR parameter of the IP address is invalid")
    }
    var texts = CommandTexts()
    let line = (["add"] + words).joined(separator: " ")
    guard let element = IpsetReader.element(texts.text([(line, place.span)]), of: set) else {
      return stop(.unsupported(words.joined(separator: " ")))
    }
    if let member = element.member, self.index(member) == nil {
      return refuseMissing(member, "Set to be added/deleted/tested as element does not exist.")
    }
    guard let elements = Self.members(element, of: set) else {
      return stop(.unsupported(words.joined(separator: " ")))
    }
    for element in elements {
      let same = sets[index].elements.firstIndex { $0.key == element.key && $0.member == element.member }
      if isAdded {
        if let message = add(element, to: index, same, isForgiving: isForgiving) { return refuse(message) }
      } else if let same {
        sets[index].elements.remove(at: same)
      } else if !isForgiving {
        guard sets[index].isShownWhole else { return stop(.notShown(.ipset(set.name))) }
        return refuse("Element cannot be deleted from the set: it's not added")
      }
    }
    return .success
  }

  private mutating func add(_ element: SetElement, to index: Int, _ same: Int?, isForgiving: Bool) -> String? {
    if let same {
      if !isForgiving { return "Element cannot be added to the set: it's already added" }
      sets[index].elements[same] = element
      return nil
    }
    if sets[index].isOutOfRange(element) { return "Element is out of the range of the set" }
    if let most = sets[index].arguments.first(where: { $0.name == "maxelem" }).flatMap({ Int($0.value) }),
      sets[index].elements.count >= most
    {
      return "Hash is full, cannot add more elements"
    }
    sets[index].elements.append(element)
    return nil
  }

  /// An address of the wrong family, or none at all.
  private static func refusal(ofAddress word: String, _ set: NamedSet) -> String? {
    guard let first = set.keyTypes.first, first == "ip" || first == "net",
      let text = word.split(separator: ",").first?.split(whereSeparator: { $0 == "/" || $0 == "-" }).first
    else { return nil }
    let family = set.family ?? .ipv4
    let isNumeric = text.contains(":") || text.count(where: { $0 == "." }) == 3
    guard isNumeric,
      text.utf8.allSatisfy({
        $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":") || Character(UnicodeScalar($0)).isHexDigit
      }),
      IPAddress(String(text))?.family != family
    else { return nil }
    return "Syntax error: cannot parse \(text): resolving to \(family == .ipv4 ? "IPv4" : "IPv6") address failed"
  }

  /// The members that a command makes of one that it names: addresses and ports are members each for itself, networks
  /// are prefixes. Nil where they are too many, or no prefix.
  private static func members(_ element: SetElement, of set: NamedSet) -> [SetElement]? {
    if element.member != nil { return [element] }
    if set.arguments.contains(where: { $0.name == "netmask" || $0.name == "bitmask" }) { return [element] }
    var keys: [[ValueSet]] = [[]]
    for (type, values) in zip(set.keyTypes, element.key) {
      let parts: [ValueSet]
      if type == "ip" || type == "port" || (type == "proto" && set.ipsetType != "bitmap:port") {
        guard values.count <= maximumMembers else { return nil }
        parts = values.intervals.flatMap { interval in interval.map { ValueSet($0) } }
      } else {
        guard type != "net" || values.isPrefix else { return nil }
        parts = [values]
      }
      guard UInt128(keys.count) * UInt128(parts.count) <= maximumMembers else { return nil }
      keys = keys.flatMap { key in parts.map { key + [$0] } }
    }
    return keys.map { key in
      var one = element
      one.key = key
      return one
    }
  }
}

extension ValueSet {
  /// Whether the values are those of a prefix shorter than everything.
  fileprivate var isPrefix: Bool {
    guard let interval = intervals.first, intervals.count == 1 else { return false }
    let span = interval.upperBound - interval.lowerBound
    return span & (span &+ 1) == 0 && interval.lowerBound & span == 0 && span != UInt128(UInt32.max)
  }
}

extension NamedSet {
  /// Whether a bitmap has no place for a member.
  fileprivate func isOutOfRange(_ element: SetElement) -> Bool {
    guard ipsetType?.hasPrefix("bitmap:") == true,
      let key = ipsetType == "bitmap:port" ? element.key.last : element.key.first,
      let range = arguments.first(where: { $0.name == "range" })?.value
    else { return false }
    let ends = range.split(separator: "-").map { text in
      UInt128(text) ?? IPAddress(String(text)).map { $0.bits }
    }
    guard ends.count == 2, let low = ends[0], let high = ends[1], low <= high else { return false }
    return !key.subtracting(ValueSet([low...high])).isEmpty
  }

  /// Whether the set was made as another one is to be, so that `-exist` forgives that it is there: the sizes of its table
  /// may differ, and `forceadd` (`mtype_same_set` in `net/netfilter/ipset/ip_set_hash_gen.h`).
  fileprivate func isMade(as other: NamedSet) -> Bool {
    func settings(_ set: NamedSet) -> Set<Argument> {
      Set(
        set.arguments.filter {
          ["maxelem", "timeout", "netmask", "bitmask", "markmask", "range", "size"].contains($0.name)
        })
    }
    func extensions(_ set: NamedSet) -> Set<String> { Set(set.flags).subtracting(["forceadd"]) }
    return ipsetType == other.ipsetType && family == other.family && settings(self) == settings(other)
      && extensions(self) == extensions(other)
  }

  /// What ipset prints of a set for which nothing else was asked.
  fileprivate mutating func addDefaults() {
    guard ipsetType?.hasPrefix("hash:") == true else {
      if ipsetType == "list:set", !arguments.contains(where: { $0.name == "size" }) {
        arguments.append(Argument("size", "8"))
      }
      return
    }
    if family == nil, ipsetType != "hash:mac" { family = .ipv4 }
    for (name, value) in [("hashsize", "1024"), ("maxelem", "65536"), ("bucketsize", "12")]
    where !arguments.contains(where: { $0.name == name }) {
      arguments.append(Argument(name, value))
    }
  }
}
