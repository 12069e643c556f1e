import HostModel
public import RuleGraph

/// What a question says about the host that it is for.
public struct HostClues: Hashable, Sendable {
  /// Where the packet goes.
  public var destination: IPAddress?
  /// Addresses that the host is said to have.
  public var hostAddresses: [IPAddress] = []
  /// Where the packet comes from.
  public var source: IPAddress?
  /// The interfaces that it passes, ports of bridges among them.
  public var interfaces: [String] = []
  /// Whether it comes in from outside, so that its source is no address of the host.
  public var comesIn = false

  /// Makes clues that say nothing.
  public init() {}
}

extension [HostReading] {
  /// Of several hosts the one that a question is about; nil where the clues fit several, or none.
  ///
  /// A host that has the address in question comes first, then one with a container of that address. Neither counts
  /// where another host may have it as well: all Docker hosts have 172.17.0.1, and most a container with 172.17.0.2. A
  /// host that prints none of its addresses may have any, and is the one that is meant where its rules name the
  /// destination.
  ///
  ///     var clues = HostClues()
  ///     clues.destination = IPAddress("192.0.2.10")
  ///     clues.interfaces = ["eth0"]
  ///     let hosts = DumpReader().readHosts(inputs)
  ///     let host = hosts.index(for: clues).map { hosts[$0] }
  public func index(for clues: HostClues) -> Int? {
    if count == 1 { return 0 }
    let possible = indices.filter { self[$0].mayHave(clues.interfaces) }
    if possible.count == 1, !clues.interfaces.isEmpty { return possible[0] }
    for address in [clues.destination].compactMap(\.self) + clues.hostAddresses + [clues.source].compactMap(\.self) {
      for certainty in Certainty.allCases {
        // What comes in comes from no address of the host that it comes to; yet somebody may ask what becomes of a
        // packet with such a source.
        if certainty == .own, clues.comesIn, address == clues.source, address != clues.destination { continue }
        let fitting = possible.filter { self[$0].knows(address, certainty) }
        guard fitting.count == 1 else { continue }
        let others = possible.filter { $0 != fitting[0] }
        if !others.contains(where: { self[$0].mayKnow(address, certainty) }) { return fitting[0] }
      }
    }
    return nil
  }
}

/// How a host knows an address.
private enum Certainty: CaseIterable {
  /// It is the host's own.
  case own
  /// It is a container's, or a destination that rules name.
  case ledTo
}

extension HostReading {
  /// Whether the host prints its addresses.
  private var showsAddresses: Bool { facts.interfaces.contains { !$0.addresses.isEmpty } }

  /// Whether the host has some interfaces, or does not show all that it has.
  fileprivate func mayHave(_ interfaces: [String]) -> Bool {
    facts.addressesKnown.isEmpty || interfaces.allSatisfy { facts.interface($0) != nil }
  }

  fileprivate func knows(_ address: IPAddress, _ certainty: Certainty) -> Bool {
    switch certainty {
    case .own: owns(address)
    case .ledTo: leadsTo(address) || !showsAddresses && names(address, exactly: true)
    }
  }

  /// Whether an address of which nothing is told may be known to this host as well.
  fileprivate func mayKnow(_ address: IPAddress, _ certainty: Certainty) -> Bool {
    if !showsAddresses {
      return inferredNetworks(hold: address) || certainty == .ledTo && names(address, exactly: false)
    }
    guard certainty == .ledTo else { return false }
    if names(address, exactly: true) { return true }
    return facts.interfaces.contains { interface in
      interface.addresses.contains { own in
        guard let prefix = Prefix(own.address, length: own.prefixLength), prefix.contains(address) else { return false }
        // A host that shows the containers of this network shows all of them.
        return !facts.containers.contains { $0.endpoints.contains { $0.addresses.contains(where: prefix.contains) } }
      }
    }
  }

  fileprivate func owns(_ address: IPAddress) -> Bool {
    facts.interfaces.contains { $0.addresses.contains { $0.address == address } }
      || facts.routes.contains { $0.source == address }
  }

  private var inferred: InferredHost { InferredHost(ruleset: ruleset, facts: facts) }

  private func leadsTo(_ address: IPAddress) -> Bool {
    facts.containers.contains { $0.endpoints.contains { $0.addresses.contains(address) } }
      || inferred.containerAddresses.contains { $0.address == address }
  }

  private func inferredNetworks(hold address: IPAddress) -> Bool {
    inferred.subnets.contains { $0.prefix.contains(address) }
  }

  /// Whether an element of a set is about an address.
  private func holdsInSet(_ address: IPAddress) -> Bool {
    (ruleset.tables.flatMap(\.sets) + ruleset.ipsets).lazy.flatMap(\.elements).flatMap(\.key).contains {
      $0 != .all && $0.contains(address.bits)
    }
  }

  /// Whether a rule is about packets to an address: to just this one, or to some that it is among.
  private func names(_ address: IPAddress, exactly: Bool) -> Bool {
    let wanted = ValueSet(address.bits)
    if !exactly, holdsInSet(address) { return true }
    return ruleset.tables.lazy.flatMap(\.chains).flatMap(\.rules).contains { rule in
      rule.statements.contains { statement in
        guard case .match(let match) = statement, case .values(let values) = match.values,
          case .field(.header(let field)) = match.subject
        else { return false }
        // A rule about all but a network is one of a host that knows it.
        if exactly, match.negated { return false }
        if values == wanted { return field.name == .daddr }
        return !exactly && [.daddr, .saddr].contains(field.name) && values.contains(address.bits)
      }
    }
  }
}
