import RuleGraph

/// `-m string`: a text somewhere in the packet (iptables-extensions(8), "string").
struct StringMatch: EnvironmentMatch {
  let names = ["string"]
  let condition = EnvironmentCondition.Kind.string
  let listingWords = ["STRING"]
  let invertible: [OptionLabel] = ["string", "hex-string"]
  let options = [
    OptionSpelling("string"), OptionSpelling("hex-string"), OptionSpelling("algo"), OptionSpelling("from"),
    OptionSpelling("to"), OptionSpelling("icase", values: .none),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "STRING"), text.eat(word: "match") else { return false }
    let negated = text.eatNegation()
    guard let pattern = text.eatEscaped() else { return false }
    let bytes = text.cursor.bytes
    let isHex =
      pattern.count > 2 && bytes[pattern.lowerBound] == UInt8(ascii: "|")
      && bytes[pattern.upperBound - 1] == UInt8(ascii: "|")
    found.append(
      ExtensionOption(name: isHex ? "hex-string" : "string", negated: negated, value: pattern, isEscaped: !isHex))
    guard text.eat(word: "ALGO"), text.eat(named: "name", as: "algo", &found) else { return false }
    while text.eat(named: "FROM", as: "from", &found) || text.eat(named: "TO", as: "to", &found)
      || text.eat(flag: "ICASE", as: "icase", &found)
    {}
    return true
  }
}

/// `-m u32`: arithmetic on the bytes of the packet (iptables-extensions(8), "u32").
struct ByteTestMatch: EnvironmentMatch {
  let names = ["u32"]
  let condition = EnvironmentCondition.Kind.u32
  let listingWords = ["u32"]
  let options = [OptionSpelling("u32")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "u32") else { return false }
    let negated = text.eatNegation()
    guard let program = text.eatQuoted() ?? text.eatValue() else { return false }
    found.append(ExtensionOption(name: "u32", negated: negated, value: program))
    return true
  }
}

/// `-m bpf`: a program that looks at the packet (iptables-extensions(8), "bpf").
struct BytecodeMatch: EnvironmentMatch {
  let names = ["bpf"]
  let condition = EnvironmentCondition.Kind.bpf
  let listingWords = ["match"]
  let options = [OptionSpelling("bytecode"), OptionSpelling("object-pinned")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "match"), text.eat(word: "bpf") else { return false }
    if text.eat(named: "pinned", as: "object-pinned", &found) { return true }
    text.cursor.eatBlanks()
    // Instructions of four numbers, separated by commas; a zero byte follows the last.
    let program = text.cursor.eat(while: {
      $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") || $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: ",")
    })
    _ = text.cursor.eat(0)
    guard !program.isEmpty else { return false }
    found.append(ExtensionOption(name: "bytecode", value: program))
    return true
  }

  func value(_ option: ExtensionOption, _ rule: borrowing RuleDraft) -> String? {
    var text = rule.text(of: option)
    while text.last == " " { text.removeLast() }
    guard option.name == "bytecode" else { return text }
    // The save form begins with the number of instructions.
    let instructions = text.split(separator: ",")
    return instructions.first?.contains(" ") == false ? text : "\(instructions.count),\(text)"
  }
}

/// `-m osf`: the operating system that a SYN looks like (iptables-extensions(8), "osf"). The listing prints the genre
/// alone.
struct FingerprintMatch: EnvironmentMatch {
  let names = ["osf"]
  let condition = EnvironmentCondition.Kind.osf
  let listingWords = ["OS"]
  let options = [OptionSpelling("genre"), OptionSpelling("ttl"), OptionSpelling("log")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    text.eat(word: "OS") && text.eat(word: "fingerprint") && text.eat(named: "match", as: "genre", &found)
  }
}

/// `-m geoip` and `-m condition` of xtables-addons: the country of an address, and a switch that somebody sets.
struct AddonMatch: EnvironmentMatch {
  /// What decides.
  let condition: EnvironmentCondition.Kind
  var names: [String] { [condition.rawValue] }
  var listingWords: [String] { condition == .geoip ? ["-m", "Source", "Destination"] : ["condition"] }
  var invertible: [OptionLabel] { options.map(\.name) }
  var options: [OptionSpelling] {
    condition == .geoip
      ? [
        OptionSpelling("source-country", aliases: ["src-cc"]),
        OptionSpelling("destination-country", aliases: ["dst-cc"]),
      ] : [OptionSpelling("condition")]
  }

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    if condition == .condition { return text.eat(named: "condition", as: "condition", &found) }
    if text.eat(word: "-m") {
      guard text.eat(word: "geoip") else { return false }
      let negated = text.eatNegation()
      guard
        text.eat(named: "--source-country", as: "source-country", &found)
          || text.eat(named: "--destination-country", as: "destination-country", &found)
      else { return false }
      found[found.count - 1].negated = negated
      return true
    }
    let isSource = text.eat(word: "Source")
    guard isSource || text.eat(word: "Destination") else { return false }
    _ = text.eat(word: "country:") || text.eat(word: "countries:")
    let negated = text.eatNegation()
    guard let value = text.eatValue() else { return false }
    found.append(
      ExtensionOption(name: isSource ? "source-country" : "destination-country", negated: negated, value: value))
    return true
  }
}
