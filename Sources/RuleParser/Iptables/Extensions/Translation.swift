import RuleGraph

/// `-j DNAT` and `-j SNAT`: a new destination or source (iptables-extensions(8), "DNAT" and "SNAT").
struct AddressTranslationTarget: IptablesExtension {
  /// Which of the two.
  let translation: Translation.Kind
  let names: [String]
  let kind = ExtensionKind.target
  let listingWords = ["to:"]
  let options: [OptionSpelling]

  /// Makes the target for a destination or source.
  init(_ translation: Translation.Kind) {
    self.translation = translation
    names = [translation == .dnat ? "DNAT" : "SNAT"]
    options =
      [OptionSpelling(translation == .dnat ? "to-destination" : "to-source")] + TranslationFlags.spellings
  }

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    while text.eat(prefix: "to:") {
      guard let value = text.cursor.eatWord() else { return false }
      found.append(ExtensionOption(name: options[0].name, value: value))
    }
    guard !found.isEmpty else { return false }
    TranslationFlags.read(&text, &found)
    return true
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    var result = Translation(translation)
    TranslationFlags.lower(options, into: &result)
    var addresses: ValueSet?
    for option in options where option.name == self.options[0].name {
      guard let new = NewAddress(option.value, rule) else {
        // One masked address among several is any of them.
        guard let new = MaskedNewAddress(option.value, &rule) else { return false }
        result.address = new.address ?? result.address
        result.port = new.port ?? result.port
        continue
      }
      if let range = new.addresses { addresses = addresses?.union(ValueSet(range)) ?? ValueSet(range) }
      if let ports = new.ports { result.port = TranslationFlags.expression(ValueSet(ports)) }
      result.portBase = new.portBase
    }
    // Without an address or a port it would translate to nothing, which iptables refuses: the line was cut there.
    guard addresses != nil || result.address != nil || result.port != nil else { return false }
    if let addresses {
      // Beside a masked one they are not all.
      if case .masked(var value)? = result.address {
        value.possible = rule.family.allAddresses
        value.shownBits = 0
        value.bits = 0
        result.address = .masked(value)
      } else {
        result.address = TranslationFlags.expression(addresses)
      }
    }
    rule.statements.append(.translate(result))
    return true
  }
}

/// `-j MASQUERADE`: the egress interface's address as source (iptables-extensions(8), "MASQUERADE").
struct MasqueradeTarget: IptablesExtension {
  let names = ["MASQUERADE"]
  let kind = ExtensionKind.target
  let listingWords = ["masq", "random", "random-fully"]
  let options = [OptionSpelling("to-ports")] + TranslationFlags.spellings

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    if text.eat(word: "masq") {
      guard text.eat(prefix: "ports:"), let value = text.eatValue() else { return false }
      found.append(ExtensionOption(name: "to-ports", value: value))
    }
    TranslationFlags.read(&text, &found)
    return true
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    TranslationFlags.lowerPorts(.masquerade, options, into: &rule)
  }
}

/// `-j REDIRECT`: this host as destination (iptables-extensions(8), "REDIRECT").
struct RedirectTarget: IptablesExtension {
  let names = ["REDIRECT"]
  let kind = ExtensionKind.target
  let listingWords = ["redir", "random", "random-fully"]
  let options = [OptionSpelling("to-ports", aliases: ["to-port"])] + TranslationFlags.spellings

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    if text.eat(word: "redir") {
      guard text.eat(word: "ports") || text.eat(word: "port"), let value = text.eatValue() else { return false }
      found.append(ExtensionOption(name: "to-ports", value: value))
    }
    TranslationFlags.read(&text, &found)
    return true
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    TranslationFlags.lowerPorts(.redirect, options, into: &rule)
  }
}

/// `-j NETMAP`: another prefix for the same host part (iptables-extensions(8), "NETMAP").
struct NetmapTarget: IptablesExtension {
  let names = ["NETMAP"]
  let kind = ExtensionKind.target
  let listingWords = ["to:"]
  let options = [OptionSpelling("to")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(prefix: "to:"), let value = text.cursor.eatWord() else { return false }
    found.append(ExtensionOption(name: "to", value: value))
    return true
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    guard let option = options.last, let (address, mask) = rule.network(option.value), address.family == rule.family,
      let length = Prefix.length(ofMask: rule.family == .ipv4 ? IPAddress(ipv4: UInt32(mask)) : IPAddress(bits: mask))
    else {
      guard let option = options.last, let masked = rule.maskedExpression(option.value, .address(rule.family)) else {
        return false
      }
      rule.statements.append(.translate(Translation(.netmap, address: masked)))
      return true
    }
    rule.statements.append(
      .translate(Translation(.netmap, address: .constant(address.bits), prefixLength: length)))
    return true
  }
}

/// `-j TPROXY`: to a local socket without a change of the packet (iptables-extensions(8), "TPROXY").
struct TransparentProxyTarget: IptablesExtension {
  let names = ["TPROXY"]
  let kind = ExtensionKind.target
  let listingWords = ["TPROXY"]
  let options = [OptionSpelling("on-port"), OptionSpelling("on-ip"), OptionSpelling("tproxy-mark")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "TPROXY"), text.eat(word: "redirect"), let both = text.eatValue(),
      let colon = text.cursor.bytes[both].lastIndex(of: UInt8(ascii: ":"))
    else { return false }
    found.append(ExtensionOption(name: "on-port", value: colon + 1..<both.upperBound))
    found.append(ExtensionOption(name: "on-ip", value: both.lowerBound..<colon))
    if text.eat(word: "mark") {
      guard let mark = text.eatValue() else { return false }
      found.append(ExtensionOption(name: "tproxy-mark", value: mark))
    }
    return true
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    var result = Translation(.tproxy)
    for option in options {
      switch option.name {
      case "on-port":
        guard let port = rule.port(option.value) else { return false }
        if port != 0 { result.port = .constant(UInt128(port)) }
      case "on-ip":
        var range = option.value
        if range.count > 2, rule.bytes[range.lowerBound] == UInt8(ascii: "[") { range = range.dropFirst().dropLast() }
        guard let address = rule.address(range), address.family == rule.family else { return false }
        if address != IPAddress.any(rule.family) { result.address = .constant(address.bits) }
      default:
        guard let (value, mask) = rule.masked(option.value) else { return false }
        if mask != 0 || value != 0 {
          result.arguments = [Argument("mark", String(value)), Argument("mask", String(mask))]
        }
      }
    }
    rule.statements.append(.translate(result))
    return true
  }
}

/// The flags that translations share.
enum TranslationFlags {
  /// `--random`, `--random-fully`, `--persistent`.
  static let spellings = [
    OptionSpelling("random", values: .none), OptionSpelling("random-fully", values: .none),
    OptionSpelling("persistent", values: .none),
  ]

  /// Takes the flags that stand next.
  static func read(_ text: inout ListingText, _ found: inout [ExtensionOption]) {
    while true {
      if text.eat(word: "random") {
        found.append(ExtensionOption(name: "random"))
      } else if text.eat(word: "random-fully") {
        found.append(ExtensionOption(name: "random-fully"))
      } else if text.eat(word: "persistent") {
        found.append(ExtensionOption(name: "persistent"))
      } else {
        return
      }
    }
  }

  /// Sets the flags of a translation.
  static func lower(_ options: ExtensionOptions, into result: inout Translation) {
    for option in options {
      switch option.name {
      case "random": result.random = true
      case "random-fully": result.fullyRandom = true
      case "persistent": result.persistent = true
      default: break
      }
    }
  }

  /// Adds a translation that has ports and flags only.
  static func lowerPorts(
    _ kind: Translation.Kind, _ options: ExtensionOptions, into rule: inout RuleDraft
  ) -> Bool {
    var result = Translation(kind)
    lower(options, into: &result)
    for option in options where option.name == "to-ports" {
      if let ports = rule.ports(option.value, separator: UInt8(ascii: "-")) {
        result.port = expression(ValueSet(ports))
      } else if let masked = rule.maskedExpression(option.value, .number(bits: 16)) {
        result.port = masked
      } else {
        return false
      }
    }
    rule.statements.append(.translate(result))
    return true
  }

  /// The flags of a translation as options, each with a blank before it.
  static func spell(_ translation: Translation) -> String {
    (translation.random ? " --random" : "") + (translation.fullyRandom ? " --random-fully" : "")
      + (translation.persistent ? " --persistent" : "")
  }

  /// The values of an address or port that the kernel need not compute.
  static func interval(_ expression: ValueExpression) -> ClosedRange<UInt128>? {
    switch expression {
    case .constant(let value): value...value
    case .anyOf(let values): values.intervals.count == 1 ? values.intervals[0] : nil
    default: nil
    }
  }

  /// Ports as they are written behind a colon.
  static func text(_ ports: ValueExpression) -> String? {
    if case .masked(let value) = ports { return value.text }
    return interval(ports).map { PlainTest.text($0, "-") }
  }

  /// Spells a translation that has ports and flags only.
  static func spellPorts(_ kind: Translation.Kind, _ name: String, _ statement: Statement?) -> SpelledStatement? {
    guard case .translate(let translation) = statement, translation.kind == kind, translation.address == nil else {
      return nil
    }
    var words = ""
    if let port = translation.port {
      guard let ports = text(port) else { return nil }
      words = "--to-ports \(ports)"
    }
    words += spell(translation)
    return SpelledStatement(
      module: name, options: words.first == " " ? String(words.dropFirst()) : words, isTarget: true)
  }

  /// One value, or one of several that the kernel chooses.
  static func expression(_ values: ValueSet) -> ValueExpression {
    values.single.map { .constant($0) } ?? .anyOf(values)
  }
}

/// What stands behind `--to-destination`: `10.0.0.1-10.0.0.9:80-90/100`, `[2001:db8::1]:80`, `:8080`.
private struct NewAddress {
  var addresses: ClosedRange<UInt128>?
  var ports: ClosedRange<UInt128>?
  var portBase: UInt16?

  // Borrowed, since a rule that is given away is copied.
  init?(_ range: Range<Int>, _ rule: borrowing RuleDraft) {
    var address = range
    var port: Range<Int>?
    if let first = range.first, rule.bytes[first] == UInt8(ascii: "[") {
      guard let close = rule.position(of: UInt8(ascii: "]"), in: range) else { return nil }
      address = first + 1..<close
      if close + 1 < range.upperBound {
        guard rule.bytes[close + 1] == UInt8(ascii: ":") else { return nil }
        port = close + 2..<range.upperBound
      }
    } else if let colon = rule.position(of: UInt8(ascii: ":"), in: range),
      rule.position(of: UInt8(ascii: ":"), in: colon + 1..<range.upperBound) == nil
    {
      address = range.lowerBound..<colon
      port = colon + 1..<range.upperBound
    }
    if !address.isEmpty {
      guard let read = rule.addressRange(address), IPAddress(bits: read.lowerBound).family == rule.family else {
        return nil
      }
      addresses = read
    }
    guard var port else { return }
    if let slash = rule.position(of: UInt8(ascii: "/"), in: port) {
      guard let base = rule.port(slash + 1..<port.upperBound) else { return nil }
      portBase = base
      port = port.lowerBound..<slash
    }
    guard let read = rule.ports(port, separator: UInt8(ascii: "-")) else { return nil }
    ports = read
  }
}

/// What stands behind `--to-destination` where something is masked: `x.x.x.x:80`, `<SERVER>`, `10.0.0.5:XXXX`.
private struct MaskedNewAddress {
  var address: ValueExpression?
  var port: ValueExpression?

  init?(_ range: Range<Int>, _ rule: inout RuleDraft) {
    // `<SERVER>:80` would be a masked name as well. In IPv6 a port comes after a bracket only.
    let mayHavePort =
      rule.bytes[range].lastIndex(of: UInt8(ascii: ":")).map { colon in
        rule.family == .ipv4 || colon > range.lowerBound && rule.bytes[colon - 1] == UInt8(ascii: "]")
      } ?? false
    if !mayHavePort, let whole = rule.maskedExpression(range, .address(rule.family)) {
      address = whole
      return
    }
    var end = range.upperBound
    if let colon = rule.bytes[range].lastIndex(of: UInt8(ascii: ":")) {
      let ports = colon + 1..<range.upperBound
      end = colon
      if let read = rule.ports(ports, separator: UInt8(ascii: "-")) {
        port = TranslationFlags.expression(ValueSet(read))
      } else if let masked = rule.maskedExpression(ports, .number(bits: 16)) {
        port = masked
      } else {
        return nil
      }
    }
    var name = range.lowerBound..<end
    if rule.family == .ipv6, name.count > 2, rule.bytes[name.lowerBound] == UInt8(ascii: "["),
      rule.bytes[name.upperBound - 1] == UInt8(ascii: "]"),
      rule.position(of: UInt8(ascii: ":"), in: name) != nil
    {
      name = name.dropFirst().dropLast()
    }
    if name.isEmpty { return }
    if let read = rule.addressRange(name), IPAddress(bits: read.lowerBound).family == rule.family {
      address = TranslationFlags.expression(ValueSet(read))
    } else if let masked = rule.maskedExpression(name, .address(rule.family)) {
      address = masked
    } else {
      return nil
    }
  }
}

extension AddressTranslationTarget {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard case .translate(let found) = statements.first, found.kind == translation else { return nil }
    var words = ""
    switch found.address {
    case .masked(let value)?: words = value.text
    case let address?:
      guard let range = TranslationFlags.interval(address) else { return nil }
      let low = IPAddress(bits: range.lowerBound)
      let high = IPAddress(bits: range.upperBound)
      guard low.family == rule.family, high.family == rule.family else { return nil }
      words = low == high ? "\(low)" : "\(low)-\(high)"
    case nil: break
    }
    if rule.family == .ipv6, found.port != nil, words.contains(":") { words = "[\(words)]" }
    if let port = found.port {
      guard let ports = TranslationFlags.text(port) else { return nil }
      words += ":\(ports)" + (found.portBase.map { "/\($0)" } ?? "")
    }
    guard !words.isEmpty else { return nil }
    return SpelledStatement(
      module: names[0], options: "--\(options[0].name) \(words)\(TranslationFlags.spell(found))", isTarget: true)
  }
}

extension MasqueradeTarget {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    TranslationFlags.spellPorts(.masquerade, "MASQUERADE", statements.first)
  }
}

extension RedirectTarget {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    TranslationFlags.spellPorts(.redirect, "REDIRECT", statements.first)
  }
}

extension NetmapTarget {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard case .translate(let found) = statements.first, found.kind == .netmap else { return nil }
    if case .masked(let value)? = found.address {
      return SpelledStatement(module: "NETMAP", options: "--to \(value.text)", isTarget: true)
    }
    guard let length = found.prefixLength, case .constant(let bits) = found.address else { return nil }
    return SpelledStatement(module: "NETMAP", options: "--to \(IPAddress(bits: bits))/\(length)", isTarget: true)
  }
}

extension TransparentProxyTarget {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard case .translate(let found) = statements.first, found.kind == .tproxy else { return nil }
    var words = "--on-port 0"
    if let port = found.port {
      guard case .constant(let number) = port else { return nil }
      words = "--on-port \(number)"
    }
    if let address = found.address {
      guard case .constant(let bits) = address else { return nil }
      words += " --on-ip \(IPAddress(bits: bits))"
    }
    if let value = found.arguments.first(where: { $0.name == "mark" })?.value,
      let mask = found.arguments.first(where: { $0.name == "mask" })?.value
    {
      words += " --tproxy-mark \(value)/\(mask)"
    }
    return SpelledStatement(module: "TPROXY", options: words, isTarget: true)
  }
}
