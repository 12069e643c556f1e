import RuleGraph
import RuleText

/// The types of sets and the arguments of objects in nft's JSON.
enum NftJSONTypes {
  /// The parts of a set's type: a name, several with dots between (of a map's values), a list of names, or `{"typeof":
  /// …}`.
  static func parts(_ value: JSONValue?, _ lowering: NftLowering) -> [NftPart] {
    guard let value else { return [NftPart(.invalid)] }
    if let names = value.string {
      return names.split(separator: " . ").map { part(String($0)) }
    }
    if let typeof = value["typeof"] {
      let expressions = NftJSONExpressions(lowering: lowering)
      guard let expression = try? expressions.read(typeof), let typed = try? lowering.typed(expression) else {
        return [NftPart(.invalid)]
      }
      return typed.parts
    }
    let parts = value.elements.map { $0.string.map { part($0) } ?? NftPart(.invalid) }
    return parts.isEmpty ? [NftPart(.invalid)] : parts
  }

  private static func part(_ name: String) -> NftPart { NftPart(NftType(rawValue: name) ?? .invalid) }

  /// An argument of an object as text; members of an object and elements of a list become one argument each.
  static func arguments(_ name: String, _ value: JSONValue) -> [Argument] {
    switch value.kind {
    case .object: value.members.map { Argument("\(name) \($0.string ?? "")", scalar($1)) }
    case .array: value.elements.map { Argument(name, scalar($0)) }
    case .false, .null: []
    default: [Argument(name, scalar(value))]
    }
  }

  /// A string, number or truth value as text.
  static func scalar(_ value: JSONValue) -> String {
    switch value.kind {
    case .string: value.string ?? ""
    case .true, .null: ""
    default: value.sourceText
    }
  }
}
