import RuleGraph

/// Reads statements of nft's JSON (libnftables-json(5), "STATEMENTS").
struct NftJSONStatements {
  var lowering: NftLowering

  private var expressions: NftJSONExpressions { NftJSONExpressions(lowering: lowering) }

  private func read(_ value: JSONValue) throws(NftProblem) -> NftExpression { try expressions.read(value) }

  init(lowering: NftLowering) { self.lowering = lowering }

  /// Reads one statement and adds it to a rule.
  func read(_ item: JSONValue, into rule: inout Rule) throws(NftProblem) {
    var members = item.members
    guard let (key, value) = members.next(), let kind = key.string else { throw NftProblem("an empty statement") }
    guard members.next() == nil else { throw NftProblem("two statements in one") }
    switch kind {
    case "match":
      guard let left = value["left"], let right = value["right"] else { throw NftProblem("a match with one side") }
      let name = value["op"]?.string ?? "in"
      guard let relation = NftRelation(rawValue: name) else { throw NftProblem("the operator \(name)") }
      rule.statements.append(
        try lowering.match(try expressions.read(left), relation, try expressions.read(right)))
    case "counter": try counter(value, into: &rule)
    case "accept", "drop", "return", "continue", "jump", "goto":
      rule.statements.append(.verdict(try Self.verdict(kind, value)))
    case "xt": rule.statements.append(Self.opaque(item))
    case "vmap":
      guard let key = value["key"], let data = value["data"] else { throw NftProblem("a vmap") }
      rule.statements.append(try lowering.verdictMap(try expressions.read(key), try expressions.read(data)))
    case "mangle":
      guard let key = value["key"], let newValue = value["value"] else { throw NftProblem("a mangle") }
      if (key["meta"] ?? key["ct"])?["key"]?.string == "secmark" {
        let source: String? = newValue["meta"] != nil ? "meta secmark" : newValue["ct"] != nil ? "ct secmark" : nil
        let name = newValue.string ?? source ?? newValue.sourceText
        rule.statements.append(.effect(Effect(.secmark, [Argument("name", name)])))
        return
      }
      rule.statements.append(try lowering.assignment(try expressions.read(key), try expressions.read(newValue)))
    case "dnat", "snat", "masquerade", "redirect", "tproxy":
      rule.statements.append(try translation(kind, value))
    case "reject":
      rule.statements.append(
        try lowering.rejection(type: value["type"]?.string, code: try value["expr"].map(read)))
    case "set", "map": rule.statements.append(try setUpdate(value))
    case "meter": rule.statements.append(try meter(value))
    case "limit", "quota": rule.statements.append(contentsOf: try rate(kind, value))
    case "ct count":
      rule.statements.append(
        .environment(
          EnvironmentCondition(
            .connlimit, NftArguments.connectionCount(value["val"]?.unsigned ?? 0),
            negated: value["inv"]?.bool != true)))
    case "notrack": rule.statements.append(.notrack)
    case "queue":
      rule.statements.append(
        try lowering.queue(try value["num"].map(read), flags: NftJSONReader.strings(value["flags"])))
    case "fwd":
      guard let device = value["dev"] else { throw NftProblem("fwd without a device") }
      rule.statements.append(try lowering.forward(to: try read(device)))
    case "synproxy":
      let arguments = value.string.map { [Argument("name", $0)] } ?? Self.arguments(value)
      rule.statements.append(.verdict(.synproxy(arguments)))
    default: rule.statements.append(.effect(try effect(kind, value)))
    }
  }

  /// A verdict from its JSON name.
  static func verdict(_ kind: String, _ value: JSONValue) throws(NftProblem) -> Verdict {
    switch kind {
    case "accept": return .accept
    case "drop": return .drop
    case "return": return .return
    case "continue": return .continue
    default:
      guard let target = value["target"]?.string else { throw NftProblem("a \(kind) without a chain") }
      return kind == "jump" ? .jump(target) : .goto(target)
    }
  }

  /// What an object of JSON holds, as arguments.
  static func arguments(_ value: JSONValue) -> [Argument] {
    value.members.flatMap { NftJSONTypes.arguments($0.string ?? "", $1) }
  }

  /// A statement that the dump hides (`xt`) or that is not understood.
  static func opaque(_ item: JSONValue) -> Statement {
    if let xt = item["xt"] {
      let type = xt["type"]?.string ?? "match"
      let name = xt["name"]?.string ?? "unknown"
      let opaque = Opaque(name: "xt \(type) \(name)", text: item.sourceText, settledBy: "iptables-save")
      return type == "target" || xt["type"] == nil ? .opaqueTarget(opaque) : .opaqueMatch(opaque)
    }
    var members = item.members
    let kind = members.next()?.key.string ?? "nothing"
    let opaque = Opaque(name: kind, text: item.sourceText)
    return kind == "match" ? .opaqueMatch(opaque) : .opaqueTarget(opaque)
  }

  private func counter(_ value: JSONValue, into rule: inout Rule) throws(NftProblem) {
    if let name = value.string {
      rule.statements.append(.effect(Effect(.object, [Argument("counter", name)])))
    } else if let map = value["map"] {
      rule.statements.append(contentsOf: try objectMap("counter", map))
    } else if let packets = value["packets"]?.unsigned, let bytes = value["bytes"]?.unsigned {
      let counter = Counter(packets: packets, bytes: bytes)
      if rule.counter == nil {
        rule.counter = counter
      } else {
        rule.statements.append(
          .effect(Effect(.counter, [Argument("packets", String(packets)), Argument("bytes", String(bytes))])))
      }
    } else {
      rule.statements.append(.effect(Effect(.counter)))
    }
  }

  private func objectMap(_ kind: String, _ map: JSONValue) throws(NftProblem) -> [Statement] {
    guard let key = map["key"], let data = map["data"] else { throw NftProblem("a map of objects") }
    return try lowering.objectMap(kind, try expressions.read(key), try expressions.read(data))
  }

  private func translation(_ kind: String, _ value: JSONValue) throws(NftProblem) -> Statement {
    guard let kind = Translation.Kind(rawValue: kind) else { throw NftProblem(kind) }
    var written = NftTranslation(kind: kind, family: value["family"]?.string)
    written.address = try value["addr"].map(read)
    written.port = try value["port"].map(read)
    written.flags = NftJSONReader.strings(value["flags"])
    if kind == .dnat || kind == .snat, written.address == nil, written.port == nil {
      throw NftProblem("a translation to nothing")
    }
    written.isPrefix = NftJSONReader.strings(value["type_flags"]).contains("prefix")
    return try lowering.translation(written)
  }

  private func rate(_ kind: String, _ value: JSONValue) throws(NftProblem) -> [Statement] {
    if let map = value["map"] { return try objectMap(kind, map) }
    if kind == "limit" {
      guard NftArguments.isTimeUnit(value["per"]?.string), NftArguments.isSizeUnit(value["rate_unit"]?.string) else {
        throw NftProblem("the unit of a limit")
      }
    }
    return [.environment(Self.rateCondition(kind, value))]
  }

  /// A limit or quota, or the name of one.
  private static func rateCondition(_ kind: String, _ value: JSONValue) -> EnvironmentCondition {
    let environment: EnvironmentCondition.Kind = kind == "limit" ? .limit : .quota
    if let name = value.string { return EnvironmentCondition(environment, [Argument("name", name)]) }
    let arguments =
      kind == "limit"
      ? NftArguments.limit(
        rate: value["rate"]?.unsigned ?? 0, unit: value["rate_unit"]?.string, per: value["per"]?.string ?? "second",
        burst: value["burst"]?.unsigned, burstUnit: value["burst_unit"]?.string)
      : NftArguments.quota(
        value["val"]?.unsigned ?? 0, unit: value["val_unit"]?.string, used: value["used"]?.unsigned,
        usedUnit: value["used_unit"]?.string)
    return EnvironmentCondition(environment, arguments, negated: value["inv"]?.bool == true)
  }

  private func setUpdate(_ value: JSONValue) throws(NftProblem) -> Statement {
    guard let operation = value["op"]?.string.flatMap({ SetUpdate.Operation(rawValue: $0) }),
      let set = (value["set"] ?? value["map"])?.string, let elem = value["elem"]
    else { throw NftProblem("a change of a set") }
    let element = try expressions.element(elem, isMap: false)
    var conditions: [EnvironmentCondition] = []
    var arguments = element.arguments
    for statement in value["stmt"]?.elements.map({ $0 }) ?? [] {
      if let condition = Self.condition(statement) {
        conditions.append(condition)
      } else {
        arguments.append(contentsOf: Self.elementArguments(statement))
      }
    }
    if let comment = element.comment { arguments.append(Argument("comment", comment)) }
    return try lowering.setUpdate(
      operation, set: set.hasPrefix("@") ? String(set.dropFirst()) : set, key: element.key,
      data: try value["data"].map(read), conditions: conditions, arguments: arguments)
  }

  private func meter(_ value: JSONValue) throws(NftProblem) -> Statement {
    guard let key = value["key"], let name = value["name"]?.string, let statement = value["stmt"] else {
      throw NftProblem("a meter")
    }
    let element = try expressions.element(key, isMap: false)
    var arguments = element.arguments + [Argument("meter")]
    if let size = value["size"]?.unsigned { arguments.append(Argument("size", String(size))) }
    let condition = Self.condition(statement)
    if condition == nil { arguments.append(contentsOf: Self.elementArguments(statement)) }
    return try lowering.setUpdate(
      .update, set: name, key: element.key, data: nil, conditions: condition.map { [$0] } ?? [], arguments: arguments)
  }

  /// A statement of a set's element that decides like a match, or nil.
  private static func condition(_ statement: JSONValue) -> EnvironmentCondition? {
    if let value = statement["limit"] { return rateCondition("limit", value) }
    if let value = statement["quota"] { return rateCondition("quota", value) }
    if let value = statement["ct count"] {
      return EnvironmentCondition(
        .connlimit, NftArguments.connectionCount(value["val"]?.unsigned ?? 0), negated: value["inv"]?.bool != true)
    }
    return nil
  }

  /// A statement that a set's elements carry, as arguments.
  static func elementArguments(_ statement: JSONValue) -> [Argument] {
    statement.members.flatMap { elementArguments($0.string ?? "", $1) }
  }

  /// A named statement that an element carries, as arguments.
  static func elementArguments(_ name: String, _ value: JSONValue) -> [Argument] {
    guard value.kind == .object else { return [Argument(name, value.kind == .null ? "" : NftJSONTypes.scalar(value))] }
    switch name {
    case "limit", "quota":
      let condition = rateCondition(name, value)
      return [Argument(name, condition.negated ? "over" : "")]
        + condition.arguments.map { Argument("\(name) \($0.name)", $0.value) }
    case "ct count":
      return [Argument("ct count", (value["inv"]?.bool == true ? "over " : "") + String(value["val"]?.unsigned ?? 0))]
    default: return [Argument(name)] + arguments(value).map { Argument("\(name) \($0.name)", $0.value) }
    }
  }

  private func effect(_ kind: String, _ value: JSONValue) throws(NftProblem) -> Effect {
    switch kind {
    case "log": return Effect(.log, NftArguments.log(Self.arguments(value)))
    case "ct helper": return Effect(.helper, [Argument("name", value.string ?? "")])
    case "ct timeout": return Effect(.timeout, [Argument("name", value.string ?? "")])
    case "ct expectation": return Effect(.expectation, [Argument("name", value.string ?? "")])
    case "secmark": return Effect(.secmark, [Argument("name", value.string ?? "")])
    case "last": return Effect(.lastUsed)
    case "flow":
      let table = value["flowtable"]?.string ?? ""
      return Effect(.flowOffload, [Argument("flowtable", table.hasPrefix("@") ? String(table.dropFirst()) : table)])
    case "dup":
      var arguments: [Argument] = []
      if let address = value["addr"] { arguments.append(Argument("addr", NftJSONTypes.scalar(address))) }
      if let device = value["dev"] { arguments.append(Argument("dev", NftJSONTypes.scalar(device))) }
      return Effect(.dup, arguments)
    case "reset":
      guard let option = value["tcp option"]?["name"]?.string else { throw NftProblem("a reset") }
      return Effect(.tcpoptstrip, [Argument("name", option)])
    default: throw NftProblem("a statement `\(kind)`")
    }
  }
}
