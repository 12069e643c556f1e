package import FlowTrace
import RuleGraph
import RuleParser
import Synchronization

/// Follows the flows of logs through one ruleset, or through two of them.
///
/// A flow is not traced where an earlier one was of the same class, of which it was proved that all its packets fare
/// alike (``Tracer/provesAlike(_:in:)``).
package final class Replay: Sendable {
  /// What is known of a class of flows.
  enum Finding {
    /// All its flows are of this lot.
    case lot(Int)
    /// Its flows don't all fare alike: a smaller class has to be looked for.
    case divided
    /// One flow is of this lot, and nothing is known of others.
    case alone(Int)
  }

  /// The ruleset, or the rules before and after.
  private let tracers: [Tracer]
  let packets: PacketClasses
  let zones: ReplayZones
  /// Lots by the keys of classes, in parts, so that processors rarely wait for each other.
  private let known = InlineArray<16, Mutex<[FlowKey: Known]>> { _ in Mutex([:]) }
  private let names = Mutex(Names())

  private enum Known {
    case lot(Int)
    case divided
    /// One flow was of this lot.
    case once
  }

  /// The outcomes and lots by their numbers.
  private struct Names {
    var outcomes: [[ReplayOutcome]] = [[], []]
    var numbers: [[ReplayOutcome: Int]] = [[:], [:]]
    var lots: [ReplayLot] = []
    var numbersOfLots: [ReplayLot: Int] = [:]
  }

  /// How many classes a part remembers before it begins anew.
  private static let mostKnown = 1 << 15

  /// Makes a replay.
  ///
  /// - Parameters:
  ///   - tracers: Of the ruleset, or of the rules before and after.
  ///   - packets: The classes of packets that none of these, and none of the zones, tells apart.
  ///   - zones: Where flows come from.
  package init(_ tracers: [Tracer], _ packets: PacketClasses, zones: ReplayZones) {
    precondition(!tracers.isEmpty && tracers.count <= 2, "flows go through one ruleset or two")
    self.tracers = tracers
    self.packets = packets
    self.zones = zones
  }

  /// Whether two rulesets are compared.
  package var isComparison: Bool { tracers.count == 2 }

  /// The outcomes of a side by their numbers.
  package func outcomes(ofSide side: Int) -> [ReplayOutcome] { names.withLock { $0.outcomes[side] } }

  /// The lots by their numbers.
  package var lots: [ReplayLot] { names.withLock { $0.lots } }

  /// The verdict of a lot: under the rules after, where there are two rulesets.
  func verdict(ofLot number: Int) -> (verdict: OverallVerdict, hasChanged: Bool) {
    names.withLock { names in
      let lot = names.lots[number]
      let verdict = lot.after.map { names.outcomes[1][$0].verdict } ?? names.outcomes[0][lot.outcome].verdict
      return (verdict, lot.change != nil)
    }
  }

  // MARK: - Classes

  /// The lot of a flow; traced, where its class is not known.
  ///
  /// - Parameters:
  ///   - flow: The flow, as its connection has it.
  ///   - key: The key of its class.
  ///   - open: The fields that are open in the class.
  ///   - classes: The classes of its values.
  func find(_ flow: FlowRecord, _ key: FlowKey, open: UInt8, _ classes: FlowClasses) -> Finding {
    let part = Int(truncatingIfNeeded: key.number >> 60)
    let state = known[part].withLock { $0[key] }
    switch state {
    case .lot(let number): return .lot(number)
    case .divided: return .divided
    case .once, nil: break
    }
    var box: [PacketClasses.Field: ValueSet] = [:]
    for field in PacketClasses.Field.allCases where open & 1 << UInt8(field.rawValue) != 0 {
      if let all = packets[field]?.values(ofClass: classes[field]), all.count > 1 { box[field] = all }
    }
    let hasClass = box.contains { !packets.isUnseen($0.key) }
    // The first flow of a class may stay the only one: nothing is proved for it.
    let isFirst = hasClass && state == nil
    guard let number = lot(of: flow, proving: hasClass && !isFirst ? box : nil) else {
      keep(.divided, for: key, part)
      return .divided
    }
    keep(isFirst ? .once : .lot(number), for: key, part)
    return isFirst ? .alone(number) : .lot(number)
  }

  private func keep(_ state: Known, for key: FlowKey, _ part: Int) {
    known[part].withLock { known in
      if known.count >= Self.mostKnown { known.removeAll(keepingCapacity: true) }
      known[key] = state
    }
  }

  // MARK: - Tracing

  /// The lot of a flow; nil where the packets of the box don't all fare alike.
  private func lot(of flow: FlowRecord, proving box: [PacketClasses.Field: ValueSet]?) -> Int? {
    let zone = zone(of: flow)
    let query = query(flow, zone)
    var options = Tracer.Options()
    options.findsNearMisses = false
    var traces: [Trace] = []
    var outcomes: [ReplayOutcome] = []
    for tracer in tracers {
      let trace = trace(query, tracer, options)
      if let box, !tracer.provesAlike(trace, in: box) { return nil }
      traces.append(trace)
      outcomes.append(ReplayOutcome(trace, beside: others(query, trace, tracer, options)))
    }
    let change = traces.count == 2 ? ReplayLot.Change(traces[0], traces[1]) : nil
    return names.withLock { names in
      let numbers = outcomes.enumerated().map { side, outcome in
        if let number = names.numbers[side][outcome] { return number }
        let number = names.outcomes[side].count
        names.outcomes[side].append(outcome)
        names.numbers[side][outcome] = number
        return number
      }
      let lot = ReplayLot(outcome: numbers[0], after: numbers.dropFirst().first, change: change, zone: zone)
      if let number = names.numbersOfLots[lot] { return number }
      names.lots.append(lot)
      names.numbersOfLots[lot] = names.lots.count - 1
      return names.lots.count - 1
    }
  }

  /// The trace of a question. Of a connection whose first packet is stopped there are no others: that of the first one
  /// then says what stops it.
  private func trace(_ query: Query, _ tracer: Tracer, _ options: Tracer.Options) -> Trace {
    let trace = tracer.trace(query, options: options)
    guard query.phase != .first, trace.cases.allSatisfy({ $0.decidedBy == .outside(.noConnection) }) else {
      return trace
    }
    var first = query
    first.phase = .first
    return tracer.trace(first, options: options)
  }

  /// The traces of the answer to an accepted connection and of its later packets, for the rules that they meet.
  private func others(_ query: Query, _ trace: Trace, _ tracer: Tracer, _ options: Tracer.Options) -> [Trace] {
    guard query.phase == .first, trace.cases.contains(where: { $0.verdict == .accept }) else { return [] }
    return [Query.Phase.reply, .established].map { phase in
      var other = query
      other.phase = phase
      return tracer.trace(other, options: options)
    }
  }

  private func zone(of flow: FlowRecord) -> ReplayZones.Zone {
    if flow.isSentByHost { return .host }
    // An answer's record names the interface that the answer came in on.
    if flow.input != 0, flow.place != .answer { return .interface(flow.input) }
    return zones.zone(of: flow.source)
  }

  /// What is asked about a flow.
  private func query(_ flow: FlowRecord, _ zone: ReplayZones.Zone) -> Query {
    var query = Query(ValueSet(flow.transport), from: ValueSet(flow.source), to: ValueSet(flow.destination))
    query.family = flow.isIPv4 ? .ipv4 : .ipv6
    if flow.hasPorts {
      query.sourcePort = ValueSet(flow.sourcePort)
      query.destinationPort = ValueSet(flow.destinationPort)
    }
    switch flow.place {
    case .first: break
    case .answer: query.phase = .reply
    case .later: query.phase = .established
    }
    switch zone {
    case .host: query.origin = .host
    case .interface(let name):
      query.origin = .wire
      query.input = ValueSet(name)
    case .elsewhere:
      query.origin = .wire
      query.input = zones.elsewhere
    }
    if let flags = flow.tcpFlags, flow.transport == 6 {
      query.fields[.header(HeaderField(.tcp, .flags))] = ValueSet(flags)
    }
    let header: Header = flow.transport == 58 ? .icmpv6 : .icmp
    if flow.transport == 1 || flow.transport == 58 {
      if let type = flow.icmpType { query.fields[.header(HeaderField(header, .type))] = ValueSet(type) }
      if let code = flow.icmpCode { query.fields[.header(HeaderField(header, .code))] = ValueSet(code) }
    }
    return query
  }
}
