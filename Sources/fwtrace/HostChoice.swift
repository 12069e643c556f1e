import HostModel
import RuleGraph
import RuleParser

/// Of several hosts in the dumps the one that answers: the one that was named, else the one that has the address in question.
struct HostChoice {
  private let hosts: [HostReading]
  private let named: String?

  init(_ hosts: [HostReading], named: String?) {
    self.hosts = hosts
    self.named = named
  }

  /// The host that answers a question about some addresses, the most telling first.
  func host(with addresses: [IPAddress]) throws(Failure) -> HostReading {
    if let named { return try host(named: named) }
    guard hosts.count > 1 else {
      guard let only = hosts.first else { throw Failure("no dump given") }
      return only
    }
    for address in addresses {
      for knows in [Self.owns, Self.leadsTo] {
        let fitting = hosts.filter { knows($0, address) }
        if fitting.count == 1 { return chosen(fitting[0], for: address) }
      }
    }
    throw Failure("the dumps are of \(hosts.count) hosts: choose one with --host \(names.joined(separator: ", --host "))")
  }

  private func host(named name: String) throws(Failure) -> HostReading {
    let fitting = hosts.enumerated().filter { index, host in host.name == name || String(index + 1) == name }
    guard let first = fitting.first else {
      throw Failure("--host \(name): the dumps are of \(names.joined(separator: ", "))")
    }
    return first.element
  }

  private func chosen(_ host: HostReading, for address: IPAddress) -> HostReading {
    var host = host
    host.diagnostics.append(
      Diagnostic(
        "several-hosts", .note,
        "the dumps are of \(hosts.count) hosts (\(names.joined(separator: ", "))); \(host.name ?? "the one") that has \(address) answers"
      ))
    return host
  }

  /// What the hosts are called: those without a name by their number.
  private var names: [String] { hosts.enumerated().map { index, host in host.name ?? String(index + 1) } }

  private static func owns(_ host: HostReading, _ address: IPAddress) -> Bool {
    host.facts.interfaces.contains { $0.addresses.contains { $0.address == address } }
      || host.facts.routes.contains { $0.source == address }
  }

  /// Whether the address is a container's of the host.
  private static func leadsTo(_ host: HostReading, _ address: IPAddress) -> Bool {
    host.facts.containers.contains { $0.endpoints.contains { $0.addresses.contains(address) } }
      || InferredHost(ruleset: host.ruleset, facts: host.facts).containerAddresses.contains { $0.address == address }
  }
}
