import RuleGraph

/// Where a field's value is found in a flow.
enum FieldAccess {
  /// In a variable, where the packet has the field at all: that takes the other variables to have these values.
  case variable(VariableID, requires: Flow.Box)
  /// In bits of a variable: `(value & and) >> right`.
  case bits(VariableID, and: UInt128, right: Int, requires: Flow.Box)
  /// The same for all packets of the flow.
  case constant(UInt128)
  /// The packet has no such field.
  case absent
  /// The routing tables tell, of the address in a variable.
  case addressLookup(FibField, VariableID, requires: Flow.Box)
  /// The interface index of the interface named in a variable.
  case interfaceIndex(VariableID)
  /// Nothing here can tell.
  case unknown
}

extension Flow {
  /// Finds where a field's value is.
  mutating func access(_ field: Field, isIndexNamed: Bool) -> FieldAccess {
    switch field {
    case .meta(let key): accessMeta(key, isIndexNamed: isIndexNamed)
    case .header(let header): accessHeader(header)
    case .conntrack(let key): accessConnection(key)
    case .fib(let fib):
      binding[fib.ofDestination ? .destination : .source].map { .addressLookup(fib, $0, requires: []) } ?? .absent
    case .raw, .option, .route, .socket, .ipsec: accessRare(field)
    }
  }

  private func variable(_ variable: VariableID?, requires box: Box = []) -> FieldAccess {
    variable.map { .variable($0, requires: box) } ?? .absent
  }

  private func slot(_ slot: Slot, requires box: Box = []) -> FieldAccess {
    variable(binding[slot], requires: box)
  }

  /// A slot that reads as zero or the empty name where the packet has none (nft(8): `oifname` in input).
  private mutating func slotOrZero(_ slot: Slot) -> FieldAccess {
    if let variable = binding[slot] { return .variable(variable, requires: []) }
    return .variable(rebind(slot, to: ValueSet(0)), requires: [])
  }

  /// A field without a slot: open, unless the query gives it.
  private mutating func accessRare(_ field: Field, requires box: Box = []) -> FieldAccess {
    if let known = rareFields[field] { return .variable(known, requires: box) }
    if isAnswer { return .unknown }
    let variable = makeVariable(.bits(field.width), dimension: .field(field), isOpen: true)
    rareFields[field] = variable
    return .variable(variable, requires: box)
  }

  private mutating func accessMeta(_ key: MetaKey, isIndexNamed: Bool) -> FieldAccess {
    switch key {
    case .iifname: return slotOrZero(.input)
    case .oifname: return slotOrZero(.output)
    case .iif, .oif:
      let slot: Slot = key == .iif ? .input : .output
      if isIndexNamed { return slotOrZero(slot) }
      guard case .variable(let variable, _) = slotOrZero(slot) else { return .absent }
      return .interfaceIndex(variable)
    case .physicalIn: return slotOrZero(.physicalInput)
    case .physicalOut: return slotOrZero(.physicalOutput)
    case .isBridged: return .constant(isBridged ? 1 : 0)
    case .mark: return slot(.mark)
    case .l4proto: return slot(.transport)
    case .nfproto: return .constant(UInt128(family.rawValue))
    case .protocolType: return .constant(family == .ipv4 ? 0x0800 : 0x86dd)
    case .length: return slot(.length)
    case .skuid, .skgid, .hasSocket:
      guard isSentByHost, !isLoopbackPass || position.stage != .prerouting else { return .absent }
      if key == .hasSocket { return .constant(1) }
      return slot(key == .skuid ? .user : .group)
    case .secpath: return constantIfUnknown(0, for: .meta(.secpath))
    case .iiftype where isLoopbackInput: return .constant(772)
    default: return accessRare(.meta(key))
    }
  }

  private var isLoopbackInput: Bool { domain(.input)?.single == InterfaceName("lo")?.value }

  private func constantIfUnknown(_ value: UInt128, for field: Field) -> FieldAccess {
    if let known = rareFields[field] { return .variable(known, requires: []) }
    return .constant(value)
  }

  private mutating func accessHeader(_ field: HeaderField) -> FieldAccess {
    switch field.header {
    case .ip, .ip6: accessNetworkHeader(field)
    case .tcp: accessTransport(field, protocols: ValueSet(IPProtocol.tcp))
    case .udp: accessTransport(field, protocols: ValueSet(IPProtocol.udp))
    case .udplite: accessTransport(field, protocols: ValueSet(IPProtocol.udplite))
    case .sctp: accessTransport(field, protocols: ValueSet(IPProtocol.sctp))
    case .dccp: accessTransport(field, protocols: ValueSet(IPProtocol.dccp))
    case .th: accessTransport(field, protocols: nil)
    case .icmp: accessICMP(field, protocolNumber: 1, family: .ipv4)
    case .icmpv6: accessICMP(field, protocolNumber: 58, family: .ipv6)
    case .igmp: accessTransportRare(field, protocolNumber: 2)
    case .ah: accessTransportRare(field, protocolNumber: 51)
    case .esp: accessTransportRare(field, protocolNumber: 50)
    case .comp: accessTransportRare(field, protocolNumber: 108)
    case .gre, .gretap: accessTransportRare(field, protocolNumber: 47)
    case .arp: .absent
    case .ether where field.name == .type && (!isSentByHost || position.stage.isOfBridge):
      constantIfUnknown(family == .ipv4 ? 0x0800 : 0x86dd, for: .header(field))
    case .ether, .vlan, .geneve, .vxlan: isSentByHost ? .absent : accessRare(.header(field))
    }
  }

  private mutating func accessNetworkHeader(_ field: HeaderField) -> FieldAccess {
    guard (field.header == .ip) == (family == .ipv4) else { return .absent }
    switch field.name {
    case .saddr: return slot(.source)
    case .daddr: return slot(.destination)
    case .protocol, .nexthdr: return slot(.transport)
    case .ttl, .hoplimit: return slot(.hopLimit)
    case .version: return .constant(family == .ipv4 ? 4 : 6)
    case .tos: return slot(.serviceByte)
    case .dscp, .ecn:
      guard let variable = binding[.serviceByte] else { return .absent }
      return field.name == .dscp
        ? .bits(variable, and: 0xfc, right: 2, requires: []) : .bits(variable, and: 3, right: 0, requires: [])
    case .length where family == .ipv4: return slot(.length)
    case .hdrlength: return constantIfUnknown(5, for: .header(field))
    case .fragmentOffset: return constantIfUnknown(0, for: .header(field))
    default: return accessRare(.header(field))
    }
  }

  /// The box that says the packet is of one of these protocols; nil when it cannot be.
  private func requires(_ wanted: ValueSet) -> Box? {
    guard let variable = binding[.transport] else { return nil }
    let domain = variables[variable].domain
    if domain.isSubset(of: wanted) { return [] }
    return domain.isDisjoint(with: wanted) ? nil : [(variable, wanted)]
  }

  private mutating func accessTransport(_ field: HeaderField, protocols: ValueSet?) -> FieldAccess {
    // `th` reads the first bytes of whatever follows the network header; ports stand there in these protocols.
    guard let box = requires(protocols ?? IPProtocol.withPorts) else {
      return protocols == nil ? accessRare(.header(field)) : .absent
    }
    if protocols == nil, !box.isEmpty { return .unknown }
    switch field.name {
    case .sport: return slot(.sourcePort, requires: box)
    case .dport: return slot(.destinationPort, requires: box)
    case .flags where field.header == .tcp: return slot(.tcpFlags, requires: box)
    default: return accessRare(.header(field), requires: box)
    }
  }

  private mutating func accessICMP(
    _ field: HeaderField, protocolNumber: UInt128, family wanted: AddressFamily
  ) -> FieldAccess {
    guard family == wanted, let box = requires(ValueSet(protocolNumber)) else { return .absent }
    switch field.name {
    case .type: return slot(.icmpType, requires: box)
    case .code: return slot(.icmpCode, requires: box)
    default: return accessRare(.header(field), requires: box)
    }
  }

  private mutating func accessTransportRare(_ field: HeaderField, protocolNumber: UInt128) -> FieldAccess {
    guard let box = requires(ValueSet(protocolNumber)) else { return .absent }
    return accessRare(.header(field), requires: box)
  }

  private mutating func accessConnection(_ field: ConntrackField) -> FieldAccess {
    switch field.key {
    case .state: return .constant(connectionState(withTranslation: false))
    case .stateOrTranslation, .status:
      // Whether the source is translated nobody knows.
      if connection?.mayKeepSource == true { return .unknown }
      if field.key == .stateOrTranslation { return .constant(connectionState(withTranslation: true)) }
    default: break
    }
    guard let connection, connection.hasEntry else { return .absent }
    let tuple = field.direction == .reply ? connection.reply : connection.original
    switch field.key {
    case .direction: return .constant(connection.direction == .original ? 0 : 1)
    case .status: return .constant(connection.status)
    case .mark: return slot(.connectionMark)
    case .l3proto: return .constant(UInt128(family.rawValue))
    case .protocol: return slot(.transport)
    case .saddr: return variable(tuple.source)
    case .daddr: return variable(tuple.destination)
    case .protoSrc: return tuple.sourcePort == nil ? accessPortless(field) : variable(tuple.sourcePort)
    case .protoDst: return tuple.destinationPort == nil ? accessPortless(field) : variable(tuple.destinationPort)
    case .zone: return .constant(0)
    default: return accessRare(.conntrack(field))
    }
  }

  /// What stands where other protocols have a port: for ICMP the identifier and, as destination, type and code; zero
  /// for the rest (`union nf_conntrack_man_proto` in `include/uapi/linux/netfilter/nf_conntrack_tuple_common.h`).
  private mutating func accessPortless(_ field: ConntrackField) -> FieldAccess {
    let transport = domain(.transport)?.single
    guard transport == 1 || transport == 58 else {
      return transport == nil || transport == 47 ? accessRare(.conntrack(field)) : .constant(0)
    }
    guard field.key == .protoDst, field.direction == .original, connection?.direction == .original,
      let type = domain(.icmpType)?.single, let code = domain(.icmpCode)?.single
    else { return accessRare(.conntrack(field)) }
    return .constant(type << 8 | code)
  }

  /// The connection's state as a bit of ``ConntrackState``, on demand with the bits of its translations.
  ///
  /// Before the conntrack hook every packet is invalid; a packet on its loopback pass keeps its state.
  func connectionState(withTranslation: Bool) -> UInt128 {
    guard let connection else { return isUntracked ? ConntrackState.untracked : ConntrackState.invalid }
    var bits = connection.state
    if withTranslation, connection.hasEntry {
      if connection.status & ConntrackStatus.snat != 0 { bits |= ConntrackState.snat }
      if connection.status & ConntrackStatus.dnat != 0 { bits |= ConntrackState.dnat }
    }
    return bits
  }
}
