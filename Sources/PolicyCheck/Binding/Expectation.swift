import FlowTrace
import RuleGraph

/// What is expected of every packet of a test, looked up on a host.
struct Expectation: Sendable {
  /// An address, a port, or both.
  struct Place: Sendable {
    var addresses: ValueSet?
    var ports: ValueSet?
    var text: String
  }

  /// What is expected of the source at the end.
  enum SourceRule: Sendable {
    case kept
    case translated(Translation.Kind)
    case place(Place)
  }

  /// What is expected of the destination at the end.
  enum DestinationRule: Sendable {
    case kept
    case place(Place)
  }

  var verdicts: [Case.Verdict] = []
  /// Whether a connection that works meets it, whatever the verdicts.
  var works = false
  /// Verdicts that no packet may get: the other side of `only`.
  var forbidden: [Case.Verdict] = []
  /// Whether no connection may work: the other side of `only` again.
  var forbidsWorking = false
  var rejectWith: [String] = []
  var fates: [Case.Fate] = []
  var destination: DestinationRule?
  var source: SourceRule?
  var output: (set: ValueSet, text: String)?
  var via: [RulePattern] = []
  var neverVia: [RulePattern] = []
  var reply: [Case.Verdict] = []
  var oneOf: [Expectation] = []
}

extension NameResolver {
  /// Looks an expectation up on a host.
  mutating func expectation(_ text: ExpectationText) -> Expectation {
    var result = Expectation()
    result.verdicts = text.verdicts
    result.works = text.works
    result.rejectWith = text.rejectWith?.parts.map(\.text) ?? []
    result.fates = text.fates
    result.via = text.via
    result.neverVia = text.neverVia
    result.reply = text.reply
    if let value = text.destination {
      result.destination = value.text == "kept" ? .kept : place(.dst, value).map { .place($0) }
    }
    if let value = text.source { result.source = source(value) }
    if let value = text.output, let found = values(.output, value, within: InterfaceName.anyName) {
      result.output = (found.set, value.text)
    }
    for one in text.oneOf { result.oneOf.append(expectation(one)) }
    checkAnswer(text)
    return result
  }

  private mutating func source(_ value: PolicyValue) -> Expectation.SourceRule? {
    switch value.text {
    case "kept": .kept
    case "masquerade": .translated(.masquerade)
    case "snat": .translated(.snat)
    case "netmap": .translated(.netmap)
    default: place(.src, value).map { .place($0) }
    }
  }

  private mutating func place(_ option: QueryOption, _ value: PolicyValue) -> Expectation.Place? {
    // `:8080` is a port at whatever address.
    if value.parts.count == 1, value.text.hasPrefix(":") {
      let port = PolicyValue(
        parts: [.init(text: String(value.text.dropFirst()), place: value.place)], place: value.place)
      return values(.dport, port, within: .bits(16)).map {
        Expectation.Place(addresses: nil, ports: $0.set, text: value.text)
      }
    }
    return values(option, value, within: .all).map {
      Expectation.Place(addresses: $0.set, ports: $0.ports, text: value.text)
    }
  }

  /// The names of answers that a reject can send.
  static let answers = [
    "tcp-reset", "icmp-net-unreachable", "icmp-host-unreachable", "icmp-proto-unreachable", "icmp-port-unreachable",
    "icmp-net-prohibited", "icmp-host-prohibited", "icmp-admin-prohibited", "icmp6-no-route", "icmp6-adm-prohibited",
    "icmp6-addr-unreachable", "icmp6-port-unreachable", "icmp6-policy-fail", "icmp6-reject-route",
  ]

  private mutating func checkAnswer(_ text: ExpectationText) {
    for part in text.rejectWith?.parts ?? [] where !Self.answers.contains(part.text) && !part.text.contains("-code-") {
      let near = Spelling.nearest(to: part.text, among: Self.answers).map { "did you mean \($0)?" }
      report(
        part.place,
        "with: \(part.text) is not an answer that a reject can send; \(near ?? "one is icmp-port-unreachable")")
    }
  }
}
