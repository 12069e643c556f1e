package import FlowTrace
import HostModel
package import RuleGraph
import RuleText

extension Remark {
  /// The remark in one sentence; `ruleset` is the one that was traced.
  package func text(in ruleset: Ruleset) -> String {
    switch self {
    case .noNetwork(let container):
      return
        "\(container) runs with --network none: it has only a loopback interface, so it reaches nothing and nothing reaches it; `docker network connect` connects it to a network"
    case .sharedNetwork(let sender, let owner):
      return
        "\(sender ?? "it") joined the network of \(owner) (--network container:\(owner)): its packets are those of \(owner)"
    case .unknownName(let receiver, let sender, let sharesNetwork):
      let why =
        sharesNetwork
        ? "on the default network only --link makes a name known, and only on the side that asked for it"
        : "they share no network"
      return "inside \(sender) the name \(receiver) means nothing: \(why); this answer is for the address"
    case .senderNamespace(let name, let rules):
      return rules == 0
        ? "\(name) has no rules of its own in its network namespace"
        : "none of the \(rules) rules in \(name)'s own network namespace stops or changes these packets"
    case .noConnection: return "the connection's first packet does not get through, so no later packet comes"
    case .copy(let target, let device, let isOut):
      let through = device.map { " through \($0)" } ?? ""
      return "a copy of the packet goes \(isOut ? "out of" : "to") \(target ?? "another place")\(through)"
    case .silentReject: return "the kernel sends no answer to such a packet"
    case .acceptNotFinal(let rule, let chain):
      return
        "\(ruleset.place(of: rule)) accepted it, which ends only that base chain; \(ruleset.place(of: chain)) runs at the same hook nevertheless, and any drop is final"
    case .uncounted(let busiest):
      let counter = ruleset.holds(busiest) ? ruleset[busiest].counter : nil
      return Self.counted("\(Self.name(of: busiest.chainID, ruleset)) rule \(busiest.rule + 1)", counter)
    case .uncountedBesidePolicy(let chain):
      let counter = ruleset.holds(chain) ? ruleset[chain].policyCounter : nil
      return Self.counted("the policy of \(Self.name(of: chain, ruleset))", counter)
    case .unknownSource: return "whether its source is translated is unknown"
    case .dockerForwardPolicy(let chain, let interfaces):
      return
        "no rule of \(ruleset.place(of: chain)) is about \(interfaces.joined(separator: " or ")): Docker sets this policy to DROP when it turns forwarding on, and DOCKER-USER is the chain for an ACCEPT of your own"
    case .dockerNeighboursApart(let bridge):
      return
        "this is Docker's --icc=false: the containers of \(bridge) reach each other only where one was started with --link to the other, and only its exposed ports"
    case .loopbackPortReached(let rule):
      return
        "the port is published on loopback only, and a neighbour that sends to it over the wire gets there nevertheless: \(ruleset.place(of: rule)) translates before routing would refuse such an address; Docker 28 drops these packets"
    case .loopbackPortClosed(let address):
      return
        "the port is published on \(address.map { "\($0)" } ?? "loopback") only, and since version 28 Docker drops what other hosts send to it"
    case .directAccess(let bridge):
      return
        "since version 28 Docker drops packets to a container's own address unless they come in through \(bridge), whatever the filter table says: connect to a published port of this host, or start the daemon with --allow-direct-routing (28.2)"
    case .listener(let program, let transport, let port):
      return "\(program ?? "a program") listens on \(ValueWords.transport(transport)) port \(port)"
    case .closedPort(let transport, let port):
      return
        "nothing listens on \(ValueWords.transport(transport)) port \(port): the host answers that the port is closed"
    case .closedPortHere(let transport, let port, let addresses, let program, let bound):
      let here = "\(ValueWords.transport(transport)) port \(port) of \(ValueWords.addresses(addresses))"
      return
        "\(program ?? "a program") listens on \(ValueWords.endpoint(bound)) alone, so nothing has \(here): the host answers that it is closed"
    case .dockerProxy(let port, let target?):
      return "docker-proxy listens on port \(port) and makes its own connection to \(ValueWords.endpoint(target))"
    case .dockerProxy(let port, nil): return "docker-proxy listens on port \(port) and connects on to the container"
    case .sourceSeen(let address): return "the container sees \(address) as the client"
    }
  }

  private static func counted(_ other: String, _ counter: Counter?) -> String {
    let count = counter?.packets ?? 0
    return
      "by its counter the rule has met no such packet yet; \(other) has counted \(count == 1 ? "1 packet" : "\(count) packets")"
  }

  private static func name(of chain: ChainID, _ ruleset: Ruleset) -> String {
    ruleset.holds(chain) ? ruleset[chain].name : "?"
  }
}
