package import FlowTrace
package import RuleGraph
import RuleText

extension ConditionUse {
  /// What the case takes to be so: `the limit of 3/minute isn't used up`; nil where another condition of the case says
  /// it. `ruleset` is the one that was traced.
  package func text(in ruleset: Ruleset) -> String? {
    switch about {
    case .environment(let condition): return EnvironmentWords.text(condition, holds: holds)
    case .element(let conditions):
      return conditions.map { EnvironmentWords.text($0, holds: holds) }.joined(separator: holds ? " and " : " or ")
    case .match(let match), .hostMatch(let match), .maskedMatch(let match):
      return "\(NftWords.match(match)) \(holds ? "holds" : "does not hold")"
    case .bits(var match):
      match.negated = !holds
      return NftWords.match(match)
    case .draw(let generator, let numbers, let others):
      return "\(NftWords.generator(generator)) gives \(ValueWords.numbers(holds ? numbers : others))"
    case .largeSet(let set, let count):
      return "its addresses and ports are \(holds ? "" : "not ")in the set \(set) of \(count) elements"
    case .transparentProxy: return "\(holds ? "a" : "no") transparent proxy listens"
    case .queue(let number): return "the program at queue \(number) \(holds ? "lets" : "does not let") the packet pass"
    case .natOrder(let hook):
      return holds
        ? "nft's nat chain at \(hook.rawValue) was registered after that of legacy iptables, and runs first"
        : "the nat chain of legacy iptables at \(hook.rawValue) was registered after nft's, and runs first"
    case .boundProgram(let interface, let priority):
      return holds
        ? "the program is bound to \(interface), so that policy rule \(priority) applies"
        : "the program is not bound to \(interface), so that policy rule \(priority) does not apply"
    case .opaque(let opaque): return "\(opaque.name) \(holds ? "matches" : "does not match")"
    case .hiddenInterfaces: return "its interfaces \(holds ? "fit" : "do not fit") the rule"
    case .owner(let name, let isGroup):
      let kind = isGroup ? "group" : "user"
      return holds ? "the \(kind) \(name) sends it" : "another \(kind) than \(name) sends it"
    case .maskedValue(let subject, let values):
      let texts = values.masked.map(\.text).joined(separator: " or ")
      return "\(NftWords.subject(subject)) is \(holds ? "" : "not ")the masked \(texts)"
    case .hiddenElement(let set):
      return
        "\(holds ? "a" : "no") part of \(set.map { "the set \($0)" } ?? "its set") that is not shown holds the packet"
    case .maskedTarget(let value): return "the dump masks \(value.text)"
    case .setMember(let set): return "the set \(set) \(holds ? "holds" : "does not hold") the packet"
    case .mapMember(let map): return "the map \(map) \(holds ? "holds" : "does not hold") the packet"
    case .unseen(let unseen, let effect):
      guard holds else { return nil }
      let text = Self.text(unseen, effect, in: ruleset)
      guard effect == .translateDestination, let rule, ruleset.holds(rule),
        let container = ruleset[rule].missing?.publishes
      else { return text }
      return "\(text) to the container \(container)"
    case .policy(let chain): return "the policy of \(ruleset.place(of: chain)) is \(holds ? "accept" : "drop")"
    case .device(let chain):
      let table = ruleset.tables[chain.table]
      return "the chain \(table.family.rawValue) \(table.name) \(table.chains[chain.chain].name) is for "
        + (holds ? "a device that the frame passes" : "another device")
    case .egressPort(let port, let bridge):
      return "\(bridge ?? "the bridge") sends it through \(holds ? "its port" : "another port than") \(port)"
    case .ownAddress(let address):
      return "\(address.map { "\($0)" } ?? "the destination") is \(holds ? "" : "not ")an address of this host"
    case .policyRule(let priority, let selector, let family):
      let command = family == .ipv4 ? "ip rule" : "ip -6 rule"
      return
        "policy rule \(priority)\(selector.map { " (\($0))" } ?? "") of `\(command)` \(holds ? "applies" : "does not apply")"
    case .unseenPolicyRule(let table): return "\(holds ? "a" : "no") policy rule selects routing table \(table) for it"
    case .routeInTable(let table): return "routing table \(table) has \(holds ? "a" : "no") route for it"
    case .localRouteInTable(let table):
      return "the route of table \(table) \(holds ? "is local: the packet is this host's" : "goes to another host")"
    case .maskedRoute(let masked, let network, let interface):
      let link = interface.map { " on \($0)" } ?? ""
      return "\(masked.text)/\(network.length)\(link) is \(holds ? "" : "not ")\(network)"
    case .neighbour(let bridge): return "the destination is \(holds ? "" : "not ")on the network of \(bridge)"
    case .routeLocalnet(let interface):
      return "route_localnet is \(holds ? "on" : "off") for \(interface ?? "its interface")"
    case .reversePath(let source, let interface):
      return "the route back to \(source) \(holds ? "goes" : "does not go") through \(interface)"
    case .seesPackets(let table, let family):
      let chains = ruleset.tables[table].chains.filter { $0.base != nil }.map(\.name).joined(separator: ", ")
      return
        "the table of \(chains) \(holds ? "sees" : "does not see") \(family == .ipv4 ? "IPv4" : "IPv6")"
    case .end(let end): return end.text
    }
  }

  /// What something that was not shown does to the packet: `the missing rules of filter INPUT drop it`.
  private static func text(_ unseen: Condition.Unseen, _ effect: MissingRules.Effects, in ruleset: Ruleset) -> String {
    let subject: String
    var isPlural = false
    switch unseen {
    case .rules(let chain):
      let isWhole = ruleset[chain].shown == .nothing
      subject = (isWhole ? "" : "the missing rules of ") + ruleset.place(of: chain)
      isPlural = !isWhole || ruleset.tables[chain.table].name.isEmpty
    case .chain(let name): subject = name
    case .target(let opaque): subject = opaque.lost == nil ? "target \(opaque.name)" : opaque.name
    case .map(let name): subject = "map \(name)"
    }
    let ending = isPlural ? "" : "s"
    switch effect {
    case []:
      if case .chain = unseen { return "\(subject) return\(ending)" }
      return "\(subject) leave\(ending) it alone"
    case .accept: return "\(subject) accept\(ending) it"
    case .drop: return "\(subject) drop\(ending) it"
    case [.drop, .reject]: return "\(subject) drop\(ending) or reject\(ending) it"
    case .change: return "\(subject) change\(ending) it"
    default: return "\(subject) translate\(ending) it"
    }
  }
}

extension Condition.End {
  /// Why nothing more is known; nil where a condition of the case says it.
  fileprivate var text: String? {
    switch self {
    case .unseenRules: nil
    case .synproxy: "the kernel's SYN proxy answers"
    case .unseenChain(let name): "chain \(name) was not shown"
    case .tooManyRules: "too many rules to look at"
    case .tooManyOverlaps: "so many rules overlap here that whether any packet is left was not found out"
    case .tooManyCases(let limit): "more than \(limit) cases; narrow it with --src or --dport"
    }
  }
}
