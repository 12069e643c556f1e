import FlowTrace
import Testing

@testable import Reports

@Suite struct OutsideReasonWordsTests {
  static let rows: [(OutsideReason, String)] = [
    (.noRoute, "no route to the destination"),
    (.unreachableRoute, "the route to the destination is marked unreachable"),
    (.prohibitRoute, "the route to the destination is marked prohibited"),
    (.blackholeRoute, "the route to the destination is a black hole"),
    (
      .ipForward, "the host does not forward (net.ipv4.ip_forward, or forwarding of the input interface, is 0)"
    ),
    (
      .rpFilter,
      "reverse path filtering (rp_filter): the source is not reachable through the interface that the packet came in on"
    ),
    (.martian, "martian: such an address cannot come from a wire"), (.hopLimit, "the time to live expires here"),
    (.routeLocalnet, "127.0.0.0/8 is not routed on this interface (route_localnet is 0)"),
    (
      .bridgeHairpin, "the bridge does not send a frame back out of the port it came from (hairpin mode is off)"
    ),
    (.isolatedPorts, "the bridge forwards nothing between its isolated ports"),
    (
      .macvlan,
      "a macvlan or ipvlan interface and its host can't reach each other, and its other traffic never meets the host's rules"
    ),
    (.noPath, "no path between the two: they share no network"), (.linkDown, "the interface is down"),
    (.noListener, "no program listens there"),
    (.multicast, "a multicast or broadcast that this host neither takes nor forwards"),
    (.unknownHost, "nobody answers at the destination address"),
    (.noConnection, "the connection's first packet does not get through, so there is no later packet"),
    (
      .masqueradeMoved,
      "the connection was masqueraded on another interface than the one this packet is routed to; the kernel drops it and forgets the connection"
    ),
  ]

  @Test(arguments: rows)
  func aReasonReadsSo(_ reason: OutsideReason, text: String) { #expect(reason.sentence == text) }

  @Test func everyReasonHasARow() throws {
    let declared = try EnumCases.declared(of: "OutsideReason", in: "FlowTrace/Model/Trace.swift")
    #expect(declared.count >= 19)
    #expect(declared.subtracting(Self.rows.map { EnumCases.name(of: $0.0) }) == [])
  }
}
