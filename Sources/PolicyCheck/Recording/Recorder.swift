public import FlowTrace
import RuleGraph

/// Writes today's answer down as expectations of a policy.
///
/// A question whose packets all share a verdict is one test; otherwise each case is a test of its own, about the
/// packets of the case.
public struct Recorder {
  /// The rules.
  let host: PolicyHost

  /// Makes a recorder for a host.
  public init(_ host: PolicyHost) { self.host = host }

  /// What recording a question gave.
  public struct Recording: Sendable {
    /// The tests, each as the lines of an element of a YAML list, without the dash and the indentation.
    public var tests: [[String]] = []
    /// Why parts of the question can't be expected.
    public var left: [Reason] = []
  }

  /// Why packets can't be expected to fare as they do today.
  public enum Reason: Hashable, Sendable {
    /// No packet fits the question.
    case noPacket
    /// What happens to them depends on these conditions.
    case undetermined([ConditionUse])
    /// They have this verdict only under these conditions.
    case conditional(Case.Verdict, [ConditionUse])
    /// Those with this verdict have too many pieces to be written down.
    case tooManyPieces(Case.Verdict)
  }

  /// Records a question.
  ///
  /// - Parameters:
  ///   - name: The name of the test; several get numbers.
  ///   - given: The options of the question as the user wrote them.
  ///   - query: The same question.
  public func record(name: String, given: [(option: QueryOption, text: String)], query: Query) -> Recording {
    var recording = Recording()
    var options = Tracer.Options()
    options.tracesReply = query.phase == .first
    options.findsNearMisses = false
    let trace = Tracer(host.ruleset, facts: host.facts).trace(query, options: options)
    let sampler = Sampler(query: query, interfaces: [])
    let cases = trace.cases.filter { !sampler.isEmpty($0.when) }
    if cases.isEmpty {
      recording.left.append(.noPacket)
    } else if let answer = Answer(cases) {
      recording.tests.append(test(name, given, answer))
    } else {
      let sources = Self.sources(of: cases)
      for one in cases { record(one, of: query, name, openSources: sources, to: &recording) }
    }
    return recording
  }

  /// All sources that the cases name, for each family: what is left of an open question when impossible senders are
  /// out.
  private static func sources(of cases: [Case]) -> ValueSet {
    cases.reduce(.empty) { all, one in
      [Header.ip, .ip6].reduce(all) { $0.union(one.when.allowed[.field(.header(HeaderField($1, .saddr)))] ?? .empty) }
    }
  }

  private func record(
    _ one: Case, of query: Query, _ name: String, openSources: ValueSet, to recording: inout Recording
  ) {
    guard let answer = Answer([one]) else {
      recording.left.append(.undetermined(one.conditions))
      return
    }
    guard one.conditions.isEmpty else {
      recording.left.append(.conditional(one.verdict, one.conditions))
      return
    }
    guard let boxes = one.when.boxes(limit: 8) else {
      recording.left.append(.tooManyPieces(one.verdict))
      return
    }
    for box in boxes {
      let number = recording.tests.count + 1
      var packet = Query.of(box, asPartOf: query)
      if query.source == nil, packet.source == openSources { packet.source = nil }
      recording.tests.append(test("\(name), part \(number)", packet.options, answer))
    }
  }

  private func test(
    _ name: String, _ packet: [(option: QueryOption, text: String)], _ answer: Answer
  ) -> [String] {
    let fields = packet.map { "\($0.option.spelling): \(YAMLText.scalar($0.text))" }
    return ["name: \(YAMLText.scalar(name))", "packet: { \(fields.joined(separator: ", ")) }"]
      + answer.lines.map { "\($0.key): \(YAMLText.scalar($0.text))" }
  }
}

/// What the cases of a question have in common, as the keys of an expectation.
struct Answer {
  /// The keys in the order of the documentation, with their texts.
  let lines: [(key: String, text: String)]

  /// Nil when the verdicts differ or are not settled.
  init?(_ cases: [Case]) {
    guard let first = cases.first, first.verdict != .undetermined, cases.allSatisfy({ $0.verdict == first.verdict })
    else { return nil }
    func common(_ text: (Case) -> String?) -> String? {
      guard let value = text(first), cases.allSatisfy({ text($0) == value }) else { return nil }
      return value
    }
    let texts: [(String, String?)] = [
      ("expect", first.verdict.rawValue), ("with", first.verdict == .reject ? common(\.rejectWith) : nil),
      ("fate", first.verdict == .accept ? common(\.fate.rawValue) : nil), ("to", common(Self.destination)),
      ("source", common(Self.source)),
      ("out", common(Self.output)), ("reply", common(Self.reply)),
    ]
    lines = texts.compactMap { key, text in text.map { (key, $0) } }
  }

  /// The text of a key.
  subscript(_ key: String) -> String? { lines.first { $0.key == key }?.text }

  /// Where a translated packet ends.
  static func destination(_ one: Case) -> String? {
    guard one.verdict == .accept, one.translations.contains(where: { !$0.ofSource }),
      let address = one.packet.destination.single
    else { return nil }
    return endpoint(address, one.packet.destinationPort?.single)
  }

  /// How the source is translated; kept where it is not.
  static func source(_ one: Case) -> String? {
    guard one.verdict == .accept else { return nil }
    guard let last = one.translations.last(where: \.ofSource) else { return "kept" }
    if last.kind == .masquerade { return "masquerade" }
    return one.packet.source.single.map { endpoint($0, nil) } ?? last.kind.rawValue
  }

  private static func endpoint(_ address: UInt128, _ port: UInt128?) -> String {
    let text = IPAddress(bits: address).description
    guard let port else { return text }
    return text.contains(":") ? "[\(text)]:\(port)" : "\(text):\(port)"
  }

  static func output(_ one: Case) -> String? {
    one.verdict == .accept ? one.output?.single.map { InterfaceName(value: $0).description } : nil
  }

  static func reply(_ one: Case) -> String? {
    guard let answers = one.reply, let first = answers.first?.verdict, first != .undetermined,
      answers.allSatisfy({ $0.verdict == first })
    else { return nil }
    return first.rawValue
  }
}

extension Query {
  /// The part of a question that a box of a region stands for.
  static func of(_ box: [Region.Dimension: ValueSet], asPartOf query: Query) -> Query {
    var result = query
    for (dimension, values) in box {
      switch dimension {
      case .sentByHost: result.origin = values.contains(1) ? .host : .wire
      case .family: result.family = values.contains(2) ? .ipv4 : .ipv6
      case .condition: continue
      case .field(let field): result.set(field, values)
      }
    }
    // What says nothing beyond the usual has no place in a test.
    for field in result.fields.keys where query.fields[field] == nil {
      let all = field == .meta(.length) ? ValueSet.bits(16) : .bits(field.width)
      if all.isSubset(of: result.fields[field] ?? .empty) { result.fields[field] = nil }
    }
    for header in [Header.icmp, .icmpv6] where result.transport?.isDisjoint(with: header == .icmp ? [1] : [58]) ?? false
    {
      result.fields[.header(HeaderField(header, .type))] = nil
      result.fields[.header(HeaderField(header, .code))] = nil
    }
    if result.transport?.isDisjoint(with: [6]) ?? false { result.fields[.header(HeaderField(.tcp, .flags))] = nil }
    for (header, name) in [(Header.ip, HeaderFieldName.ttl), (.ip6, .hoplimit)] {
      let field = Field.header(HeaderField(header, name))
      if query.fields[field] == nil, result.fields[field] == ValueSet(2...255) { result.fields[field] = nil }
    }
    if result.sourcePort == .bits(16) { result.sourcePort = nil }
    if result.destinationPort == .bits(16) { result.destinationPort = nil }
    if query.physicalInput == nil, result.physicalInput.map({ InterfaceName.anyName.isSubset(of: $0) }) ?? false {
      result.physicalInput = nil
    }
    return result
  }

  /// Sets a field of the packet to values.
  mutating func set(_ field: Field, _ values: ValueSet) {
    switch field {
    case .header(HeaderField(.ip, .saddr)), .header(HeaderField(.ip6, .saddr)): source = values
    case .header(HeaderField(.ip, .daddr)), .header(HeaderField(.ip6, .daddr)): destination = values
    case .header(HeaderField(.th, .sport)): sourcePort = values
    case .header(HeaderField(.th, .dport)): destinationPort = values
    case .meta(.l4proto): transport = values
    case .meta(.iifname): input = values
    case .meta(.physicalIn): physicalInput = values
    default: fields[field] = values
    }
  }
}

/// Texts as YAML scalars.
public enum YAMLText {
  /// The text plain where it can't be mistaken for anything else, else in double quotes (YAML 1.2, 7.3).
  public static func scalar(_ text: String) -> String {
    let isPlain =
      text.utf8.first.map { $0.isLetter || $0.isDigit } ?? false
      && text.utf8.last != UInt8(ascii: " ")
      && text.utf8.allSatisfy { byte in
        byte.isLetter || byte.isDigit || " -./_".utf8.contains(byte)
      }
    if isPlain, !["null", "Null", "NULL", "~"].contains(text) { return text }
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\\(scalar)"
      case _ where scalar.value < 0x20:
        result += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
