import RuleGraph

/// `-j LOG`: a line in the kernel's log (iptables-extensions(8), "LOG").
struct LogTarget: IptablesExtension {
  let names = ["LOG"]
  let kind = ExtensionKind.target
  let listingWords = ["LOG"]
  let options = [
    OptionSpelling("log-level"), OptionSpelling("log-prefix"), OptionSpelling("log-tcp-sequence", values: .none),
    OptionSpelling("log-tcp-options", values: .none), OptionSpelling("log-ip-options", values: .none),
    OptionSpelling("log-uid", values: .none), OptionSpelling("log-macdecode", values: .none),
    // Not an option of the command: the listing prints the flags as one number.
    OptionSpelling("flags"),
  ]

  /// The flags with iptables' option, the word of the listing, nft's words and the bit in the listing's number.
  static let flags: [(option: OptionLabel, word: StaticString, nft: String, bit: UInt64)] = [
    ("log-tcp-sequence", "tcp-sequence", "tcp sequence", 1), ("log-tcp-options", "tcp-options", "tcp options", 2),
    ("log-ip-options", "ip-options", "ip options", 4), ("log-uid", "uid", "skuid", 8),
    ("log-macdecode", "macdecode", "ether", 32),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "LOG") else { return false }
    while true {
      if text.eat(word: "flags") {
        guard let value = text.eatValue() else { return false }
        found.append(ExtensionOption(name: "flags", value: value))
      } else if text.eat(word: "level") {
        guard let value = text.eatValue() else { return false }
        found.append(ExtensionOption(name: "log-level", value: value))
      } else if text.eat(word: "prefix") {
        guard let value = LogText.eatPrefix(&text) else { return false }
        found.append(ExtensionOption(name: "log-prefix", value: value))
      } else if let flag = Self.flags.first(where: { text.eat(word: $0.word) }) {
        found.append(ExtensionOption(name: flag.option))
      } else {
        return true
      }
    }
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    var prefix: String?
    var level = 4
    var bits: UInt64 = 0
    for option in options {
      switch option.name {
      case "log-prefix": prefix = rule.text(of: option)
      case "log-level":
        guard let read = LogText.level(option.value, rule) else { return false }
        level = read
      case "flags":
        guard let read = rule.number(option.value) else { return false }
        bits |= read
      default: bits |= Self.flags.first { $0.option == option.name }?.bit ?? 0
      }
    }
    var arguments: [Argument] = []
    if let prefix { arguments.append(Argument("prefix", prefix)) }
    if level != 4 { arguments.append(Argument("level", LogText.levels[level])) }
    let words = Self.flags.filter { bits & $0.bit != 0 }.map(\.nft)
    if !words.isEmpty { arguments.append(Argument("flags", words.joined(separator: ","))) }
    rule.statements.append(.effect(Effect(.log, arguments)))
    return true
  }
}

/// `-j NFLOG` and the older `-j ULOG`: the packet is shown to programs (iptables-extensions(8), "NFLOG").
struct PacketLogTarget: IptablesExtension {
  let names = ["NFLOG", "ULOG"]
  let kind = ExtensionKind.target
  let listingWords = ["nflog-group", "nflog-prefix", "nflog-range", "nflog-size", "nflog-threshold", "ULOG"]
  let options = [
    OptionSpelling("nflog-group"), OptionSpelling("nflog-prefix"), OptionSpelling("nflog-range"),
    OptionSpelling("nflog-size"), OptionSpelling("nflog-threshold"), OptionSpelling("ulog-nlgroup"),
    OptionSpelling("ulog-prefix"), OptionSpelling("ulog-cprange"), OptionSpelling("ulog-qthreshold"),
  ]

  /// Words of the ULOG listing.
  private static let older: [(word: StaticString, option: OptionLabel)] = [
    ("copy_range", "ulog-cprange"), ("nlgroup", "ulog-nlgroup"), ("prefix", "ulog-prefix"),
    ("queue_threshold", "ulog-qthreshold"),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    let isOlder = text.eat(word: "ULOG")
    while true {
      let start = text.cursor.at
      var name: OptionLabel?
      if isOlder {
        name = Self.older.first { text.eat(word: $0.word) }?.option
      } else if let word = text.eatValue() {
        name = options.first { text.text(word, is: $0.name) }?.name
      }
      guard let name else {
        text.cursor.at = start
        return true
      }
      guard let value = name.hasSuffix("prefix") ? LogText.eatPrefix(&text) : text.eatValue() else { return false }
      found.append(ExtensionOption(name: name, value: value))
    }
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    var values: [String: String] = ["group": "0"]
    for option in options {
      if option.name.hasSuffix("prefix") {
        values["prefix"] = rule.text(of: option)
        continue
      }
      guard let number = rule.number(option.value) else { return false }
      switch option.name {
      case "nflog-group", "ulog-nlgroup": values["group"] = String(number)
      case "nflog-size", "ulog-cprange": values["snaplen"] = String(number)
      case "nflog-threshold", "ulog-qthreshold": values["queue-threshold"] = String(number)
      // The kernel ignores the range, and iptables does not print it.
      default: break
      }
    }
    let arguments = ["prefix", "group", "snaplen", "queue-threshold"].compactMap { name in
      values[name].map { Argument(name, $0) }
    }
    rule.statements.append(.effect(Effect(.log, arguments)))
    return true
  }
}

/// What the log targets have in common.
enum LogText {
  /// nft's names of the levels of syslog(3), from 0.
  static let levels = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"]

  /// A level by number or by one of its names.
  static func level(_ range: Range<Int>, _ rule: borrowing RuleDraft) -> Int? {
    if let number = rule.number(range) { return number <= 7 ? Int(number) : nil }
    let name = rule.text(range).lowercased()
    switch name {
    case "panic": return 0
    case "error": return 3
    case "warning": return 4
    default: return levels.firstIndex(of: name)
    }
  }

  /// Takes a prefix in the quotation marks of any version: `"x: "`, `` `x: ' ``, or none.
  static func eatPrefix(_ text: inout ListingText) -> Range<Int>? {
    if let quoted = text.eatQuoted() { return quoted }
    let start = text.cursor.at
    guard text.eat(prefix: "`") else { return text.eatValue() }
    let from = text.cursor.at
    guard let end = text.cursor.bytes[from..<text.cursor.end].firstIndex(of: UInt8(ascii: "'")) else {
      text.cursor.at = start
      return nil
    }
    text.cursor.at = end + 1
    return from..<end
  }
}

extension LogTarget {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard case .effect(let effect) = statements.first, effect.kind == .log,
      effect.arguments.allSatisfy({ ["prefix", "level", "flags"].contains($0.name) })
    else { return nil }
    var words: [String] = []
    for argument in effect.arguments {
      switch argument.name {
      case "prefix": words.append("--log-prefix \(SaveText.quoted(argument.value))")
      case "level":
        guard let level = LogText.levels.firstIndex(of: argument.value) else { return nil }
        words.append("--log-level \(level)")
      default:
        for word in argument.value.split(separator: ",") {
          guard let flag = Self.flags.first(where: { $0.nft == word }) else { return nil }
          words.append("--\(flag.option)")
        }
      }
    }
    return SpelledStatement(module: "LOG", options: words.joined(separator: " "), isTarget: true)
  }
}

extension PacketLogTarget {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard case .effect(let effect) = statements.first, effect.kind == .log else { return nil }
    var words: [String] = []
    for argument in effect.arguments {
      switch argument.name {
      case "prefix": words.append("--nflog-prefix \(SaveText.quoted(argument.value))")
      case "group": if argument.value != "0" { words.append("--nflog-group \(argument.value)") }
      case "snaplen": words.append("--nflog-size \(argument.value)")
      case "queue-threshold": words.append("--nflog-threshold \(argument.value)")
      default: return nil
      }
    }
    return SpelledStatement(module: "NFLOG", options: words.joined(separator: " "), isTarget: true)
  }
}
