package import RuleGraph

/// The chains of a ruleset and how packets go between them, as a diagram for Graphviz or Mermaid.
package struct GraphDiagram: Sendable {
  /// The language of the diagram.
  package enum Language: String, Sendable, CaseIterable {
    /// Graphviz (`dot -Tsvg`).
    case dot
    /// Mermaid, which Markdown pages show.
    case mermaid
  }

  /// The language.
  package var language: Language

  /// Makes a writer.
  package init(_ language: Language) { self.language = language }

  /// A jump between two chains and the rules that make it.
  private struct Edge: Hashable {
    var from: ChainID
    var to: ChainID
  }

  /// The diagram: hooks point to their base chains in running order, chains to the chains that they jump to.
  package func text(of ruleset: Ruleset) -> String {
    let ruleset = ruleset.shownOnly
    var lines: [String] =
      language == .dot ? ["digraph rules {", "  rankdir=LR;", "  node [shape=box];"] : ["flowchart LR"]
    for (index, table) in ruleset.tables.enumerated() {
      let title = "\(table.family.rawValue) \(table.name)"
      lines.append(language == .dot ? "  subgraph cluster_\(index) {" : "  subgraph t\(index)[\(quoted(title))]")
      if language == .dot { lines.append("    label=\(quoted(title));") }
      for (number, chain) in table.chains.enumerated() {
        let id = ChainID(table: index, chain: number)
        lines.append("    " + node(name(id), label(chain)))
      }
      lines.append(language == .dot ? "  }" : "  end")
    }
    for hook in Hook.allCases { lines += hookLines(hook, ruleset) }
    for (edge, label) in jumps(of: ruleset) { lines.append("  " + arrow(name(edge.from), name(edge.to), label)) }
    if language == .dot { lines.append("}") }
    return lines.joined(separator: "\n") + "\n"
  }

  private func hookLines(_ hook: Hook, _ ruleset: Ruleset) -> [String] {
    var chains: [(priority: Int32, order: Int, id: ChainID)] = []
    for (table, one) in ruleset.tables.enumerated() {
      for (chain, two) in one.chains.enumerated() {
        guard let base = two.base, base.hook == hook else { continue }
        // At equal priority the chain that was registered last runs first.
        chains.append((base.priority, -chains.count, ChainID(table: table, chain: chain)))
      }
    }
    guard !chains.isEmpty else { return [] }
    let sorted = chains.sorted { ($0.priority, $0.order) < ($1.priority, $1.order) }
    let node = language == .dot ? "  \(hook.rawValue) [shape=oval];" : "  \(hook.rawValue)([\(hook.rawValue)])"
    return [node] + sorted.map { "  " + arrow(hook.rawValue, name($0.id), "priority \($0.priority)") }
  }

  private func jumps(of ruleset: Ruleset) -> [(Edge, String)] {
    var order: [Edge] = []
    var rules: [Edge: [Int]] = [:]
    for (table, one) in ruleset.tables.enumerated() {
      for (chain, two) in one.chains.enumerated() {
        for (number, rule) in two.rules.enumerated() {
          for target in targets(of: rule, in: one) {
            guard let index = one.chainIndex(target) else { continue }
            let edge = Edge(from: ChainID(table: table, chain: chain), to: ChainID(table: table, chain: index))
            if rules[edge] == nil { order.append(edge) }
            rules[edge, default: []].append(number + 1)
          }
        }
      }
    }
    return order.map { edge in
      let numbers = rules[edge] ?? []
      let label = numbers.prefix(5).map(String.init).joined(separator: ", ") + (numbers.count > 5 ? ", ..." : "")
      return (edge, (numbers.count == 1 ? "rule " : "rules ") + label)
    }
  }

  private func targets(of rule: Rule, in table: Table) -> [String] {
    rule.statements.flatMap { statement -> [String] in
      switch statement {
      case .verdict(.jump(let chain)), .verdict(.goto(let chain)): return [chain]
      case .verdictMap(_, .anonymous(let elements)): return elements.compactMap(target)
      case .verdictMap(_, .named(let name)):
        return (table.sets.first { $0.name == name }?.elements ?? []).compactMap(target)
      default: return []
      }
    }
  }

  private func target(of element: SetElement) -> String? {
    switch element.data {
    case .verdict(.jump(let chain))?, .verdict(.goto(let chain))?: chain
    default: nil
    }
  }

  private func name(_ id: ChainID) -> String { "c\(id.table)_\(id.chain)" }

  private func label(_ chain: Chain) -> String {
    var size = "\(chain.rules.count) rule\(chain.rules.count == 1 ? "" : "s")"
    if let policy = chain.base?.policy { size += ", policy \(policy.rawValue.uppercased())" }
    return "\"\(escaped(chain.name))\(language == .dot ? "\\n" : "<br/>")\(size)\""
  }

  private func node(_ name: String, _ label: String) -> String {
    language == .dot ? "\(name) [label=\(label)];" : "\(name)[\(label)]"
  }

  private func arrow(_ from: String, _ to: String, _ label: String) -> String {
    language == .dot ? "\(from) -> \(to) [label=\(quoted(label))];" : "\(from) -- \(quoted(label)) --> \(to)"
  }

  private func quoted(_ text: String) -> String { "\"\(escaped(text))\"" }

  /// A text between quotation marks, of which a viewer reads nothing as its language.
  ///
  /// In DOT a backslash escapes what follows it. Mermaid reads markup in labels, and characters by their numbers
  /// (`#60;`).
  private func escaped(_ text: String) -> String {
    let text = text.onOneLine
    switch language {
    case .dot: return text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    case .mermaid:
      return text.unicodeScalars.reduce(into: "") { result, scalar in
        if "\"#;&<>`\\*[]{}()|%".unicodeScalars.contains(scalar) {
          result += "#\(scalar.value);"
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
  }
}
