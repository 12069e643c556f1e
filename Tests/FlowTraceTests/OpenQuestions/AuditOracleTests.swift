import FlowTrace
import HostModel
import Randomness
import RuleGraph
import RuleParser
import Testing

@testable import HostAnalysis

/// What an audit says of the rules of random firewalls, held against trying packets out.
@Suite struct AuditOracleTests {
  /// A rule that is said to get no packets gets none of all that are tried; of every other one a packet is given that it really matches.
  @Test(arguments: [(6, 1), (12, 2), (25, 3), (60, 5), (150, 8)])
  func rulesGetPacketsOrNot(_ rules: Int, _ chains: Int) {
    var dead = 0
    var alive = 0
    for seed in UInt64(0)..<(rules < 30 ? 40 : 6) {
      let firewall = RandomFirewall(seed: seed &* 977 &+ UInt64(rules), rules: rules, chains: chains)
      let reading = OpenQuestionOracleTests.reading(firewall.text)
      let reach = TableReach(AuditedTable(reading.ruleset, table: 0, updated: []))
      let matched = Self.matched(firewall, seed: seed)
      for place in Self.places(firewall) {
        guard let id = Self.id(place, reading.ruleset) else { continue }
        switch reach.reach[id.chain][id.rule] {
        case .some:
          guard let part = reach.packets(at: id) else {
            Issue.record("\(rules) rules, seed \(seed): no packet is found at \(place)\n\(firewall.text)")
            return
          }
          let packet = Self.packet(of: part, reach.space)
          if !firewall.matched(by: packet).contains(place) {
            Issue.record("\(rules) rules, seed \(seed): \(packet) does not meet \(place)\n\(firewall.text)")
            return
          }
          alive += 1
        case .undecided: Issue.record("\(rules) rules, seed \(seed): \(place) is not decided\n\(firewall.text)")
        case .contradiction, .nothingLeads, .behindUnreached, .othersArrive, .covered:
          dead += 1
          if let packet = matched[place] {
            Issue.record("\(rules) rules, seed \(seed): \(packet) meets \(place), said to be dead\n\(firewall.text)")
            return
          }
        }
      }
    }
    #expect(dead > 5 && alive > 20, "\(dead) without packets, \(alive) with some")
  }

  /// The rules that are named as taking a rule's packets do take all of them, and none of them can be left out.
  @Test func coversAreCoversWithoutSpareRules() {
    var seen = 0
    for seed in UInt64(0)..<120 {
      let firewall = RandomFirewall(seed: 4000 + seed, rules: 40, chains: 1)
      let reading = OpenQuestionOracleTests.reading(firewall.text)
      let reach = TableReach(AuditedTable(reading.ruleset, table: 0, updated: []))
      let chain = firewall.chains[0]
      for rule in chain.indices {
        guard case .covered(let cover) = reach.reach[Self.forward(reading.ruleset)][rule] else { continue }
        let named = cover.map(\.rule)
        #expect(named.allSatisfy { $0 < rule })
        let mine = Self.packets.filter { chain[rule].matches($0) }
        let isCovered = mine.allSatisfy { packet in named.contains { chain[$0].matches(packet) } }
        #expect(isCovered, "seed \(seed): rules \(named) do not take what rule \(rule) asks for\n\(firewall.text)")
        seen += 1
      }
    }
    #expect(seen > 100)
  }

  /// A rule that is said not to be needed is taken away, and the same becomes of every packet.
  @Test(arguments: [(10, 1), (40, 1), (40, 4)])
  func rulesThatAreNotNeededCanGo(_ rules: Int, _ chains: Int) {
    var seen = 0
    for seed in UInt64(0)..<80 {
      let firewall = RandomFirewall(seed: 9000 + seed, rules: rules, chains: chains)
      let reading = OpenQuestionOracleTests.reading(firewall.text)
      let audit = AnalysedHost(reading.ruleset, facts: reading.facts).audit()
      for finding in audit.findings where finding.id == .redundant {
        guard let id = finding.rule, let place = Self.place(id, reading.ruleset, chains) else { continue }
        var without = firewall
        without.chains[place.chain].remove(at: place.rule)
        for packet in Self.packets where firewall.answer(packet).verdict != without.answer(packet).verdict {
          Issue.record("seed \(seed): without \(place) \(packet) fares otherwise\n\(firewall.text)")
          return
        }
        seen += 1
      }
    }
    #expect(seen > 20)
  }

  /// Every finding of rules that are never reached names a rule, and its mend is one: moved above the rule that takes its packets, the rule gets some.
  @Test func movedRulesGetPackets() {
    var seen = 0
    for seed in UInt64(0)..<60 {
      let firewall = RandomFirewall(seed: 700 + seed, rules: 20, chains: 1)
      let reading = OpenQuestionOracleTests.reading(firewall.text)
      for finding in AnalysedHost(reading.ruleset, facts: reading.facts).audit().findings {
        guard case .move(let above) = finding.mend, let id = finding.rule else { continue }
        var moved = firewall
        moved.chains[0].remove(at: id.rule)
        moved.chains[0].insert(firewall.chains[0][id.rule], at: above.rule)
        let place = RandomFirewall.Place(chain: 0, rule: above.rule)
        let isMet = Self.packets.contains { moved.matched(by: $0).contains(place) }
        #expect(isMet, "seed \(seed): rule \(id.rule) moved to \(above.rule)\n\(firewall.text)")
        seen += 1
      }
    }
    #expect(seen > 20)
  }

  // MARK: Packets

  /// Packets in and outside of everything that the rules name.
  private static let packets: [RandomFirewall.Atom] = {
    var packets: [RandomFirewall.Atom] = []
    for source in stride(from: UInt32(0), through: 16, by: 1) {
      for destination in stride(from: UInt32(0), through: 16, by: 1) {
        for port in 0...16 {
          for proto in [6, 17] {
            packets.append(
              RandomFirewall.Atom(
                source: source, destination: destination, proto: proto,
                sourcePort: (port * 5 + Int(source + destination * 3)) % 17, destinationPort: port))
          }
        }
        packets.append(
          RandomFirewall.Atom(source: source, destination: destination, proto: 47, sourcePort: 16, destinationPort: 16))
        packets.append(
          RandomFirewall.Atom(source: source, destination: destination, proto: 1, sourcePort: 16, destinationPort: 16))
      }
    }
    return packets
  }()

  /// For each rule that packets were seen to match one of them.
  private static func matched(_ firewall: RandomFirewall, seed: UInt64) -> [RandomFirewall.Place: RandomFirewall.Atom] {
    var random = RandomNumbers(seed: seed)
    var matched: [RandomFirewall.Place: RandomFirewall.Atom] = [:]
    for _ in 0..<3000 {
      let packet = random.pick(packets)
      for place in firewall.matched(by: packet) { matched[place] = packet }
    }
    return matched
  }

  /// One packet of some.
  private static func packet(of part: [ValueSet], _ space: PacketSpace) -> RandomFirewall.Atom {
    func value(_ dimension: PacketSpace.Dimension, _ base: UInt128) -> UInt128 {
      guard let first = space.values(dimension, in: part)?.first, first >= base, first < base + 16 else { return 16 }
      return first - base
    }
    let transport = space.values(.transport, in: part)
    let proto = [6, 17, 47, 1].first { transport?.contains($0) ?? true } ?? transport?.first ?? 0
    return RandomFirewall.Atom(
      source: UInt32(value(.field(.header(HeaderField(.ip, .saddr))), RandomFirewall.sources.bits)),
      destination: UInt32(value(.field(.header(HeaderField(.ip, .daddr))), RandomFirewall.destinations.bits)),
      proto: Int(proto), sourcePort: Int(value(.port(.sport), 1000)), destinationPort: Int(value(.port(.dport), 1000)))
  }

  private static func places(_ firewall: RandomFirewall) -> [RandomFirewall.Place] {
    firewall.chains.enumerated().flatMap { chain, rules in
      rules.indices.map { RandomFirewall.Place(chain: chain, rule: $0) }
    }
  }

  private static func forward(_ ruleset: Ruleset) -> Int { ruleset.tables[0].chainIndex("FORWARD") ?? 0 }

  private static func id(_ place: RandomFirewall.Place, _ ruleset: Ruleset) -> RuleID? {
    ruleset.tables[0].chainIndex(RandomFirewall.name(place.chain)).map { RuleID(table: 0, chain: $0, rule: place.rule) }
  }

  private static func place(_ id: RuleID, _ ruleset: Ruleset, _ chains: Int) -> RandomFirewall.Place? {
    let name = ruleset[id.chainID].name
    return (0..<chains).first { RandomFirewall.name($0) == name }.map { RandomFirewall.Place(chain: $0, rule: id.rule) }
  }
}
