package import RuleGraph

/// How much may still be done to find out what regions share, in comparisons of two boxes.
package struct RegionEffort {
  /// What is left.
  package private(set) var left: Int

  /// Makes an effort of so many comparisons.
  package init(_ comparisons: Int) { left = comparisons }

  /// Takes some; false when there was not enough.
  package mutating func spend(_ comparisons: Int) -> Bool {
    left -= comparisons
    return left >= 0
  }
}

extension Region {
  /// A box: the values that it allows of each dimension; one that is not mentioned is not limited.
  package typealias Box = [Dimension: ValueSet]

  /// The packets that are in two regions, as disjoint boxes without exceptions; nil when finding them takes more than
  /// the effort.
  ///
  /// What is taken out is cut only where it meets what both regions allow, so that two large regions that share little
  /// take little.
  package func boxes(sharedWith other: Region, effort: inout RegionEffort) -> [Box]? {
    guard let mine = limited(to: open), let its = other.limited(to: other.open),
      let hull = Region.intersection(mine, its)
    else { return [] }
    let parts = parts.isEmpty ? [Part(box: [:], earlier: [])] : parts
    let others = other.parts.isEmpty ? [Part(box: [:], earlier: [])] : other.parts
    var boxes: [Box] = []
    for part in parts {
      guard effort.spend(others.count) else { return nil }
      guard let box = Region.intersection(hull, part.box) else { continue }
      for its in others {
        guard let both = Region.intersection(box, its.box) else { continue }
        let lists = [except[...], other.except[...]] + part.earlier + its.earlier
        guard let found = Region.boxes(of: both, outside: lists, effort: &effort) else { return nil }
        boxes += found
      }
    }
    return boxes
  }

  /// A box less others, as disjoint boxes; nil when that takes more than the effort.
  package static func boxes(
    of box: Box, outside lists: [ArraySlice<Box>], effort: inout RegionEffort
  ) -> [Box]? {
    var meeting: [Box] = []
    for list in lists {
      guard effort.spend(list.count) else { return nil }
      for exception in list where overlap(exception, box) { meeting.append(exception) }
    }
    if meeting.isEmpty { return [box] }
    let dimensions = order(Set(meeting.flatMap(\.keys)))
    var boxes = [box]
    for exception in meeting {
      guard effort.spend(boxes.count) else { return nil }
      boxes = boxes.flatMap { subtract(exception, from: $0, dimensions) }
    }
    return boxes
  }

  /// What two boxes share; nil where that is nothing.
  package static func intersection(_ a: Box, _ b: Box) -> Box? {
    var both = a
    for (dimension, values) in b {
      guard let mine = both[dimension] else {
        both[dimension] = values
        continue
      }
      let shared = mine.intersection(values)
      if shared.isEmpty { return nil }
      both[dimension] = shared
    }
    return both
  }

  /// What the region allows, limited to what a question leaves open at all; nil where nothing is left.
  private func limited(to open: Box) -> Box? { Region.intersection(allowed, open) }

  /// The region with other numbers for its conditions.
  package func renumbered(_ numbers: [Int]) -> Region {
    var copy = self
    copy.allowed = [:]
    copy.allowed.reserveCapacity(allowed.count)
    for (dimension, values) in allowed {
      guard case .condition(let number) = dimension else {
        copy.allowed[dimension] = values
        continue
      }
      let shared = Dimension.condition(numbers[number])
      copy.allowed[shared] = copy.allowed[shared]?.intersection(values) ?? values
    }
    return copy
  }

  /// Fewer boxes with the same packets: those that differ in one dimension only become one.
  package static func joined(_ boxes: [Box]) -> [Box] {
    var boxes = boxes
    var isChanged = boxes.count > 1
    while isChanged {
      isChanged = false
      for dimension in order(Set(boxes.flatMap(\.keys))) {
        var places: [Box: Int] = [:]
        var next: [Box] = []
        var values: [[ClosedRange<UInt128>]?] = []
        for box in boxes {
          var rest = box
          let mine = rest.removeValue(forKey: dimension)
          if let place = places[rest] {
            if let mine, values[place] != nil { values[place]? += Array(mine.intervals) } else { values[place] = nil }
            isChanged = true
          } else {
            places[rest] = next.count
            next.append(rest)
            values.append(mine.map { Array($0.intervals) })
          }
        }
        for index in next.indices {
          guard let all = values[index] else { continue }
          let set = ValueSet(all)
          // A condition that may be either way is none.
          if case .condition = dimension, set == ValueSet(0...1) { continue }
          next[index][dimension] = set
        }
        boxes = next
      }
    }
    return boxes
  }
}
