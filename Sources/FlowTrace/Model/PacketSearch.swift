package import RuleGraph

/// Whether a flow holds a packet.
package enum Occupancy {
  /// Proved to be empty.
  case empty
  /// A packet of it was found.
  case inhabited
  /// Not decided within the effort that one search may take.
  case undecided
}

/// A search for one packet of a part of a flow: depth first, through as few of the boxes taken out as possible.
///
/// What earlier rules took is never cut out of a flow. Whether anything is left for a rule is decided here, among those
/// boxes alone that overlap what the rule wants: one that covers the part ends the search there, one that covers it in
/// all fields but one makes the part smaller, and where a field has a value that no box has, that is a packet. Only
/// boxes that cross the part in several fields divide it, and the first piece that no box overlaps is the answer.
package struct PacketSearch {
  /// A box: allowed values of some variables.
  package typealias Box = [(variable: VariableID, values: ValueSet)]

  /// How many comparisons of a box with a part one search may make.
  static let effort = 400_000

  private var left = effort
  package private(set) var isExhausted = false
  private var boxes: [Box] = []
  /// Of a search that found nothing: which of the boxes cover the part, and a few more perhaps.
  private var isNeeded: [Bool] = []

  /// How many packets are tried by chance before a part is searched.
  private let tries: Int
  /// As many of the pieces of a union, which are many and small.
  static let triesOfPiece = 3

  package init(tries: Int = 12) { self.tries = tries }

  /// Tries a few packets of a part: one that is in no box of some lists shows that there are some. Makes the part
  /// smaller by boxes that leave one piece of it.
  ///
  /// A part that is large beside the boxes that overlap it, be they thousands, consists of such packets for the most
  /// part, and which box holds a packet is told sooner than which boxes overlap a part. Of a part that one box covers,
  /// every packet leads to that box. The tries are the same each time.
  package func probe(_ part: inout [ValueSet], outside lists: [(boxes: BoxList, count: Int)]) -> Occupancy {
    var chance = Chance()
    for _ in 0..<tries {
      let packet = part.map { chance.value(of: $0) }
      let holding = lists.lazy.compactMap { $0.boxes.box(with: packet, first: $0.count) }.first
      guard let holding else { return .inhabited }
      switch relation(of: holding, to: part) {
      case .covers: return .empty
      case .coversButFor(let variable, let values): part[variable] = part[variable].subtracting(values)
      case .apart, .crosses: continue
      }
    }
    return .undecided
  }

  /// A part of a flow that is not empty and lies outside all boxes; nil where there is none, or none was found in time.
  package mutating func find(in part: [ValueSet], outside boxes: [Box]) -> [ValueSet]? {
    self.boxes = boxes
    isNeeded = Array(repeating: false, count: boxes.count)
    return find(in: part, outside: Array(boxes.indices))
  }

  /// Those among the boxes of the last search, which found nothing, that cover its part together.
  package var covering: [Int] { isNeeded.indices.filter { isNeeded[$0] } }

  private mutating func find(in part: [ValueSet], outside candidates: [Int]) -> [ValueSet]? {
    var part = part
    guard let crossing = shrink(&part, by: candidates) else { return nil }
    if crossing.isEmpty { return part }
    if let gap = gap(in: part, between: crossing) { return gap }
    // The box that leaves the fewest fields open divides into the fewest pieces.
    var best = 0
    var fewest = Int.max
    for (place, index) in crossing.enumerated() {
      let open = boxes[index].count { !part[$0.variable].isSubset(of: $0.values) }
      if open < fewest { (best, fewest) = (place, open) }
    }
    var others = crossing
    let chosen = others.remove(at: best)
    for (variable, values) in boxes[chosen] {
      let outside = part[variable].subtracting(values)
      if outside.isEmpty { continue }
      var piece = part
      piece[variable] = outside
      if let found = find(in: piece, outside: others) { return found }
      if isExhausted { return nil }
      part[variable] = part[variable].intersection(values)
    }
    isNeeded[chosen] = true
    return nil
  }

  /// Takes out of a part the boxes that leave one piece of it; gives those that cross it in several fields, nil where
  /// nothing is left.
  private mutating func shrink(_ part: inout [ValueSet], by candidates: [Int]) -> [Int]? {
    var candidates = candidates
    while true {
      left -= candidates.count
      if left < 0 {
        isExhausted = true
        return nil
      }
      var crossing: [Int] = []
      var cuts: [VariableID: [ClosedRange<UInt128>]] = [:]
      for index in candidates {
        switch relation(of: boxes[index], to: part) {
        case .apart: continue
        case .covers:
          isNeeded[index] = true
          return nil
        case .coversButFor(let variable, let values):
          isNeeded[index] = true
          cuts[variable, default: []] += values.intervals
        case .crosses: crossing.append(index)
        }
      }
      if cuts.isEmpty { return crossing }
      for (variable, ranges) in cuts {
        part[variable] = part[variable].subtracting(ValueSet(ranges))
        if part[variable].isEmpty { return nil }
      }
      candidates = crossing
    }
  }

  private enum Relation {
    case apart, covers, crosses
    case coversButFor(VariableID, ValueSet)
  }

  private func relation(of box: Flow.Box, to part: [ValueSet]) -> Relation {
    var open: (VariableID, ValueSet)?
    var crosses = false
    for (variable, values) in box {
      let have = part[variable]
      if have.isDisjoint(with: values) { return .apart }
      if crosses || have.isSubset(of: values) { continue }
      if open == nil { open = (variable, values) } else { crosses = true }
    }
    if crosses { return .crosses }
    return open.map { .coversButFor($0.0, $0.1) } ?? .covers
  }

  /// The part with one field limited to values that no box has.
  private mutating func gap(in part: [ValueSet], between crossing: [Int]) -> [ValueSet]? {
    left -= crossing.count
    for variable in Set(boxes[crossing[0]].map(\.variable)).sorted() {
      var ranges: [ClosedRange<UInt128>] = []
      var isLimited = true
      for index in crossing {
        guard let values = boxes[index].first(where: { $0.variable == variable })?.values else {
          isLimited = false
          break
        }
        ranges += values.intervals
      }
      guard isLimited else { continue }
      let free = part[variable].subtracting(ValueSet(ranges))
      if free.isEmpty { continue }
      var found = part
      found[variable] = free
      return found
    }
    return nil
  }
}

/// Numbers by chance that are the same each time (splitmix64; Steele, Lea, Flood: "Fast splittable pseudorandom number
/// generators", 2014).
private struct Chance {
  private var state: UInt64 = 0

  private mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }

  /// A value of a set; zero where it is empty.
  mutating func value(of values: ValueSet) -> UInt128 {
    guard let low = values.first else { return 0 }
    let count = values.intervals.count
    if count == 1, values.last == low { return low }
    let interval = values.intervals[count == 1 ? 0 : Int(next() % UInt64(count))]
    let width = interval.upperBound - interval.lowerBound
    if width >> 63 == 0 {
      // The high half of a product is less than the factor that it is of.
      let offset = next().multipliedFullWidth(by: UInt64(truncatingIfNeeded: width) + 1).high
      return interval.lowerBound + UInt128(offset)
    }
    return interval.lowerBound + min(width, (UInt128(next()) << 64 | UInt128(next())) & (width >> 1))
  }
}

extension Flow {
  /// Whether a part of the flow holds a packet.
  func occupancy(within box: Box = []) -> Occupancy {
    if exceptions.isEmpty, unions.isEmpty, position.taken.boxes.isEmpty {
      let isEmpty = box.contains { variables[$0.variable].domain.isDisjoint(with: $0.values) }
      return isEmpty ? .empty : .inhabited
    }
    var part = variables.map(\.domain)
    guard part.limit(to: box) else { return .empty }
    var search = unions.isEmpty ? PacketSearch() : PacketSearch(tries: PacketSearch.triesOfPiece)
    let taken = position.taken.boxes
    let lists = [(exceptions, exceptions.count), (taken, taken.count)].filter { $0.1 > 0 }
    return Self.occupancy(of: part, in: unions[...], outside: lists, &search)
  }

  /// Whether it is proved that the flow holds no packet.
  var isCertainlyEmpty: Bool {
    if exceptions.count < 2, unions.isEmpty, position.taken.boxes.isEmpty { return false }
    return occupancy() == .empty
  }

  /// Whether a part that lies in all of some unions holds a packet.
  ///
  /// - Parameter lists: What was taken out, each list as far as it counts here.
  private static func occupancy(
    of part: [ValueSet], in unions: ArraySlice<BoxUnion>, outside lists: [(boxes: BoxList, count: Int)],
    _ search: inout PacketSearch
  ) -> Occupancy {
    guard let union = unions.first else {
      var part = part
      let told = search.probe(&part, outside: lists)
      if told != .undecided { return told }
      let boxes = lists.flatMap { list, count in list.overlapping(part, first: count).map { list.boxes[$0] } }
      if search.find(in: part, outside: boxes) != nil { return .inhabited }
      return search.isExhausted ? .undecided : .empty
    }
    var found = Occupancy.empty
    _ = union.boxes.hasOverlapping(part, first: union.boxes.count) { index in
      var piece = part
      guard piece.limit(to: union.boxes.boxes[index]) else { return false }
      let count = union.earlierCounts[index]
      found = occupancy(
        of: piece, in: unions.dropFirst(), outside: count == 0 ? lists : lists + [(union.earlier, count)], &search)
      return found != .empty
    }
    return found
  }
}

extension [ValueSet] {
  /// Limits the values of variables to a box. False when nothing is left.
  mutating func limit(to box: Flow.Box) -> Bool {
    for (variable, values) in box {
      let left = self[variable].intersection(values)
      if left.isEmpty { return false }
      self[variable] = left
    }
    return true
  }
}
