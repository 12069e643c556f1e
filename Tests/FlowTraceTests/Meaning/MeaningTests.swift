import FlowTrace
import RuleGraph
import RuleText
import Testing

@testable import RuleParser

/// What a rule means: packets that it matches and packets that it does not, for each field and each extension.
@Suite struct MeaningTests {
  @Test(arguments: MeaningRow.all)
  func aRuleMatchesThesePacketsAndNotThose(_ row: MeaningRow) throws {
    let reading = row.reading
    let opaque = reading.ruleset.tables.flatMap(\.chains).flatMap(\.rules).flatMap(\.statements).filter { statement in
      switch statement {
      case .opaqueMatch, .opaqueTarget: true
      default: false
      }
    }
    #expect(opaque == [] && reading.diagnostics.filter { $0.severity != .note }.map(\.message) == [], "\(row)")
    let tracer = Tracer(reading.ruleset, facts: reading.facts)
    for (packets, verdict) in [(row.fits, row.verdict), (row.fails, .accept), (row.open, .mixed)] {
      for packet in packets {
        let trace = tracer.trace(try row.query(packet, reading))
        let reasons = trace.cases.map { "\($0.verdict) \($0.decidedBy)" }
        #expect(trace.verdict == verdict, "\(row) of \"\(packet)\": \(reasons)")
      }
    }
  }

  @Test func everyFieldHasARow() {
    let known = MeaningRow.all.reduce(into: Set<Field>()) { $0.formUnion(FieldsOf($1.reading.ruleset).all) }
    var missing: [Field] = MetaKey.allCases.map(Field.meta).filter { !known.contains($0) }
    for header in Header.allCases {
      for name in HeaderFieldName.allCases where NftPayload.typeAndBits(header, name) != nil {
        let field = Field.header(HeaderField(header, name))
        if !known.contains(field) { missing.append(field) }
      }
    }
    missing += RouteKey.allCases.map(Field.route).filter { !known.contains($0) }
    missing += SocketKey.allCases.map(Field.socket).filter { !known.contains($0) }
    #expect(missing == [])
    let keys = Set(known.compactMap { if case .conntrack(let field) = $0 { field.key } else { nil } })
    #expect(ConntrackKey.allCases.filter { !keys.contains($0) } == [])
    let answers = Set(known.compactMap { if case .fib(let field) = $0 { field.result } else { nil } })
    #expect(FibField.Result.allCases.filter { !answers.contains($0) } == [])
    let bases = Set(known.compactMap { if case .raw(let base, _, _) = $0 { base } else { nil } })
    #expect(PayloadBase.allCases.filter { !bases.contains($0) } == [])
    let options = Set(known.compactMap { if case .option(let field) = $0 { field.kind } else { nil } })
    #expect(OptionKind.allCases.filter { !options.contains($0) } == [])
  }

  @Test func aHeaderFieldIsAsWideAsNftSays() {
    for header in Header.allCases {
      for name in HeaderFieldName.allCases {
        guard let (_, bits) = NftPayload.typeAndBits(header, name) else { continue }
        // Addresses of both families are one kind of number.
        let isAddress = [.saddr, .daddr, .ipSource, .ipTarget, .targetAddress].contains(name) && header != .ether
        #expect(Field.header(HeaderField(header, name)).width == (isAddress ? 128 : bits), "\(header) \(name)")
      }
    }
  }

  @Test func everyKindOfExpressionHasARow() {
    let known = MeaningRow.all.reduce(into: Set<String>()) { $0.formUnion(FieldsOf($1.reading.ruleset).kinds) }
    #expect(ValueExpression.Kind.allCases.map(\.rawValue).filter { !known.contains($0) } == [])
  }

  /// An extension is in a row when its name stands behind `-m` or `-j`, or its protocol behind `-p`.
  @Test func everyExtensionOfIptablesHasARow() {
    let words = Set(
      MeaningRow.all.filter(\.isIptables).flatMap { $0.rule.split { $0 == " " || $0 == "\n" }.map(String.init) })
    let missing = ExtensionRegistry.all.map(\.names).filter { words.isDisjoint(with: $0) }
    #expect(missing == [])
  }
}

extension MeaningRow {
  /// All rows.
  static let all =
    meta + expressions + network + transport + options + connection + surroundings + matches + conditions + targets
}
