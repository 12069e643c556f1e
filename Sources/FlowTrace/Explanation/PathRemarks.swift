import HostModel
import RuleGraph

/// What the way of a packet tells beyond the rule that decided: why an accept did not help, and whose drop it was that
/// decided.
struct PathRemarks {
  let engine: Engine
  let end: FinishedFlow

  /// The remarks on a finished flow.
  func find() -> [Remark] {
    if end.verdict == .accept { return [loopbackReached()].compactMap { $0 } }
    guard end.verdict == .drop || end.verdict == .reject else { return [] }
    return [acceptWasNotFinal(), nobodyNamesTheWay(), directAccess(), silentNeighbours()].compactMap { $0 }
  }

  private var ruleset: Ruleset { engine.ruleset }

  /// The base chain or the chain of the rule that decided.
  private var decidingChain: ChainID? {
    switch end.decidedBy {
    case .rule(let id): id.chainID
    case .policy(let chain): chain
    case .nothing, .outside: nil
    }
  }

  /// An accept that was met before on the same hook: it ended its own base chain alone.
  private func acceptWasNotFinal() -> Remark? {
    guard let chain = decidingChain, let hook = end.flow.position.stage.hook,
      engine.plan.calls(hook, end.flow.family).count > 1
    else { return nil }
    var accepted: RuleID?
    for node in PathNode.inOrder(end.flow.path) {
      guard case .step(let step) = node.content, step.matched, step.hook == hook, step.action == .accept,
        case .rule(let id) = step.event, !isTranslating(id.chainID)
      else { continue }
      accepted = id
    }
    guard let accepted else { return nil }
    return .acceptNotFinal(accepted, overruledBy: chain)
  }

  private func isTranslating(_ chain: ChainID) -> Bool {
    let table = ruleset.tables[chain.table]
    return table.origin == .nftables ? table.chains[chain.chain].base?.type == .nat : table.name == "nat"
  }

  /// The policy of FORWARD met a packet between two interfaces that no rule of the table names: Docker's policy, and
  /// nobody's accept.
  private func nobodyNamesTheWay() -> Remark? {
    guard case .policy(let id) = end.decidedBy, ruleset[id].base?.hook == .forward,
      let input = single(.input), let output = single(.output)
    else { return nil }
    let table = ruleset.tables[id.table]
    let names = (input == output ? [input] : [input, output]).map { InterfaceName(value: $0).description }
    let named = engine.knowledge.inferred.namedInterfaces[id.table] ?? []
    guard table.chainIndex("DOCKER") != nil || table.chainIndex("DOCKER-USER") != nil, named.isDisjoint(with: names)
    else { return nil }
    return .dockerForwardPolicy(of: id, interfaces: names)
  }

  private func single(_ slot: Slot) -> UInt128? {
    end.flow.domain(slot)?.single.flatMap { $0 == 0 ? nil : $0 }
  }

  /// Docker's rule between the containers of one bridge drops: `--icc=false`.
  private func silentNeighbours() -> Remark? {
    guard case .rule(let id) = end.decidedBy, ruleset.tables[id.table].chainIndex("DOCKER") != nil else { return nil }
    var sides: [Field: UInt128] = [:]
    for statement in ruleset[id].statements {
      switch statement {
      case .match(let match):
        guard !match.negated, case .field(let field) = match.subject, case .values(let values) = match.values,
          let name = values.single
        else { return nil }
        sides[field] = name
      default: continue
      }
    }
    guard sides.count == 2, let input = sides[.meta(.iifname)], input == sides[.meta(.oifname)] else { return nil }
    return .dockerNeighboursApart(bridge: InterfaceName(value: input).description)
  }

  /// A port that was published on loopback alone, and another host's packet reached it.
  private func loopbackReached() -> Remark? {
    guard !end.flow.isSentByHost, end.fate == .forward, let first = end.flow.translations.first, !first.ofSource,
      first.from.address.isSubset(of: HostKnowledge.loopback4), let rule = first.rule
    else { return nil }
    return .loopbackPortReached(translatedBy: rule)
  }

  /// Docker 28 and later drop what comes to a container past its bridge before any other table is asked.
  private func directAccess() -> Remark? {
    guard case .rule(let id) = end.decidedBy, end.flow.position.stage == .prerouting,
      ruleset.tables[id.table].name == "raw" || ruleset[id.chainID].name == "raw-PREROUTING"
    else { return nil }
    var bridge: String?
    var destination: IPAddress?
    for case .match(let match) in ruleset[id].statements {
      guard case .field(let field) = match.subject, case .values(let values) = match.values else { continue }
      if field == .meta(.iifname), match.negated { bridge = values.single.map { InterfaceName(value: $0).description } }
      if case .header(let header) = field, header.name == .daddr, !match.negated {
        destination = values.single.map { IPAddress(bits: $0) }
      }
    }
    guard let bridge, let destination, !destination.isIPv4 || destination.ipv4Number >> 24 != 127 else {
      return bridge == "lo" ? .loopbackPortClosed(destination) : nil
    }
    return .directAccess(bridge: bridge)
  }
}
