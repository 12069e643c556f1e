import FlowTrace
import HostModel
import RuleGraph

extension AnalysedHost {
  /// What of the host can be reached, from where, and what decides.
  public func exposure() -> Exposure {
    let search = ExposureSearch(self)
    return search.exposure(from: search.zones) { $0 }
  }

  /// What of the host can be reached from other hosts, and what decides; what containers and the host itself reach is
  /// not asked.
  package func outsideExposure() -> Exposure {
    let search = ExposureSearch(self)
    let outside = search.zones.filter(\.isOutside)
    return search.exposure(from: outside.isEmpty ? search.zones : outside) { $0 }
  }
}

/// Asks the tracer about every service from every zone, each with its sources and source ports open.
struct ExposureSearch: Sendable {
  let host: AnalysedHost
  let addresses: HostAddresses
  let zones: [Zone]
  private let options: Tracer.Options

  /// - Parameters:
  ///   - host: The host.
  ///   - own: Addresses that are taken for the host's own where no dump tells these.
  init(_ host: AnalysedHost, alsoOwn own: [IPAddress] = []) {
    self.host = host
    addresses = HostAddresses(host.ruleset, facts: host.facts, inferred: host.inferred, alsoOwn: own)
    zones = ZoneSearch(facts: host.facts, inferred: host.inferred, addresses: addresses).zones()
    var options = Tracer.Options()
    options.tracesReply = true
    options.findsNearMisses = false
    self.options = options
  }

  /// The exposure of services from some of the zones.
  ///
  /// - Parameters:
  ///   - asked: The zones that are asked about.
  ///   - wanted: The services, or the parts of them, that are wanted of those that a zone has.
  func exposure(from asked: [Zone], of wanted: ([Service]) -> [Service]) -> Exposure {
    var exposure = Exposure(
      zones: zones, accesses: [], unfiltered: unfiltered, unnamed: addresses.unnamed.mapValues { IPAddress(bits: $0) },
      standIns: addresses.standIns, assumptions: [], warnings: [], layout: nil)
    let unshown = AddressFamily.allCases.reduce(into: [:]) { $0[$1] = unshownHooks($1) }
    let search = ServiceSearch(host, addresses: addresses, zones: zones)
    var judges: [AccessJudge] = []
    for (index, zone) in zones.enumerated() where asked.contains(zone) {
      for service in wanted(search.services(from: zone)) where !exposure.unfiltered.contains(service.family) {
        guard let query = query(for: service, from: zone) else { continue }
        judges.append(
          AccessJudge(
            host: host, zone: zone, index: index, service: service, query: query,
            unshown: unshown[service.family] ?? []))
      }
    }
    for answer in answers(judges) {
      for assumption in answer.assumptions where !exposure.assumptions.contains(assumption) {
        exposure.assumptions.append(assumption)
      }
      for warning in answer.warnings where !exposure.warnings.contains(warning) { exposure.warnings.append(warning) }
      exposure.layout = answer.layout
      exposure.accesses += answer.accesses
    }
    MarkSearch(host, zones: zones).mark(&exposure.accesses)
    return exposure
  }

  /// What the trace of one question adds to an exposure.
  private struct Answer: Sendable {
    var assumptions: [Assumption]
    var warnings: [Diagnostic]
    var layout: LayoutFingerprint?
    var accesses: [Access]
  }

  /// The answers to questions, in their order. None depends on another.
  private func answers(_ questions: [AccessJudge]) -> [Answer] {
    Parallel.map(Parallel.runs(of: questions.count, atLeast: 4)) { run in
      questions[run].map { judge in
        let trace = host.tracer.trace(judge.query, options: options)
        return Answer(
          assumptions: trace.assumptions, warnings: trace.warnings, layout: trace.layout,
          accesses: trace.cases.flatMap(judge.accesses))
      }
    }.flatMap { $0 }
  }

  /// A table that filters and that nobody showed may do anything; that there is none is known only of a host whose
  /// rules were shown whole.
  private var unfiltered: [AddressFamily] {
    AddressFamily.allCases.filter { family in
      guard addresses.reachable[family] != nil else { return false }
      let isPutTogether = host.ruleset.coverage == RuleCoverage()
      return !isPutTogether && host.ruleset.coverage.untoldTables(family).contains("filter")
        && !host.ruleset.tables.contains { table in
          // A stand-in of missing rules says itself what is unknown.
          table.family.sees(family) && table.chains.contains { $0.base?.hook == .input || $0.base?.hook == .forward }
        }
    }
  }

  /// The hooks of which the dumps show other chains of the filter table alone.
  private func unshownHooks(_ family: AddressFamily) -> Set<Hook> {
    let coverage = host.ruleset.coverage
    let isStandIn = host.ruleset.tables.contains { table in
      table.family.sees(family) && table.name == "filter" && table.shown == .nothing
    }
    guard coverage != RuleCoverage(), isStandIn || coverage.untoldTables(family).contains("filter") else { return [] }
    let seen = host.ruleset.tables.filter { $0.family.sees(family) }.flatMap(\.chains)
      .filter { $0.base?.type == .filter }.compactMap { $0.base?.hook }
    return Set([.input, .forward, .output]).subtracting(seen)
  }

  private func query(for service: Service, from zone: Zone) -> Query? {
    var query = Query()
    query.family = service.family
    query.transport = ValueSet(service.transport)
    query.destination = service.addresses
    query.destinationPort = service.ports
    query.hostAddresses = addresses.standIns.intersection(service.family.ownAddresses)
    guard zone.kind != .host else {
      query.origin = .host
      // A program sends from an address of the host, and to loopback from loopback.
      let loopback = service.family.loopback
      query.source = service.addresses.isSubset(of: loopback) ? loopback : addresses.reachable[service.family]
      return query
    }
    query.origin = .wire
    query.input = zone.input
    var sources = zone.sources[service.family] ?? .empty
    // A container's packets to itself never leave it.
    switch service.subject {
    case .containerPort: sources = sources.subtracting(service.addresses)
    case .hostPort, .otherHostPorts, .otherContainerPorts: break
    }
    if sources.isEmpty { return nil }
    query.source = sources
    return query
  }
}
