import RuleGraph
import Synchronization

/// Where the boxes of a list lie: for each variable the boxes by the values that they allow, cut into places of 256,
/// and those that allow many.
///
/// Most rules of a long list are for a few addresses, so that of ten thousand boxes a part of a flow meets a dozen.
/// What is noted grows with the list when it is asked for, and never holds a box that the list does not.
final class BoxPlaces: Sendable {
  private struct Column {
    var lists: [UInt64: [Int]] = [:]
    /// The boxes that are in too many places, or not limited.
    var wide: [Int] = []
  }

  private struct State {
    var count = 0
    var columns: [VariableID: Column] = [:]
  }

  private let state: Mutex<State>

  /// In how many places a narrow box, or the part that is asked about, may be.
  private static let narrow: UInt128 = 16

  init() { state = Mutex(State()) }

  /// What is known of the boxes of a list that begins with the same ones.
  init(copying other: BoxPlaces) { state = Mutex(other.state.withLock { $0 }) }

  /// Boxes among which all are that share values with a part, in rising order; nil where that would be more than
  /// `limit`.
  func candidates(
    for part: [ValueSet], in boxes: [Flow.Box], _ variables: [VariableID], atMost limit: Int
  ) -> [Int]? {
    state.withLock { state in
      Self.note(boxes, variables, &state)
      var best: (column: Column, places: ClosedRange<UInt128>)?
      var fewest = limit
      for (variable, column) in state.columns {
        guard let places = Self.places(of: part[variable]) else { continue }
        let count = places.reduce(column.wide.count) { $0 + (column.lists[UInt64(truncatingIfNeeded: $1)]?.count ?? 0) }
        if count < fewest { (best, fewest) = ((column, places), count) }
      }
      guard let (column, places) = best else { return nil }
      var found = column.wide
      for place in places { found += column.lists[UInt64(truncatingIfNeeded: place)] ?? [] }
      found.sort()
      var last: Int?
      // A box may be in several of the places.
      found.removeAll { index in
        defer { last = index }
        return index == last
      }
      return found
    }
  }

  /// One of the first `count` boxes of a list that holds a packet, which is a value for each variable; of several a
  /// wide one.
  func box(
    with packet: [UInt128], among boxes: [Flow.Box], first count: Int, _ variables: [VariableID]
  ) -> Flow.Box? {
    state.withLock { state in
      Self.note(boxes, variables, &state)
      var best: (wide: [Int], here: [Int])?
      var fewest = Int.max
      for (variable, column) in state.columns {
        let here = column.lists[UInt64(truncatingIfNeeded: packet[variable] >> 8)] ?? []
        if column.wide.count + here.count < fewest {
          (best, fewest) = ((column.wide, here), column.wide.count + here.count)
        }
      }
      guard let best else { return nil }
      for list in [best.wide, best.here] {
        for index in list where index < count && BoxList.box(boxes[index], holds: packet) { return boxes[index] }
      }
      return nil
    }
  }

  private static func note(_ boxes: [Flow.Box], _ variables: [VariableID], _ state: inout State) {
    guard state.count < boxes.count else { return }
    for variable in variables {
      var column = state.columns.removeValue(forKey: variable) ?? Column(wide: Array(0..<state.count))
      for index in state.count..<boxes.count {
        guard let values = boxes[index].first(where: { $0.variable == variable })?.values,
          let places = places(of: values)
        else {
          column.wide.append(index)
          continue
        }
        for place in places { column.lists[UInt64(truncatingIfNeeded: place), default: []].append(index) }
      }
      state.columns[variable] = column
    }
    state.count = boxes.count
  }

  /// The places that values are in; nil where they are many, or there are no values.
  private static func places(of values: ValueSet) -> ClosedRange<UInt128>? {
    guard let low = values.first, let high = values.last, (high >> 8) - (low >> 8) < narrow else { return nil }
    return (low >> 8)...(high >> 8)
  }
}
