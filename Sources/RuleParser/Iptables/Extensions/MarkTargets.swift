import RuleGraph

/// `-j MARK`: sets the packet's mark (iptables-extensions(8), "MARK"): `mark = (mark & ~mask) ^ value`.
struct MarkTarget: IptablesExtension {
  let names = ["MARK"]
  let kind = ExtensionKind.target
  let listingWords = ["MARK"]
  let options = [
    OptionSpelling("set-xmark"), OptionSpelling("set-mark"), OptionSpelling("and-mark"), OptionSpelling("or-mark"),
    OptionSpelling("xor-mark"),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "MARK") else { return false }
    return MarkArithmetic.read(&text, &found)
  }

  func lower(_ options: ArraySlice<ExtensionOption>, into rule: inout RuleDraft) -> Bool {
    for option in options {
      guard let (keep, flip) = MarkArithmetic.masks(option, rule) else { return false }
      rule.statements.append(.assign(Assignment(.meta(.mark), MarkArithmetic.value(.meta(.mark), keep, flip))))
    }
    return true
  }
}

/// `-j CONNMARK`: sets the connection's mark, or copies it from or to the packet (iptables-extensions(8), "CONNMARK").
struct ConnectionMarkTarget: IptablesExtension {
  let names = ["CONNMARK"]
  let kind = ExtensionKind.target
  let listingWords = ["CONNMARK"]
  let options = [
    OptionSpelling("set-xmark"), OptionSpelling("set-mark"), OptionSpelling("and-mark"), OptionSpelling("or-mark"),
    OptionSpelling("xor-mark"), OptionSpelling("save-mark", values: 0), OptionSpelling("restore-mark", values: 0),
    OptionSpelling("nfmask"), OptionSpelling("ctmask"), OptionSpelling("mask"),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "CONNMARK") else { return false }
    if text.eat(word: "save") {
      found.append(ExtensionOption(name: "save-mark"))
    } else if text.eat(word: "restore") {
      found.append(ExtensionOption(name: "restore-mark"))
    } else {
      return MarkArithmetic.read(&text, &found)
    }
    while true {
      let name: String
      if text.eat(word: "nfmask") {
        name = "nfmask"
      } else if text.eat(word: "ctmask") {
        name = "ctmask"
      } else if text.eat(word: "mask") {
        name = "mask"
      } else {
        return true
      }
      // A `~` before the mask says only that these bits are cleared.
      _ = text.eat(prefix: "~")
      guard let value = text.eatValue() else { return false }
      found.append(ExtensionOption(name: name, value: value))
    }
  }

  func lower(_ options: ArraySlice<ExtensionOption>, into rule: inout RuleDraft) -> Bool {
    let connection = Field.conntrack(ConntrackField(.mark))
    var masks = (packet: UInt128(0xffff_ffff), connection: UInt128(0xffff_ffff))
    for option in options where option.name.hasSuffix("mask") {
      guard let mask = rule.number(option.value), mask <= 0xffff_ffff else { return false }
      if option.name != "ctmask" { masks.packet = UInt128(mask) }
      if option.name != "nfmask" { masks.connection = UInt128(mask) }
    }
    for option in options where !option.name.hasSuffix("mask") {
      switch option.name {
      case "save-mark":
        rule.statements.append(
          .assign(
            MarkArithmetic.copy(from: .meta(.mark), masks.packet, to: connection, masks.connection)))
      case "restore-mark":
        rule.statements.append(
          .assign(
            MarkArithmetic.copy(from: connection, masks.connection, to: .meta(.mark), masks.packet)))
      default:
        guard let (keep, flip) = MarkArithmetic.masks(option, rule) else { return false }
        rule.statements.append(.assign(Assignment(connection, MarkArithmetic.value(connection, keep, flip))))
      }
    }
    return true
  }
}

/// The arithmetic of marks: keep some bits, flip some.
enum MarkArithmetic {
  /// Takes `set 0x1`, `and 0x1`, `or 0x1`, `xor 0x1`, `xset 0x1/0xff`.
  static func read(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    let name: String
    if text.eat(word: "set") {
      name = "set-mark"
    } else if text.eat(word: "and") {
      name = "and-mark"
    } else if text.eat(word: "or") {
      name = "or-mark"
    } else if text.eat(word: "xor") {
      name = "xor-mark"
    } else if text.eat(word: "xset") {
      name = "set-xmark"
    } else {
      return false
    }
    guard let value = text.eatValue() else { return false }
    found.append(ExtensionOption(name: name, value: value))
    return true
  }

  /// The bits that an option keeps and those that it flips then.
  static func masks(_ option: ExtensionOption, _ rule: RuleDraft) -> (keep: UInt128, flip: UInt128)? {
    let all: UInt128 = 0xffff_ffff
    guard let (value, mask) = rule.masked(option.value) else { return nil }
    switch option.name {
    case "set-xmark": return (all & ~mask, value)
    // Bits of the value count as bits of the mask.
    case "set-mark": return (all & ~(mask | value), value)
    case "and-mark": return (value, 0)
    case "or-mark": return (all & ~value, value)
    case "xor-mark": return (all, value)
    default: return nil
    }
  }

  /// `(field & keep) ^ flip`, a constant when nothing is kept.
  static func value(_ field: Field, _ keep: UInt128, _ flip: UInt128) -> Expression {
    keep == 0 ? .constant(flip) : .bitwise(.field(field), and: keep, xor: flip)
  }

  /// The assignment of `to = (to & ~toMask) ^ (from & fromMask)`.
  static func copy(from: Field, _ fromMask: UInt128, to: Field, _ toMask: UInt128) -> Assignment {
    let all: UInt128 = 0xffff_ffff
    let source: Expression = fromMask == all ? .field(from) : .bitwise(.field(from), and: fromMask, xor: 0)
    guard toMask != all else { return Assignment(to, source) }
    return Assignment(to, .combine(.xor, .bitwise(.field(to), and: all & ~toMask, xor: 0), source))
  }
}
