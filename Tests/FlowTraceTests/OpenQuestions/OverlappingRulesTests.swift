import FlowTrace
import HostModel
import Randomness
import RuleGraph
import RuleParser
import TestHosts
import Testing

@Suite struct OverlappingRulesTests {
  /// The benchmark's figures are about rulesets that overlap as it says.
  @Test(arguments: [(OverlappingRules.acl, 2.0...4.5), (.fw, 11.0...22.0), (.ipc, 150.0...260.0)])
  func mostRulesOverlapNoEarlierOneAndAFewOverlapMany(_ kind: OverlappingRules, _ mean: ClosedRange<Double>) {
    let rules = kind.rules(10_000, seed: 7)
    // The general rules stand last, so that a sample of every ninth holds its share of them.
    let overlaps = stride(from: 0, to: rules.count, by: 9).map { index in
      rules[..<index].count { $0.overlaps(rules[index]) }
    }
    #expect(overlaps.sorted()[overlaps.count / 2] == 0)
    #expect(mean.contains(Double(overlaps.reduce(0, +)) / Double(overlaps.count)))
  }

  /// Packets from the corners of what rules name are each in one case, which says what a trace of the packet alone says: of the packet, and of
  /// its reply.
  @Test(arguments: OverlappingRules.allCases)
  func singlePacketsFareAsTheCasesOfTheOpenQuestionSay(_ kind: OverlappingRules) throws {
    let reading = OpenQuestionOracleTests.reading(kind.text(rules: 300, order: .mixed, seed: 7))
    let tracer = Tracer(reading.ruleset, facts: reading.facts)
    var options = Tracer.Options()
    options.findsNearMisses = false
    options.tracesReply = true
    let asked = try reading.query([(.input, "eth0"), (.dst, "0.0.0.0/0:22")])
    let trace = tracer.trace(asked, options: options)
    #expect(!trace.cases.contains { $0.verdict == .undetermined })
    var random = RandomNumbers(seed: 11)
    for _ in 0..<60 {
      // The addresses of two rules, of which one may match.
      let first = random.pick(trace.cases).when
      var packet = asked
      guard let box = first.parts.isEmpty ? first.allowed : first.parts.randomElement(using: &random)?.box else {
        continue
      }
      func corner(_ dimension: Region.Dimension) -> UInt128? {
        let interval = (box[dimension] ?? first.allowed[dimension] ?? first.open[dimension])?.intervals
          .randomElement(using: &random)
        return interval.map { random.pick([$0.lowerBound, $0.upperBound]) }
      }
      guard let source = corner(.field(.header(HeaderField(.ip, .saddr)))),
        let destination = corner(.field(.header(HeaderField(.ip, .daddr))))
      else { continue }
      packet.source = ValueSet(source)
      packet.destination = ValueSet(destination)
      packet.sourcePort = ValueSet(random.pick([80, 1023, 1024, 40000]))
      let point: [Region.Dimension: UInt128] = [
        .sentByHost: 0, .family: UInt128(AddressFamily.ipv4.rawValue), .field(.meta(.l4proto)): 6,
        .field(.header(HeaderField(.ip, .saddr))): source, .field(.header(HeaderField(.ip, .daddr))): destination,
        .field(.header(HeaderField(.th, .sport))): packet.sourcePort?.single ?? 0,
        .field(.header(HeaderField(.th, .dport))): 22, .field(.meta(.iifname)): InterfaceName("eth0")?.value ?? 0,
      ]
      let alone = tracer.trace(packet, options: options).cases
      let found = trace.cases.filter { $0.when.contains(point) }
      // A source that no packet from a wire has is not in the open question.
      guard alone.count == 1, let one = alone.first, one.decidedBy != .outside(.martian) else { continue }
      #expect(found.map(\.verdict) == [one.verdict], "\(IPAddress(bits: source)) \(IPAddress(bits: destination))")
      #expect(found.allSatisfy { $0.fate == one.fate })
      let replies = found.flatMap { $0.reply ?? [] }.filter { $0.when.contains(point) }
      #expect(replies.map(\.verdict) == (one.reply ?? []).map(\.verdict))
      let isOfOneRule = replies.allSatisfy(\.rules.isEmpty)
      #expect(!isOfOneRule || replies.map(\.decidedBy) == (one.reply ?? []).map(\.decidedBy))
    }
  }
}
