import HostModel
import RuleGraph

/// What would help where no rule does: the thing outside the rules that decides.
struct RemedyOutsideRules {
  let search: RemedySearch

  /// What would let the packets of a case through.
  func advice(_ reason: OutsideReason, _ one: Case) -> Remedy.Advice {
    if search.wanted != .accept { return .droppedBeforeRules }
    let input = one.input?.single.flatMap { $0 == 0 ? nil : InterfaceName(value: $0).description }
    switch reason {
    case .ipForward:
      return setting(
        one.packet.family == .ipv4 ? ["net.ipv4.ip_forward"] : ["net.ipv6.conf.all.forwarding"], "1", input)
    case .rpFilter:
      let names = ["all", input].compactMap { $0 }.map { "net.ipv4.conf.\($0).rp_filter" }
      return setting(names, "2", input)
    case .routeLocalnet: return setting(["net.ipv4.conf.\(input ?? "all").route_localnet"], "1", input)
    case .noRoute: return .route(to: one.packet.destination)
    case .unreachableRoute, .prohibitRoute, .blackholeRoute: return .noRefusal(of: one.packet.destination)
    case .noPath: return .network
    case .macvlan: return .interfaceBesideContainers
    case .isolatedPorts: return .noIsolation
    case .bridgeHairpin: return .hairpin
    case .martian: return .noMartian
    case .hopLimit: return .moreHops
    case .linkDown: return .interfaceUp
    case .noListener: return .program
    case .multicast: return .group
    case .unknownHost: return .nobody
    case .masqueradeMoved: return .oneWayOut
    case .noConnection: return .firstPacket
    }
  }

  /// A kernel setting, tried: what becomes of the packets when it is as they need it.
  private func setting(_ names: [String], _ value: String, _ input: String?) -> Remedy.Advice {
    var facts = search.facts
    for name in names { facts.sysctls[name] = Sysctl(value) }
    if names == ["net.ipv4.ip_forward"], let input {
      facts.sysctls["net.ipv4.conf.\(input).forwarding"] = Sysctl(value)
    }
    return .setting(names, value: value, Self.outcome(search.trace(search.ruleset, facts)))
  }

  private static func outcome(_ trace: Trace) -> Remedy.Advice.Outcome {
    switch trace.verdict {
    case .accept: .accepted
    case .undetermined: .undetermined
    case .mixed: .acceptedInPart
    case .drop: .discarded(.drop, by: trace.cases.first?.decidedBy)
    case .reject: .discarded(.reject, by: trace.cases.first?.decidedBy)
    }
  }

  /// What would make somebody answer where the rules let the packet in and nobody listens.
  func forClosedPort(_ one: Case) -> Remedy.Advice {
    let elsewhere = search.facts.sockets.first { socket in
      one.packet.destinationPort?.single == UInt128(socket.port)
        && one.packet.transport.single == UInt128(socket.transport)
        && socket.address != nil
    }
    if let elsewhere, let bound = elsewhere.address {
      return .listenerElsewhere(program: elsewhere.program, on: one.packet.destination, now: bound)
    }
    return .listener(port: one.packet.destinationPort?.single, on: one.packet.destination)
  }
}
