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
/// It says the same as ``Engine/decide(_:in:_:_:)`` of that statement where it says no: a packet outside `values` does not match the rule.
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
    // What is certain of masked values: a packet outside the possible ones does not match, one with a certain one is no exception.
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
    guard case .field(let field) = subject, var tests = presence(of: field, family) else { return [] }
    guard let (place, width) = place(of: field) else { return tests }
    if operations.isEmpty {
      tests.append(PlainTest(field: place, values: values, negated: match.negated))
    } else if width <= 8, let wanted = Transform(operations: operations).preimage(of: values, in: .bits(width)) {
      tests.append(PlainTest(field: place, values: wanted, negated: match.negated))
    }
    return tests
  }

  private static let never = PlainTest(field: .never, values: ValueSet(1))

  /// What a packet must be to have a field at all; nil of a field about which nothing is said here.
  private static func presence(of field: Field, _ family: AddressFamily) -> [PlainTest]? {
    switch field {
    case .meta(.iifname), .meta(.oifname), .meta(.physicalIn), .meta(.physicalOut), .meta(.l4proto), .meta(.mark),
      .meta(.length), .conntrack(ConntrackField(.state)), .conntrack(ConntrackField(.stateOrTranslation)):
      return []
    case .header(let header):
      switch header.header {
      case .ip: return family == .ipv4 ? [] : [never]
      case .ip6: return family == .ipv6 ? [] : [never]
      case .th: return header.name == .sport || header.name == .dport ? [] : nil
      case .tcp: return [PlainTest(field: .transport, values: ValueSet(6))]
      case .udp: return [PlainTest(field: .transport, values: ValueSet(17))]
      case .sctp: return [PlainTest(field: .transport, values: ValueSet(132))]
      case .dccp: return [PlainTest(field: .transport, values: ValueSet(33))]
      case .icmp: return family == .ipv4 ? [PlainTest(field: .transport, values: ValueSet(1))] : [never]
      case .icmpv6: return family == .ipv6 ? [PlainTest(field: .transport, values: ValueSet(58))] : [never]
      default: return nil
      }
    default: return nil
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

extension Flow {
  /// The smallest and the largest value of a field among the packets of the flow; nil where it is not there, or nothing is certain of it.
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
    return field.slot.flatMap { hull(of: binding[$0.rawValue]) }
  }

  /// The same of a field that was rewritten since the packet came in, as it was then; nil of the others.
  func arrivalHull(of field: TestField) -> (low: UInt128, high: UInt128)? {
    guard let slot = field.slot, arrival[slot.rawValue] != binding[slot.rawValue] else { return nil }
    return hull(of: arrival[slot.rawValue])
  }

  private func hull(of variable: VariableID) -> (low: UInt128, high: UInt128)? {
    guard variable >= 0, let first = variables[variable].domain.intervals.first,
      let last = variables[variable].domain.intervals.last
    else { return nil }
    return (first.lowerBound, last.upperBound)
  }
}
