import RuleGraph
import RuleText

/// The parts of a translation as they are written (nft(8), "NAT STATEMENTS").
struct NftTranslation {
  var kind: Translation.Kind
  var family: String?
  var address: NftExpression?
  var port: NftExpression?
  var flags: [String] = []
  /// Whether the address is a prefix whose last bits stay (`dnat ip prefix to`).
  var isPrefix = false
}

extension NftLowering {
  /// A vmap as a statement.
  func verdictMap(_ key: NftExpression, _ data: NftExpression) throws(NftProblem) -> Statement {
    let lowered = try typed(key, expected: keyTypes(ofMap: data))
    let (reference, _) = try map(data, key: lowered.parts, data: [NftPart(.verdict)])
    return .verdictMap(key: lowered.expression, reference)
  }

  /// An assignment: `meta mark set …`, `ip dscp set …`, `ct mark set …`.
  func assignment(_ key: NftExpression, _ newValue: NftExpression) throws(NftProblem) -> Statement {
    guard case .field(let field) = key else { throw NftProblem("an assignment to something that is no field") }
    if case .meta(.nftrace) = field.field { return .effect(Effect(.trace)) }
    let value = try value(newValue, as: [NftPart(field.type, field.bits)])
    return .assign(Assignment(field.field, value))
  }

  /// A translation. Without a family the table's is meant (`dnat to` in an ip table).
  func translation(_ written: NftTranslation) throws(NftProblem) -> Statement {
    var result = Translation(written.kind)
    switch written.family {
    // In a table of one family, naming it says nothing.
    case "ip" where family != .ip: result.family = .ipv4
    case "ip6" where family != .ip6: result.family = .ipv6
    default: break
    }
    for flag in written.flags {
      switch flag {
      case "random": result.random = true
      case "fully-random": result.fullyRandom = true
      case "persistent": result.persistent = true
      case "netmap": break
      default: result.arguments.append(Argument(flag))
      }
    }
    let isPrefix = written.isPrefix || written.flags.contains("netmap")
    if let address = written.address {
      let types = addressTypes(address, written.family.map { $0 == "ip6" ? .ipv6 : .ipv4 })
      result.address = try value(address, as: types)
      if isPrefix {
        result.ofSource = written.kind == .snat
        result.kind = .netmap
        if case .prefix(_, let length) = address { result.prefixLength = length }
      }
    }
    if let port = written.port { result.port = try value(port, as: [NftPart(.inetService)]) }
    return .translate(result)
  }

  /// The types of a translation's address, and of the port where a map gives both.
  private func addressTypes(_ address: NftExpression, _ named: AddressFamily?) -> [NftPart] {
    let isIPv6: Bool
    if let named {
      isIPv6 = named == .ipv6
    } else if case .word(let word) = address, let parsed = IPAddress(word) {
      isIPv6 = !parsed.isIPv4
    } else {
      isIPv6 = family == .ip6
    }
    return [NftPart(isIPv6 ? .ipv6Address : .ipv4Address), NftPart(.inetService)]
  }

  /// A reject; without a type, a port is unreachable in the words of the table's family (nft(8), "REJECT STATEMENT").
  func rejection(type: String?, code: NftExpression?) throws(NftProblem) -> Statement {
    let kind = type ?? (family == .ip ? "icmp" : family == .ip6 ? "icmpv6" : "icmpx")
    let rejection: Rejection
    switch kind {
    case "tcp reset": rejection = .tcpReset
    case "icmp": rejection = .icmp(code: try rejectCode(code, .icmpCode, unwritten: 3))
    case "icmpv6": rejection = .icmpv6(code: try rejectCode(code, .icmpv6Code, unwritten: 4))
    case "icmpx": rejection = .icmpx(code: try rejectCode(code, .icmpxCode, unwritten: 1))
    default: throw NftProblem("reject with \(kind)")
    }
    return .verdict(.reject(rejection))
  }

  private func rejectCode(_ code: NftExpression?, _ type: NftType, unwritten: UInt8) throws(NftProblem) -> UInt8 {
    guard let code else { return unwritten }
    guard let value = UInt8(exactly: try NftValue.single(code, type, bits: 8)) else {
      throw NftProblem("the code of a reject")
    }
    return value
  }

  /// A queue to user space; computed numbers are any of those that the computation can give.
  func queue(_ numbers: NftExpression?, flags: [String]) throws(NftProblem) -> Statement {
    var range: ClosedRange<UInt16> = 0...0
    if let numbers {
      let lowered = try value(numbers, as: [NftPart(.integer, 16)])
      let values: ValueSet
      switch lowered {
      case .constant(let number): values = ValueSet(number)
      case .anyOf(let set): values = set
      case .masked(let value): values = value.possible
      case .generated(let generator): values = generator.values
      default: values = .bits(16)
      }
      guard let low = values.first, let high = values.intervals.last?.upperBound, high <= 0xffff else {
        throw NftProblem("the number of a queue")
      }
      range = UInt16(low)...UInt16(high)
    }
    return .verdict(
      .queue(QueueTarget(range, bypass: flags.contains("bypass"), fanout: flags.contains("fanout"))))
  }

  /// A counter, limit or quota chosen by a map: the key must be in the map for the rule to go on (`nft_objref_map_eval`
  /// in `net/netfilter/nft_objref.c`).
  func objectMap(_ kind: String, _ key: NftExpression, _ data: NftExpression) throws(NftProblem) -> [Statement] {
    let lowered = try typed(key, expected: keyTypes(ofMap: data))
    let (reference, _) = try map(data, key: lowered.parts, data: [NftPart(.object)])
    let membership: MatchValues
    var name = ""
    switch reference {
    case .named(let map):
      membership = .named(map)
      name = "@" + map
    case .anonymous(let elements):
      membership = .elements(elements)
      name = elements.compactMap { $0.arguments.first { $0.name == "object" }?.value }.joined(separator: ",")
    case .ipset: throw NftProblem("a map")
    }
    let match = Statement.match(Match(lowered.expression, membership))
    switch kind {
    case "limit": return [match, .environment(EnvironmentCondition(.limit, [Argument("map", name)]))]
    case "quota": return [match, .environment(EnvironmentCondition(.quota, [Argument("map", name)]))]
    default: return [match, .effect(Effect(.object, [Argument("map", name)]))]
    }
  }

  /// An update of a set or map by the packet.
  func setUpdate(
    _ operation: SetUpdate.Operation, set: String, key: NftExpression, data: NftExpression?,
    conditions: [EnvironmentCondition], arguments: [Argument]
  ) throws(NftProblem) -> Statement {
    let types = sets[set]
    let lowered = try typed(key, expected: types?.key ?? [])
    var update = SetUpdate(
      operation, set: set, key: lowered.expression, conditions: conditions, arguments: arguments)
    if let data { update.data = try value(data, as: types?.data ?? [NftPart(.invalid)]) }
    return .updateSet(update)
  }

  /// `fwd to` a device, or to the one that a map written in place gives.
  func forward(to device: NftExpression) throws(NftProblem) -> Statement {
    if let name = Self.device(device) { return .verdict(.forwardTo(device: name)) }
    guard case .map(let key, .set(let elements)) = device else { throw NftProblem("fwd to a computed device") }
    let lowered = try typed(key)
    var verdicts: [SetElement] = []
    for var element in elements {
      guard let name = element.data.flatMap({ Self.device($0) }) else { throw NftProblem("fwd to a computed device") }
      element.data = .verdict(.forwardTo(device: name))
      verdicts.append(try self.element(element, key: lowered.parts, data: nil))
    }
    return .verdictMap(key: lowered.expression, .anonymous(verdicts))
  }

  /// The device that an expression names.
  static func device(_ expression: NftExpression) -> String? {
    if case .word(let name) = expression { return name }
    return nil
  }
}
