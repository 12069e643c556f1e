import FlowTrace
import Foundation
import HostModel
import Randomness
import RuleGraph
import RuleParser
import TestHosts
import Testing

/// The cases of an open question are a partition of it: no two of their boxes share a packet, and together they hold as many packets as the question does.
///
/// Packets that the host sends are not asked about: which sources they can have, routes decide.
/// What is counted here is counted by this file alone: boxes are held against each other field by field, and numbers of packets are products of numbers of values.
@Suite struct PartitionTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../samples")
    .standardized
  private static let samples = {
    let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?.compactMap { $0 as? URL }
    let folders = Set((files ?? []).filter { $0.pathExtension == "txt" }.map { $0.deletingLastPathComponent().path })
    return folders.map { String($0.dropFirst(folder.path.count + 1)) }.sorted()
  }()

  @Test func ofSamples() throws {
    var counted = 0
    for name in Self.samples {
      let folder = Self.folder.appending(path: name)
      let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".txt") }
      let reading = DumpReader().read(
        try files.sorted().map {
          DumpInput(name: $0, bytes: Array(try Data(contentsOf: folder.appending(path: $0))))
        })
      if try Self.check(reading, [(.proto, "tcp"), (.from, "outside")], name) > 0 { counted += 1 }
    }
    #expect(counted >= 40, "\(counted) of \(Self.samples.count) samples")
  }

  @Test(arguments: OverlappingRules.allCases, [OverlappingRules.Order.mixed, .generalLast])
  func ofOverlappingRules(_ kind: OverlappingRules, _ order: OverlappingRules.Order) throws {
    let reading = OpenQuestionOracleTests.reading(kind.text(rules: 40, order: order, seed: 5))
    #expect(try Self.check(reading, [(.input, "eth0"), (.dst, "0.0.0.0/0:22")], "\(kind)") > 10)
  }

  @Test(arguments: UInt64(0)..<12) func ofRandomFirewalls(seed: UInt64) throws {
    let firewall = RandomFirewall(seed: seed, rules: 30, chains: 4)
    let reading = OpenQuestionOracleTests.reading(firewall.text)
    #expect(try Self.check(reading, [(.input, "eth0"), (.dst, "203.0.113.0/28")], firewall.text) > 2)
  }

  // MARK: Counting

  private typealias Box = [Region.Dimension: ValueSet]

  /// More boxes than this are not held against each other.
  private static let boxLimit = 20_000

  /// Holds the cases of a question against each other: the number of boxes that were counted, none where something is unknown or up to chance.
  private static func check(
    _ reading: HostReading, _ options: [(QueryOption, String)], _ name: String
  ) throws -> Int {
    let query = try reading.query(options)
    var tracing = Tracer.Options()
    tracing.findsNearMisses = false
    tracing.dividesByOutput = true
    let trace = Tracer(reading.ruleset, facts: reading.facts).trace(query, options: tracing)
    // Of each family and sender the fields are others, and so is the question.
    func value(_ part: Case, _ dimension: Region.Dimension) -> UInt128? { part.when.allowed[dimension]?.single }
    var all = 0
    let kinds = Set(trace.cases.map { [value($0, .family), value($0, .sentByHost)] })
    for kind in kinds {
      let cases = trace.cases.filter { [value($0, .family), value($0, .sentByHost)] == kind }
      var boxes: [Box] = []
      for part in cases {
        // A condition of one case is no condition of another, though it may have the same number.
        guard part.conditions.isEmpty else { return 0 }
        guard let mine = part.when.boxes(limit: boxLimit), boxes.count + mine.count <= boxLimit else { return 0 }
        boxes += mine
      }
      let domains = domains(of: boxes, cases, query)
      boxes = boxes.map { box in box.merging(domains) { $0.intersection($1) } }
      for (index, box) in boxes.enumerated() {
        let other = boxes[..<index].first { other in
          box.allSatisfy { dimension, values in !(other[dimension] ?? values).isDisjoint(with: values) }
        }
        guard other == nil else {
          Issue.record("\(name): two boxes overlap: \(words(box)) and \(other.map(words) ?? "")")
          return 0
        }
      }
      all += boxes.count
      let counted = boxes.reduce(0) { ($0 + size($1)) % prime }
      #expect(
        counted == size(domains), "\(name): \(boxes.count) boxes of \(cases.count) cases, of \(words(domains))")
    }
    return all
  }

  private static func words(_ box: Box) -> String {
    box.map { "\($0): \($1.intervals.map { "\($0)" }.joined(separator: ","))" }.sorted().joined(separator: "; ")
  }

  /// The values that the question leaves of each field that some case asks for.
  private static func domains(of boxes: [Box], _ cases: [Case], _ query: Query) -> Box {
    var domains: Box = [:]
    for dimension in Set(boxes.flatMap(\.keys)) {
      let open = cases.compactMap { $0.when.open[dimension] }.first
      domains[dimension] =
        open ?? asked(dimension, query) ?? ValueSet(boxes.flatMap { $0[dimension]?.intervals.map(\.self) ?? [] })
    }
    return domains
  }

  private static func asked(_ dimension: Region.Dimension, _ query: Query) -> ValueSet? {
    guard case .field(let field) = dimension else { return nil }
    switch field {
    case .header(let header) where header.name == .saddr: return query.source
    case .header(let header) where header.name == .daddr: return query.destination
    case .header(HeaderField(.th, .sport)): return query.sourcePort
    case .header(HeaderField(.th, .dport)): return query.destinationPort
    case .meta(.l4proto): return query.transport
    case .meta(.iifname): return query.input
    default: return query.fields[field]
    }
  }

  /// Numbers of packets are larger than any integer here, so they are counted modulo a prime number.
  private static let prime: UInt128 = (1 << 61) - 1

  private static func size(_ box: Box) -> UInt128 {
    box.values.reduce(1) { size, values in
      let count = values.intervals.reduce(0) { ($0 + ($1.upperBound - $1.lowerBound) % prime + 1) % prime }
      return size * count % prime
    }
  }
}
