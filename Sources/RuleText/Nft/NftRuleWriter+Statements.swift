import RuleGraph

extension NftRuleWriter {
  /// A statement.
  func text(_ statement: Statement) throws(NftUnprintable) -> String {
    switch statement {
    case .match(let match): return try text(match)
    case .anyOf(let alternatives):
      guard let parts = JoinedComparisons.parts(of: alternatives) else { throw NftUnprintable("one of several tests") }
      return try parts.map { part throws(NftUnprintable) in try text(part) }.joined(separator: " ")
    case .environment(let condition): return try text(condition)
    case .opaqueMatch(let opaque), .opaqueTarget(let opaque):
      throw NftUnprintable("what is not understood: \(opaque.name)")
    case .missingRules: throw NftUnprintable("rules that were not shown")
    case .hiddenInterfaces: throw NftUnprintable("interfaces that the dump hides")
    case .verdict(let verdict): return try text(verdict)
    case .verdictMap(let key, let reference):
      let (text, parts) = try text(key, keyTypes(reference))
      return try self.text(verdictMap: reference, text, parts)
    case .translate(let translation): return try text(translation)
    case .assign(let assignment): return try text(assignment)
    case .notrack: return "notrack"
    case .updateSet(let update): return try text(update)
    case .effect(let effect): return try text(effect)
    }
  }

  private func text(verdictMap reference: MapReference, _ key: String, _ parts: [NftPart]) throws(NftUnprintable)
    -> String
  {
    if case .anonymous(let elements) = reference,
      elements.contains(where: { if case .verdict(.forwardTo) = $0.data { true } else { false } })
    {
      var texts: [String] = []
      for element in elements {
        guard case .verdict(.forwardTo(let device)) = element.data else { throw NftUnprintable("a mixed map") }
        var plain = element
        plain.data = nil
        texts.append("\(try text(plain, parts, [])) : \(NftValueText.quoted(device))")
      }
      return "fwd to \(key) map { \(texts.joined(separator: ", ")) }"
    }
    return "\(key) vmap \(try text(reference, parts, [NftPart(.verdict)]))"
  }

  private func text(_ assignment: Assignment) throws(NftUnprintable) -> String {
    guard let part = assignment.field.nftPart else { throw NftUnprintable("the field \(assignment.field.text)") }
    let isIPv6 = part.type == .ipv6Address
    if part.type.isFlags, case .constant(let mask) = assignment.value, part.type != .ctLabel {
      return "\(assignment.field.text) set \(NftValueText.flags(mask, part.type, separator: ","))"
    }
    return "\(assignment.field.nftText(isIPv6: isIPv6)) set \(try text(assignment.value, [part]).0)"
  }

  // MARK: - Translations

  private func text(_ translation: Translation) throws(NftUnprintable) -> String {
    guard translation.portBase == nil else { throw NftUnprintable("a shifted range of ports") }
    var words: String
    switch translation.kind {
    case .npt: throw NftUnprintable("a stateless exchange of prefixes")
    case .netmap:
      guard let ofSource = translation.ofSource else { throw NftUnprintable("a netmap whose hook decides") }
      words = ofSource ? "snat" : "dnat"
    default: words = translation.kind.rawValue
    }
    var flags: [String] = []
    if translation.random { flags.append("random") }
    if translation.fullyRandom { flags.append("fully-random") }
    if translation.persistent { flags.append("persistent") }
    let isIPv6 = (translation.family.map { $0 == .ipv6 } ?? isIPv6Address(translation.address)) || family == .ip6
    if translation.address != nil || translation.family != nil, family != .ip, family != .ip6 {
      words += isIPv6 ? " ip6" : " ip"
    }
    if translation.kind == .netmap { words += " prefix" }
    if translation.address != nil || translation.port != nil { words += " to " }
    var address = ""
    if let value = translation.address {
      let parts = [NftPart(isIPv6 ? .ipv6Address : .ipv4Address), NftPart(.inetService)]
      address = try text(value, parts).0
      if translation.kind == .netmap, let length = translation.prefixLength, !address.contains("/") {
        address += "/\(length)"
      }
      if isIPv6, translation.port != nil { address = Self.bracketed(address) }
    }
    words += address
    if let port = translation.port { words += ":\(try text(port, [NftPart(.inetService)]).0)" }
    for argument in translation.arguments where argument.name == "mark" {
      throw NftUnprintable("a mark that tproxy sets")
    }
    return flags.isEmpty ? words : words + " " + flags.joined(separator: ",")
  }

  private func isIPv6Address(_ expression: ValueExpression?) -> Bool {
    switch expression {
    case .constant(let value): !IPAddress(bits: value).isIPv4
    case .anyOf(let values): values.first.map { !IPAddress(bits: $0).isIPv4 } ?? false
    case .masked(let value): value.possible.last.map { !IPAddress(bits: $0).isIPv4 } ?? false
    default: false
    }
  }

  /// `[fe80::1]-[fe80::2]`
  private static func bracketed(_ address: String) -> String {
    address.split(separator: "-").map { "[\($0)]" }.joined(separator: "-")
  }

  // MARK: - Sets

  private func text(_ update: SetUpdate) throws(NftUnprintable) -> String {
    guard !update.isIPSet else { throw NftUnprintable("the ipset \(update.set)") }
    let reference = MapReference.named(update.set)
    var element = try text(update.key, keyTypes(reference)).0
    element += NftSetWriter.elementArguments(update.arguments)
    for condition in update.conditions { element += " \(try text(condition))" }
    if let data = update.data { element += " : \(try text(data, dataTypes(update.set)).0)" }
    if update.arguments.contains(where: { $0.name == "meter" }) {
      let size = update.arguments.first { $0.name == "size" }.map { " size \($0.value)" } ?? ""
      return "meter \(try NftSafety.name(update.set))\(size) { \(element) }"
    }
    return "\(update.operation.rawValue) @\(try NftSafety.name(update.set)) { \(element) }"
  }

  // MARK: - Conditions and effects

  private func text(_ condition: EnvironmentCondition) throws(NftUnprintable) -> String {
    func value(_ name: String) -> String? { condition.arguments.first { $0.name == name }?.value }
    let operation = condition.negated ? "!= " : ""
    switch condition.kind {
    case .limit, .quota:
      let kind = condition.kind.rawValue
      if let name = value("name") { return "\(kind) name \(NftValueText.quoted(name))" }
      if value("map") != nil { throw NftUnprintable("a \(kind) chosen by a map") }
      let words =
        condition.kind == .limit ? NftSetWriter.limit(condition.arguments) : NftSetWriter.quota(condition.arguments)
      guard let words else { throw NftUnprintable("a limit of another kind") }
      return "\(kind) \(condition.kind == .limit ? "rate " : "")\(condition.negated ? "over " : "")\(words)"
    case .connlimit:
      guard condition.arguments.count == 1, let count = value("count") else { throw NftUnprintable("connlimit") }
      return "ct count \(condition.negated ? "" : "over ")\(count)"
    case .helper:
      guard let name = value("name") else { throw NftUnprintable("helper") }
      return "ct helper \(operation)\(NftValueText.quoted(name))"
    case .osf:
      guard let key = condition.arguments.last, key.name == "name" || key.name == "version" else {
        throw NftUnprintable("osf")
      }
      let ttl = value("ttl").map { "ttl \($0) " } ?? ""
      return "osf \(ttl)\(key.name) \(operation)\(NftValueText.quoted(key.value))"
    case .cgroup:
      guard let path = value("path"), let level = value("level") else { throw NftUnprintable("cgroup") }
      return "socket cgroupv2 level \(level) \(operation)\(NftValueText.quoted(path))"
    default: throw NftUnprintable("iptables' \(condition.kind.rawValue)")
    }
  }

  private func text(_ effect: Effect) throws(NftUnprintable) -> String {
    func value(_ name: String) -> String? { effect.arguments.first { $0.name == name }?.value }
    switch effect.kind {
    case .counter:
      guard let packets = value("packets"), let bytes = value("bytes") else { return "counter" }
      return "counter packets \(packets) bytes \(bytes)"
    case .log: return "log" + Self.log(effect.arguments)
    case .trace: return "meta nftrace set 1"
    case .lastUsed: return "last"
    case .object:
      guard let name = value("counter") else { throw NftUnprintable("an object chosen by a map") }
      return "counter name \(NftValueText.quoted(name))"
    case .helper, .timeout, .expectation:
      guard let name = value("name") else { throw NftUnprintable("ct \(effect.kind.rawValue)") }
      return "ct \(effect.kind.rawValue) set \(NftValueText.quoted(name))"
    case .flowOffload:
      guard let name = value("flowtable") else { throw NftUnprintable("a flow without a table") }
      return "flow add @\(try NftSafety.name(name))"
    case .dup:
      guard let address = value("addr") else { throw NftUnprintable("dup") }
      let target = family == .netdev ? NftValueText.quoted(address) : address
      return "dup to \(target)" + (value("dev").map { " device \(NftValueText.quoted($0))" } ?? "")
    case .tcpoptstrip:
      guard effect.arguments.count == 1, let name = value("name") else { throw NftUnprintable("tcpoptstrip") }
      return "reset tcp option \(name)"
    case .secmark:
      guard let name = value("name") else { throw NftUnprintable("secmark") }
      return "meta secmark set \(NftValueText.quoted(name))"
    default: throw NftUnprintable("iptables' \(effect.kind.rawValue)")
    }
  }

  private static func log(_ arguments: [Argument]) -> String {
    var text = ""
    for argument in arguments {
      switch argument.name {
      case "prefix": text += " prefix \(NftValueText.quoted(argument.value))"
      case "flags":
        let flags = argument.value.split(separator: ",").map { String($0) }
        if flags == NftSymbols.logFlags {
          text += " flags all"
          continue
        }
        let tcp = flags.filter { $0.hasPrefix("tcp ") }.map { $0.dropFirst(4) }
        if !tcp.isEmpty { text += " flags tcp \(tcp.joined(separator: ","))" }
        for flag in flags where !flag.hasPrefix("tcp ") { text += " flags \(flag)" }
      default: text += " \(argument.name) \(argument.value)"
      }
    }
    return text
  }
}
