import Foundation

/// The part of JSON Schema (draft 2020-12) that the project's schema files use: `type`, `enum`, `const`, `required`, `properties`,
/// `additionalProperties`, `items`, `minItems`, `maxItems`, `minimum`, `anyOf`, `$ref` into `$defs`. Any other assertion is an error of the schema.
struct JSONSchema {
  let root: [String: Any]

  init(contentsOf url: URL) throws {
    root = try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any] ?? [:]
  }

  /// What is wrong with a value; empty when it is valid.
  func problems(of value: Any) -> [String] { problems(value, root, at: "$") }

  private static let annotations: Set<String> = ["$schema", "$id", "$defs", "title", "description"]

  private func problems(_ value: Any, _ schema: [String: Any], at path: String) -> [String] {
    var found: [String] = []
    for (keyword, argument) in schema where !Self.annotations.contains(keyword) {
      switch (keyword, argument) {
      case ("$ref", let reference as String):
        found += problems(value, resolve(reference), at: path)
      case ("anyOf", let choices as [[String: Any]]):
        if !choices.contains(where: { problems(value, $0, at: path).isEmpty }) {
          found.append("\(path): fits none of anyOf")
        }
      case ("type", let type):
        let types = type as? [String] ?? [type as? String ?? ""]
        if !types.contains(where: { Self.isOf(value, type: $0) }) {
          found.append("\(path): is no \(types.joined(separator: " or "))")
        }
      case ("enum", let values as [Any]):
        if !values.contains(where: { Self.equal($0, value) }) { found.append("\(path): \(value) is none of \(values)") }
      case ("const", let constant):
        if !Self.equal(constant, value) { found.append("\(path): \(value) is not \(constant)") }
      case ("required", let names as [String]):
        guard let object = value as? [String: Any] else { continue }
        found += names.filter { object[$0] == nil }.map { "\(path): lacks \($0)" }
      case ("properties", let properties as [String: [String: Any]]):
        guard let object = value as? [String: Any] else { continue }
        for (name, member) in properties {
          if let inner = object[name] { found += problems(inner, member, at: "\(path).\(name)") }
        }
      case ("additionalProperties", let other as [String: Any]):
        guard let object = value as? [String: Any] else { continue }
        let known = Set((schema["properties"] as? [String: Any] ?? [:]).keys)
        for (name, inner) in object where !known.contains(name) {
          found += problems(inner, other, at: "\(path).\(name)")
        }
      case ("additionalProperties", let allowed as Bool):
        guard !allowed, let object = value as? [String: Any] else { continue }
        let known = Set((schema["properties"] as? [String: Any] ?? [:]).keys)
        found += object.keys.filter { !known.contains($0) }.map { "\(path): has \($0)" }
      case ("items", let item as [String: Any]):
        for (index, inner) in (value as? [Any] ?? []).enumerated() {
          found += problems(inner, item, at: "\(path)[\(index)]")
        }
      case ("minItems", let count as Int):
        if let list = value as? [Any], list.count < count { found.append("\(path): fewer than \(count)") }
      case ("maxItems", let count as Int):
        if let list = value as? [Any], list.count > count { found.append("\(path): more than \(count)") }
      case ("minimum", let least as Int):
        if let number = value as? Int, number < least { found.append("\(path): less than \(least)") }
      default: found.append("the schema uses \(keyword), which this validator does not know")
      }
    }
    return found
  }

  private func resolve(_ reference: String) -> [String: Any] {
    let name = reference.replacingOccurrences(of: "#/$defs/", with: "")
    return (root["$defs"] as? [String: [String: Any]])?[name] ?? ["unresolved reference \(reference)": true]
  }

  private static func isOf(_ value: Any, type: String) -> Bool {
    switch type {
    case "object": value is [String: Any]
    case "array": value is [Any]
    case "string": value is String
    case "null": value is NSNull
    case "boolean": isBoolean(value)
    case "integer": !isBoolean(value) && value is Int
    default: false
    }
  }

  private static func isBoolean(_ value: Any) -> Bool {
    guard let number = value as? NSNumber else { return false }
    // The type code of a truth value is that of a C char.
    return unsafe number.objCType.pointee == 0x63
  }

  private static func equal(_ a: Any, _ b: Any) -> Bool {
    if a is NSNull || b is NSNull { return a is NSNull && b is NSNull }
    return (a as? NSObject) == (b as? NSObject) || (a as? String).map { $0 == b as? String } ?? false
  }
}
