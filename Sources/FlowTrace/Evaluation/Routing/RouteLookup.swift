import HostModel
import RuleGraph

/// What the routing tables say of one destination.
enum RouteAnswer: Hashable {
  /// To the host itself.
  case local
  /// To all on a link, the host included.
  case broadcast
  /// To a group.
  case multicast
  /// Out; several hops share the packets.
  case unicast([Route.NextHop], source: IPAddress?)
  case blackhole, unreachable, prohibit
  /// No route.
  case none
  /// Out, but the tables were not told: through an interface other than those of known subnets.
  case unknown
  /// It depends on something that no dump tells.
  case undecided(RouteQuestion)

  /// What a route says to its destinations; nil of one that leaves them to the next table.
  init?(_ kind: Route.Kind, _ nextHops: [Route.NextHop], source: IPAddress?) {
    switch kind {
    case .unicast: self = .unicast(nextHops, source: source)
    case .local, .anycast: self = .local
    case .broadcast: self = .broadcast
    case .multicast: self = .multicast
    case .blackhole: self = .blackhole
    case .unreachable: self = .unreachable
    case .prohibit: self = .prohibit
    case .throw: return nil
    }
  }

  /// Why the host sends nothing there; nil where it does.
  var refusal: OutsideReason? {
    switch self {
    case .none: .noRoute
    case .blackhole: .blackholeRoute
    case .unreachable: .unreachableRoute
    case .prohibit: .prohibitRoute
    case .local, .broadcast, .multicast, .unicast, .unknown, .undecided: nil
    }
  }
}

/// The routing tables of a host, as the kernel looks routes up in them.
struct RouteLookup {
  let knowledge: HostKnowledge

  /// Asks the routing tables for a destination, by the policy rules in order and the longest prefix in each table.
  ///
  /// Source: ip-rule(8), ip-route(8), `fib_rules_lookup` in `net/core/fib_rules.c`, `fib_table_lookup` in
  /// `net/ipv4/fib_trie.c`. `asUnicast` asks where the routes lead for an address that is a group's or a broadcast
  /// address.
  func lookUp(_ address: UInt128, _ request: RouteRequest, asUnicast: Bool = false) -> RouteAnswer {
    let destination = IPAddress(bits: address)
    let rules = knowledge.routingRules[request.family] ?? []
    var next = 0
    while next < rules.count {
      let rule = rules[next]
      next += 1
      switch request.applies(rule, at: next - 1, to: destination) {
      case true: break
      case false: continue
      case nil:
        if changesNothing(rule, for: destination, request) { continue }
        return .undecided(.selector(next - 1))
      }
      switch rule.action {
      case .lookup("local") where asUnicast: continue
      case .lookup(let table):
        if let answer = lookUp(destination, table: table, suppress: rule.suppressPrefixLength, request) {
          return answer
        }
        guard !knowledge.tells(table, request.family) else { continue }
        switch request.decided[.table(table)] {
        case true:
          return request.decided[.tableLeadsHere(table)].map { $0 ? .local : .unknown }
            ?? .undecided(.tableLeadsHere(table))
        case false: continue
        case nil: return .undecided(.table(table))
        }
      case .blackhole: return .blackhole
      case .unreachable: return .unreachable
      case .prohibit: return .prohibit
      case .goto(let priority):
        // A target that is not there leaves the rule without effect (`FR_ACT_GOTO` in `fib_rules_lookup`).
        if let target = rules[next...].firstIndex(where: { $0.priority == priority }) { next = target }
      case .nop: continue
      }
    }
    if !knowledge.facts.routesKnown.contains(request.family) { return .unknown }
    return .none
  }

  /// Whether a policy rule leaves the choice to those behind it even where it applies: its table has no route for the
  /// destination.
  private func changesNothing(_ rule: RoutingRule, for destination: IPAddress, _ request: RouteRequest) -> Bool {
    switch rule.action {
    case .nop: true
    case .lookup(let table):
      knowledge.tells(table, request.family)
        && lookUp(destination, table: table, suppress: rule.suppressPrefixLength, request) == nil
    default: false
    }
  }

  private func lookUp(
    _ destination: IPAddress, table: String, suppress: Int?, _ request: RouteRequest
  ) -> RouteAnswer? {
    let family = request.family
    let number = RouteIndex.number(of: table)
    if number == RouteIndex.number(of: "local") {
      if (knowledge.localAddresses[family] ?? .empty).contains(destination.bits) { return .local }
      if family == .ipv4, knowledge.broadcastAddresses.contains(destination.bits) { return .broadcast }
      if HostKnowledge.multicast(family).contains(destination.bits) { return .multicast }
    }
    var best: Route?
    func consider(_ route: Route) -> Bool {
      if route.isDead { return false }
      if let tos = route.tos, request.serviceByte.map({ $0 & 0xfc != UInt128(tos & 0xfc) }) ?? true { return false }
      if let suppress, route.destination.length <= suppress { return false }
      if let output = request.output, !route.nextHops.isEmpty,
        !route.nextHops.contains(where: { $0.interface == output })
      {
        return false
      }
      guard let known = best else {
        best = route
        return true
      }
      // Of two routes to the same block the one for a type of service comes first (`fib_insert_alias` in
      // `net/ipv4/fib_trie.c`).
      func order(_ route: Route) -> (Int, Int, Int) {
        (-route.destination.length, route.tos == nil ? 1 : 0, route.metric)
      }
      if order(route) < order(known) { best = route }
      return true
    }
    knowledge.routes.each(to: destination, in: table, consider)
    if number == RouteIndex.number(of: "main"), !knowledge.facts.routesKnown.contains(family) {
      knowledge.connectedRoutes.each(to: destination, in: "main", consider)
    }
    if let masked = maskedRoute(to: destination, longerThan: best?.destination.length, inTable: number, request) {
      return masked
    }
    return best.flatMap { RouteAnswer($0.kind, $0.nextHops, source: $0.source) }
  }

  /// What a route says whose destination is masked, where it may be the one for an address: it is more specific than
  /// the best that is shown.
  private func maskedRoute(
    to destination: IPAddress, longerThan length: Int?, inTable number: String, _ request: RouteRequest
  ) -> RouteAnswer? {
    let routes = knowledge.facts.maskedRoutes
    if routes.isEmpty { return nil }
    let areShown = routes.contains { !$0.isConnected && $0.family == request.family }
    let candidates = routes.indices.filter { place in
      let route = routes[place]
      return RouteIndex.number(of: route.table) == number && length.map { route.length > $0 } ?? true
        && !(areShown && route.isConnected)
        && (route.nextHops.isEmpty
          || request.output.map { output in route.nextHops.contains { $0.interface == output } } ?? true)
    }
    let longestFirst = candidates.sorted { routes[$0].length > routes[$1].length }
    for place in longestFirst {
      guard let network = routes[place].network(of: destination) else { continue }
      let question = RouteQuestion.maskedRoute(place, network)
      switch request.decided[question] {
      case true: return RouteAnswer(routes[place].kind, routes[place].nextHops, source: nil)
      case false: continue
      case nil: return .undecided(question)
      }
    }
    return nil
  }

  /// The destinations of a set by the answer of the routing tables, each group as one set.
  ///
  /// The ends of all prefixes of all tables cut the set; within a piece every address has the same answer.
  func answers(for destinations: ValueSet, _ request: RouteRequest) -> [(answer: RouteAnswer, values: ValueSet)] {
    if let single = destinations.single { return [(lookUp(single, request), destinations)] }
    let family = request.family
    var cuts: [ValueSet] = [
      knowledge.localAddresses[family] ?? .empty, HostKnowledge.multicast(family),
    ]
    if family == .ipv4 { cuts.append(knowledge.broadcastAddresses) }
    cuts += knowledge.facts.routes.filter { $0.destination.family == family }.map(\.destination.values)
    cuts += knowledge.connectedDestinations.filter { $0.family == family }.map(\.values)
    cuts += (knowledge.routingRules[family] ?? []).compactMap(\.destination?.values)
    // Where a piece begins.
    let begins = cuts.flatMap { cut in
      cut.intervals.flatMap { [$0.lowerBound, $0.upperBound == .max ? $0.lowerBound : $0.upperBound + 1] }
    }
    .sorted()
    var next = 0
    var groups: [RouteAnswer: [ClosedRange<UInt128>]] = [:]
    for interval in destinations.intervals {
      var first = interval.lowerBound
      while true {
        while next < begins.count, begins[next] <= first { next += 1 }
        let last = next < begins.count ? min(begins[next] - 1, interval.upperBound) : interval.upperBound
        groups[lookUp(first, request), default: []].append(first...last)
        if last == interval.upperBound { break }
        first = last + 1
      }
    }
    return groups.map { (answer: $0.key, values: ValueSet($0.value)) }.sorted {
      ($0.values.first ?? 0) < ($1.values.first ?? 0)
    }
  }
}
