import HostModel
import RuleGraph
import Testing

@testable import FlowTrace

/// The routing tables by themselves, without a packet that takes them.
@Suite struct RouteLookupTests {
  /// A host with these routes, of which all are told, and these policy rules.
  private static func lookup(_ routes: [Route], rules: [RoutingRule] = []) -> RouteLookup {
    var facts = HostFacts()
    facts.routes = routes
    facts.routesKnown = [.ipv4, .ipv6]
    facts.routingRules = rules
    if !rules.isEmpty { facts.routingRulesKnown = [.ipv4] }
    let inferred = InferredHost(ruleset: Ruleset(), facts: facts)
    return RouteLookup(knowledge: HostKnowledge(facts: facts, inferred: inferred, givenAddresses: .empty))
  }

  private static func route(
    _ destination: String, _ interface: String, table: String = "main", metric: Int = 0, tos: UInt8? = nil
  ) throws -> Route {
    Route(
      to: try #require(Prefix(destination)), nextHops: [Route.NextHop(gateway: nil, interface: interface)],
      table: table, metric: metric, tos: tos)
  }

  private static func rule(_ priority: Int, _ action: RoutingRule.Action) -> RoutingRule {
    RoutingRule(priority: priority, family: .ipv4, action: action)
  }

  /// The interface that a look-up leads out of.
  private static func interface(
    _ lookup: RouteLookup, _ address: String, _ request: RouteRequest = RouteRequest(family: .ipv4)
  ) throws -> String? {
    guard case .unicast(let hops, _) = lookup.lookUp(try #require(IPAddress(address)).bits, request) else { return nil }
    return hops.first?.interface
  }

  @Test(arguments: [("10.1.2.3", "eth1"), ("10.9.9.9", "eth2"), ("192.0.2.1", "eth0")])
  func theLongestPrefixDecides(_ address: String, _ interface: String) throws {
    let lookup = Self.lookup([
      try Self.route("0.0.0.0/0", "eth0"), try Self.route("10.1.0.0/16", "eth1"), try Self.route("10.0.0.0/8", "eth2"),
    ])
    #expect(try Self.interface(lookup, address) == interface)
  }

  @Test func ofTwoRoutesToOneBlockTheLowerMetricDecides() throws {
    let lookup = Self.lookup([
      try Self.route("10.0.0.0/8", "eth0", metric: 200), try Self.route("10.0.0.0/8", "eth1", metric: 100),
    ])
    #expect(try Self.interface(lookup, "10.0.0.1") == "eth1")
  }

  @Test func withoutARouteThereIsNone() throws {
    let lookup = Self.lookup([try Self.route("10.0.0.0/8", "eth0")])
    let address = try #require(IPAddress("192.0.2.1")).bits
    #expect(lookup.lookUp(address, RouteRequest(family: .ipv4)) == .none)
  }

  @Test(arguments: [(UInt128(0x10), "eth1"), (0x12, "eth1"), (0, "eth0")])
  func aRouteForATypeOfServiceIsForItsPacketsAlone(_ byte: UInt128, _ interface: String) throws {
    let lookup = Self.lookup([
      try Self.route("10.0.0.0/8", "eth0"), try Self.route("10.0.0.0/8", "eth1", metric: 50, tos: 0x10),
    ])
    var request = RouteRequest(family: .ipv4)
    request.serviceByte = byte
    #expect(try Self.interface(lookup, "10.0.0.1", request) == interface)
  }

  @Test func gotoSkipsTheRulesBetween() throws {
    let lookup = Self.lookup(
      [try Self.route("0.0.0.0/0", "eth0"), try Self.route("0.0.0.0/0", "eth1", table: "100")],
      rules: [
        Self.rule(10, .goto(30)), Self.rule(20, .blackhole), Self.rule(30, .lookup("100")),
        Self.rule(32766, .lookup("main")),
      ])
    #expect(try Self.interface(lookup, "192.0.2.1") == "eth1")
  }

  @Test func aSelectorThatIsNotUnderstoodLeavesTheLookUpOpen() throws {
    var rule = Self.rule(10, .lookup("100"))
    rule.unknownSelector = "l3mdev"
    let lookup = Self.lookup(
      [try Self.route("0.0.0.0/0", "eth0"), try Self.route("0.0.0.0/0", "eth1", table: "100")],
      rules: [rule, Self.rule(32766, .lookup("main"))])
    let address = try #require(IPAddress("192.0.2.1")).bits
    var request = RouteRequest(family: .ipv4)
    #expect(lookup.lookUp(address, request) == .undecided(.selector(0)))
    request.decided[.selector(0)] = true
    #expect(try Self.interface(lookup, "192.0.2.1", request) == "eth1")
    request.decided[.selector(0)] = false
    #expect(try Self.interface(lookup, "192.0.2.1", request) == "eth0")
  }

  /// Whether such a rule applies makes no difference where its table has no route for the destination: a host with many
  /// would ask about each, and each question would double the cases.
  @Test func aSelectorThatIsNotUnderstoodIsNoQuestionWhereItsTableHasNoRoute() throws {
    let rules = (0..<200).map { number in
      var rule = Self.rule(number + 1, .lookup("\(number + 1000)"))
      rule.unknownSelector = "l3mdev"
      return rule
    }
    let routes = try (0..<200).map { try Self.route("10.0.\($0).0/24", "eth1", table: "\($0 + 1000)") }
    let lookup = Self.lookup(
      routes + [try Self.route("0.0.0.0/0", "eth0")], rules: rules + [Self.rule(32766, .lookup("main"))])
    #expect(try Self.interface(lookup, "192.0.2.1") == "eth0")
    let inside = try #require(IPAddress("10.0.7.1")).bits
    #expect(lookup.lookUp(inside, RouteRequest(family: .ipv4)) == .undecided(.selector(7)))
  }

  /// A table is the same one by its name and by its number.
  @Test(arguments: ["main", "254"])
  func aTableIsFoundByItsNumber(_ table: String) throws {
    let lookup = Self.lookup(
      [try Self.route("10.0.0.0/8", "eth1", table: table)], rules: [Self.rule(32766, .lookup("main"))])
    #expect(try Self.interface(lookup, "10.0.0.1") == "eth1")
  }

  @Test func aSetIsCutWhereTheAnswerChanges() throws {
    let lookup = Self.lookup([try Self.route("0.0.0.0/0", "eth0"), try Self.route("10.0.0.0/8", "eth1")])
    let groups = lookup.answers(for: "9.255.255.255-10.0.0.1", RouteRequest(family: .ipv4))
    #expect(groups.map(\.values) == ["9.255.255.255", "10.0.0.0-10.0.0.1"])
  }
}
