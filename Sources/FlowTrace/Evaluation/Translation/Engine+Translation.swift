import HostModel
import RuleGraph

extension Engine {
  /// Carries out a translation target: the branches that it translated, and the flows for which it does not match (a
  /// map without their key).
  ///
  /// Source: iptables-extensions(8), nft(8) "NAT STATEMENTS", `net/netfilter/nf_nat_core.c`,
  /// `net/netfilter/nf_nat_masquerade.c`.
  func translate(
    _ translation: Translation, _ start: Flow, _ id: RuleID, _ statement: Int
  ) -> (hits: [RuleBranch], misses: [Flow]) {
    var result: (hits: [RuleBranch], misses: [Flow]) = ([], [])
    for (flow, one) in lookedUp(translation, start, id, statement, &result.misses) {
      let end = translateFully(one, flow, id)
      result.hits += end.hits
      result.misses += end.misses
    }
    return result
  }

  /// A translation in parts of the flow for which its maps give one address and one port each; the parts for which they
  /// give none are added to `misses`.
  private func lookedUp(
    _ translation: Translation, _ start: Flow, _ id: RuleID, _ statement: Int, _ misses: inout [Flow]
  ) -> [(Flow, Translation)] {
    var parts = [(start, translation)]
    if let address = translation.address {
      let found = withMapsLookedUp(address, start, id, statement)
      misses += found.misses
      parts = found.hits.map { flow, values in
        var one = translation
        one.address = values[0]
        if values.count > 1 { one.port = values[1] }
        return (flow, one)
      }
    }
    guard let port = translation.port else { return parts }
    return parts.flatMap { flow, one in
      let found = withMapsLookedUp(port, flow, id, statement)
      misses += found.misses
      return found.hits.map { flow, values in
        var one = one
        one.port = values[0]
        return (flow, one)
      }
    }
  }

  /// Carries out a translation without maps.
  private func translateFully(
    _ translation: Translation, _ start: Flow, _ id: RuleID
  ) -> (hits: [RuleBranch], misses: [Flow]) {
    if let family = translation.family, family != start.family {
      // The rule has matched all the same (`nft_nat_inet_eval` in `net/netfilter/nft_nat.c`).
      return ([RuleBranch(flow: start, outcome: .next, action: .continue)], [])
    }
    switch translation.kind {
    case .tproxy: return handOver(start, id)
    case .npt: return exchangePrefix(translation, start, id)
    case .dnat, .redirect, .snat, .masquerade, .netmap: break
    }
    let hook = start.position.stage.hook
    let ofSource: Bool
    switch translation.kind {
    case .snat, .masquerade: ofSource = true
    case .netmap: ofSource = translation.ofSource ?? (hook == .postrouting || hook == .input)
    default: ofSource = false
    }
    guard start.connection?.hasEntry ?? false else {
      return ([RuleBranch(flow: start, outcome: .verdict(.accept), action: translation.kind.action)], [])
    }

    var flow = start
    guard let address = newAddress(translation, ofSource: ofSource, &flow) else { return ([], [start]) }
    if case .masked(let value)? = translation.address {
      flow.variables[address].masked = makeMaskedCondition(value, id)
    }
    var hits: [RuleBranch] = []
    guard let ports = newPorts(translation, ofSource: ofSource, &flow) else { return ([], [start]) }
    var maskedPort: Int?
    if case .masked(let value)? = translation.port { maskedPort = makeMaskedCondition(value, id) }
    for (part, port) in ports {
      var flow = part
      if let maskedPort, let port { flow.variables[port].masked = maskedPort }
      bind(translation.kind, ofSource: ofSource, address: address, port: port, &flow, id)
      let slot: (Slot, Slot) = ofSource ? (.source, .sourcePort) : (.destination, .destinationPort)
      let isUnknown = translation.kind == .masquerade && flow.domain(.source) == flow.family.allAddresses
      let isOpen = translation.kind == .redirect && flow.domain(.destination)?.single == nil
      let target: Step.Target =
        isUnknown
        ? .outgoingAddress
        : isOpen
          ? .thisHost(port: flow.domain(slot.1)?.single)
          : .endpoint(flow.domain(slot.0) ?? .empty, port: flow.domain(slot.1))
      hits.append(
        RuleBranch(flow: flow, outcome: .translated, action: translation.kind.action, target: target))
    }
    return (hits, [])
  }

  /// The new address: a variable, or nil where the rule names one through a map that has none for the packet.
  private func newAddress(_ translation: Translation, ofSource: Bool, _ flow: inout Flow) -> VariableID? {
    let old = flow.binding[ofSource ? .source : .destination]
    switch translation.kind {
    case .masquerade: return flow.makeVariable(masqueradeAddress(&flow))
    case .redirect where translation.address == nil:
      let address = flow.makeVariable(redirectAddress(&flow))
      flow.ownAddresses.insert(address)
      return address
    case .netmap:
      if case .masked? = translation.address { return flow.makeVariable(flow.family.allAddresses) }
      guard let address = translation.address, let values = values(of: address, in: &flow), let base = values.first,
        let old
      else { return nil }
      return flow.makeVariable(
        Self.exchange(
          prefix: base, length: translation.prefixLength ?? flow.family.addressBits, of: flow.variables[old].domain,
          flow.family))
    default:
      guard let address = translation.address else { return old }
      if case .masked(let value) = address {
        return flow.makeVariable(value.possible.intersection(flow.family.allAddresses))
      }
      return variable(of: address, in: &flow)
    }
  }

  /// The addresses of a set with their first bits exchanged.
  static func exchange(prefix: UInt128, length: Int, of addresses: ValueSet, _ family: AddressFamily) -> ValueSet {
    let hostBits = UInt128(family.addressBits - min(max(length, 0), family.addressBits))
    let mask: UInt128 = hostBits == 128 ? .max : (UInt128(1) << hostBits) - 1
    let base = prefix & ~mask
    guard let first = addresses.first, let last = addresses.intervals.last?.upperBound, first & ~mask == last & ~mask
    else {
      return ValueSet(base...(base | mask))
    }
    return ValueSet(addresses.intervals.map { (base | ($0.lowerBound & mask))...(base | ($0.upperBound & mask)) })
  }

  /// The new port for each part of the flow: nil keeps it. Nil altogether where a map has no port for the packet.
  ///
  /// A source port is kept when it is inside the range, else one of the range is drawn. A destination port outside the
  /// range becomes the range's first one (`nf_nat_l4proto_unique_tuple`).
  private func newPorts(
    _ translation: Translation, ofSource: Bool, _ flow: inout Flow
  ) -> [(Flow, VariableID?)]? {
    let slot: Slot = ofSource ? .sourcePort : .destinationPort
    guard let old = flow.binding[slot] else { return [(flow, nil)] }
    /// A new port in a variable of its own, which must be there before the flow is copied.
    func drawn(_ values: ValueSet) -> [(Flow, VariableID?)] {
      let port = flow.makeVariable(values)
      return [(flow, port)]
    }
    guard let expression = translation.port else {
      if ofSource, translation.random || translation.fullyRandom {
        return drawn(ValueSet(1024...65535))
      }
      return [(flow, nil)]
    }
    if case .masked(let value) = expression { return drawn(value.possible.intersection(.bits(16))) }
    guard let wanted = values(of: expression, in: &flow), !wanted.isEmpty else { return nil }
    if let base = translation.portBase, let first = wanted.first {
      let domain = flow.variables[old].domain
      let shifted = domain.intervals.compactMap { interval -> ClosedRange<UInt128>? in
        guard interval.lowerBound >= UInt128(base) else { return nil }
        return (interval.lowerBound - UInt128(base) + first)...(interval.upperBound - UInt128(base) + first)
      }
      return drawn(ValueSet(shifted))
    }
    if wanted.single != nil || translation.random || translation.fullyRandom { return drawn(wanted) }
    let domain = flow.variables[old].domain
    let outsidePort = ofSource ? wanted : ValueSet(wanted.first ?? 0)
    if domain.isSubset(of: wanted) { return [(flow, nil)] }
    if domain.isDisjoint(with: wanted) { return drawn(outsidePort) }
    var inside = flow
    var outside = flow
    var parts: [(Flow, VariableID?)] = []
    if inside.narrow(old, to: wanted) { parts.append((inside, nil)) }
    if outside.exclude([(old, wanted)]) {
      let port = outside.makeVariable(outsidePort)
      parts.append((outside, port))
    }
    return parts
  }

  /// Changes the packet and the connection.
  private func bind(
    _ kind: Translation.Kind, ofSource: Bool, address: VariableID, port: VariableID?, _ flow: inout Flow, _ id: RuleID?
  ) {
    let addressSlot: Slot = ofSource ? .source : .destination
    let portSlot: Slot = ofSource ? .sourcePort : .destinationPort
    let from = (flow.domain(addressSlot) ?? .empty, flow.domain(portSlot))
    let changes = flow.binding[addressSlot] != address || port != nil
    flow.binding[addressSlot] = address
    if let port { flow.binding[portSlot] = port }
    let to = (flow.domain(addressSlot) ?? .empty, flow.domain(portSlot))
    guard var connection = flow.connection else { return }
    let really = changes && (from.0 != to.0 || from.1 != to.1)
    if ofSource {
      connection.reply.destination = flow.binding[.source]
      connection.reply.destinationPort = flow.binding[.sourcePort]
      if really { connection.status |= ConntrackStatus.snat }
      connection.sourceTranslation = (kind, id)
      if kind == .masquerade { connection.masqueradedThrough = flow.binding[.output] }
    } else {
      connection.reply.source = flow.binding[.destination]
      connection.reply.sourcePort = flow.binding[.destinationPort]
      if really { connection.status |= ConntrackStatus.dnat }
      connection.destinationTranslation = (kind, id)
    }
    flow.connection = connection
    if let id {
      flow.changedBy[addressSlot] = id
      if port != nil { flow.changedBy[portSlot] = id }
    }
    flow.translations.append(AppliedTranslation(kind, ofSource: ofSource, from: from, to: to, rule: id))
  }

  /// A flow whose destination a nat table that no dump shows translates to one of some addresses, at whatever port.
  func translated(toOneOf addresses: ValueSet, _ start: Flow, _ id: RuleID) -> RuleBranch {
    var flow = start
    let address = flow.makeVariable(addresses)
    let port = flow.binding[.destinationPort] != nil ? flow.makeVariable(.bits(16)) : nil
    bind(.dnat, ofSource: false, address: address, port: port, &flow, id)
    return RuleBranch(flow: flow, outcome: .translated, action: .dnat, target: nil)
  }

  /// A flow whose source rules that no dump shows may have translated: where it goes is the same, and its answer comes
  /// to an address that nobody knows.
  func withUnknownSource(_ start: Flow, _ id: RuleID, action: Step.Action, target: Step.Target?) -> RuleBranch {
    var flow = start
    guard flow.connection?.hasEntry ?? false else {
      return RuleBranch(flow: flow, outcome: .next, action: action, target: target)
    }
    let translations = flow.translations
    let address = flow.makeVariable(flow.family.allAddresses)
    let port = flow.binding[.sourcePort] != nil ? flow.makeVariable(.bits(16)) : nil
    bind(.snat, ofSource: true, address: address, port: port, &flow, id)
    // It is not certain, so it is no translation to tell of.
    flow.translations = translations
    flow.mayHaveOtherSource = true
    flow.connection?.mayKeepSource = true
    return RuleBranch(flow: flow, outcome: .translated, action: action, target: target)
  }

  /// Translates a later packet of a connection as its first one was, or back.
  func repeatTranslation(ofSource: Bool, _ hook: Hook, _ flow: inout Flow) {
    guard let connection = flow.connection else { return }
    let isReply = connection.direction == .reply
    // An answer's destination is put back where the first packet's source was changed, and the other way round.
    let past = ofSource != isReply ? connection.sourceTranslation : connection.destinationTranslation
    guard let past, flow.phase != .first || flow.isLoopbackPass else { return }
    let tuple: (address: VariableID?, port: VariableID?)
    switch (ofSource, isReply) {
    case (false, false): tuple = (connection.reply.source, connection.reply.sourcePort)
    case (true, false): tuple = (connection.reply.destination, connection.reply.destinationPort)
    case (false, true): tuple = (connection.original.source, connection.original.sourcePort)
    case (true, true): tuple = (connection.original.destination, connection.original.destinationPort)
    }
    let addressSlot: Slot = ofSource ? .source : .destination
    let portSlot: Slot = ofSource ? .sourcePort : .destinationPort
    guard flow.binding[addressSlot] != tuple.address || flow.binding[portSlot] != tuple.port else {
      return
    }
    let from = (flow.domain(addressSlot) ?? .empty, flow.domain(portSlot))
    flow.binding[addressSlot] = tuple.address
    if let port = tuple.port { flow.binding[portSlot] = port }
    let to = (flow.domain(addressSlot) ?? .empty, flow.domain(portSlot))
    flow.translations.append(
      AppliedTranslation(
        isReply ? (ofSource ? .snat : .dnat) : past.kind, ofSource: ofSource, from: from, to: to,
        rule: isReply ? nil : past.rule))
    flow.note(
      Step(
        hook: hook, .conntrack, matched: true, action: ofSource ? .snat : .dnat,
        target: .endpoint(to.0, port: to.1), fact: isReply ? .putBack(isSource: ofSource) : .repeatedTranslation))
  }

  // MARK: - Chosen addresses

  /// The address that MASQUERADE takes: of the egress interface, the one whose subnet contains the next hop, else its
  /// first global one.
  ///
  /// Source: `inet_select_addr` in `net/ipv4/devinet.c`, `nf_nat_masquerade_ipv6` and `ipv6_dev_get_saddr`; measured.
  private func masqueradeAddress(_ flow: inout Flow) -> ValueSet {
    let any = flow.family.allAddresses
    guard let output = flow.domain(.output)?.single else { return any }
    let name = InterfaceName(value: output).description
    let target = flow.route?.gateway ?? flow.domain(.destination)?.single.map { IPAddress(bits: $0) }
    if knowledge.knowsAddresses(flow.family) {
      let address = SourceAddress.choose(
        on: name, towards: target, family: flow.family, interfaces: knowledge.facts.interfaces)
      return address.map { ValueSet($0.bits) } ?? any
    }
    // The source of a link's route is the first address that the interface has there.
    if flow.family == .ipv4, let target,
      let near = knowledge.facts.interface(name)?.addresses.first(where: {
        $0.address.isIPv4 && $0.prefixLength < 32 && ($0.subnet?.contains(target) ?? false)
      })
    {
      return ValueSet(near.address.bits)
    }
    return assumedAddress(on: name, &flow) ?? any
  }

  /// The address that REDIRECT leads to: the first one of the input interface, or loopback for the host's own packets
  /// (`nf_nat_redirect.c`).
  private func redirectAddress(_ flow: inout Flow) -> ValueSet {
    if flow.position.stage == .output { return ValueSet(flow.family == .ipv4 ? IPAddress(ipv4: 0x7f00_0001).bits : 1) }
    guard let input = flow.domain(.input)?.single else { return knowledge.possibleOwnAddresses(flow.family) }
    let name = InterfaceName(value: input).description
    let addresses = knowledge.facts.interface(name)?.addresses.filter { $0.address.family == flow.family } ?? []
    let usable =
      addresses.first { flow.family == .ipv4 || ($0.scope != "link" && !$0.isDeprecated) } ?? addresses.first
    if let usable { return ValueSet(usable.address.bits) }
    if knowledge.knowsAddresses(flow.family) { return .empty }
    return assumedAddress(on: name, &flow) ?? knowledge.possibleOwnAddresses(flow.family)
  }

  /// The host's address on an interface that something else than a list of the addresses tells.
  private func assumedAddress(on name: String, _ flow: inout Flow) -> ValueSet? {
    guard let own = knowledge.inferredAddress(on: name, flow.family) else { return nil }
    flow.assume(
      Assumption(
        .gatewayAddress(own.address, interface: name), evidence: own.evidence, settledBy: own.settledBy))
    return ValueSet(own.address.bits)
  }

  // MARK: - Not connections

  /// TPROXY hands the packet to a socket of the host, or drops it when none listens (`net/netfilter/xt_TPROXY.c`);
  /// nft's `tproxy` then does not match (`net/netfilter/nft_tproxy.c`).
  private func handOver(_ start: Flow, _ id: RuleID) -> (hits: [RuleBranch], misses: [Flow]) {
    var flow = start
    let number = makeCondition(Condition(.transparentProxy, rule: id))
    let variable = flow.condition(.statement(id, -2), number: number)
    var dropped = flow
    guard dropped.narrow(variable, to: ValueSet(0)), flow.narrow(variable, to: ValueSet(1)) else {
      return ([], [start])
    }
    flow.isHandedOver = true
    let handed = RuleBranch(flow: flow, outcome: .handedOver, action: .tproxy)
    if ruleset.tables[id.table].origin == .nftables { return ([handed], [dropped]) }
    return ([handed, RuleBranch(flow: dropped, outcome: .verdict(.drop), action: .drop)], [])
  }

  /// A stateless exchange of an IPv6 prefix (RFC 6296): the prefix changes, and a checksum-neutral word with it, so the
  /// host part is left open.
  private func exchangePrefix(_ translation: Translation, _ start: Flow, _ id: RuleID) -> (
    hits: [RuleBranch], misses: [Flow]
  ) {
    var flow = start
    guard let address = translation.address, let base = values(of: address, in: &flow)?.first else {
      return ([], [start])
    }
    let ofSource = translation.ofSource ?? true
    let slot: Slot = ofSource ? .source : .destination
    let length = translation.prefixLength ?? 64
    let from = (flow.domain(slot) ?? .empty, ValueSet?.none)
    let hostBits = UInt128(128 - min(max(length, 0), 128))
    let mask: UInt128 = hostBits == 128 ? .max : (UInt128(1) << hostBits) - 1
    flow.rebind(slot, to: ValueSet((base & ~mask)...(base | mask)))
    if case .masked(let value) = address {
      let masked = flow.rebind(slot, to: flow.family.allAddresses)
      flow.variables[masked].masked = makeMaskedCondition(value, id)
    }
    flow.changedBy[slot] = id
    flow.translations.append(
      AppliedTranslation(.npt, ofSource: ofSource, from: from, to: (flow.domain(slot) ?? .empty, nil), rule: id))
    return ([RuleBranch(flow: flow, outcome: .next, action: .npt)], [])
  }
}

/// How Linux chooses one of an interface's addresses as a source.
enum SourceAddress {
  /// The address of an interface to speak from towards an address.
  ///
  /// IPv4 (`inet_select_addr`): the first primary address whose subnet contains the target, else the first one of
  /// global scope, else one of another interface. IPv6 (RFC 6724): an own address speaks to itself as itself; else the
  /// address of the interface that shares the longest prefix with the target, else such a one of another interface.
  static func choose(
    on name: String, towards target: IPAddress?, family: AddressFamily, interfaces: [Interface]
  ) -> IPAddress? {
    let own = interfaces.first { $0.name == name }?.addresses.filter { $0.address.family == family } ?? []
    if family == .ipv6 {
      let all = interfaces.flatMap(\.addresses).filter { $0.address.family == .ipv6 }
      if let target, all.contains(where: { $0.address == target }) { return target }
      func isUsable(_ address: InterfaceAddress) -> Bool {
        address.scope != "link" && address.scope != "host" && !address.isDeprecated
      }
      let pools = [own.filter(isUsable), all.filter(isUsable), own.filter { $0.scope == "link" }]
      guard let pool = pools.first(where: { !$0.isEmpty }), let target else {
        return own.first(where: isUsable)?.address
      }
      // The common prefix counts no further than the address's own (`ipv6_saddr_prefixlen` in `net/ipv6/addrconf.c`);
      // of equals the first stays.
      func common(_ address: InterfaceAddress) -> Int {
        min((address.address.bits ^ target.bits).leadingZeroBitCount, address.prefixLength)
      }
      return pool.max { common($0) < common($1) }?.address
    }
    let primary = own.filter { !$0.isSecondary && $0.scope != "link" && $0.scope != "host" }
    if let target, let near = primary.first(where: { $0.subnet?.contains(target) ?? false }) { return near.address }
    if let first = primary.first { return first.address }
    for interface in interfaces where interface.name != name {
      if let other = interface.addresses.first(where: {
        $0.address.family == .ipv4 && !$0.isSecondary && ($0.scope == "global" || $0.scope == nil)
          && !HostKnowledge.loopback4.contains($0.address.bits)
      }) {
        return other.address
      }
    }
    return nil
  }
}
