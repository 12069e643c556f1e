import RuleGraph

/// A part of the packet that many rules compare with constants, so that a whole chain can be compared at once.
///
/// Most are a ``Slot``; the last ones follow from the connection, or from two slots.
enum TestField: Int, CaseIterable {
  case input, output, physicalInput, physicalOutput
  case source, destination, transport, sourcePort, destinationPort
  case mark, tcpFlags, icmpType, icmpCode, length, hopLimit, serviceByte
  /// The connection's state, without and with the bits of a translation.
  case state, stateOrTranslation
  /// The ports of whatever protocol has some: only of packets that certainly have.
  case anySourcePort, anyDestinationPort
  /// Always zero: a test of it for one is a test that no packet of the family passes.
  case never

  /// The number of fields.
  static let count = allCases.count

  /// The slot behind the field; nil of a field that is computed.
  fileprivate var slot: Slot? {
    switch self {
    case .input: .input
    case .output: .output
    case .physicalInput: .physicalInput
    case .physicalOutput: .physicalOutput
    case .source: .source
    case .destination: .destination
    case .transport: .transport
    case .sourcePort, .anySourcePort: .sourcePort
    case .destinationPort, .anyDestinationPort: .destinationPort
    case .mark: .mark
    case .tcpFlags: .tcpFlags
    case .icmpType: .icmpType
    case .icmpCode: .icmpCode
    case .length: .length
    case .hopLimit: .hopLimit
    case .serviceByte: .serviceByte
    case .state, .stateOrTranslation, .never: nil
    }
  }
}

/// A statement of a rule, or what it takes for granted, as a comparison of one field with constants.
///
/// It says the same as ``Engine/decide(_:in:_:_:)`` of that statement where it says no: a packet outside `values` does
/// not match the rule.
struct PlainTest {
  /// What is compared.
  var field: TestField
  /// The values with which the statement may hold.
  var values: ValueSet
  /// Whether `values` are those with which it does not hold instead.
  var negated = false

  /// The tests of a statement for packets of a family; none where a statement is no comparison with constants.
  static func tests(of statement: Statement, _ family: AddressFamily) -> [PlainTest] {
    guard case .match(let match) = statement, !match.whenAbsent else { return [] }
    let values: ValueSet
    switch match.values {
    case .values(let known): values = known
    // What is certain of masked values: a packet outside the possible ones does not match, one with a certain one is no
    // exception.
    case .masked(let masked): values = match.negated ? masked.certain : masked.possible
    default: return []
    }
    var operations: [Transform.Operation] = []
    var subject = match.subject
    while true {
      switch subject {
      case .bitwise(let inner, let and, let xor):
        operations.insert(.bitwise(and: and, xor: xor), at: 0)
        subject = inner
        continue
      case .shift(let inner, let left):
        operations.insert(.shift(left), at: 0)
        subject = inner
        continue
      default: break
      }
      break
    }
    guard case .field(let field) = subject else { return [] }
    var tests: [PlainTest] = []
    switch presence(of: field, family) {
    case .unknown: return []
    case .always: break
    case .never: tests.append(PlainTest(field: .never, values: ValueSet(1)))
    case .onlyWith(let transport): tests.append(PlainTest(field: .transport, values: ValueSet(transport)))
    }
    guard let (place, width) = place(of: field) else { return tests }
    if operations.isEmpty {
      tests.append(PlainTest(field: place, values: values, negated: match.negated))
    } else if width <= 8, let wanted = Transform(operations: operations).preimage(of: values, in: .bits(width)) {
      tests.append(PlainTest(field: place, values: wanted, negated: match.negated))
    }
    return tests
  }

  /// What a packet must be to have a field at all.
  private enum Presence {
    /// Every packet has it, no packet of the family has it, or only those of a protocol.
    case always, never
    case onlyWith(UInt8)
    /// Nothing is said about it here.
    case unknown
  }

  private static func presence(of field: Field, _ family: AddressFamily) -> Presence {
    switch field {
    case .meta(.iifname), .meta(.oifname), .meta(.physicalIn), .meta(.physicalOut), .meta(.l4proto), .meta(.mark),
      .meta(.length), .conntrack(ConntrackField(.state)), .conntrack(ConntrackField(.stateOrTranslation)):
      return .always
    case .header(let header):
      switch header.header {
      case .ip: return family == .ipv4 ? .always : .never
      case .ip6: return family == .ipv6 ? .always : .never
      case .th: return header.name == .sport || header.name == .dport ? .always : .unknown
      case .tcp: return .onlyWith(6)
      case .udp: return .onlyWith(17)
      case .sctp: return .onlyWith(132)
      case .dccp: return .onlyWith(33)
      case .icmp: return family == .ipv4 ? .onlyWith(1) : .never
      case .icmpv6: return family == .ipv6 ? .onlyWith(58) : .never
      default: return .unknown
      }
    default: return .unknown
    }
  }

  /// Where a field is compared, and its width in bits; nil where only its presence is.
  private static func place(of field: Field) -> (field: TestField, width: Int)? {
    switch field {
    case .meta(.iifname): (.input, 128)
    case .meta(.oifname): (.output, 128)
    case .meta(.physicalIn): (.physicalInput, 128)
    case .meta(.physicalOut): (.physicalOutput, 128)
    case .meta(.l4proto): (.transport, 8)
    case .meta(.mark): (.mark, 32)
    case .meta(.length): (.length, 16)
    case .conntrack(let key): (key.key == .state ? .state : .stateOrTranslation, 32)
    case .header(let header):
      switch (header.header, header.name) {
      case (.ip, .saddr), (.ip6, .saddr): (.source, 128)
      case (.ip, .daddr), (.ip6, .daddr): (.destination, 128)
      case (.ip, .protocol), (.ip6, .nexthdr): (.transport, 8)
      case (.ip, .ttl), (.ip6, .hoplimit): (.hopLimit, 8)
      case (.ip, .tos), (.ip6, .tos): (.serviceByte, 8)
      case (.ip, .length): (.length, 16)
      case (.th, .sport): (.anySourcePort, 16)
      case (.th, .dport): (.anyDestinationPort, 16)
      case (.tcp, .sport), (.udp, .sport), (.sctp, .sport), (.dccp, .sport): (.sourcePort, 16)
      case (.tcp, .dport), (.udp, .dport), (.sctp, .dport), (.dccp, .dport): (.destinationPort, 16)
      case (.tcp, .flags): (.tcpFlags, 8)
      case (.icmp, .type), (.icmpv6, .type): (.icmpType, 8)
      case (.icmp, .code), (.icmpv6, .code): (.icmpCode, 8)
      default: nil
      }
    default: nil
    }
  }
}

extension PlainTest {
  /// Whether a rule has a test that is false for all packets with these hulls; one that says no more than
  /// ``tests(of:_:)``, and makes nothing.
  static func fails(_ rule: Rule, _ family: AddressFamily, _ hulls: borrowing FieldHulls) -> Bool {
    for statement in rule.statements {
      switch statement {
      case .match(let match):
        guard !match.whenAbsent, case .values(let values) = match.values, case .field(let field) = match.subject else {
          continue
        }
        switch presence(of: field, family) {
        case .unknown: continue
        case .never: return true
        case .always: break
        case .onlyWith(let transport):
          if let hull = hulls[.transport], hull.low > transport || hull.high < transport { return true }
        }
        if let place = place(of: field)?.field, let hull = hulls[place],
          isFalse(values, negated: match.negated, hull)
        {
          return true
        }
      case .anyOf, .environment, .opaqueMatch, .hiddenInterfaces, .effect: continue
      // Behind these the packet is another, or the rule has matched.
      default: return false
      }
    }
    return false
  }

  private static func isFalse(_ values: ValueSet, negated: Bool, _ hull: FieldHulls.Hull) -> Bool {
    if negated { return values.intervals.contains { hull.low >= $0.lowerBound && hull.high <= $0.upperBound } }
    return values.intervals.allSatisfy { hull.high < $0.lowerBound || hull.low > $0.upperBound }
  }
}

/// The smallest and the largest value of each field among the packets of a flow.
struct FieldHulls {
  typealias Hull = (low: UInt128, high: UInt128)

  private let hulls: [Hull?]

  init(_ flow: Flow) { hulls = TestField.allCases.map { flow.hull(of: $0) } }

  subscript(field: TestField) -> Hull? { hulls[field.rawValue] }
}

extension Flow {
  /// The smallest and the largest value of a field among the packets of the flow; nil where it is not there, or nothing
  /// is certain of it.
  func hull(of field: TestField) -> (low: UInt128, high: UInt128)? {
    switch field {
    case .never: return (0, 0)
    case .state, .stateOrTranslation:
      let state = connectionState(withTranslation: field == .stateOrTranslation)
      return (state, state)
    case .anySourcePort, .anyDestinationPort:
      guard let transport = domain(.transport), transport.isSubset(of: IPProtocol.withPorts) else { return nil }
    default: break
    }
    return field.slot.flatMap { binding[$0] }.flatMap { hull(of: $0) }
  }

  /// The same of a field that was rewritten since the packet came in, as it was then; nil of the others.
  func arrivalHull(of field: TestField) -> (low: UInt128, high: UInt128)? {
    guard let slot = field.slot, let arrived = arrival[slot], arrived != binding[slot] else { return nil }
    return hull(of: arrived)
  }

  private func hull(of variable: VariableID) -> (low: UInt128, high: UInt128)? {
    let intervals = variables[variable].domain.intervals
    guard let first = intervals.first, let last = intervals.last else { return nil }
    return (first.lowerBound, last.upperBound)
  }
}
