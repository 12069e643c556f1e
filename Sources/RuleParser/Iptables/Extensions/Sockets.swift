import RuleGraph

/// `-m socket`: whether a local socket takes the packet (iptables-extensions(8), "socket").
struct SocketMatch: EnvironmentMatch {
  let names = ["socket"]
  let condition = EnvironmentCondition.Kind.socket
  let listingWords = ["socket"]
  let options = [
    OptionSpelling("transparent", values: .none), OptionSpelling("nowildcard", values: .none),
    OptionSpelling("restore-skmark", values: .none),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "socket") else { return false }
    while text.eat(flag: "--transparent", as: "transparent", &found)
      || text.eat(flag: "--nowildcard", as: "nowildcard", &found)
      || text.eat(flag: "--restore-skmark", as: "restore-skmark", &found)
    {}
    return true
  }
}

/// `-m cgroup`: the control group of the sending process (iptables-extensions(8), "cgroup").
struct ControlGroupMatch: EnvironmentMatch {
  let names = ["cgroup"]
  let condition = EnvironmentCondition.Kind.cgroup
  let listingWords = ["cgroup"]
  let options = [OptionSpelling("path"), OptionSpelling("cgroup")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "cgroup") else { return false }
    let negated = text.eatNegation()
    guard let value = text.eatValue() else { return false }
    let isNumber = value.allSatisfy {
      text.cursor.bytes[$0] >= UInt8(ascii: "0") && text.cursor.bytes[$0] <= UInt8(ascii: "9")
    }
    found.append(ExtensionOption(name: isNumber ? "cgroup" : "path", negated: negated, value: value))
    return true
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    for option in options {
      if option.name == "cgroup" {
        guard let number = rule.number(option.value), number <= 0xffff_ffff else { return false }
        rule.match(.meta(.cgroup), ValueSet(number), negated: option.negated)
      } else {
        let argument = Argument("path", rule.text(of: option))
        rule.statements.append(.environment(EnvironmentCondition(condition, [argument], negated: option.negated)))
      }
    }
    return true
  }
}

/// `-m cluster`: whether this node of a cluster is responsible for the packet (iptables-extensions(8), "cluster").
struct ClusterMatch: EnvironmentMatch {
  let names = ["cluster"]
  let condition = EnvironmentCondition.Kind.cluster
  let listingWords = ["cluster"]
  let invertible: [OptionLabel] = ["cluster-local-nodemask"]
  let options = [
    OptionSpelling("cluster-local-nodemask", aliases: ["cluster-local-node"]), OptionSpelling("cluster-total-nodes"),
    OptionSpelling("cluster-hash-seed"),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "cluster") else { return false }
    let negated = text.eatNegation()
    guard text.eat(label: "node_mask=", as: "cluster-local-nodemask", &found) else { return false }
    found[found.count - 1].negated = negated
    return text.eat(label: "total_nodes=", as: "cluster-total-nodes", &found)
      && text.eat(label: "hash_seed=", as: "cluster-hash-seed", &found)
  }
}

extension ControlGroupMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    if case .environment(let found) = statements.first, found.kind == condition, let path = found.arguments.first?.value
    {
      return SpelledStatement(
        module: "cgroup", options: "\(found.negated ? "! " : "")--path \(SaveText.quoted(path))", names: ["path"])
    }
    guard let test = PlainTest(statements.first), test.meta == .cgroup, test.mask == nil,
      let number = test.values.single
    else {
      return nil
    }
    return test.spelled("cgroup", "cgroup", "\(number)")
  }
}
