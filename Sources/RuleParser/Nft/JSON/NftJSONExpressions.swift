import RuleGraph
import RuleText

/// Reads expressions of nft's JSON (libnftables-json(5), "EXPRESSIONS").
struct NftJSONExpressions {
  /// Knows the family of the table, for connection addresses without one.
  var lowering: NftLowering

  /// Reads an expression.
  func read(_ value: JSONValue, depth: Int = 0) throws(NftProblem) -> NftExpression {
    guard depth < NftLowering.maximumDepth else { throw NftProblem("an expression of too many levels") }
    switch value.kind {
    case .string:
      let text = value.string ?? ""
      if text == "*" { return .wildcard }
      return text.hasPrefix("@") ? .reference(String(text.dropFirst())) : .word(text)
    case .number:
      if let number = value.unsigned { return .number(UInt128(number)) }
      if let number = NftValue.integer(value.sourceText) { return .number(number) }
      if let negative = value.integer { return .number(UInt128(UInt32(truncatingIfNeeded: negative))) }
      throw NftProblem("the number \(value.sourceText)")
    case .true: return .presence(true)
    case .false: return .presence(false)
    case .null: throw NftProblem("null where a value is needed")
    case .array: return .list(try items(value, depth))
    case .object: return try object(value, depth: depth + 1)
    }
  }

  private func items(_ list: JSONValue, _ depth: Int) throws(NftProblem) -> [NftExpression] {
    var items: [NftExpression] = []
    for item in list.elements { items.append(try read(item, depth: depth + 1)) }
    return items
  }

  private func object(_ object: JSONValue, depth: Int) throws(NftProblem) -> NftExpression {
    var members = object.members
    guard let (key, value) = members.next(), let kind = key.string else { throw NftProblem("an empty expression") }
    switch kind {
    case "payload": return try payload(value)
    case "meta":
      let name = value.string ?? value["key"]?.string ?? ""
      guard let field = NftFields.meta(name) else { throw NftProblem("meta \(name)") }
      return .field(field)
    case "ct": return try conntrack(value)
    case "fib":
      guard let result = value["result"]?.string,
        let field = NftFields.fib(result, flags: NftJSONReader.strings(value["flags"]))
      else { throw NftProblem("fib") }
      return .field(field)
    case "prefix":
      guard let address = value["addr"], let length = value["len"]?.integer else { throw NftProblem("a prefix") }
      return .prefix(try read(address, depth: depth), length)
    case "range":
      let bounds = try items(value, depth)
      guard bounds.count == 2 else { throw NftProblem("a range") }
      return .range(bounds[0], bounds[1])
    case "set":
      if value.kind == .string { return try read(value, depth: depth) }
      var elements: [NftElement] = []
      if value.kind == .array {
        for item in value.elements { elements.append(try element(item, isMap: isPair(item), depth: depth)) }
      } else {
        elements.append(try element(value, isMap: false, depth: depth))
      }
      return .set(elements)
    case "concat": return .concatenation(try items(value, depth))
    case "map":
      guard let key = value["key"], let data = value["data"] else { throw NftProblem("a map") }
      return .map(key: try read(key, depth: depth), data: try read(data, depth: depth))
    case "&", "|", "^", "<<", ">>":
      guard let operation = NftOperation(rawValue: kind) else { throw NftProblem(kind) }
      let operands = try items(value, depth)
      guard var result = operands.first, operands.count >= 2 else { throw NftProblem("`\(kind)` with one operand") }
      for operand in operands.dropFirst() { result = .binary(operation, result, operand) }
      return result
    case "elem":
      guard let inner = value["val"] else { throw NftProblem("an element without a value") }
      return try read(inner, depth: depth)
    case "accept", "drop", "return", "continue", "jump", "goto":
      return .verdict(try NftJSONStatements.verdict(kind, value))
    default: return try rare(kind, value, depth: depth)
    }
  }

  private func isPair(_ item: JSONValue) -> Bool {
    guard item.kind == .array else { return false }
    return item.elements.reduce(0) { count, _ in count + 1 } == 2
  }

  /// An element of a set, or `[key, data]` of a map.
  func element(_ item: JSONValue, isMap: Bool, depth: Int = 0) throws(NftProblem) -> NftElement {
    guard depth < NftLowering.maximumDepth else { throw NftProblem("an expression of too many levels") }
    if isMap, item.kind == .array {
      var parts = item.elements
      guard let key = parts.next(), let data = parts.next() else { throw NftProblem("an element of a map") }
      var element = try element(key, isMap: false, depth: depth)
      element.data = try read(data, depth: depth + 1)
      return element
    }
    guard item.kind == .object, let inner = item["elem"], let value = inner["val"] else {
      return NftElement(try read(item, depth: depth + 1))
    }
    var element = NftElement(try read(value, depth: depth + 1))
    element.comment = inner["comment"]?.string
    for (key, value) in inner.members where !key.equals("val") && !key.equals("comment") {
      switch key.string {
      case "timeout", "expires": element.arguments.append(Argument(key.string ?? "", NftJSONTypes.scalar(value)))
      case let name?: element.arguments.append(contentsOf: NftJSONStatements.elementArguments(name, value))
      case nil: break
      }
    }
    return element
  }

  private func payload(_ value: JSONValue) throws(NftProblem) -> NftExpression {
    if let base = value["base"]?.string, let offset = value["offset"]?.unsigned, let length = value["len"]?.unsigned {
      guard let field = NftFields.raw(base, offset: offset, length: length) else { throw NftProblem("raw payload") }
      return .field(field)
    }
    let header = (value["protocol"] ?? value["name"])?.string ?? ""
    let name = value["field"]?.string ?? ""
    if let tunnel = value["tunnel"]?.string { return .unknown("\(tunnel) \(header) \(name), inside a tunnel") }
    guard let field = NftPayload.field(header, name) else { throw NftProblem("the header field \(header) \(name)") }
    return .field(field)
  }

  private func conntrack(_ value: JSONValue) throws(NftProblem) -> NftExpression {
    let name = value.string ?? value["key"]?.string ?? ""
    if name == "helper" { return .environment(.helper, [], valueName: "name") }
    var key = name
    if let family = value["family"]?.string { key = "\(family) \(name)" }
    let direction = value["dir"]?.string.flatMap { Direction(rawValue: $0) }
    guard let field = NftFields.conntrack(key, direction, family: lowering.family) else {
      throw NftProblem("ct \(name)")
    }
    return .field(field)
  }

  private func rare(_ kind: String, _ value: JSONValue, depth: Int) throws(NftProblem) -> NftExpression {
    switch kind {
    case "exthdr", "tcp option", "ip option", "sctp chunk", "dccp option": return try option(kind, value)
    case "rt":
      guard let field = NftFields.route(value["key"]?.string ?? "", family: value["family"]?.string) else {
        throw NftProblem("rt")
      }
      return .field(field)
    case "socket":
      let key = value["key"]?.string ?? ""
      if key == "cgroupv2" {
        let level = value["level"]?.unsigned.map { [Argument("level", String($0))] } ?? []
        return .environment(.cgroup, level, valueName: "path")
      }
      guard let field = NftFields.socket(key) else { throw NftProblem("socket \(key)") }
      return .field(field)
    case "ipsec":
      guard
        let field = NftFields.ipsec(
          value["key"]?.string ?? "", family: value["family"]?.string, inbound: value["dir"]?.string != "out",
          index: value["spnum"]?.unsigned ?? 0)
      else { throw NftProblem("ipsec") }
      return .field(field)
    case "osf":
      let ttl = value["ttl"]?.string.map { [Argument("ttl", $0)] } ?? []
      return .environment(.osf, ttl, valueName: value["key"]?.string ?? "name")
    case "numgen", "jhash", "symhash":
      let mode = value["mode"]?.string.map { "\(kind) \($0)" } ?? kind
      var generator = NftGenerator(
        name: mode, modulus: value["mod"]?.unsigned ?? 0, offset: value["offset"]?.unsigned ?? 0,
        seed: value["seed"]?.unsigned)
      if let input = value["expr"] { generator.input = try read(input, depth: depth) }
      return .generator(generator)
    default: throw NftProblem("an expression `\(kind)`")
    }
  }

  private func option(_ kind: String, _ value: JSONValue) throws(NftProblem) -> NftExpression {
    let family: OptionKind
    switch kind {
    case "tcp option": family = .tcp
    case "ip option": family = .ip
    case "sctp chunk": family = .sctp
    case "dccp option": family = .dccp
    default: family = .ip6
    }
    if let base = value["base"]?.unsigned, let offset = value["offset"]?.unsigned, let length = value["len"]?.unsigned {
      let name = offset == 0 ? nil : "@\(offset),\(length)"
      return .field(NftFields.option(family, String(base), name))
    }
    if family == .dccp, let type = value["type"]?.unsigned {
      return .field(NftFields.option(family, String(type), nil))
    }
    guard let option = value["name"]?.string else { throw NftProblem(kind) }
    var name = value["field"]?.string
    if let field = name, let index = value["offset"]?.unsigned { name = "\(field)[\(index)]" }
    return .field(NftFields.option(family, option, name))
  }
}
