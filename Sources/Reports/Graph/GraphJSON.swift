package import RuleGraph

/// A rule graph in its machine-readable form, `fwtrace.graph/1`.
package struct GraphJSON: Sendable {
  /// Whether what depends on the dump is left out, so that two dumps of one ruleset print the same bytes.
  package var isCanonical: Bool

  /// Makes a writer.
  package init(isCanonical: Bool = false) { self.isCanonical = isCanonical }

  /// The bytes of a graph with a line end behind them.
  package func bytes(of ruleset: Ruleset, diagnostics: [Diagnostic] = []) -> [UInt8] {
    let shown = isCanonical ? CanonicalGraph.of(ruleset) : ruleset.shownOnly
    var json = JSONWriter(indented: true)
    json.object { json in
      json.member("schema", "fwtrace.graph/1")
      json.key("summary")
      // The summary of a canonical graph is the graph's: warnings are about the dump.
      GraphSummary(isCanonical ? shown : ruleset, diagnostics: isCanonical ? [] : diagnostics).write(to: &json)
      json.key("tables")
      json.array { json in for table in shown.tables { write(table, of: shown, to: &json) } }
      json.key("ipsets")
      json.array { json in for set in shown.ipsets { write(set, of: shown, to: &json) } }
      if !isCanonical {
        writeUnshown(ruleset, to: &json)
        json.key("warnings")
        json.array { json in for one in diagnostics where one.severity != .note { write(one, of: shown, to: &json) } }
      }
    }
    json.endLine()
    return json.bytes
  }

  /// The chains of which nothing was shown, with the evidence that they exist or may exist.
  private func writeUnshown(_ ruleset: Ruleset, to json: inout JSONWriter) {
    json.key("not_shown")
    json.array { json in
      for (table, chains) in ruleset.unshownChains {
        for chain in chains {
          let missing = chain.rules.lazy.compactMap(\.missing).first
          json.object(flat: true) { json in
            json.member("family", table.family.rawValue)
            json.member("table", table.name)
            json.member("chain", chain.name)
            json.member("evidence", missing?.evidence.rawValue ?? MissingRules.Evidence.notShown.rawValue)
            json.member("settled_by", missing?.settledBy)
          }
        }
      }
    }
  }

  private func write(_ table: Table, of ruleset: Ruleset, to json: inout JSONWriter) {
    json.object { json in
      json.member("family", table.family.rawValue)
      json.member("name", table.name)
      if !isCanonical {
        json.member("origin", table.origin.rawValue)
        json.member("shown", table.shown == .whole ? "whole" : "part")
        writeHandle(table.handle, to: &json)
      }
      if !table.flags.isEmpty { json.member("flags", table.flags) }
      if let comment = table.comment { json.member("comment", comment) }
      json.key("chains")
      json.array { json in for chain in table.chains { write(chain, of: ruleset, to: &json) } }
      json.key("sets")
      json.array { json in for set in table.sets { write(set, of: ruleset, to: &json) } }
      json.key("objects")
      json.array { json in
        for object in table.objects {
          json.object(flat: true) { json in
            json.member("kind", object.kind)
            json.member("name", object.name)
            write(object.arguments, to: &json)
          }
        }
      }
    }
  }

  private func write(_ chain: Chain, of ruleset: Ruleset, to json: inout JSONWriter) {
    json.object { json in
      json.member("name", chain.name)
      if let base = chain.base {
        json.key("base")
        json.object(flat: true) { json in
          json.member("type", base.type.rawValue)
          json.member("hook", base.hook.rawValue)
          json.member("priority", base.priority)
          json.member("policy", base.policy?.rawValue)
          if !base.devices.isEmpty { json.member("devices", base.devices) }
        }
      }
      if !isCanonical {
        json.member("shown", chain.shown == .whole ? "whole" : "part")
        writeHandle(chain.handle, to: &json)
        if let references = chain.references { json.member("references", references) }
        write(chain.policyCounter, named: "policy_counter", to: &json)
        write(chain.span, of: ruleset, to: &json)
      }
      if let comment = chain.comment { json.member("comment", comment) }
      json.key("rules")
      json.array { json in
        for (index, rule) in chain.rules.enumerated() {
          write(rule, number: chain.number(ofRule: index) ?? index + 1, of: ruleset, to: &json)
        }
      }
    }
  }

  private func write(_ rule: Rule, number: Int, of ruleset: Ruleset, to json: inout JSONWriter) {
    json.object { json in
      json.member("index", number)
      if let comment = rule.comment { json.member("comment", comment) }
      if !isCanonical {
        writeHandle(rule.handle, to: &json)
        write(rule.counter, named: "counter", to: &json)
        json.member("text", ruleset.sources.text(of: rule.span))
        write(rule.span, of: ruleset, to: &json)
      }
      json.key("statements")
      json.array { json in for statement in rule.statements { StatementJSON.write(statement, to: &json) } }
    }
  }

  private func write(_ set: NamedSet, of ruleset: Ruleset, to json: inout JSONWriter) {
    json.object { json in
      json.member("name", set.name)
      json.member("key", set.keyTypes)
      if let dataTypes = set.dataTypes { json.member("data", dataTypes) }
      if let type = set.ipsetType { json.member("type", type) }
      if !set.flags.isEmpty { json.member("flags", set.flags.sorted()) }
      if !isCanonical {
        writeHandle(set.handle, to: &json)
        write(set.span, of: ruleset, to: &json)
      }
      if let comment = set.comment { json.member("comment", comment) }
      json.member("elements_known", set.isShownWhole)
      json.key("elements")
      json.array { json in for element in set.elements { json.value(GraphWords.element(element, of: nil)) } }
    }
  }

  private func write(_ diagnostic: Diagnostic, of ruleset: Ruleset, to json: inout JSONWriter) {
    json.object(flat: true) { json in
      json.member("id", diagnostic.id)
      json.member("severity", diagnostic.severity.rawValue)
      json.member("message", diagnostic.message)
      write(diagnostic.span, of: ruleset, to: &json)
    }
  }

  private func write(_ span: SourceSpan?, of ruleset: Ruleset, to json: inout JSONWriter) {
    guard let span else { return }
    json.key("source")
    json.object(flat: true) { json in
      json.member("file", ruleset.sources.name(of: span))
      json.member("line", span.line)
    }
  }

  private func write(_ counter: Counter?, named name: String, to json: inout JSONWriter) {
    guard let counter else { return }
    json.key(name)
    json.object(flat: true) { json in
      json.member("packets", counter.packets)
      json.member("bytes", counter.bytes)
    }
  }

  private func write(_ arguments: [Argument], to json: inout JSONWriter) { StatementJSON.write(arguments, to: &json) }

  private func writeHandle(_ handle: UInt64?, to json: inout JSONWriter) {
    if let handle { json.member("handle", handle) }
  }
}

/// One statement of a rule as JSON: the first key says what it is.
enum StatementJSON {
  static func write(_ statement: Statement, to json: inout JSONWriter) {
    json.object(flat: true) { json in
      switch statement {
      case .match(let match): write(match, to: &json)
      case .anyOf(let matches):
        json.key("any_of")
        json.array { json in for match in matches { json.object { json in write(match, to: &json) } } }
      case .environment(let condition): write(condition, to: &json)
      case .opaqueMatch(let opaque):
        json.member("opaque_match", opaque.name)
        json.member("text", opaque.text)
      case .hiddenInterfaces: json.member("hidden", "interfaces")
      case .verdict(let verdict): write(verdict, to: &json)
      case .verdictMap(let key, let map):
        json.member("verdict_map", GraphWords.expression(key))
        switch map {
        case .named(let name): json.member("map", "@\(name)")
        case .ipset(let name): json.member("map", "ipset \(name)")
        case .anonymous(let elements): json.member("elements", elements.map { GraphWords.element($0, of: key) })
        }
      case .translate(let translation): write(translation, to: &json)
      case .assign(let assignment):
        json.member("assign", assignment.field.text)
        json.member("value", GraphWords.value(assignment.value, as: assignment.field))
      case .notrack: json.member("notrack", true)
      case .updateSet(let update):
        json.member("update_set", update.set)
        json.member("operation", update.operation.rawValue)
        json.member("key", GraphWords.expression(update.key))
        if let data = update.data { json.member("data", GraphWords.expression(data)) }
        write(update.arguments, to: &json)
      case .effect(let effect):
        json.member("effect", effect.kind.rawValue)
        write(effect.arguments, to: &json)
      case .missingRules(let missing):
        json.member("missing", missing.evidence.rawValue)
        if let count = missing.count { json.member("count", count) }
      case .opaqueTarget(let opaque):
        json.member("opaque_target", opaque.name)
        json.member("text", opaque.text)
      }
    }
  }

  static func write(_ arguments: [Argument], to json: inout JSONWriter) {
    guard !arguments.isEmpty else { return }
    json.key("arguments")
    json.array { json in
      for argument in arguments {
        json.value(argument.value.isEmpty ? argument.name : "\(argument.name)=\(argument.value)")
      }
    }
  }

  private static func write(_ match: Match, to json: inout JSONWriter) {
    json.member("match", GraphWords.expression(match.subject))
    json.member("negated", match.negated)
    json.member("values", GraphWords.values(of: match))
    if case .masked(let values) = match.values { json.member("masked", values.masked.map(\.text)) }
    if match.whenAbsent { json.member("when_absent", true) }
  }

  private static func write(_ condition: EnvironmentCondition, to json: inout JSONWriter) {
    json.member("condition", condition.kind.rawValue)
    json.member("negated", condition.negated)
    write(condition.arguments, to: &json)
  }

  private static func write(_ verdict: Verdict, to json: inout JSONWriter) {
    switch verdict {
    case .accept: json.member("verdict", "accept")
    case .drop: json.member("verdict", "drop")
    case .return: json.member("verdict", "return")
    case .continue: json.member("verdict", "continue")
    case .jump(let chain):
      json.member("verdict", "jump")
      json.member("chain", chain)
    case .goto(let chain):
      json.member("verdict", "goto")
      json.member("chain", chain)
    case .reject(let rejection):
      json.member("verdict", "reject")
      json.member("with", VerdictWords.name(rejection))
    case .queue(let queue):
      json.member("verdict", "queue")
      json.member("low", queue.numbers.lowerBound)
      json.member("high", queue.numbers.upperBound)
      json.member("bypass", queue.bypass)
      json.member("fanout", queue.fanout)
    case .forwardTo(let device):
      json.member("verdict", "forward")
      json.member("device", device)
    case .synproxy(let arguments):
      json.member("verdict", "synproxy")
      write(arguments, to: &json)
    }
  }

  private static func write(_ translation: Translation, to json: inout JSONWriter) {
    json.member("translate", translation.kind.rawValue)
    if let ofSource = translation.ofSource { json.member("of", ofSource ? "source" : "destination") }
    if let address = translation.address {
      json.member("address", GraphWords.value(address, as: .header(HeaderField(.ip, .daddr))))
    }
    if let port = translation.port {
      json.member("port", GraphWords.value(port, as: .header(HeaderField(.th, .dport))))
    }
    let masked = Statement.translate(translation).maskedValues.map(\.text)
    if !masked.isEmpty { json.member("masked", masked) }
    if let base = translation.portBase { json.member("port_base", base) }
    if let length = translation.prefixLength { json.member("prefix_length", length) }
    if translation.random { json.member("random", true) }
    if translation.fullyRandom { json.member("fully_random", true) }
    if translation.persistent { json.member("persistent", true) }
    write(translation.arguments, to: &json)
  }
}
