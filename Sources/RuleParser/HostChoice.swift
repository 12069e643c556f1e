import HostModel
public import RuleGraph

extension [HostReading] {
  /// Of several hosts the one that has an address that is asked about: its own, else a container's. The addresses are tried in their order; nil where none
  /// of them tells, or several hosts have one.
  ///
  ///     DumpReader().readHosts(inputs).host(with: [destination, source])
  public func host(with addresses: [IPAddress]) -> HostReading? {
    if count == 1 { return first }
    // A host that shows no addresses may have any.
    guard allSatisfy({ host in host.facts.interfaces.contains { !$0.addresses.isEmpty } }) else { return nil }
    for address in addresses {
      for knows in [Self.owns, Self.leadsTo] {
        let fitting = filter { knows($0, address) }
        if fitting.count == 1 { return fitting[0] }
      }
    }
    return nil
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
