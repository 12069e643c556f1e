import FlowTrace
import HostModel
import RuleGraph
import RuleParser

/// Refuses interfaces that the host certainly does not have: a mistyped name would fit no rule, and read as an answer.
struct InterfaceCheck {
  private let known: Set<String>
  /// Whether the dumps list every interface.
  private let isWhole: Bool

  init(_ reading: HostReading) {
    let facts = reading.facts
    let inferred = InferredHost(ruleset: reading.ruleset, facts: facts)
    known = Set(facts.interfaces.map(\.name)).union(inferred.namedInterfaces.values.flatMap(\.self))
      .union(facts.networks.compactMap(\.bridge))
    isWhole = facts.listsEveryInterface
  }

  /// Checks the names in a question. Patterns and what is taken out (`!docker0`) need not exist.
  func check(_ packet: QueryArguments) throws(Failure) {
    guard isWhole else { return }
    let options: [(QueryOption, String?)] = [
      (.input, packet.input), (.output, packet.output), (.physin, packet.physin),
    ]
    for (option, text) in options {
      guard let text, !text.hasPrefix("!") else { continue }
      for name in text.split(separator: ",").map(String.init)
      where !known.contains(name) && !name.hasSuffix("+") && !name.hasSuffix("*") {
        let near = Spelling.nearest(to: name, among: known.sorted()).map { "; did you mean \($0)?" } ?? ""
        let others = known.filter { !$0.hasPrefix("veth") }.sorted()
        let list = others.prefix(8).joined(separator: ", ") + (others.count > 8 ? ", ..." : "")
        throw Failure("\(option.commandLineName) \(text): the host has no interface \(name), only \(list)\(near)")
      }
    }
  }
}
