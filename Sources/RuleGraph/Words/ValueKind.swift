/// What the numbers of a field stand for, which decides how they are written.
public enum ValueKind: Hashable, Sendable {
  /// Addresses of one family or both.
  case address
  /// Names of interfaces and other names of at most sixteen bytes.
  case name
  /// Hardware addresses.
  case hardwareAddress
  /// Transport protocol numbers.
  case transport
  /// A number that is one of a few with names.
  case named([NamedValue])
  /// Bits with names.
  case bits([NamedValue])
  /// Bits without names, in hexadecimal.
  case mark
  /// A decimal number.
  case number
}

/// A number with the name that dumps print for it.
public struct NamedValue: Hashable, Sendable {
  /// The number.
  public var value: UInt128
  /// The name.
  public var name: String

  /// Makes a named number.
  public init(_ value: UInt128, _ name: String) {
    self.value = value
    self.name = name
  }
}

extension Field {
  /// What the field's numbers stand for.
  public var valueKind: ValueKind {
    switch self {
    case .meta(let key): key.valueKind
    case .header(let field): field.valueKind
    case .conntrack(let field): field.key.valueKind
    case .fib(let fib):
      switch fib.result {
      case .type: .named(AddressType.allCases.map { NamedValue(UInt128($0.rawValue), $0.name) })
      case .oifname: .name
      case .oif, .check: .number
      }
    case .ipsec(let field): field.key.hasSuffix("addr") ? .address : .number
    case .raw: .mark
    case .route(let key): key == .nexthop || key == .nexthop4 || key == .nexthop6 ? .address : .number
    case .socket(let key): key == .mark ? .mark : .number
    case .option: .number
    }
  }
}

extension MetaKey {
  fileprivate var valueKind: ValueKind {
    switch self {
    case .iifname, .oifname, .physicalIn, .physicalOut, .ibrname, .obrname, .iifkind, .oifkind, .sdifname: .name
    case .mark, .priority: .mark
    case .l4proto: .transport
    case .nfproto: .named([NamedValue(2, "ipv4"), NamedValue(10, "ipv6")])
    case .protocolType: .named(NamedNumbers.etherTypes)
    case .packetType:
      .named([
        NamedValue(0, "unicast"), NamedValue(1, "broadcast"), NamedValue(2, "multicast"), NamedValue(3, "other"),
      ])
    default: .number
    }
  }
}

extension ConntrackKey {
  fileprivate var valueKind: ValueKind {
    switch self {
    case .state: .bits(ConntrackState.names.map { NamedValue($0.bit, $0.name) })
    case .stateOrTranslation:
      .bits(
        ConntrackState.names.map { NamedValue($0.bit, $0.name) }
          + [NamedValue(ConntrackState.snat, "snat"), NamedValue(ConntrackState.dnat, "dnat")])
    case .status: .bits(ConntrackStatus.names.map { NamedValue($0.bit, $0.name) })
    case .direction: .named([NamedValue(0, "original"), NamedValue(1, "reply")])
    case .mark, .label, .event, .secmark: .mark
    case .saddr, .daddr: .address
    case .protocol: .transport
    case .l3proto: .named([NamedValue(2, "ipv4"), NamedValue(10, "ipv6")])
    default: .number
    }
  }
}

extension HeaderField {
  fileprivate var valueKind: ValueKind {
    switch (header, name) {
    case (.ether, .saddr), (.ether, .daddr), (_, .hardwareSource), (_, .hardwareTarget): .hardwareAddress
    case (_, .saddr), (_, .daddr), (_, .ipSource), (_, .ipTarget), (_, .targetAddress): .address
    case (.ip, .protocol), (.ip6, .nexthdr): .transport
    case (.ether, .type), (.vlan, .type): .named(NamedNumbers.etherTypes)
    case (.tcp, .flags): .bits(NamedNumbers.tcpFlags)
    case (.icmp, .type): .named(NamedNumbers.icmpTypes)
    case (.icmpv6, .type): .named(NamedNumbers.icmpv6Types)
    default: .number
    }
  }
}
