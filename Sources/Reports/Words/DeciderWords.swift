import FlowTrace
import RuleGraph

/// What decided, in few words for a column: `filter DOCKER 1`, `policy of filter INPUT`.
struct DeciderWords {
  let ruleset: Ruleset
  let names: SourceNames

  func place(_ decider: Decider) -> String {
    switch decider {
    case .rule(let id): ruleset.place(of: id)
    case .policy(let id): "policy of \(ruleset.place(of: id))"
    case .nothing: "no rule"
    case .outside(let reason): reason.label
    }
  }

  /// The same of rules that share in it: `filter INPUT 2 or 3`, `one of filter f2b-sshd 1 to 299`.
  func place(_ deciders: Deciders) -> String {
    deciders.rules.isEmpty ? place(deciders.first) : ruleset.place(of: deciders.rules)
  }

  /// The line of the dump; nil of what no dump shows.
  func source(_ decider: Decider) -> String? {
    switch decider {
    case .rule(let id): ruleset.holds(id) ? names.place(ruleset[id].span) : nil
    case .policy(let id): ruleset.holds(id) ? ruleset[id].span.flatMap(names.place) : nil
    case .nothing, .outside: nil
    }
  }
}

extension OutsideReason {
  /// The reason in a word or two: the kernel's own where it has one.
  var label: String {
    switch self {
    case .noRoute: "no route"
    case .unreachableRoute: "unreachable route"
    case .prohibitRoute: "prohibited route"
    case .blackholeRoute: "blackhole route"
    case .ipForward: "not forwarded (ip_forward)"
    case .rpFilter: "rp_filter"
    case .martian: "martian address"
    case .hopLimit: "time to live"
    case .routeLocalnet: "martian address (route_localnet is 0)"
    case .bridgeHairpin: "no hairpin mode"
    case .isolatedPorts: "isolated ports"
    case .macvlan: "macvlan"
    case .noPath: "no path"
    case .linkDown: "link down"
    case .noListener: "nothing listens"
    case .multicast: "multicast"
    case .unknownHost: "unknown host"
    case .noConnection: "no connection"
    case .masqueradeMoved: "masquerade moved"
    }
  }
}
