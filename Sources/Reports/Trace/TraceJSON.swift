public import FlowTrace
public import HostModel
import PolicyCheck
public import RuleGraph

/// A trace in its machine-readable form, `fwtrace.trace/1`: see `Schemas/fwtrace.trace.1.json`.
///
/// The form is kept compatible: members may be added, none changes its meaning or goes away.
public struct TraceJSON: Sendable {
  static let schema = "fwtrace.trace/1"

  /// The rules that the trace's identifiers are of.
  public var ruleset: Ruleset
  /// Whether members stand on lines of their own; a batch prints each answer on one line.
  public var indented: Bool
  /// When and where the host was read, as a capture says it; nil for other dumps.
  public var captured: String?
  /// The host, for a witness of each case; nil where none is wanted, as in a batch.
  public var facts: HostFacts?

  /// Makes a writer for traces of a ruleset.
  public init(_ ruleset: Ruleset, indented: Bool = true, captured: String? = nil) {
    self.ruleset = ruleset
    self.captured = captured
    self.indented = indented
  }

  /// The bytes of one trace with a line end behind them.
  ///
  /// - Parameters:
  ///   - trace: The trace.
  ///   - sender: The network namespace of the container that sends, when that was read.
  ///   - diagnostics: What reading the dumps had to tell; warnings among it are added to the trace's own.
  public func bytes(of trace: Trace, from sender: SenderNamespace? = nil, diagnostics: [Diagnostic] = []) -> [UInt8] {
    var json = JSONWriter(indented: indented)
    writeObject(trace, from: sender, diagnostics: diagnostics, to: &json)
    json.endLine()
    return json.bytes
  }

  private func writeObject(
    _ trace: Trace, from sender: SenderNamespace? = nil, diagnostics: [Diagnostic] = [], to json: inout JSONWriter
  ) {
    json.object { json in
      json.member("schema", Self.schema)
      if let id = trace.query.id { json.member("id", id) }
      json.key("query")
      write(trace.query, to: &json)
      if let captured {
        json.key("captured")
        json.object(flat: true) { json in
          for word in CaptureWords.words(captured) { json.member(word.key, word.value) }
        }
      }
      let whole = sender?.whole(with: trace) ?? trace
      json.member("verdict", whole.verdict.rawValue)
      if let connection = whole.connection { write(connection, to: &json) }
      json.key("assumptions")
      json.array { json in for assumption in trace.assumptions.told { json.value(assumption.sentence) } }
      json.key("warnings")
      json.array { json in
        for warning in (diagnostics + trace.warnings).filter({ $0.severity != .note }) { write(warning, to: &json) }
      }
      json.key("cases")
      json.array { json in
        let witnesses = facts.map { CaseWitness(query: trace.query, facts: $0) }
        for one in trace.cases {
          write(one, tellsConnection: trace.tellsConnections, witnesses: witnesses, to: &json)
        }
      }
      if let sender {
        json.key("sender")
        json.object { json in
          json.member("container", sender.name)
          json.key("trace")
          TraceJSON(sender.ruleset, captured: sender.facts.captured).writeObject(sender.trace, to: &json)
        }
      }
    }
  }

  /// The answer to a line of a batch that is no question, with a line end behind it.
  public func bytes(ofError message: String, id: String?) -> [UInt8] {
    var json = JSONWriter(indented: indented)
    json.object { json in
      json.member("schema", Self.schema)
      if let id { json.member("id", id) }
      json.member("error", message)
    }
    json.endLine()
    return json.bytes
  }

  func write(_ diagnostic: Diagnostic, to json: inout JSONWriter) {
    json.object(flat: true) { json in
      json.member("id", diagnostic.id)
      json.key("source")
      write(diagnostic.span, to: &json)
      json.member("message", diagnostic.message)
    }
  }

  private func write(_ span: SourceSpan?, to json: inout JSONWriter) {
    // Rules that no dump shows stand in no file.
    guard let span, ruleset.sources.sources.indices.contains(Int(span.source)) else {
      json.value(nil as String?)
      return
    }
    json.object(flat: true) { json in
      json.member("file", ruleset.sources.name(of: span))
      json.member("line", span.line)
    }
  }

  /// What decides, as members of the object that is open: `decided_by`, and `rules` where several share in it.
  func writeMembers(_ deciders: Deciders, to json: inout JSONWriter) {
    json.key("decided_by")
    write(deciders.first, to: &json)
    guard !deciders.rules.isEmpty else { return }
    json.key("rules")
    json.array { json in for rule in deciders.rules { write(rule, to: &json) } }
  }

  // MARK: Cases

  /// How a connection comes out, and at which step it fails or may fail.
  private func write(_ connection: ConnectionFate, to json: inout JSONWriter) {
    json.member("connection", connection.outcome.rawValue)
    if let stage = connection.stage {
      json.member(connection.outcome == .fails ? "fails_at" : "depends_on", stage.rawValue)
    }
  }

  /// - Parameters:
  ///   - tellsConnection: Whether how the connection comes out is known and written.
  ///   - witnesses: Finds a packet of the case to be written; nil where none is wanted.
  private func write(
    _ one: Case, tellsConnection: Bool = false, witnesses: CaseWitness? = nil, to json: inout JSONWriter
  ) {
    json.object { json in
      json.key("when")
      write(one.when, of: one, to: &json)
      if !one.when.parts.isEmpty {
        json.key("regions")
        writeRegions(of: one, to: &json)
      }
      if let witnesses {
        json.key("witness")
        write(witness: witnesses.packet(of: one), to: &json)
      }
      json.member("verdict", one.verdict.rawValue)
      if let verdict = one.conditionalVerdict { json.member("verdict_if", verdict.rawValue) }
      if one.mayBeRejected { json.member("may_be_rejected", true) }
      if tellsConnection { write(one.connection, to: &json) }
      json.member("fate", one.fate.rawValue)
      json.key("in")
      writeName(one.input, to: &json)
      json.key("out")
      writeName(one.output, to: &json)
      json.key("packet")
      write(one.packet, to: &json)
      json.key("nat")
      json.array { json in for translation in one.translations { write(translation, to: &json) } }
      writeMembers(one.deciders, to: &json)
      json.member("reject_with", one.rejectWith)
      json.key("path")
      json.array { json in for step in one.path { write(step, to: &json) } }
      json.key("near_misses")
      json.array { json in for miss in one.nearMisses { write(miss, to: &json) } }
      json.key("off_path")
      json.array { json in
        for off in one.offPath {
          json.object { json in
            json.key("rule")
            write(off.rule, to: &json)
            json.member("why", off.text(in: ruleset))
          }
        }
      }
      json.member("remarks", one.remarks.map { $0.text(in: ruleset) })
      if let remedy = one.remedy {
        json.key("remedy")
        write(remedy, to: &json)
      }
      if let reply = one.reply {
        json.key("reply")
        json.array { json in for one in reply { write(one, to: &json) } }
      }
      if let continuation = one.continuation {
        json.key("continuation")
        json.array { json in for one in continuation { write(one, to: &json) } }
      }
    }
  }

  private func write(_ remedy: Remedy, to json: inout JSONWriter) {
    json.object { json in
      json.member("advice", remedy.advice?.text(in: ruleset))
      guard let rule = remedy.rule else { return }
      json.member("command", rule.command)
      json.key("chain")
      json.object(flat: true) { json in writeChain(rule.chain, to: &json) }
      json.member("index", rule.number)
      json.member("note", rule.note(in: ruleset))
      json.key("changes")
      json.array { json in
        for change in rule.changes {
          json.object(flat: true) { json in
            json.member("case", change.index)
            json.member("verdict", change.verdict.rawValue)
          }
        }
      }
    }
  }

  func write(_ region: Region, of one: Case, to json: inout JSONWriter) {
    json.object { json in
      writeBox(region.allowed, open: region.open, uses(in: region.allowed, of: one), to: &json)
      guard !region.except.isEmpty else { return }
      json.key("except")
      json.array { json in
        for box in region.except {
          json.object(flat: true) { json in writeBox(box, open: region.open, uses(in: box, of: one), to: &json) }
        }
      }
    }
  }

  /// How many boxes a case is written as at most.
  private static let regionLimit = 1000

  /// The packets of a case as boxes that do not overlap; null where there are too many.
  private func writeRegions(of one: Case, to json: inout JSONWriter) {
    guard let boxes = one.when.boxes(limit: Self.regionLimit) else {
      json.value(nil as String?)
      return
    }
    json.array { json in
      for box in boxes {
        json.object(flat: true) { json in writeBox(box, open: one.when.open, uses(in: box, of: one), to: &json) }
      }
    }
  }

  /// What a box says of unknown things: the conditions of its case, where it is the whole of it.
  private func uses(in box: [Region.Dimension: ValueSet], of one: Case) -> [(use: ConditionUse, holds: Bool)] {
    let limited = one.conditions.enumerated().compactMap { index, use in
      box[.condition(index)]?.single.map { (use: use, holds: $0 == 1) }
    }
    return limited.isEmpty && box == one.when.allowed ? one.conditions.map { ($0, $0.holds) } : limited
  }

  /// Writes the members of a box.
  ///
  /// - Parameters:
  ///   - box: The box.
  ///   - open: All values that packets can have, of dimensions that the question left open.
  ///   - uses: What it takes for true or false that is unknown.
  func writeBox(
    _ box: [Region.Dimension: ValueSet], open: [Region.Dimension: ValueSet],
    _ uses: [(use: ConditionUse, holds: Bool)], to json: inout JSONWriter
  ) {
    let sentByHost = box[.sentByHost]?.single
    if let sentByHost { json.member("from", sentByHost == 1 ? "host" : "wire") }
    let transports = box[.field(.meta(.l4proto))] ?? .all
    var members: [(name: String, kind: ValueKind, universe: ValueSet, values: ValueSet)] = []
    for (dimension, values) in box {
      switch dimension {
      case .field(.header(let field)) where field.header.protocolNumber.map(transports.contains) == false: break
      case .field(let field):
        members.append((field.queryName, field.valueKind, open[dimension] ?? field.universe, values))
      case .family:
        members.append(("family", .named([NamedValue(2, "ipv4"), NamedValue(10, "ipv6")]), .bits(8), values))
      case .sentByHost, .condition: break
      }
    }
    if sentByHost == 1 { json.member("in", nil as String?) }
    for member in members.sorted(by: { $0.name < $1.name }) where !(sentByHost == 1 && member.name == "in") {
      if member.values == member.universe || member.values == .all { continue }
      json.key(member.name)
      write(member.values, as: member.kind, to: &json)
    }
    guard !uses.isEmpty else { return }
    json.key("conditions")
    json.array { json in
      for (use, holds) in uses {
        guard let text = use.text(in: ruleset) else { continue }
        json.object(flat: true) { json in
          json.member("text", text)
          json.member("holds", holds)
          if let settledBy = use.settledBy { json.member("settled_by", settledBy) }
        }
      }
    }
  }

  /// Allowed values: addresses as prefixes and ranges, names as a list or `{"not": [...]}`, numbers as numbers and
  /// `[low, high]`.
  private func write(_ values: ValueSet, as kind: ValueKind, to json: inout JSONWriter) {
    switch kind {
    case .address, .transport, .named, .hardwareAddress:
      json.array(flat: true) { json in for piece in values.pieces(as: kind) { json.value(piece) } }
    case .name:
      let rest = values.single == nil ? InterfaceName.wires.subtracting(values) : .all
      if values.single == nil, values.intersection(InterfaceName.wires).count > rest.count {
        json.object(flat: true) { json in json.member("not", rest.pieces(as: .name)) }
      } else {
        json.array(flat: true) { json in for piece in values.pieces(as: .name) { json.value(piece) } }
      }
    case .bits, .mark, .number:
      json.array(flat: true) { json in
        for interval in values.intervals {
          if interval.lowerBound == interval.upperBound {
            json.value(interval.lowerBound)
          } else {
            json.array { json in
              json.value(interval.lowerBound)
              json.value(interval.upperBound)
            }
          }
        }
      }
    }
  }

  /// An interface: its name, null for none, `{"not": [...]}` or a list where the case leaves it open.
  func writeName(_ values: ValueSet?, to json: inout JSONWriter) {
    guard let values, values != ValueSet(0), !values.isEmpty else {
      json.value(nil as String?)
      return
    }
    if let single = values.single {
      json.value(InterfaceName(value: single).description)
    } else {
      write(values, as: .name, to: &json)
    }
  }

  private func write(_ packet: PacketTuple, to json: inout JSONWriter) {
    json.object(flat: true) { json in
      json.member("family", packet.family == .ipv4 ? "ipv4" : "ipv6")
      json.key("proto")
      writeRanges(packet.transport, as: .transport, to: &json)
      json.key("src")
      writeRanges(packet.source.intersection(packet.family.allAddresses), as: .address, to: &json)
      json.key("sport")
      writeRanges(packet.sourcePort, as: .number, to: &json)
      json.key("dst")
      writeRanges(packet.destination.intersection(packet.family.allAddresses), as: .address, to: &json)
      json.key("dport")
      writeRanges(packet.destinationPort, as: .number, to: &json)
      json.key("mark")
      writeRanges(packet.mark, as: .number, to: &json)
    }
  }

  /// A value when it is the only one, else `[low, high]` ranges.
  private func writeRanges(_ values: ValueSet?, as kind: ValueKind, to json: inout JSONWriter) {
    guard let values else {
      json.value(nil as String?)
      return
    }
    func end(_ value: UInt128, _ json: inout JSONWriter) {
      if kind == .number { json.value(value) } else { json.value(ValueSet.text(value, as: kind)) }
    }
    if let single = values.single {
      end(single, &json)
      return
    }
    json.array { json in
      for interval in values.intervals {
        json.array { json in
          end(interval.lowerBound, &json)
          end(interval.upperBound, &json)
        }
      }
    }
  }

  // MARK: Rules and steps

  func write(_ id: RuleID?, to json: inout JSONWriter) {
    guard let id, ruleset.holds(id) else {
      json.value(nil as String?)
      return
    }
    let rule = ruleset[id]
    json.object(flat: true) { json in
      writeChain(id.chainID, to: &json)
      let isCounted = rule.missing == nil || ruleset[id.chainID].number(ofRule: id.rule) != nil
      json.member("index", isCounted ? ruleset.number(of: id) : nil)
      json.member("handle", rule.handle)
      if let missing = rule.missing {
        json.member("text", MissingWords.text(missing))
        json.member("missing", missing.evidence.rawValue)
      } else {
        json.member("text", ruleset.sources.text(of: rule.span))
      }
      json.key("source")
      write(rule.span, to: &json)
    }
  }

  private func writeChain(_ id: ChainID, to json: inout JSONWriter) {
    let table = ruleset.tables[id.table]
    json.member("family", table.family.rawValue)
    json.member("table", table.name)
    json.member("chain", table.chains[id.chain].name)
  }

  func write(_ translation: AppliedTranslation, to json: inout JSONWriter) {
    json.object { json in
      json.member("kind", translation.kind.rawValue)
      json.member("of", translation.ofSource ? "source" : "destination")
      json.member(
        "from", EndpointWords.text(translation.from.address, translation.from.port, family: nil, anyone: "any"))
      json.member("to", EndpointWords.text(translation.to.address, translation.to.port, family: nil, anyone: "any"))
      json.key("rule")
      write(translation.rule, to: &json)
    }
  }

  func write(_ decider: Decider, to json: inout JSONWriter) {
    switch decider {
    case .rule(let id): write(id, to: &json)
    case .policy(let id):
      guard ruleset.holds(id) else {
        json.value(nil as String?)
        return
      }
      json.object(flat: true) { json in
        json.member("policy", (ruleset[id].base?.policy ?? .accept).rawValue)
        writeChain(id, to: &json)
      }
    case .nothing: json.value(nil as String?)
    case .outside(let reason): json.object(flat: true) { json in json.member("outside", reason.rawValue) }
    }
  }

  private func write(_ step: Step, to json: inout JSONWriter) {
    json.object(flat: true) { json in
      json.member("hook", step.hook?.rawValue)
      switch step.event {
      case .rule(let id) where ruleset.holds(id):
        writeChain(id.chainID, to: &json)
        json.member("rule", id.rule + 1)
      case .policy(let id) where ruleset.holds(id), .endOfChain(let id) where ruleset.holds(id):
        writeChain(id, to: &json)
        json.member("rule", nil as String?)
      default:
        for name in ["family", "table", "chain", "rule"] { json.member(name, nil as String?) }
      }
      json.member("event", step.event.name)
      json.member("matched", step.matched)
      json.member("action", step.action.rawValue)
      json.member("target", step.targetText)
      if let fact = step.fact { json.member("words", fact.text) }
    }
  }

  private func write(_ miss: NearMiss, to json: inout JSONWriter) {
    json.object { json in
      json.key("rule")
      write(miss.rule, to: &json)
      json.member("field", miss.field.text)
      json.member("wanted", miss.wantedText)
      json.member("had", miss.hadText)
      json.member("originally", miss.originalText)
      json.key("changed_by")
      write(miss.changedBy, to: &json)
    }
  }

  // MARK: The question

  /// One packet with the keys of a batch line, each with one value; null where none was found.
  func write(witness: Query?, to json: inout JSONWriter) {
    guard let witness else {
      json.value(nil as String?)
      return
    }
    json.object(flat: true) { json in
      let plain: [(String, ValueSet?)] = [
        ("sport", witness.sourcePort), ("dport", witness.destinationPort),
      ]
      if let family = witness.family { json.member("family", family == .ipv4 ? "ipv4" : "ipv6") }
      if let transport = witness.transport?.single {
        json.member("proto", ValueSet.text(transport, as: .transport))
      }
      if let source = witness.source?.single { json.member("src", ValueSet.text(source, as: .address)) }
      if let destination = witness.destination?.single { json.member("dst", ValueSet.text(destination, as: .address)) }
      for (name, values) in plain {
        if let single = values?.single { json.member(name, Int(single)) }
      }
      if witness.origin == .host {
        json.member("in", nil as String?)
      } else if let input = witness.input?.single {
        json.member("in", InterfaceName(value: input).description)
      }
      if let port = witness.physicalInput?.single { json.member("physin", InterfaceName(value: port).description) }
      for (field, values) in witness.fields.sorted(by: { $0.key.queryName < $1.key.queryName }) {
        if let single = values.single { json.member(field.queryName, Int(clamping: single)) }
      }
    }
  }

  private func write(_ query: Query, to json: inout JSONWriter) {
    json.object(flat: true) { json in
      switch query.origin {
      case .open: break
      case .wire: json.member("from", "wire")
      case .host:
        json.member("from", "host")
        json.member("in", nil as String?)
      }
      json.member("state", query.phase == .first ? "new" : query.phase == .reply ? "established" : "\(query.phase)")
      if query.phase == .reply { json.member("reply", true) }
      if let family = query.family { json.member("family", family == .ipv4 ? "ipv4" : "ipv6") }
      let fixed: [(String, ValueSet?, ValueKind)] = [
        ("proto", query.transport, .transport), ("src", query.source, .address), ("sport", query.sourcePort, .number),
        ("dst", query.destination, .address), ("dport", query.destinationPort, .number),
        ("in", query.origin == .host ? nil : query.input, .name), ("out", query.output, .name),
        ("physin", query.physicalInput, .name),
      ]
      for (name, values, kind) in fixed {
        guard let values else { continue }
        json.key(name)
        write(values, as: kind, to: &json)
      }
      let fields = query.fields.map { (name: $0.key.queryName, kind: $0.key.valueKind, values: $0.value) }
      for field in fields.sorted(by: { $0.name < $1.name }) {
        json.key(field.name)
        write(field.values, as: field.kind, to: &json)
      }
    }
  }
}

extension Step.Event {
  /// The name of the kind of event.
  fileprivate var name: String {
    switch self {
    case .rule: "rule"
    case .policy: "policy"
    case .endOfChain: "end-of-chain"
    case .routing: "routing"
    case .conntrack: "conntrack"
    case .bridge: "bridge"
    case .remark: "remark"
    }
  }
}

extension Field {
  /// The key of the field in a query, where it has one; else nft's spelling.
  var queryName: String {
    switch self {
    case .meta(.iifname): "in"
    case .meta(.oifname): "out"
    case .meta(.l4proto): "proto"
    case .meta(.mark): "mark"
    case .meta(.skuid): "uid"
    case .meta(.skgid): "gid"
    case .meta(.length): "length"
    case .meta(.physicalIn): "physin"
    case .header(let field): field.queryName ?? text
    case .conntrack(let field) where field.key == .state: "state"
    default: text
    }
  }
}

extension HeaderField {
  fileprivate var queryName: String? {
    switch (header, name) {
    case (.ip, .saddr), (.ip6, .saddr): "src"
    case (.ip, .daddr), (.ip6, .daddr): "dst"
    case (.th, .sport), (.tcp, .sport), (.udp, .sport): "sport"
    case (.th, .dport), (.tcp, .dport), (.udp, .dport): "dport"
    case (.tcp, .flags): "tcp_flags"
    case (.icmp, .type), (.icmpv6, .type): "icmp_type"
    case (.icmp, .code), (.icmpv6, .code): "icmp_code"
    case (.ip, .ttl), (.ip6, .hoplimit): "ttl"
    case (.ip, .dscp), (.ip6, .dscp): "dscp"
    default: nil
    }
  }
}
