import RuleGraph

/// What the rules themselves tell for the wording of an answer.
struct RulesetKnowledge {
  /// The fields that some rule looks at: only they can set cases apart.
  private(set) var fields: Set<Field> = []
  /// Interfaces behind which a subnet is masqueraded (`-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE`): containers or
  /// virtual machines are there.
  private(set) var innerInterfaces: Set<String> = []

  /// Whether Docker, or a program that writes chains of its names, has written rules.
  private(set) var hasDocker = false

  init(_ ruleset: Ruleset) {
    for table in ruleset.tables {
      if table.name == "docker-bridges" || table.chains.contains(where: { $0.name.hasPrefix("DOCKER") }) {
        hasDocker = true
      }
      for rule in table.chains.lazy.flatMap(\.rules) { add(rule) }
    }
  }

  private mutating func add(_ rule: Rule) {
    var masquerades = false
    var spared: [String] = []
    for statement in rule.statements {
      switch statement {
      case .match(let match):
        add(match.subject)
        guard match.subject == .field(.meta(.oifname)), match.negated, case .values(let values) = match.values,
          let name = values.single
        else { continue }
        spared.append(InterfaceName(value: name).description)
      case .anyOf(let matches): for match in matches { add(match.subject) }
      case .verdictMap(let key, _): add(key)
      case .translate(let translation): if translation.kind == .masquerade { masquerades = true }
      default: break
      }
    }
    if masquerades { innerInterfaces.formUnion(spared) }
  }

  private mutating func add(_ expression: ValueExpression) {
    switch expression {
    case .concatenation(let parts): for part in parts { add(part) }
    case .map(let key, _): add(key)
    case .combine(_, let a, let b):
      add(a)
      add(b)
    default: if let field = expression.field { fields.insert(field) }
    }
  }
}
