import RuleGraph

/// A match whose truth a dump can't hold: its options are kept as they are, in an order of their own, and decide
/// nothing.
protocol EnvironmentMatch: IptablesExtension {
  /// What decides.
  var condition: EnvironmentCondition.Kind { get }
  /// The options that a `!` may stand before; it negates the whole condition.
  var invertible: [OptionLabel] { get }

  /// The text of an option's value in the one form that both printed forms have; nil when it is not understood.
  func value(_ option: ExtensionOption, _ rule: borrowing RuleDraft) -> String?
}

extension EnvironmentMatch {
  var kind: ExtensionKind { .match }
  var invertible: [OptionLabel] { options.first.map { [$0.name] } ?? [] }

  func value(_ option: ExtensionOption, _ rule: borrowing RuleDraft) -> String? { rule.text(of: option) }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    guard let arguments = OptionArguments.read(options, of: self.options, rule, value: value) else { return false }
    let negated = options.contains { $0.negated && invertible.contains($0.name) }
    if options.contains(where: { $0.negated && !invertible.contains($0.name) }) { return false }
    rule.statements.append(.environment(EnvironmentCondition(condition, arguments, negated: negated)))
    return true
  }

  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard case .environment(let found) = statements.first, found.kind == condition,
      found.arguments.allSatisfy({ argument in options.contains { $0.name.text == argument.name } })
    else { return nil }
    return SpelledStatement(
      module: names[0],
      options: OptionArguments.spell(found.arguments, negated: found.negated ? invertible.map(\.text) : []),
      names: found.arguments.map(\.name))
  }
}

/// A target that changes nothing about the packet's fate: its options are kept as they are.
protocol EffectTarget: IptablesExtension {
  /// What it does.
  var effect: Effect.Kind { get }

  /// The text of an option's value in the one form that both printed forms have; nil when it is not understood.
  func value(_ option: ExtensionOption, _ rule: borrowing RuleDraft) -> String?
}

extension EffectTarget {
  var kind: ExtensionKind { .target }

  func value(_ option: ExtensionOption, _ rule: borrowing RuleDraft) -> String? { rule.text(of: option) }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    guard let arguments = OptionArguments.read(options, of: self.options, rule, value: value) else { return false }
    rule.statements.append(.effect(Effect(effect, arguments)))
    return true
  }

  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard case .effect(let found) = statements.first, found.kind == effect,
      found.arguments.allSatisfy({ argument in options.contains { $0.name.text == argument.name } })
    else { return nil }
    return SpelledStatement(
      module: names[0], options: OptionArguments.spell(found.arguments, negated: []), names: [], isTarget: true)
  }
}

/// Options that are kept as named arguments.
enum OptionArguments {
  /// The arguments in the order in which the extension names its options; nil when a value is not understood.
  static func read(
    _ options: ExtensionOptions, of spellings: [OptionSpelling], _ rule: borrowing RuleDraft,
    value: (ExtensionOption, borrowing RuleDraft) -> String?
  ) -> [Argument]? {
    var arguments: [Argument] = []
    for spelling in spellings {
      for option in options where option.name == spelling.name {
        guard let text = spelling.values == .none ? "" : value(option, rule) else { return nil }
        arguments.append(Argument(option.name.text, text))
      }
    }
    return arguments
  }

  /// The arguments as options, with a `!` before those that are named.
  static func spell(_ arguments: [Argument], negated: [String]) -> String {
    arguments.map { argument in
      (negated.contains(argument.name) ? "! " : "") + "--" + argument.name
        + (argument.value.isEmpty ? "" : " " + SaveText.quoted(argument.value))
    }.joined(separator: " ")
  }
}

/// How words are written so that iptables-restore reads them as one.
enum SaveText {
  /// Whether a name can be that of a chain: one word that is no option, and in which nothing is quoted
  /// (`xs_init_target` and `parse_chain` of iptables, which takes all other bytes).
  static func isName(_ text: String) -> Bool {
    guard let first = text.unicodeScalars.first, first != "-", first != "!" else { return false }
    return text.unicodeScalars.allSatisfy {
      !$0.steersDisplay && !$0.properties.isWhitespace && $0 != "\"" && $0 != "'" && $0 != "\\"
    }
  }

  /// The word itself, or in quotation marks with backslashes where iptables-save writes it so.
  static func quoted(_ text: String) -> String {
    let isPlain =
      !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "a")...UInt8(ascii: "z"):
          true
        case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: "/"),
          UInt8(ascii: ","), UInt8(ascii: "%"), UInt8(ascii: "@"), UInt8(ascii: "+"), UInt8(ascii: "="):
          true
        default: false
        }
      }
    if isPlain { return text }
    var result = "\""
    for character in text.unicodeScalars {
      if character == "\"" || character == "\\" || character == "'" { result += "\\" }
      result.unicodeScalars.append(character)
    }
    return result + "\""
  }
}
