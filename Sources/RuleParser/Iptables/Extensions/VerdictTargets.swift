import RuleGraph

/// `-j SYNPROXY`: the kernel answers a SYN itself (iptables-extensions(8), "SYNPROXY").
struct SynProxyTarget: IptablesExtension {
  let names = ["SYNPROXY"]
  let kind = ExtensionKind.target
  let listingWords = ["SYNPROXY"]
  let options = [
    OptionSpelling("sack-perm", values: .none), OptionSpelling("timestamp", values: .none), OptionSpelling("wscale"),
    OptionSpelling("mss"), OptionSpelling("ecn", values: .none),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    text.eat(word: "SYNPROXY") && text.eatOptions(options, &found)
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    guard
      let arguments = OptionArguments.read(
        options, of: self.options, rule, value: { option, rule in rule.text(of: option) })
    else { return false }
    rule.statements.append(.verdict(.synproxy(arguments)))
    return true
  }
}

/// `-j CLUSTERIP`: drops what another node of a cluster is responsible for (iptables-extensions(8), "CLUSTERIP").
struct ClusterTarget: IptablesExtension {
  let names = ["CLUSTERIP"]
  let kind = ExtensionKind.target
  let listingWords = ["CLUSTERIP"]
  let options = [
    OptionSpelling("new", values: .none), OptionSpelling("hashmode"), OptionSpelling("clustermac"),
    OptionSpelling("total-nodes"), OptionSpelling("local-node"), OptionSpelling("hash-init"),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "CLUSTERIP") else { return false }
    while text.eat(label: "hashmode=", as: "hashmode", &found)
      || text.eat(label: "clustermac=", as: "clustermac", &found)
      || text.eat(label: "total_nodes=", as: "total-nodes", &found)
      || text.eat(label: "local_node=", as: "local-node", &found)
      || text.eat(label: "hash_init=", as: "hash-init", &found)
    {}
    return true
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    guard
      let arguments = OptionArguments.read(
        options, of: self.options, rule, value: { option, rule in rule.text(of: option) })
    else { return false }
    // The packets of other nodes are dropped, its own go on to the next rule (`net/ipv4/netfilter/ipt_CLUSTERIP.c`).
    rule.statements.append(.environment(EnvironmentCondition(.cluster, arguments, negated: true)))
    rule.statements.append(.verdict(.drop))
    return true
  }
}

extension SynProxyTarget {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard case .verdict(.synproxy(let arguments)) = statements.first,
      arguments.allSatisfy({ argument in options.contains { $0.name.text == argument.name } })
    else { return nil }
    return SpelledStatement(module: "SYNPROXY", options: OptionArguments.spell(arguments, negated: []), isTarget: true)
  }
}

extension ClusterTarget {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard case .environment(let found) = statements.first, found.kind == .cluster, found.negated,
      found.arguments.allSatisfy({ argument in options.contains { $0.name.text == argument.name } }),
      statements.dropFirst().first == .verdict(.drop)
    else { return nil }
    return SpelledStatement(
      module: "CLUSTERIP", options: OptionArguments.spell(found.arguments, negated: []), isTarget: true, count: 2)
  }
}
