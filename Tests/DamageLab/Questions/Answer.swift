import FlowTrace
import HostModel
import Reports
import RuleGraph
import RuleParser

/// As much of an answer as must survive damage.
public struct Answer: Hashable, Sendable, CustomStringConvertible {
  var verdict: OverallVerdict
  /// Where accepted packets end up: the destination after all translations.
  var destinations: Set<Destination>
  /// What the answer says of tables that no dump shows.
  var untold: [String] = []
  /// The addresses that the answer takes for another's, since packets from there come in from outside.
  var takenForOthers: Set<String> = []
  /// What an undetermined answer depends on.
  var conditions: [String] = []

  /// The verdicts of its cases.
  private var parts: Set<Case.Verdict> = []
  /// The verdicts of those cases that are parts of the question, not of what nobody knows: whether something holds, and which way a route leads.
  private var firmParts: Set<Case.Verdict> = []

  /// Addresses and ports.
  struct Destination: Hashable, Sendable, CustomStringConvertible {
    var addresses: ValueSet
    var ports: ValueSet?

    func holds(_ other: Destination) -> Bool {
      guard other.addresses.isSubset(of: addresses) else { return false }
      guard let ports, let others = other.ports else { return (ports == nil) == (other.ports == nil) }
      return others.isSubset(of: ports)
    }

    var description: String {
      addresses.text(as: .address) + (ports.map { ":" + $0.text(as: .number) } ?? "")
    }
  }

  static let undetermined = Answer(verdict: .undetermined, destinations: [])

  init(verdict: OverallVerdict, destinations: Set<Destination>) {
    self.verdict = verdict
    self.destinations = destinations
  }

  init(_ trace: Trace, _ reading: HostReading) {
    verdict = trace.verdict
    parts = Set(trace.cases.map(\.verdict))
    if !trace.assumptions.contains(where: { $0.id == "route" }) {
      firmParts = Set(trace.cases.filter(\.conditions.isEmpty).map(\.verdict))
    }
    destinations = Set(
      trace.cases.filter { $0.verdict == .accept }.map { part in
        Destination(addresses: part.packet.destination, ports: part.packet.destinationPort)
      })
    untold =
      trace.assumptions.filter { $0.id.contains("untold") }.map(\.text)
      + (trace.warnings + reading.diagnostics).filter { $0.id.contains("untold") }.map(\.message)
    for assumption in trace.assumptions {
      if case .comesFromOutside(let address) = assumption.fact { takenForOthers.insert(address.description) }
    }
    conditions = Array(Set(trace.cases.flatMap(\.conditions).compactMap { $0.text(in: reading.ruleset) })).sorted()
  }

  /// Whether the answer says something.
  var isDefinite: Bool { verdict != .undetermined }

  /// Whether both say the same of the packet.
  func agrees(with other: Answer) -> Bool { verdict == other.verdict && destinations == other.destinations }

  /// Whether this answer says that it depends on something what becomes of the packets, and the other one is a way that it allows.
  ///
  /// Of a packet that is given whole, cases that come out otherwise are no parts of the question but parts of what nobody knows.
  func allows(_ other: Answer, isOfOnePacket: Bool) -> Bool {
    let saysItDepends =
      verdict == .mixed && other.parts.isSubset(of: parts) && (isOfOnePacket || firmParts.isSubset(of: other.parts))
    guard verdict == other.verdict || saysItDepends else { return false }
    return other.destinations.allSatisfy { place in destinations.contains { $0.holds(place) } }
  }

  /// The answer in a few words.
  public var description: String {
    let places =
      destinations.isEmpty ? "" : " -> " + destinations.map(\.description).sorted().prefix(3).joined(separator: ", ")
    let on = isDefinite || conditions.isEmpty ? "" : " (\(conditions.prefix(3).joined(separator: "; ")))"
    let words = untold.isEmpty ? "" : " [\(untold.joined(separator: "; "))]"
    return verdict.rawValue + places + on + words
  }
}
