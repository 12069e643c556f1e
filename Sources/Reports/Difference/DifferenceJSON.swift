import FlowTrace
package import HostAnalysis
package import RuleGraph

/// What changed between two rulesets in its machine-readable form, `fwtrace.diff/1`: see `Schemas/fwtrace.diff.1.json`.
package struct DifferenceJSON: Sendable {
  static let schema = "fwtrace.diff/1"

  private let words: DifferenceWords
  private let old: TraceJSON
  private let new: TraceJSON

  /// Makes a writer for two rulesets.
  package init(_ old: Ruleset, _ new: Ruleset) {
    words = DifferenceWords(old: DifferenceSide(old), new: DifferenceSide(new))
    self.old = TraceJSON(old)
    self.new = TraceJSON(new)
  }

  /// The bytes of a difference with a line end behind them.
  ///
  /// - Parameters:
  ///   - difference: The difference.
  ///   - diagnostics: What reading the dumps of each side had to tell.
  package func bytes(of difference: Difference, diagnostics: (old: [Diagnostic], new: [Diagnostic]) = ([], []))
    -> [UInt8]
  {
    var json = JSONWriter(indented: true)
    json.object { json in
      json.member("schema", Self.schema)
      json.member("equal", difference.isEqual)
      json.member("determined", difference.isDetermined)
      json.key("changes")
      json.array { json in for change in difference.changes { write(change, to: &json) } }
      json.key("unknown")
      json.array { json in
        for doubt in difference.unknown { write(doubt, to: &json) }
        for gap in difference.gaps where gap.leavesOpen {
          json.object(flat: true) { json in
            json.member("why", DifferenceWords.sentence(gap))
            json.member("settled_by", DifferenceWords.command(gap))
          }
        }
      }
      json.member(
        "not_compared", difference.gaps.filter { !$0.leavesOpen }.map(DifferenceWords.sentence))
      json.key("assumptions")
      json.array { json in
        if let host = DifferenceWords.assumedHost(difference) { json.value(host) }
        for assumption in difference.assumptions.told { json.value(assumption.sentence) }
      }
      json.key("warnings")
      json.array { json in
        for warning in diagnostics.old where warning.severity != .note { old.write(warning, to: &json) }
        for warning in diagnostics.new where warning.severity != .note { new.write(warning, to: &json) }
      }
    }
    json.endLine()
    return json.bytes
  }

  private func write(_ change: Change, to json: inout JSONWriter) {
    json.object { json in
      json.member("kind", Self.name(change.kind))
      json.member("effect", Self.effect(change))
      writeSets(change.packets, to: &json)
      json.key("old")
      write(change.old, old, to: &json)
      json.key("new")
      write(change.new, new, to: &json)
      json.key("witness")
      write(change.witness, to: &json)
    }
  }

  private func write(_ doubt: Doubt, to json: inout JSONWriter) {
    json.object { json in
      let (reason, settledBy) = words.reason(doubt)
      json.member("why", reason)
      json.member("settled_by", settledBy)
      if !doubt.isComplete { json.member("complete", false) }
      writeSets(doubt.packets, to: &json)
      json.key("old")
      write(doubt.old, old, to: &json)
      json.key("new")
      write(doubt.new, new, to: &json)
      json.key("witness")
      write(doubt.witness, to: &json)
    }
  }

  private static func name(_ kind: Change.Kind) -> String {
    switch kind {
    case .verdict: "verdict"
    case .translation: "translation"
    case .fate: "fate"
    case .rule: "rule"
    }
  }

  /// Whether packets get through that did not (`added`), no longer do (`removed`), or do so or not as before.
  private static func effect(_ change: Change) -> String {
    switch (change.old.verdict == .accept, change.new.verdict == .accept) {
    case (false, true): "added"
    case (true, false): "removed"
    default: change.kind == .rule ? "none" : "changed"
    }
  }

  // MARK: Packets

  private func writeSets(_ sets: [PacketSet], to json: inout JSONWriter) {
    guard let first = sets.first else { return }
    write(first, to: &json)
    guard sets.count > 1 else { return }
    json.key("also")
    json.array { json in for set in sets.dropFirst() { json.object { json in write(set, to: &json) } } }
  }

  private func write(_ set: PacketSet, to json: inout JSONWriter) {
    json.member("packets", Self.name(set.place))
    json.key("when")
    json.object(flat: true) { json in writeBox(set.hull, of: set, to: &json) }
    guard set.boxes.count > 1 else { return }
    json.key("regions")
    json.array { json in
      for box in set.boxes { json.object(flat: true) { json in writeBox(box, of: set, to: &json) } }
    }
  }

  private func writeBox(_ box: [Region.Dimension: ValueSet], of set: PacketSet, to json: inout JSONWriter) {
    let uses = set.conditions.enumerated().compactMap { index, use in
      box[.condition(index)]?.single.map { (use: use, holds: $0 == 1) }
    }
    var box = box
    box[.family] = ValueSet(set.family.rawValue)
    box[.sentByHost] = ValueSet(set.isSentByHost ? 1 : 0)
    old.writeBox(box, open: set.open, uses, to: &json)
  }

  private static func name(_ place: PacketPlace) -> String {
    switch place {
    case .first: "new"
    case .midstream: "midstream"
    case .reply: "reply"
    case .later: "established"
    case .related: "related"
    case .invalid: "invalid"
    }
  }

  private func write(_ outcome: Outcome, _ side: TraceJSON, to json: inout JSONWriter) {
    let part = outcome.part
    json.object { json in
      json.member("verdict", part.verdict.rawValue)
      if let verdict = part.conditionalVerdict { json.member("verdict_if", verdict.rawValue) }
      json.member("fate", part.fate.rawValue)
      json.key("out")
      side.writeName(part.output, to: &json)
      json.key("nat")
      json.array { json in for translation in part.translations { side.write(translation, to: &json) } }
      side.writeMembers(outcome.deciders, to: &json)
      json.member("reject_with", part.rejectWith)
    }
  }

  private func write(_ witness: PacketWitness?, to json: inout JSONWriter) {
    guard let witness else {
      json.value(nil as String?)
      return
    }
    json.object(flat: true) { json in
      json.member("packets", Self.name(witness.place))
      let fields = witness.values.compactMap { dimension, value -> (name: String, kind: ValueKind, value: UInt128)? in
        guard case .field(let field) = dimension else { return nil }
        return (field.queryName, field.valueKind, value)
      }
      for field in fields.sorted(by: { $0.name < $1.name }) where field.name != "in" {
        switch field.kind {
        case .number, .bits: json.member(field.name, field.value)
        default: json.member(field.name, ValueSet.text(field.value, as: field.kind))
        }
      }
      json.member("in", witness.input)
    }
  }
}
