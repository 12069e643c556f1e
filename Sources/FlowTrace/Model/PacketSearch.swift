package import RuleGraph

/// Whether a flow holds a packet.
enum Occupancy {
  /// Proved to be empty.
  case empty
  /// A packet of it was found.
  case inhabited
  /// Not decided within the effort that one search may take.
  case undecided
}

/// A search for one packet of a part of a flow: depth first, through as few of the boxes taken out as possible.
///
/// What earlier rules took is never cut out of a flow. Whether anything is left for a rule is decided here, among those boxes alone that overlap what the rule wants:
/// one that covers the part ends the search there, one that covers it in all fields but one makes the part smaller, and where a field has a value that no box has, that
/// is a packet. Only boxes that cross the part in several fields divide it, and the first piece that no box overlaps is the answer.
package struct PacketSearch {
  /// A box: allowed values of some variables, by their numbers.
  package typealias Box = [(variable: Int, values: ValueSet)]

  /// How many comparisons of a box with a part one search may make.
  static let effort = 400_000

  private var left = effort
  package private(set) var isExhausted = false

  package init() {}

  /// A part of a flow that is not empty and lies outside all boxes; nil where there is none, or none was found in time.
  package mutating func find(in part: [ValueSet], outside boxes: [Box]) -> [ValueSet]? {
    var part = part
    guard let crossing = shrink(&part, by: boxes) else { return nil }
    if crossing.isEmpty { return part }
    if let gap = gap(in: part, between: crossing) { return gap }
    // The box that leaves the fewest fields open divides into the fewest pieces.
    var best = 0
    var fewest = Int.max
    for (index, box) in crossing.enumerated() {
      let open = box.count { !part[$0.variable].isSubset(of: $0.values) }
      if open < fewest { (best, fewest) = (index, open) }
    }
    var others = crossing
    let chosen = others.remove(at: best)
    for (variable, values) in chosen {
      let outside = part[variable].subtracting(values)
      if outside.isEmpty { continue }
      var piece = part
      piece[variable] = outside
      if let found = find(in: piece, outside: others) { return found }
      if isExhausted { return nil }
      part[variable] = part[variable].intersection(values)
    }
    return nil
  }

  /// Takes out of a part the boxes that leave one piece of it; gives those that cross it in several fields, nil where nothing is left.
  private mutating func shrink(_ part: inout [ValueSet], by boxes: [Flow.Box]) -> [Flow.Box]? {
    var boxes = boxes
    while true {
      left -= boxes.count
      if left < 0 {
        isExhausted = true
        return nil
      }
      var crossing: [Flow.Box] = []
      var cuts: [VariableID: [ClosedRange<UInt128>]] = [:]
      for box in boxes {
        switch relation(of: box, to: part) {
        case .apart: continue
        case .covers: return nil
        case .coversButFor(let variable, let values): cuts[variable, default: []] += values.intervals
        case .crosses: crossing.append(box)
        }
      }
      if cuts.isEmpty { return crossing }
      for (variable, ranges) in cuts {
        part[variable] = part[variable].subtracting(ValueSet(ranges))
        if part[variable].isEmpty { return nil }
      }
      boxes = crossing
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
  private mutating func gap(in part: [ValueSet], between boxes: [Flow.Box]) -> [ValueSet]? {
    left -= boxes.count
    for variable in Set(boxes[0].map(\.variable)).sorted() {
      var ranges: [ClosedRange<UInt128>] = []
      var isLimited = true
      for box in boxes {
        guard let values = box.first(where: { $0.variable == variable })?.values else {
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

extension Flow {
  /// Whether a part of the flow holds a packet.
  func occupancy(within box: Box = []) -> Occupancy {
    if exceptions.isEmpty, unions.isEmpty, position.taken.boxes.isEmpty {
      let isEmpty = box.contains { variables[$0.variable].domain.isDisjoint(with: $0.values) }
      return isEmpty ? .empty : .inhabited
    }
    var search = PacketSearch()
    if packets(within: box, &search) != nil { return .inhabited }
    return search.isExhausted ? .undecided : .empty
  }

  /// Whether it is proved that the flow holds no packet.
  var isCertainlyEmpty: Bool {
    if exceptions.count < 2, unions.isEmpty, position.taken.boxes.isEmpty { return false }
    return occupancy() == .empty
  }

  /// Some packets of a part of the flow, by the values of each variable; nil where there are none, or none were found in time.
  func packets(within box: Box = []) -> [ValueSet]? {
    var search = PacketSearch()
    return packets(within: box, &search)
  }

  private func packets(within box: Box, _ search: inout PacketSearch) -> [ValueSet]? {
    var part = variables.map(\.domain)
    guard part.limit(to: box) else { return nil }
    return packets(in: part, of: unions[...], outside: [], &search)
  }

  private func packets(
    in part: [ValueSet], of unions: ArraySlice<BoxUnion>, outside boxes: [Box], _ search: inout PacketSearch
  ) -> [ValueSet]? {
    guard let union = unions.first else {
      let own = exceptions.overlapping(part, first: exceptions.count).map { exceptions.boxes[$0] }
      let taken = position.taken.boxes
      let latest = taken.overlapping(part, first: taken.count).map { taken.boxes[$0] }
      return search.find(in: part, outside: boxes + own + latest)
    }
    for index in union.boxes.overlapping(part, first: union.boxes.count) {
      var piece = part
      guard piece.limit(to: union.boxes.boxes[index]) else { continue }
      let earlier = union.earlier.overlapping(piece, first: union.earlierCounts[index])
      let outside = boxes + earlier.map { union.earlier.boxes[$0] }
      if let found = packets(in: piece, of: unions.dropFirst(), outside: outside, &search) { return found }
      if search.isExhausted { return nil }
    }
    return nil
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
