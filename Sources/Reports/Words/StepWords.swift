package import FlowTrace
import RuleGraph
import RuleText

extension Step {
  /// What the action is about: `172.17.0.2:8080`, `DOCKER`; of a field that is set with the field: `ip dscp 10`.
  package var targetText: String? { target.map { $0.text(withField: action == .set) } }
}

extension Step.Target {
  func text(withField: Bool) -> String {
    switch self {
    case .chain(let name), .device(let name): return name
    case .interfaces(let names): return names.joined(separator: " or ")
    case .endpoint(let addresses, let port):
      let host = ValueWords.addresses(addresses)
      guard let port, port != .bits(16) else { return host }
      return "\(host.contains(":") ? "[\(host)]" : host):\(ValueWords.numbers(port))"
    case .outgoingAddress: return "the address of the interface it leaves through"
    case .thisHost(let port): return "this host" + (port.map { ", port \($0)" } ?? "")
    case .values(let values, let field): return (withField ? "\(field.text) " : "") + field.text(of: values)
    case .unseen(.target(let opaque)): return opaque.name
    case .unseen(.map(let name)): return "map \(name)"
    case .unseen(.chain(let name)): return name
    case .unseen(.rules): return "missing rules"
    }
  }

  /// Whether it is an address of which nothing is known, so that the action says enough.
  var isAnyAddress: Bool {
    guard case .endpoint(let addresses, _) = self else { return false }
    return ValueWords.isAny(addresses)
  }
}

extension Step.Fact {
  /// The fact in one sentence: `172.17.0.2 is on docker0`.
  package var text: String {
    switch self {
    case .onLink(let addresses, let interfaces, let gateway):
      let behind = gateway.map { "behind \($0) " } ?? ""
      let link = interfaces.isEmpty ? "an interface that the dump does not name" : interfaces.joined(separator: " or ")
      return "\(ValueWords.addresses(addresses)) is \(behind)on \(link)"
    case .unknownRoute(let addresses, let others):
      let rest = others.isEmpty ? "" : " other than \(others.joined(separator: ", "))"
      return "\(ValueWords.addresses(addresses)) is reached through an interface\(rest)"
    case .backThroughArrival: return "back through the interface that the first packet came in on"
    case .thisHost(let addresses): return "\(Self.destination(addresses)) is this host"
    case .broadcast(let addresses): return "\(Self.destination(addresses)) is a broadcast address"
    case .allHosts: return "all hosts on the link are meant, this one too"
    case .backOnLoopback: return "comes back in on lo"
    case .putBack(let isSource): return "conntrack puts the \(isSource ? "source" : "destination") back"
    case .repeatedTranslation: return "conntrack repeats the connection's translation"
    case .bridged(let bridge): return "\(bridge ?? "the bridge") carries it from port to port"
    case .bridgedPastRules(let bridge):
      return "\(bridge) carries the frame from port to port; bridge-nf-call-iptables is 0, so no rule sees it"
    case .ownNamespace(let container):
      return
        "\(container) speaks to itself: the packet never leaves its network namespace, and no rule of this host sees it"
    case .sharedNamespace(let containers):
      return
        "\(containers.joined(separator: " and ")) share one network namespace: the packet never leaves it, and no rule of this host sees it"
    case .overlay(let network, let container):
      return
        "the overlay network \(network) carries it to \(container), between hosts inside VXLAN (UDP port 4789): only that outer packet meets this host's rules"
    case .onTheWire(let network, let driver, let parent):
      let of = parent.map { " of \($0)" } ?? ""
      return
        "\(network) is \(driver == "ipvlan" ? "an" : "a") \(driver) network\(of): its containers are on the wire themselves, and no rule of this host sees their packets"
    }
  }

  private static func destination(_ addresses: ValueSet?) -> String {
    addresses.map { ValueWords.addresses($0) } ?? "the destination"
  }
}
