import FlowTrace
import HostModel
import RuleGraph
import Testing

@testable import Reports

@Suite struct RemarkWordsTests {
  private static let one = IPAddress(ipv4: 0xac11_0002)
  private static let forward = WordedRules.forward
  private static let first = WordedRules.rule(1, of: WordedRules.forward)

  static let rows: [(Remark, id: String, text: String)] = [
    (
      .noNetwork(container: "web"), "no-network",
      "web runs with --network none: it has only a loopback interface, so it reaches nothing and nothing reaches it; `docker network connect` connects it to a network"
    ),
    (
      .sharedNetwork(sender: "web", owner: "vpn"), "shared-network",
      "web joined the network of vpn (--network container:vpn): its packets are those of vpn"
    ),
    (
      .unknownName(of: "db", inside: "web", sharesNetwork: false), "unknown-name",
      "inside web the name db means nothing: they share no network; this answer is for the address"
    ),
    (
      .unknownName(of: "db", inside: "web", sharesNetwork: true), "unknown-name",
      "inside web the name db means nothing: on the default network only --link makes a name known, and only on the side that asked for it; this answer is for the address"
    ),
    (
      .senderNamespace(of: "web", rules: 0), "sender-namespace", "web has no rules of its own in its network namespace"
    ),
    (
      .senderNamespace(of: "web", rules: 4), "sender-namespace",
      "none of the 4 rules in web's own network namespace stops or changes these packets"
    ),
    (.noConnection, "no-connection", "the connection's first packet does not get through, so no later packet comes"),
    (
      .copy(to: "192.0.2.7", device: "eth1", isOut: false), "copy",
      "a copy of the packet goes to 192.0.2.7 through eth1"
    ),
    (.copy(to: nil, device: nil, isOut: true), "copy", "a copy of the packet goes out of another place"),
    (.silentReject, "reject-silent", "the kernel sends no answer to such a packet"),
    (
      .acceptNotFinal(first, overruledBy: forward), "accept-not-final",
      "filter FORWARD 1 accepted it, which ends only that base chain; filter FORWARD runs at the same hook nevertheless, and any drop is final"
    ),
    (
      .uncounted(busiest: WordedRules.rule(2, of: forward)), "counter",
      "by its counter the rule has met no such packet yet; FORWARD rule 2 has counted 9 packets"
    ),
    (
      .uncounted(busiest: first), "counter",
      "by its counter the rule has met no such packet yet; FORWARD rule 1 has counted 1 packet"
    ),
    (
      .uncountedBesidePolicy(of: forward), "counter",
      "by its counter the rule has met no such packet yet; the policy of FORWARD has counted 7 packets"
    ),
    (.unknownSource, "source-unknown", "whether its source is translated is unknown"),
    (
      .dockerForwardPolicy(of: forward, interfaces: ["virbr0", "eth0"]), "docker-forward-policy",
      "no rule of filter FORWARD is about virbr0 or eth0: Docker sets this policy to DROP when it turns forwarding on, and DOCKER-USER is the chain for an ACCEPT of your own"
    ),
    (
      .dockerNeighboursApart(bridge: "docker0"), "docker-icc",
      "this is Docker's --icc=false: the containers of docker0 reach each other only where one was started with --link to the other, and only its exposed ports"
    ),
    (
      .loopbackPortReached(translatedBy: first), "docker-loopback-port",
      "the port is published on loopback only, and a neighbour that sends to it over the wire gets there nevertheless: filter FORWARD 1 translates before routing would refuse such an address; Docker 28 drops these packets"
    ),
    (
      .loopbackPortClosed(nil), "docker-loopback-port",
      "the port is published on loopback only, and since version 28 Docker drops what other hosts send to it"
    ),
    (
      .loopbackPortClosed(one), "docker-loopback-port",
      "the port is published on 172.17.0.2 only, and since version 28 Docker drops what other hosts send to it"
    ),
    (
      .directAccess(bridge: "docker0"), "docker-direct-access",
      "since version 28 Docker drops packets to a container's own address unless they come in through docker0, whatever the filter table says: connect to a published port of this host, or start the daemon with --allow-direct-routing (28.2)"
    ),
    (.listener(program: "nginx", transport: 6, port: 80), "listener", "nginx listens on tcp port 80"),
    (.listener(program: nil, transport: 17, port: 53), "listener", "a program listens on udp port 53"),
    (
      .closedPort(transport: 6, port: 80), "closed-port",
      "nothing listens on tcp port 80: the host answers that the port is closed"
    ),
    (
      .closedPortHere(
        transport: 6, port: 80, of: ValueSet(one.bits), program: "nginx",
        listensOn: Endpoint(IPAddress(ipv4: 0x7f00_0001), 80)), "closed-port",
      "nginx listens on 127.0.0.1:80 alone, so nothing has tcp port 80 of 172.17.0.2: the host answers that it is closed"
    ),
    (
      .dockerProxy(port: 8080, to: nil), "docker-proxy",
      "docker-proxy listens on port 8080 and connects on to the container"
    ),
    (
      .dockerProxy(port: 8080, to: Endpoint(one, 80)), "docker-proxy",
      "docker-proxy listens on port 8080 and makes its own connection to 172.17.0.2:80"
    ),
    (.sourceSeen(one), "source-seen", "the container sees 172.17.0.2 as the client"),
  ]

  @Test(arguments: rows)
  func aRemarkReadsSo(_ remark: Remark, id: String, text: String) {
    #expect(remark.id == id)
    #expect(remark.text(in: WordedRules.ruleset) == text)
  }

  @Test func everyRemarkHasARow() throws {
    let declared = try EnumCases.declared(of: "Remark", in: "FlowTrace/Model/Remark.swift")
    #expect(declared.subtracting(Self.rows.map { EnumCases.name(of: $0.0) }) == [])
    #expect(declared.count >= 20)
  }
}
