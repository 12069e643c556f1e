import RuleGraph

/// `-m sctp`: ports and chunks (iptables-extensions(8), "sctp"; `net/netfilter/xt_sctp.c`).
struct SCTPMatch: IptablesExtension {
  let names = ["sctp"]
  let kind = ExtensionKind.match
  let listingWords = ["sctp"]
  let options = PortOptions.spellings + [OptionSpelling("chunk-types", values: .two)]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "sctp") else { return false }
    while PortOptions.read(&text, &found) {}
    let start = text.cursor.at
    let negated = text.eatNegation()
    guard let mode = text.eatValue(), ["all", "any", "only"].contains(text.cursor.text(mode)),
      let chunks = text.eatValue()
    else {
      text.cursor.at = start
      return true
    }
    found.append(ExtensionOption(name: "chunk-types", negated: negated, value: mode, second: chunks))
    return true
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    for option in options {
      guard option.name == "chunk-types" else {
        guard PortOptions.lower(option, .sctp, into: &rule) else { return false }
        continue
      }
      guard lowerChunks(option, into: &rule) else { return false }
    }
    return true
  }

  private func lowerChunks(_ option: ExtensionOption, into rule: inout RuleDraft) -> Bool {
    var matches: [Match] = []
    var spelled: [String] = []
    var isList = true
    for part in rule.list(option.second) {
      let text = rule.text(part)
      if text == "ALL" || text == "NONE" {
        isList = false
        spelled.append(text)
        continue
      }
      guard let chunk = Chunk(text) else { return false }
      matches.append(chunk.match)
      spelled.append(chunk.text)
    }
    let mode = rule.text(option.value)
    switch mode {
    case "all" where isList && (!option.negated || matches.count == 1),
      "any" where isList && matches.count == 1:
      rule.statements += matches.map { match in
        var match = match
        if option.negated {
          match.negated.toggle()
          match.whenAbsent = true
        }
        return .match(match)
      }
    case "any" where isList && !option.negated: rule.statements.append(.anyOf(matches))
    default:
      // "Only these" and the negated lists speak of all chunks of a packet, which no field does.
      rule.statements.append(
        .environment(
          EnvironmentCondition(
            .chunks, [Argument("chunk-types", mode), Argument("chunks", spelled.joined(separator: ","))],
            negated: option.negated)))
    }
    return true
  }

  /// One chunk of a list: `INIT`, `0x0001`, `DATA:Be`.
  struct Chunk {
    /// nft's name of it.
    var name: String
    /// iptables' name of it.
    var label: String
    /// The flags that are asked, and those of them that must be set.
    var mask: UInt128 = 0
    var value: UInt128 = 0

    init?(_ text: String) {
      let parts = text.split(separator: ":", maxSplits: 1)
      guard let first = parts.first else { return nil }
      let number = first.hasPrefix("0x") ? UInt8(first.dropFirst(2), radix: 16) : UInt8(first)
      guard
        let known = Self.types.first(where: { $0.label == first.uppercased() || (number != nil && $0.number == number) }
        )
      else { return nil }
      label = known.label
      name = known.label.lowercased().split(separator: "_").joined(separator: "-")
      guard parts.count == 2 else { return }
      for letter in parts[1].utf8 {
        guard let place = known.flags.utf8.firstIndex(of: letter & 0xdf) else { return nil }
        let bit = UInt128(1) << UInt128(7 - known.flags.utf8.distance(from: known.flags.startIndex, to: place))
        mask |= bit
        if letter & 0x20 == 0 { value |= bit }
      }
    }

    /// The chunk that a test asks for; nil when it is another test.
    init?(_ test: PlainTest) {
      guard case .option(let option) = test.field, option.kind == .sctp,
        let known = Self.types.first(where: {
          $0.label.lowercased().split(separator: "_").joined(separator: "-") == option.option
        })
      else { return nil }
      label = known.label
      name = option.option
      if option.name == nil {
        guard test.values == ValueSet(1), test.mask == nil else { return nil }
      } else {
        guard option.name == "flags", let single = test.values.single else { return nil }
        mask = test.mask ?? 0xff
        value = single
      }
    }

    var match: Match {
      mask == 0
        ? Match(.option(OptionField(.sctp, name)), in: ValueSet(1))
        : Match(
          .bitwise(.field(.option(OptionField(.sctp, name, "flags"))), and: mask, xor: 0), .values(ValueSet(value)))
    }

    /// iptables' spelling.
    var text: String {
      guard mask != 0, let flags = Self.types.first(where: { $0.label == label })?.flags else { return label }
      var letters = ""
      for (index, letter) in flags.utf8.enumerated() where mask >> UInt128(7 - index) & 1 == 1 {
        let isSet = value >> UInt128(7 - index) & 1 == 1
        letters.unicodeScalars.append(Unicode.Scalar(isSet ? letter : letter | 0x20))
      }
      return "\(label):\(letters)"
    }

    /// The types of chunks (RFC 9260 and its extensions) and the letters of their flags, highest bit first.
    static let types: [(label: String, number: UInt8, flags: String)] = [
      ("DATA", 0, "----IUBE"), ("INIT", 1, "--------"), ("INIT_ACK", 2, "--------"), ("SACK", 3, "--------"),
      ("HEARTBEAT", 4, "--------"), ("HEARTBEAT_ACK", 5, "--------"), ("ABORT", 6, "-------T"),
      ("SHUTDOWN", 7, "--------"), ("SHUTDOWN_ACK", 8, "--------"), ("ERROR", 9, "--------"),
      ("COOKIE_ECHO", 10, "--------"), ("COOKIE_ACK", 11, "--------"), ("ECN_ECNE", 12, "--------"),
      ("ECN_CWR", 13, "--------"), ("SHUTDOWN_COMPLETE", 14, "-------T"), ("I_DATA", 64, "----IUBE"),
      ("RE_CONFIG", 130, "--------"), ("PAD", 132, "--------"), ("ASCONF", 193, "--------"),
      ("ASCONF_ACK", 128, "--------"), ("FORWARD_TSN", 192, "--------"), ("I_FORWARD_TSN", 194, "--------"),
    ]
  }
}

extension SCTPMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    if let ports = PortOptions.spell(statements.first, .sctp) { return ports }
    func spelled(_ mode: String, _ chunks: String, _ negated: Bool) -> SpelledStatement {
      SpelledStatement(
        module: "sctp", options: "\(negated ? "! " : "")--chunk-types \(mode) \(chunks)", names: ["chunk-types"])
    }
    switch statements.first {
    case .environment(let found) where found.kind == .chunks && found.arguments.count == 2:
      return spelled(found.arguments[0].value, found.arguments[1].value, found.negated)
    case .anyOf(let matches):
      let chunks = matches.compactMap { PlainTest($0).flatMap(Chunk.init)?.text }
      return chunks.count == matches.count && matches.allSatisfy({ !$0.negated })
        ? spelled("any", chunks.joined(separator: ","), false) : nil
    case .match(let match):
      guard let test = PlainTest(match), let chunk = Chunk(test) else { return nil }
      if test.negated { return test.whenAbsent ? spelled("all", chunk.text, true) : nil }
      // Chunks that all must be there are one list.
      var chunks = [chunk.text]
      for next in statements.dropFirst() {
        guard let test = PlainTest(next), !test.negated, let chunk = Chunk(test) else { break }
        chunks.append(chunk.text)
      }
      var result = spelled("all", chunks.joined(separator: ","), false)
      result.count = chunks.count
      return result
    default: return nil
    }
  }
}
