import HostModel
import RuleGraph

/// What would help where no rule does: the thing outside the rules that decides.
struct RemedyAdvice {
  let search: RemedySearch

  /// One sentence on what would let the packets of a case through.
  func advice(_ reason: OutsideReason, _ one: Case) -> String {
    if search.wanted != .accept { return "they are dropped before a rule could answer them" }
    let input = one.input?.single.flatMap { $0 == 0 ? nil : InterfaceName(value: $0).description }
    let destination = Words.addresses(one.packet.destination, family: one.packet.family)
    switch reason {
    case .ipForward:
      return setting(
        one.packet.family == .ipv4 ? ["net.ipv4.ip_forward"] : ["net.ipv6.conf.all.forwarding"], "1", input)
    case .rpFilter:
      let names = ["all", input].compactMap { $0 }.map { "net.ipv4.conf.\($0).rp_filter" }
      return setting(names, "2", input)
    case .routeLocalnet: return setting(["net.ipv4.conf.\(input ?? "all").route_localnet"], "1", input)
    case .noRoute:
      return "no rule helps: a route must lead to \(destination) (`ip route add \(destination) via GATEWAY`)"
    case .unreachableRoute, .prohibitRoute, .blackholeRoute:
      return
        "no rule helps: the route that refuses \(destination) must go (`ip route get \(destination)` names it, `ip route del` removes it)"
    case .noPath: return "no rule helps: `docker network connect NETWORK CONTAINER` gives the container a network"
    case .macvlan:
      return
        "no rule helps: give the host an interface of its own on that network (`ip link add link PARENT type macvlan mode bridge`), or put the container on a bridge network"
    case .isolatedPorts: return "no rule helps: `bridge link set dev PORT isolated off` lets a port speak to the others"
    case .bridgeHairpin: return "no rule helps: `bridge link set dev PORT hairpin on` lets the bridge send frames back"
    case .martian: return "no rule helps: the kernel takes such a source or destination from no wire"
    case .hopLimit:
      return
        "no rule helps but one that raises the hop limit before routing (mangle PREROUTING, TTL target); the sender should start with more"
    case .linkDown: return "no rule helps: the interface must be up (`ip link set dev INTERFACE up`)"
    case .noListener: return "no rule helps: a program must listen there"
    case .multicast: return "no rule helps: the host would have to join the group or route it"
    case .unknownHost: return "no rule helps: nobody has that address"
    case .masqueradeMoved:
      return
        "no rule helps but one that leads all packets of a connection out through one interface (CONNMARK and a rule of `ip rule`)"
    case .noConnection: return "the connection's first packet must get through: ask for that one"
    }
  }

  /// A kernel setting, tried: what becomes of the packets when it is as they need it.
  private func setting(_ names: [String], _ value: String, _ input: String?) -> String {
    var facts = search.facts
    for name in names { facts.sysctls[name] = Sysctl(value) }
    if names == ["net.ipv4.ip_forward"], let input {
      facts.sysctls["net.ipv4.conf.\(input).forwarding"] = Sysctl(value)
    }
    let after = search.trace(search.ruleset, facts)
    let command = "sysctl -w " + names.map { "\($0)=\(value)" }.joined(separator: " ")
    return "no rule helps, `\(command)` does: then it is \(Self.outcome(after, search.ruleset))"
  }

  private static func outcome(_ trace: Trace, _ ruleset: Ruleset) -> String {
    switch trace.verdict {
    case .accept: return "accepted"
    case .undetermined: return "undetermined"
    case .mixed: return "accepted in some cases"
    case .drop, .reject:
      let word = trace.verdict == .drop ? "dropped" : "rejected"
      switch trace.cases.first?.decidedBy {
      case .rule(let id): return "\(word) by \(ruleset.place(of: id))"
      case .policy(let chain): return "\(word) by the policy of \(ruleset.place(of: chain))"
      case .outside(let reason): return "\(word) by \(reason.rawValue)"
      case .nothing, nil: return word
      }
    }
  }

  /// What would make somebody answer where the rules let the packet in and nobody listens.
  func forClosedPort(_ one: Case) -> String {
    let port = one.packet.destinationPort?.single.map { " port \($0)" } ?? ""
    let elsewhere = search.facts.sockets.first { socket in
      one.packet.destinationPort?.single == UInt128(socket.port)
        && one.packet.transport.single == UInt128(socket.transport)
        && socket.address != nil
    }
    let address = Words.addresses(one.packet.destination, family: one.packet.family)
    if let elsewhere, let bound = elsewhere.address {
      return
        "no rule helps, the rules accept it: \(elsewhere.program ?? "the program") must listen on \(address) or on every address, not on \(bound) alone"
    }
    return "no rule helps, the rules accept it: a program must listen on\(port) of \(address)"
  }
}
