import RuleGraph

/// Writes what sets, their elements and stateful objects carry.
enum NftSetWriter {
  /// `10 mbytes/second burst 5 kbytes`; nil when the arguments are of another tool.
  static func limit(_ arguments: [Argument]) -> String? {
    func value(_ name: String) -> String? { arguments.first { $0.name == name }?.value }
    guard let rate = value("rate"), let per = value("per") else { return nil }
    var text = rate + (value("rate_unit").map { " \($0)" } ?? "") + "/\(per)"
    if let burst = value("burst"), burst != "5" || value("rate_unit") != nil {
      text += " burst \(burst) \(value("burst_unit") ?? "packets")"
    }
    return text
  }

  /// `25 mbytes used 10 kbytes`; nil when the arguments are of another tool.
  static func quota(_ arguments: [Argument]) -> String? {
    func value(_ name: String) -> String? { arguments.first { $0.name == name }?.value }
    guard let bytes = value("bytes").flatMap({ UInt64($0) }) else { return nil }
    return amount(bytes) + (value("used").flatMap { UInt64($0) }.map { " used \(amount($0))" } ?? "")
  }

  private static func amount(_ bytes: UInt64) -> String {
    for (unit, size) in [("gbytes", UInt64(1) << 30), ("mbytes", 1 << 20), ("kbytes", 1 << 10)]
    where bytes >= size && bytes % size == 0 {
      return "\(bytes / size) \(unit)"
    }
    return "\(bytes) bytes"
  }

  /// The time-outs and statements of an element, each with a blank before it.
  static func elementArguments(_ arguments: [Argument]) -> String {
    var text = ""
    func inner(_ kind: String) -> [Argument] {
      arguments.filter { $0.name.hasPrefix(kind + " ") }.map {
        Argument(String($0.name.dropFirst(kind.count + 1)), $0.value)
      }
    }
    for argument in arguments {
      switch argument.name {
      case "timeout", "expires": text += " \(argument.name) \(NftValueText.duration(seconds(argument.value)))"
      case "counter":
        text += " counter"
        let counts = inner("counter")
        if let packets = counts.first(where: { $0.name == "packets" }),
          let bytes = counts.first(where: { $0.name == "bytes" })
        {
          text += " packets \(packets.value) bytes \(bytes.value)"
        }
      case "limit":
        if let words = limit(inner("limit")) { text += " limit rate \(argument.value.isEmpty ? "" : "over ")\(words)" }
      case "quota":
        if let words = quota(inner("quota")) { text += " quota \(argument.value.isEmpty ? "" : "over ")\(words)" }
      case "ct count": text += " ct count \(argument.value)"
      case "last": text += " last"
      case "comment": text += " comment \(NftValueText.quoted(argument.value))"
      default: break
      }
    }
    return text
  }

  /// Milliseconds of a time in seconds.
  static func seconds(_ text: String) -> UInt128 { UInt128(UInt64(text) ?? 0) * 1000 }

  /// The lines of a set or map.
  static func lines(_ set: NamedSet, _ writer: NftRuleWriter) throws(NftUnprintable) -> [String] {
    let types = NftSetTypes(of: set)
    var lines: [String] = []
    if let written = set.arguments.first(where: { $0.name == "typeof" }) {
      lines.append("typeof \(written.value)")
    } else {
      guard
        !(types.key + (types.data ?? [])).contains(where: {
          $0.type == .integer || $0.type == .invalid || $0.type == .string
        })
      else {
        throw NftUnprintable("a type without a name")
      }
      let interval = set.elements.contains(where: givesRange) ? "interval " : ""
      lines.append(
        "type \(set.keyTypes.joined(separator: " . "))"
          + (set.dataTypes.map { " : \(interval)\($0.joined(separator: " . "))" } ?? ""))
    }
    for argument in set.arguments {
      switch argument.name {
      case "size": lines.append("size \(argument.value)")
      case "timeout", "gc-interval": lines.append("\(argument.name) \(NftValueText.duration(seconds(argument.value)))")
      case "policy": lines.append("policy \(argument.value)")
      case "auto-merge": lines.append("auto-merge")
      default: break
      }
    }
    if !set.flags.isEmpty { lines.append("flags \(set.flags.joined(separator: ","))") }
    let statements = elementArguments(set.arguments.filter { !["timeout", "gc-interval"].contains($0.name) })
    if !statements.isEmpty { lines.append(String(statements.dropFirst())) }
    if let comment = set.comment { lines.append("comment \(NftValueText.quoted(comment))") }
    if !set.elements.isEmpty {
      lines.append("elements = { \(try writer.text(set.elements, types.key, types.data ?? [])) }")
    }
    return lines
  }

  private static func givesRange(_ element: SetElement) -> Bool {
    guard case .values(let parts) = element.data else { return false }
    return parts.contains { $0.single == nil }
  }

  /// The lines of a stateful object or flow table.
  static func lines(_ object: NamedObject) -> [String] {
    func value(_ name: String) -> String? { object.arguments.first { $0.name == name }?.value }
    func values(_ name: String) -> [String] { object.arguments.filter { $0.name == name }.map(\.value) }
    var lines: [String] = object.comment.map { ["comment \(NftValueText.quoted($0))"] } ?? []
    let over = value("inv") == nil ? "" : "over "
    switch object.kind {
    case "counter":
      if let packets = value("packets"), let bytes = value("bytes") {
        lines.append("packets \(packets) bytes \(bytes)")
      }
    case "quota": lines.append(over + (quota(object.arguments) ?? ""))
    case "limit": lines.append("rate " + over + (limit(object.arguments) ?? ""))
    case "secmark": lines.append(NftValueText.quoted(value("context") ?? ""))
    case "synproxy":
      for name in ["mss", "wscale"] { if let number = value(name) { lines.append("\(name) \(number)") } }
      if !values("flags").isEmpty { lines.append(values("flags").joined(separator: " ")) }
    case "ct helper":
      lines.append("type \(NftValueText.quoted(value("type") ?? "")) protocol \(value("protocol") ?? "tcp")")
      if let family = value("l3proto") { lines.append("l3proto \(family)") }
    case "flowtable":
      lines.append("hook \(value("hook") ?? "ingress") priority \(value("prio") ?? "0")")
      if !values("dev").isEmpty { lines.append("devices = { \(values("dev").joined(separator: ", ")) }") }
      if !values("flags").isEmpty { lines.append("flags \(values("flags").joined(separator: ","))") }
      if value("counter") != nil { lines.append("counter") }
    default:
      for name in ["protocol", "dport", "timeout", "size", "l3proto"] {
        guard let word = value(name) else { continue }
        lines.append("\(name) \(name == "timeout" ? NftValueText.duration(UInt128(UInt64(word) ?? 0)) : word)")
      }
      let policies = object.arguments.filter { $0.name.hasPrefix("policy ") }
      if !policies.isEmpty {
        lines.append("policy = { \(policies.map { "\($0.name.dropFirst(7)) : \($0.value)" }.joined(separator: ", ")) }")
      }
    }
    return lines
  }
}
