import FlowTrace

extension OutsideReason {
  /// The reason in a sentence.
  var sentence: String {
    switch self {
    case .noRoute: "no route to the destination"
    case .unreachableRoute: "the route to the destination is marked unreachable"
    case .prohibitRoute: "the route to the destination is marked prohibited"
    case .blackholeRoute: "the route to the destination is a black hole"
    case .ipForward: "the host does not forward (net.ipv4.ip_forward, or forwarding of the input interface, is 0)"
    case .rpFilter:
      "reverse path filtering (rp_filter): the source is not reachable through the interface that the packet came in on"
    case .martian: "martian: such an address cannot come from a wire"
    case .hopLimit: "the time to live expires here"
    case .routeLocalnet: "127.0.0.0/8 is not routed on this interface (route_localnet is 0)"
    case .bridgeHairpin: "the bridge does not send a frame back out of the port it came from (hairpin mode is off)"
    case .isolatedPorts: "the bridge forwards nothing between its isolated ports"
    case .macvlan:
      "a macvlan or ipvlan interface and its host can't reach each other, and its other traffic never meets the host's rules"
    case .noPath: "no path between the two: they share no network"
    case .linkDown: "the interface is down"
    case .noListener: "no program listens there"
    case .multicast: "a multicast or broadcast that this host neither takes nor forwards"
    case .unknownHost: "nobody answers at the destination address"
    case .noConnection: "the connection's first packet does not get through, so there is no later packet"
    case .masqueradeMoved:
      "the connection was masqueraded on another interface than the one this packet is routed to; the kernel drops it and forgets the connection"
    }
  }
}
