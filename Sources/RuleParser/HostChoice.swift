import HostModel
public import RuleGraph

extension [HostReading] {
  /// Of several hosts the one that has an address that is asked about: its own, else a container's. The addresses are tried in their order; nil where none
  /// of them tells. Of several hosts that have one, as all Docker hosts have 172.17.0.1, the only one that can have the interfaces that are asked about is meant.
  ///
  /// A host that prints none of its addresses may have any: it stands back behind one that has the address, and is the one where no other has it and its rules name it
  /// as a destination.
  ///
  ///     DumpReader().readHosts(inputs).index(with: [destination, source], through: ["eth0"])
  public func index(with addresses: [IPAddress], through interfaces: [String] = []) -> Int? {
    if count == 1 { return 0 }
    let showsAll = allSatisfy(Self.showsAddresses)
    for address in addresses {
      for knows in showsAll ? [Self.owns, Self.leadsTo] : [Self.owns, Self.expects] {
        let fitting = indices.filter { knows(self[$0], address) }
        if fitting.count == 1 { return fitting[0] }
        let leading = fitting.filter { Self.mayHave(interfaces, self[$0]) }
        if leading.count == 1 { return leading[0] }
      }
    }
    return nil
  }

  /// Whether a host has some interfaces, or does not show which it has.
  private static func mayHave(_ interfaces: [String], _ host: HostReading) -> Bool {
    showsAddresses(host) ? interfaces.allSatisfy { host.facts.interface($0) != nil } : true
  }

  private static func showsAddresses(_ host: HostReading) -> Bool {
    host.facts.interfaces.contains { !$0.addresses.isEmpty }
  }

  /// Whether a rule is about packets for just this address.
  private static func expects(_ host: HostReading, _ address: IPAddress) -> Bool {
    let wanted = ValueSet(address.bits)
    return host.ruleset.tables.lazy.flatMap(\.chains).flatMap(\.rules).contains { rule in
      rule.statements.contains { statement in
        guard case .match(let match) = statement, !match.negated, case .values(let values) = match.values,
          case .field(.header(let field)) = match.subject
        else { return false }
        return field.name == .daddr && values == wanted
      }
    }
  }

  private static func owns(_ host: HostReading, _ address: IPAddress) -> Bool {
    host.facts.interfaces.contains { $0.addresses.contains { $0.address == address } }
      || host.facts.routes.contains { $0.source == address }
  }

  private static func leadsTo(_ host: HostReading, _ address: IPAddress) -> Bool {
    host.facts.containers.contains { $0.endpoints.contains { $0.addresses.contains(address) } }
      || InferredHost(ruleset: host.ruleset, facts: host.facts).containerAddresses.contains { $0.address == address }
  }
}
