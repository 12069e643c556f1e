import FlowTrace
import HostModel
import RuleGraph

/// Finds rules that name what the host does not have: interfaces, containers, elements of sets.
struct AbsenceSearch {
  private let ruleset: Ruleset
  private let facts: HostFacts
  /// The names of all interfaces; nil where the dumps don't list them all.
  private let interfaces: Set<UInt128>?
  /// The container networks whose containers are all told, each with the addresses in it that somebody has.
  private let networks: [(network: ContainerNetwork, taken: ValueSet)]
  private let updated: Set<String>

  init(_ host: AnalysedHost) {
    ruleset = host.ruleset
    facts = host.facts
    updated = ruleset.updatedSets
    let names = facts.interfaces.compactMap { InterfaceName($0.name)?.value }
    interfaces = facts.listsEveryInterface ? Set(names) : nil
    let ofContainers = facts.containers.flatMap(\.endpoints).flatMap(\.addresses)
    let isTold =
      !facts.containers.isEmpty && facts.containers.allSatisfy { !$0.endpoints.isEmpty || $0.networkMode != nil }
    networks =
      isTold
      ? facts.networks.filter { $0.driver == "bridge" && !$0.subnets.isEmpty }.map { network in
        (network, ValueSet((ofContainers + network.gateways).map { $0.bits...$0.bits }))
      } : []
  }

  func findings() -> [Finding] {
    var findings: [Finding] = []
    for (t, table) in ruleset.tables.enumerated() where table.shown != .nothing {
      for (c, chain) in table.chains.enumerated() {
        let writer = RuleWriter(table, chain)
        for (r, rule) in chain.rules.enumerated() {
          let id = RuleID(table: t, chain: c, rule: r)
          for fact in facts(of: rule, in: table) {
            let isWeighty = writer == .person || fact.isOfContainer
            findings.append(Finding(fact: fact, severity: isWeighty ? .warning : .note, rule: id))
          }
          if let name = emptySet(rule, in: table) {
            // Bans come and go; whom an empty set lets in nobody ever gets in.
            findings.append(Finding(fact: .emptySet(name), severity: rule.accepts ? .warning : .note, rule: id))
          }
        }
      }
    }
    return findings
  }

  private func facts(of rule: Rule, in table: Table) -> [Finding.Fact] {
    var found: [Finding.Fact] = []
    func add(_ fact: Finding.Fact) { if !found.contains(fact) { found.append(fact) } }
    for statement in rule.statements {
      switch statement {
      case .match(let match):
        guard !match.negated, case .field(let field) = match.subject, case .values(let values) = match.values else {
          continue
        }
        switch field {
        case .meta(.iifname), .meta(.oifname):
          if let name = values.single, name != 0, let interfaces, !interfaces.contains(name) {
            add(.unknownInterface(InterfaceName(value: name).description))
          }
        case .header(let header) where header.name == .saddr || header.name == .daddr:
          if header.header == .ip || header.header == .ip6, let fact = unknownContainer(values) { add(fact) }
        default: continue
        }
      case .translate(let translation):
        guard translation.kind == .dnat, case .constant(let address)? = translation.address else { continue }
        if let fact = unknownContainer(ValueSet(address)) { add(fact) }
      default: continue
      }
    }
    return found
  }

  private func unknownContainer(_ values: ValueSet) -> Finding.Fact? {
    guard let address = values.single.map({ IPAddress(bits: $0) }),
      let (network, taken) = networks.first(where: {
        $0.network.subnets.contains { $0.contains(address) && $0.address != address }
      }),
      !taken.contains(address.bits)
    else { return nil }
    return .unknownContainer(address, network: network.name)
  }

  /// The set without elements that a rule asks for; nil where it has some, may get some from a rule, or nobody showed
  /// it.
  private func emptySet(_ rule: Rule, in table: Table) -> String? {
    for case .match(let match) in rule.statements where !match.negated {
      let set: NamedSet?
      switch match.values {
      case .named(let name): set = table.sets.first { $0.name == name }
      case .ipset(let name): set = ruleset.ipsets.first { $0.name == name }
      default: continue
      }
      guard let set, set.elementsKnown, set.elements.isEmpty, !updated.contains(set.name) else { continue }
      return set.name
    }
    return nil
  }
}

extension Finding.Fact {
  fileprivate var isOfContainer: Bool { if case .unknownContainer = self { true } else { false } }
}
