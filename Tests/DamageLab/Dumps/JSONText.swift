/// nft's JSON as a text of objects, which is all that damaging it needs.
enum JSONText {
  /// The objects of `{"nftables": [...]}`, each as it is printed.
  static func objects(_ text: String) -> [String] {
    guard let start = text.firstIndex(of: "[") else { return [] }
    var found: [String] = []
    var object = ""
    var depth = 0
    var isInString = false
    var isEscaped = false
    for character in text[text.index(after: start)...] {
      if isInString {
        object.append(character)
        if isEscaped {
          isEscaped = false
        } else if character == "\\" {
          isEscaped = true
        } else if character == "\"" {
          isInString = false
        }
        continue
      }
      if character == "{" { depth += 1 }
      if depth == 0 {
        if character == "]" { break }
        continue
      }
      object.append(character)
      if character == "\"" { isInString = true }
      if character == "}" {
        depth -= 1
        if depth == 0 {
          found.append(object)
          object = ""
        }
      }
    }
    return found
  }

  /// The objects as the one line that nft prints.
  static func line(_ objects: [String]) -> String { "{\"nftables\": [" + objects.joined(separator: ", ") + "]}" }

  /// `rule` of `{"rule": {...}}`.
  static func kind(of object: String) -> String? {
    object.split(separator: "\"", maxSplits: 2).dropFirst().first.map(String.init)
  }

  /// The first member of a name whose value is a string.
  static func member(_ name: String, _ object: String) -> String? {
    guard let range = object.firstRange(of: "\"\(name)\": \"") else { return nil }
    return String(object[range.upperBound...].prefix { $0 != "\"" })
  }

  /// The values of a member in all objects that a name leads to: `{"jump": {"target": "X"}}`.
  static func members(_ name: String, in text: String, of outer: String) -> [String] {
    text.ranges(of: "\"\(outer)\": {\"\(name)\": \"").map { String(text[$0.upperBound...].prefix { $0 != "\"" }) }
  }
}
