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

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
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
    OptionSpelling("xor-mark"), OptionSpelling("save-mark", values: .none),
    OptionSpelling("restore-mark", values: .none),
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
      let name: OptionLabel
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

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
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
    let name: OptionLabel
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
  static func masks(_ option: ExtensionOption, _ rule: borrowing RuleDraft) -> (keep: UInt128, flip: UInt128)? {
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
  static func value(_ field: Field, _ keep: UInt128, _ flip: UInt128) -> ValueExpression {
    keep == 0 ? .constant(flip) : .bitwise(.field(field), and: keep, xor: flip)
  }

  /// The assignment of `to = (to & ~toMask) ^ (from & fromMask)`.
  static func copy(from: Field, _ fromMask: UInt128, to: Field, _ toMask: UInt128) -> Assignment {
    let all: UInt128 = 0xffff_ffff
    let source: ValueExpression = fromMask == all ? .field(from) : .bitwise(.field(from), and: fromMask, xor: 0)
    guard toMask != all else { return Assignment(to, source) }
    return Assignment(to, .combine(.xor, .bitwise(.field(to), and: all & ~toMask, xor: 0), source))
  }

  /// `0x1/0xff`: the value and mask of an assignment to a field of so many bits; nil when it computes something else.
  static func spell(_ assignment: Assignment, width: Int = 32) -> String? {
    let all = (UInt128(1) << UInt128(width)) - 1
    let keep: UInt128
    let flip: UInt128
    switch assignment.value {
    case .constant(let value):
      keep = 0
      flip = value
    case .bitwise(.field(assignment.field), let and, let xor):
      keep = and & all
      flip = xor
    default: return nil
    }
    guard flip <= all else { return nil }
    return "0x\(String(flip, radix: 16))/0x\(String(all & ~keep, radix: 16))"
  }

  /// The masks of an assignment that copies one mark to the other; nil when it is none.
  static func copy(_ assignment: Assignment, from: Field) -> (fromMask: UInt128, toMask: UInt128)? {
    let all: UInt128 = 0xffff_ffff
    func source(_ expression: ValueExpression) -> UInt128? {
      switch expression {
      case .field(from): all
      case .bitwise(.field(from), let mask, 0): mask
      default: nil
      }
    }
    if let mask = source(assignment.value) { return (mask, all) }
    guard case .combine(.xor, .bitwise(.field(assignment.field), let keep, 0), let other) = assignment.value,
      let mask = source(other)
    else { return nil }
    return (mask, all & ~keep)
  }
}

extension MarkTarget {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard case .assign(let assignment) = statements.first, assignment.field == .meta(.mark),
      let words = MarkArithmetic.spell(assignment)
    else { return nil }
    return SpelledStatement(module: "MARK", options: "--set-xmark \(words)", isTarget: true)
  }
}

extension ConnectionMarkTarget {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard case .assign(let assignment) = statements.first else { return nil }
    let connection = Field.conntrack(ConntrackField(.mark))
    func copied(_ name: String, packet: UInt128, connection: UInt128) -> SpelledStatement {
      let masks = "--nfmask 0x\(String(packet, radix: 16)) --ctmask 0x\(String(connection, radix: 16))"
      return SpelledStatement(module: "CONNMARK", options: "--\(name) \(masks)", isTarget: true)
    }
    if assignment.field == connection {
      if let words = MarkArithmetic.spell(assignment) {
        return SpelledStatement(module: "CONNMARK", options: "--set-xmark \(words)", isTarget: true)
      }
      return MarkArithmetic.copy(assignment, from: .meta(.mark)).map {
        copied("save-mark", packet: $0.fromMask, connection: $0.toMask)
      }
    }
    guard assignment.field == .meta(.mark) else { return nil }
    return MarkArithmetic.copy(assignment, from: connection).map {
      copied("restore-mark", packet: $0.toMask, connection: $0.fromMask)
    }
  }
}
