package import FlowTrace
import RuleGraph
import RuleText

extension Assumption {
  /// What is taken for granted, in one sentence: `192.168.0.140 is an address of this host`.
  package var text: String {
    switch fact {
    case .gatewayAddress(let address, let interface):
      return "\(address) is " + (interface.map { "this host's address on \($0)" } ?? "an address of this host")
    case .localAddress(let address): return "\(address) is an address of this host"
    case .foreignAddress(let address): return Self.isForeign(address)
    case .leavesAgain(let address): return "\(Self.isForeign(address)): the packet is said to leave it again"
    case .routedThrough(let address):
      return "\(Self.isForeign(address)): its routes lead there through another interface"
    case .comesFromOutside(let address): return "\(Self.isForeign(address)): it comes in from outside"
    case .subnetOfInterface(let interface, let subnet): return "\(interface) holds \(subnet)"
    case .neighbour(let interface):
      return "the destination is on the link of \(interface): the packet is said to leave through it"
    case .unnamedInterface(let interface): return "the interface that the dump does not name is \(interface)"
    case .sentByHost(let source): return "this host sends it, since \(ValueWords.addresses(source)) is its own address"
    case .comesFromSubnet(let source, let interface):
      return "packets of \(ValueWords.addresses(source)) come in through \(interface), where that subnet is"
    case .comesFromRoute(let source, let interface):
      return "packets of \(ValueWords.addresses(source)) come in through \(interface), which the route back uses"
    case .defaultLeg(let container, let network):
      return "the default route of \(container ?? "the container") is on its network \(network), the first by name"
    case .route(let destination, let others):
      let rest = others.isEmpty ? "" : " other than \(others.joined(separator: ", "))"
      return "the route to \(ValueWords.addresses(destination)) leaves through an interface\(rest)"
    case .ipForward(let family):
      let setting = family == .ipv4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding"
      return "the host forwards packets (\(setting) is 1)"
    case .rpFilter(let source, let interface):
      return "rp_filter does not drop packets of \(source) on \(interface), to where the route back does not lead"
    case .routeLocalnet(let isOn, let interface):
      return "route_localnet is \(isOn ? "on" : "off") for \(interface ?? "the way out")"
    case .bridgeNetfilter: return "bridged packets pass the rules (bridge-nf-call-iptables is 1, as Docker sets it)"
    case .hairpin: return "the bridge may send frames back through the port they came from"
    case .dockerProxy(let transport, let port):
      return "docker-proxy listens on \(ValueWords.transport(transport)) port \(port)"
    case .untoldTables(let names, let family):
      return
        "the \(names.enumerated) table\(names.count == 1 ? "" : "s") of \(Self.tool(family)), \(Self.notShown(names))"
    case .untoldChains(let names, let table, let family):
      return "\(names.joined(separator: " and ")) of \(Self.tool(family)) \(table), \(Self.notShown(names))"
    case .untoldNftTables: return "nftables has no other tables than those that were listed"
    case .inferredTable(let table):
      return "the \(table) table, which was not shown, holds only what the dumps say of published ports"
    }
  }

  /// The assumption with what would settle it.
  var sentence: String { settledBy.map { "\(text) (\($0) would settle it)" } ?? text }

  private static func isForeign(_ address: IPAddress?) -> String {
    "\(address.map { "\($0)" } ?? "the destination") is not an address of this host"
  }

  private static func tool(_ family: AddressFamily) -> String { family == .ipv4 ? "iptables" : "ip6tables" }

  private static func notShown(_ names: [String]) -> String {
    "which no dump shows, hold\(names.count == 1 ? "s" : "") no rules"
  }
}

extension [Assumption] {
  /// What is taken for granted of many routes as one fact: a translation that nobody knows leaves every address open,
  /// in as many pieces as the host knows of addresses.
  private var withRoutesJoined: [Assumption] {
    var joined: [Assumption] = []
    for one in self {
      let same = joined.firstIndex { other in
        guard case .route(_, let mine) = one.fact, case .route(_, let others) = other.fact else { return false }
        return mine == others && one.settledBy == other.settledBy
      }
      guard let same, case .route(let more, let others) = one.fact, case .route(let addresses, _) = joined[same].fact
      else {
        joined.append(one)
        continue
      }
      var all = addresses.union(more)
      // But for a few blocks nobody counts these.
      if let family = AddressFamily.allCases.first(where: { all.isSubset(of: $0.allAddresses) }),
        all.count > family.allAddresses.count / 2
      {
        all = family.allAddresses
      }
      joined[same].fact = .route(to: all, notThrough: others)
    }
    return joined
  }

  /// The assumptions, of those that read alike the first: what is open in one family may be so in the other, and long
  /// lists are not written out.
  var told: [Assumption] {
    var known: Set<[String?]> = []
    return withRoutesJoined.filter { one in
      known.insert([one.text, one.settledBy, one.evidence.map { "\($0)" }]).inserted
    }
  }
}
