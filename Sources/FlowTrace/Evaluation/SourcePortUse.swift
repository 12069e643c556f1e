package import HostModel
package import RuleGraph

extension Tracer {
  /// Whether some rule may look at the source port of a packet: directly, in raw bytes, in the connection's tuple or through an ipset.
  ///
  /// Where none does, packets that differ in nothing else are treated alike, since the kernel decides about them by rules and by routes. Routes that
  /// depend on ports count as looking.
  package static func looksAtSourcePorts(_ ruleset: Ruleset, _ facts: HostFacts) -> Bool {
    facts.routingRules.contains { $0.sourcePorts != nil }
      || ruleset.tables.contains { table in
        table.chains.contains { $0.rules.contains { $0.statements.contains(where: looksAtSourcePorts) } }
      }
  }

  static func looksAtSourcePorts(_ statement: Statement) -> Bool {
    switch statement {
    case .match(let match): looksAtSourcePorts(match)
    case .anyOf(let matches): matches.contains(where: looksAtSourcePorts)
    case .verdictMap(let key, let map): looksAtSourcePorts(key) || isOfIpset(map)
    case .translate(let translation): looksAtSourcePorts(translation)
    case .assign(let change): mayHoldSourcePort(change.field) || looksAtSourcePorts(change.value)
    case .updateSet(let update):
      update.isIPSet || looksAtSourcePorts(update.key) || update.data.map(looksAtSourcePorts) == true
    // What these come to is not computed from the packet.
    case .environment, .opaqueMatch, .opaqueTarget, .hiddenInterfaces, .verdict, .notrack, .effect: false
    }
  }

  private static func looksAtSourcePorts(_ translation: Translation) -> Bool {
    switch translation.kind {
    case .dnat, .redirect, .tproxy: break
    // A source port is kept where it is one of those that the source may be translated to.
    case .snat, .masquerade, .netmap, .npt: if translation.port != nil { return true }
    }
    return [translation.address, translation.port].contains { $0.map(looksAtSourcePorts) == true }
  }

  private static func looksAtSourcePorts(_ match: Match) -> Bool {
    switch match.values {
    // Which fields an ipset is asked for depends on its type.
    case .ipset, .ipsetExceptions: true
    case .values, .elements, .named: looksAtSourcePorts(match.subject)
    }
  }

  private static func looksAtSourcePorts(_ expression: Expression) -> Bool {
    switch expression {
    case .field(let field): mayHoldSourcePort(field)
    case .constant, .anyOf: false
    case .bitwise(let operand, _, _), .shift(let operand, _): looksAtSourcePorts(operand)
    case .combine(_, let first, let second): looksAtSourcePorts(first) || looksAtSourcePorts(second)
    case .concatenation(let parts): parts.contains(where: looksAtSourcePorts)
    case .map(let key, let map): looksAtSourcePorts(key) || isOfIpset(map)
    case .generated(let generator): generator.inputs.contains(where: looksAtSourcePorts)
    }
  }

  private static func isOfIpset(_ map: MapReference) -> Bool {
    if case .ipset = map { true } else { false }
  }

  private static func mayHoldSourcePort(_ field: Field) -> Bool {
    switch field {
    case .header(let header): header.name == .sport
    case .raw: true
    case .conntrack(let field): field.key == .protoSrc || field.key == .protoDst
    case .meta, .option, .fib, .route, .socket, .ipsec: false
    }
  }
}
