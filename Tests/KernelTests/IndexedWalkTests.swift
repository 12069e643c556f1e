import Foundation
import HostModel
import KernelLab
import Reports
import RuleGraph
import RuleParser
import Testing

@testable import FlowTrace

/// An index lets the tracer pass rules without evaluating them. It must not be seen in any answer: neither in a verdict, nor in the rules that are listed
/// as looked at, nor in what almost matched.
@Suite struct IndexedWalkTests {
  /// Some rules, what is known of their host, and questions about it.
  struct Subject {
    var name: String
    var reading: HostReading
    var queries: [Query]
  }

  @Test(arguments: Scenario.Profile.allCases)
  func generatedRulesGiveTheSameAnswersWithAndWithoutAnIndex(_ profile: Scenario.Profile) throws {
    var indexed = 0
    for seed in UInt64(1)...Self.seeds {
      for subject in try Self.generated(profile, seed: seed) { indexed += try Self.compare(subject) }
    }
    #expect(indexed > 30, "the rules should be worth an index")
  }

  @Test(arguments: ["docker29-iptables", "docker29-nft", "one-tomcat", "own-bridges", "tomcat-redis", "user-network"])
  func samplesGiveTheSameAnswersWithAndWithoutAnIndex(_ name: String) throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let folder = root.appending(path: "samples/\(name)")
    let inputs = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { file in
      DumpInput(name: file, bytes: Array(try Data(contentsOf: folder.appending(path: file))))
    }
    let reading = DumpReader().read(inputs)
    _ = try Self.compare(Subject(name: name, reading: reading, queries: try Self.usualQueries(reading)))
  }

  /// How many rulesets of each profile are generated.
  static let seeds: UInt64 = 4

  // MARK: - Comparing

  /// Compares the answers to all queries in full; gives the number of chains that had an index.
  private static func compare(_ subject: Subject) throws -> Int {
    let ruleset = subject.reading.ruleset
    let plain = Tracer(ruleset, facts: subject.reading.facts, effort: .none)
    let tracers = [RulesetIndex.Effort.full, .usual].map { Tracer(ruleset, facts: subject.reading.facts, effort: $0) }
    let form = TraceJSON(ruleset, indented: false)
    var options = Tracer.Options()
    options.listsEveryRule = true
    for (number, query) in subject.queries.enumerated() {
      // A question with open fields may have hundreds of cases: one answer each is enough.
      options.tracesReply = query.source?.single != nil
      let place = "\(subject.name) query \(number): \(query)"
      let expected = plain.trace(query, options: options)
      let wanted = form.bytes(of: expected)
      for tracer in tracers {
        let answer = tracer.trace(query, options: options)
        let told = form.bytes(of: answer)
        if told != wanted {
          let shown = [told, wanted].map { String(decoding: $0, as: UTF8.self) }
          Issue.record("\(place)\nindexed \(shown[0])plain   \(shown[1])")
          return 0
        }
        // What the report leaves out.
        #expect(answer.cases.map(\.conditions) == expected.cases.map(\.conditions), "\(place)")
        #expect(answer.cases.map(\.path) == expected.cases.map(\.path), "\(place)")
      }
    }
    return tracers[0].indexedChains
  }

  // MARK: - Generated

  static func generated(_ profile: Scenario.Profile, seed: UInt64) throws -> [Subject] {
    let scenario = Scenario(profile, seed: seed, probes: 4)
    let rules = scenario.ruleset
    let files = [
      ("iptables-save.txt", rules.ipv4), ("ip6tables-save.txt", rules.ipv6), ("nft-list-ruleset.txt", rules.nft),
      ("ipset-save.txt", rules.ipset),
    ]
    let inputs = files.filter { !$0.1.isEmpty }.map { name, lines in
      DumpInput(name: name, bytes: Array((lines.joined(separator: "\n") + "\n").utf8))
    }
    let reading = DumpReader().read(inputs)
    var queries: [Query] = []
    for probe in scenario.probes {
      let query = try probe.query(scenario.topology, facts: reading.facts)
      queries += [query] + opened(query)
    }
    var told = reading
    told.facts = facts(of: scenario.topology)
    return [
      Subject(name: "\(profile)-\(seed)", reading: told, queries: queries),
      Subject(name: "\(profile)-\(seed) without facts", reading: reading, queries: queries),
    ]
  }

  /// The question with fewer fields given.
  private static func opened(_ query: Query) -> [Query] {
    var anySource = query
    anySource.source = nil
    anySource.sourcePort = nil
    var anyPort = query
    anyPort.destinationPort = nil
    anyPort.fields = [:]
    var somewhere = Query()
    somewhere.family = query.family
    somewhere.destination = query.destination
    return [anySource, anyPort, somewhere]
  }

  /// The interfaces and routes of a generated router, as its dumps would tell them.
  private static func facts(of topology: Topology) -> HostFacts {
    var facts = HostFacts()
    facts.addressesKnown = Set(AddressFamily.allCases)
    facts.routesKnown = Set(AddressFamily.allCases)
    for (number, link) in topology.interfaces.enumerated() {
      var interface = Interface(link.name)
      interface.index = number + 2
      interface.kind = link.isBridge ? "bridge" : "veth"
      for text in link.addresses {
        let parts = text.split(separator: ",")[0].split(separator: "/")
        guard parts.count == 2, let address = IPAddress(parts[0]), let length = Int(parts[1]) else { continue }
        interface.addresses.append(InterfaceAddress(address, prefixLength: length))
      }
      for subnet in topology.subnets(of: link) {
        facts.routes.append(Route(to: subnet, nextHops: [Route.NextHop(gateway: nil, interface: link.name)]))
      }
      facts.interfaces.append(interface)
    }
    for line in topology.sysctls {
      let words = line.split(separator: "=").map { $0.trimmingCharacters(in: .whitespaces) }
      if words.count == 2 { facts.sysctls[words[0]] = Sysctl(words[1]) }
    }
    return facts
  }

  // MARK: - Samples

  private static func usualQueries(_ reading: HostReading) throws -> [Query] {
    let options: [[(QueryOption, String)]] = [
      [], [(.dst, "172.17.0.2:8080")], [(.from, "outside"), (.dst, "192.168.0.140:32769")],
      [(.from, "host"), (.dst, "8.8.8.8:53"), (.proto, "udp")], [(.src, "172.17.0.2"), (.dst, "172.18.0.2:80")],
      [(.input, "docker0"), (.dst, "1.1.1.1:443")], [(.dst, "192.168.0.140:80"), (.state, "established")],
      [(.dst, "192.168.0.140:8080"), (.reply, "true")], [(.proto, "icmp"), (.dst, "172.17.0.2")],
    ]
    return try options.map { given in
      var builder = QueryBuilder(facts: reading.facts)
      for (option, text) in given { try builder.set(option, text) }
      return try builder.query()
    }
  }
}
