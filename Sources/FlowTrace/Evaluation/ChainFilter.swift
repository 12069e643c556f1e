import RuleGraph
import Synchronization

/// The plain tests of a chain's rules in flat arrays, to pass rules that cannot match without looking at their statements.
///
/// A test here is a match of a slot with one interval. A rule is passed when one of its tests is false for all packets of the flow, judged by the smallest
/// and largest value that each slot may have. The others are evaluated in full, so the filter never changes an answer.
struct ChainFilter: Sendable {
  private struct Test {
    var low: UInt128
    var high: UInt128
    var slot: Int32
    var negated: Bool
  }

  private var tests: [Test] = []
  /// The index of the first test of each rule, and the end.
  private var starts: [Int32] = [0]

  /// The smallest and largest value of each slot; where a slot is unbound, the interval is everything and nothing is passed for it.
  struct Hull {
    var low: [UInt128]
    var high: [UInt128]
    var isBound: [Bool]

    init(_ flow: Flow) {
      let count = Slot.allCases.count
      low = Array(repeating: 0, count: count)
      high = Array(repeating: .max, count: count)
      isBound = Array(repeating: false, count: count)
      for slot in 0..<count {
        let variable = flow.binding[slot]
        guard variable >= 0, let first = flow.variables[variable].domain.intervals.first,
          let last = flow.variables[variable].domain.intervals.last
        else { continue }
        low[slot] = first.lowerBound
        high[slot] = last.upperBound
        isBound[slot] = true
      }
    }
  }

  init(_ chain: Chain, family: AddressFamily) {
    starts.reserveCapacity(chain.rules.count + 1)
    for rule in chain.rules {
      statements: for statement in rule.statements {
        switch statement {
        case .match(let match): add(match, family)
        case .anyOf, .environment, .opaqueMatch, .hiddenInterfaces, .effect: continue
        default: break statements
        }
      }
      starts.append(Int32(tests.count))
    }
  }

  private mutating func add(_ match: Match, _ family: AddressFamily) {
    guard !match.whenAbsent, case .field(let field) = match.subject, case .values(let values) = match.values,
      values.intervals.count == 1, let interval = values.intervals.first, let slot = Self.slot(field, family)
    else { return }
    if case .header(let header) = field, let number = Self.transport(of: header.header) {
      tests.append(Test(low: number, high: number, slot: Int32(Slot.transport.rawValue), negated: false))
    }
    tests.append(
      Test(low: interval.lowerBound, high: interval.upperBound, slot: Int32(slot.rawValue), negated: match.negated))
  }

  private static func slot(_ field: Field, _ family: AddressFamily) -> Slot? {
    switch field {
    case .meta(.iifname): return .input
    case .meta(.oifname): return .output
    case .meta(.l4proto): return .transport
    case .meta(.mark): return .mark
    case .header(let header):
      switch (header.header, header.name) {
      case (.ip, .saddr) where family == .ipv4, (.ip6, .saddr) where family == .ipv6: return .source
      case (.ip, .daddr) where family == .ipv4, (.ip6, .daddr) where family == .ipv6: return .destination
      case (.tcp, .sport), (.udp, .sport), (.sctp, .sport), (.dccp, .sport): return .sourcePort
      case (.tcp, .dport), (.udp, .dport), (.sctp, .dport), (.dccp, .dport): return .destinationPort
      default: return nil
      }
    default: return nil
    }
  }

  private static func transport(of header: Header) -> UInt128? {
    switch header {
    case .tcp: 6
    case .udp: 17
    case .sctp: 132
    case .dccp: 33
    default: nil
    }
  }

  /// The index of the next rule, from one on, that may match; the number of rules when none may.
  func next(from rule: Int, _ hull: Hull) -> Int {
    var rule = rule
    let end = starts.count - 1
    while rule < end {
      var test = Int(starts[rule])
      let last = Int(starts[rule + 1])
      var isPassed = false
      while test < last {
        let one = tests[test]
        let slot = Int(one.slot)
        if hull.isBound[slot] {
          let misses =
            one.negated
            ? one.low <= hull.low[slot] && one.high >= hull.high[slot]
            : one.high < hull.low[slot] || one.low > hull.high[slot]
          if misses {
            isPassed = true
            break
          }
        }
        test += 1
      }
      if !isPassed { return rule }
      rule += 1
    }
    return end
  }
}

/// The filters of a ruleset's chains, each made when its chain is first visited; shared by all traces of a tracer.
final class ChainFilters: Sendable {
  private struct Key: Hashable {
    var chain: ChainID
    var family: AddressFamily
  }

  private let filters = Mutex<[Key: ChainFilter]>([:])

  /// The filter of a chain; nil where the chain is too short to need one.
  func filter(_ id: ChainID, _ ruleset: Ruleset, _ family: AddressFamily) -> ChainFilter? {
    guard ruleset.tables[id.table].chains[id.chain].rules.count >= 8 else { return nil }
    let key = Key(chain: id, family: family)
    return filters.withLock { known in
      if let filter = known[key] { return filter }
      let filter = ChainFilter(ruleset.tables[id.table].chains[id.chain], family: family)
      known[key] = filter
      return filter
    }
  }
}
