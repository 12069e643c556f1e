package import FlowTrace
package import RuleGraph
import RuleText

extension Remedy.Advice {
  /// The advice in one sentence; `ruleset` is the one that was traced.
  package func text(in ruleset: Ruleset) -> String {
    switch self {
    case .droppedBeforeRules: return "they are dropped before a rule could answer them"
    case .setting(let names, let value, let outcome):
      let command = "sysctl -w " + names.map { "\($0)=\(value)" }.joined(separator: " ")
      return "no rule helps, `\(command)` does: then it is \(outcome.text(in: ruleset))"
    case .route(let addresses):
      let destination = ValueWords.addresses(addresses)
      return "no rule helps: a route must lead to \(destination) (`ip route add \(destination) via GATEWAY`)"
    case .noRefusal(let addresses):
      let destination = ValueWords.addresses(addresses)
      return
        "no rule helps: the route that refuses \(destination) must go (`ip route get \(destination)` names it, `ip route del` removes it)"
    case .network:
      return "no rule helps: `docker network connect NETWORK CONTAINER` connects the container to a network"
    case .interfaceBesideContainers:
      return
        "no rule helps: give the host an interface of its own on that network (`ip link add link PARENT type macvlan mode bridge`), or put the container on a bridge network"
    case .noIsolation: return "no rule helps: `bridge link set dev PORT isolated off` lets a port speak to the others"
    case .hairpin: return "no rule helps: `bridge link set dev PORT hairpin on` lets the bridge send frames back"
    case .noMartian: return "no rule helps: the kernel takes such a source or destination from no wire"
    case .moreHops:
      return
        "no rule helps but one that raises the hop limit before routing (mangle PREROUTING, TTL target); the sender should start with more"
    case .interfaceUp: return "no rule helps: the interface must be up (`ip link set dev INTERFACE up`)"
    case .program: return "no rule helps: a program must listen there"
    case .group: return "no rule helps: the host would have to join the group or route it"
    case .nobody: return "no rule helps: nobody has that address"
    case .oneWayOut:
      return
        "no rule helps but one that sends all packets of a connection out through one interface (CONNMARK and a rule of `ip rule`)"
    case .firstPacket: return "the connection's first packet must get through: ask for that one"
    case .listener(let port, let addresses):
      let number = port.map { " port \($0)" } ?? ""
      return
        "no rule helps, the rules accept it: a program must listen on\(number) of \(ValueWords.addresses(addresses))"
    case .listenerElsewhere(let program, let addresses, let now):
      return
        "no rule helps, the rules accept it: \(program ?? "the program") must listen on \(ValueWords.addresses(addresses)) or on every address, not on \(now) alone"
    case .settle(let command):
      return "first settle what is unknown: \(command.map { "what `\($0)` prints" } ?? "what the dump hides")"
    case .noChain:
      return "no chain that was shown is at the hook where a rule would be needed; `nft add chain` makes one"
    case .noRuleForReply: return "no single rule lets the reply back in"
    case .noRule: return "no single rule does that"
    case .insufficient(let command, let isReply, let end):
      return
        "no single rule does that: with `\(command)` \(isReply ? "its reply" : "it") ends at \(end.text(in: ruleset))"
    case .twoRules(let command, let other, let isFence):
      let fence = isFence ? "; a network that both containers are on (`docker network connect`) needs no rule" : ""
      return "it takes two rules (tried): `\(command)` and, for the replies, `\(other)`\(fence)"
    }
  }
}

extension Remedy.Advice.Outcome {
  fileprivate func text(in ruleset: Ruleset) -> String {
    switch self {
    case .accepted: return "accepted"
    case .acceptedInPart: return "accepted in some cases"
    case .undetermined: return "undetermined"
    case .discarded(let verdict, .rule(let id)): return "\(verdict.past) by \(ruleset.place(of: id))"
    case .discarded(let verdict, .policy(let chain)):
      return "\(verdict.past) by the policy of \(ruleset.place(of: chain))"
    case .discarded(let verdict, .outside(let reason)): return "\(verdict.past) by \(reason.rawValue)"
    case .discarded(let verdict, .nothing), .discarded(let verdict, nil): return verdict.past
    }
  }
}

extension Remedy.Advice.End {
  fileprivate func text(in ruleset: Ruleset) -> String {
    switch self {
    case .rule(let chain): ruleset.place(of: chain)
    case .policy(let chain): "the policy of \(ruleset.place(of: chain))"
    case .nothing: "no rule"
    case .outside(let reason): reason.rawValue
    }
  }
}

extension RuleRemedy.Owner {
  /// What to know of a chain of the program before writing into it.
  func note(of chain: ChainID, in ruleset: Ruleset) -> String {
    switch self {
    case .ufw: "\(ruleset.holds(chain) ? ruleset[chain].name : "it") is ufw's: its own command keeps the rule"
    case .ufwTable: "ufw owns this table and writes it anew when it reloads: /etc/ufw/before.rules keeps a rule"
    case .firewalld:
      "firewalld owns this chain and writes it anew when it reloads: `firewall-cmd --permanent` keeps a rule"
    case .docker: "Docker owns this chain and writes it anew: the rule is lost when the daemon or a container restarts"
    case .libvirt: "libvirt owns this chain and writes it anew"
    }
  }
}

extension RuleRemedy {
  /// What to know of the chain before writing into it; nil for a chain for rules of one's own.
  func note(in ruleset: Ruleset) -> String? { owner?.note(of: chain, in: ruleset) }
}
