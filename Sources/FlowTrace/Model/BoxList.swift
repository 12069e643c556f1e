package import RuleGraph

/// Boxes in the order in which they were added, and which of them overlap a part of a flow.
///
/// A long chain leaves a flow thousands of boxes, and each rule behind them asks which ones it meets. So the bounds of
/// every box are kept once more by variable, close together; the column that tells most is searched, and only what
/// passes it is compared in full.
package struct BoxList {
  package private(set) var boxes: [PacketSearch.Box] = []
  private var columns: [Column] = []
  /// Where narrow boxes lie; nil of few boxes. Lists that share it have the same boxes.
  private var places: BoxPlaces?

  /// The smallest and the largest value of one variable in each box.
  private struct Column {
    let variable: VariableID
    var lows: [UInt128]
    var highs: [UInt128]
  }

  /// Below this number of boxes a column is not worth its search.
  private static let fewBoxes = 24
  /// Boxes that limit many variables, as where each rule asks something else that nobody knows, have no more columns
  /// than this: they would take the square of the boxes.
  private static let mostColumns = 32
  /// From this number on it is noted where boxes lie.
  private static let manyBoxes = 256
  /// How many boxes are looked at to see how much a column tells.
  private static let sampleSize = 16

  package init() {}

  init(_ boxes: some Sequence<Flow.Box>) { for box in boxes { append(box) } }

  /// What tells these boxes from those of other lists, for as long as the list lives; nil of few boxes.
  var identity: ObjectIdentifier? { places.map { ObjectIdentifier($0) } }

  var isEmpty: Bool { boxes.isEmpty }
  package var count: Int { boxes.count }

  /// The variables that some box limits.
  private(set) var variables: Set<VariableID> = []

  package mutating func append(_ box: PacketSearch.Box) {
    if boxes.count >= Self.fewBoxes, !isKnownUniquelyReferenced(&places) {
      places = places.map { BoxPlaces(copying: $0) } ?? BoxPlaces()
    }
    for (variable, _) in box where variables.insert(variable).inserted && columns.count < Self.mostColumns {
      columns.append(
        Column(
          variable: variable, lows: Array(repeating: 0, count: boxes.count),
          highs: Array(repeating: .max, count: boxes.count)))
    }
    for index in columns.indices {
      let values = box.first { $0.variable == columns[index].variable }?.values
      columns[index].lows.append(values.map { $0.first ?? .max } ?? 0)
      columns[index].highs.append(values.map { $0.last ?? 0 } ?? .max)
    }
    boxes.append(box)
  }

  /// The indexes of those among the first `count` boxes that share values with a part of a flow, given by the values of
  /// each variable.
  package func overlapping(_ part: [ValueSet], first count: Int) -> [Int] {
    var found: [Int] = []
    _ = hasOverlapping(part, first: count) { index in
      found.append(index)
      return false
    }
    return found
  }

  /// Whether one of the first `count` boxes shares values with a part of a flow and is what is looked for.
  ///
  /// - Parameter isWanted: Asked about the index of each box that shares values, in rising order, until it says yes.
  func hasOverlapping(_ part: [ValueSet], first count: Int, _ isWanted: (Int) -> Bool) -> Bool {
    if count > Self.manyBoxes,
      let places = places?.candidates(for: part, in: boxes, columns.map(\.variable), atMost: count / 4)
    {
      for index in places where index < count && meets(index, part) && isWanted(index) { return true }
      return false
    }
    guard count > Self.fewBoxes, let column = mostTelling(part, first: count) else {
      for index in 0..<count where meets(index, part) && isWanted(index) { return true }
      return false
    }
    let values = part[column.variable]
    guard let low = values.first, let high = values.last else { return false }
    let lows = column.lows.span
    let highs = column.highs.span
    for index in 0..<count where lows[index] <= high && highs[index] >= low {
      if meets(index, part), isWanted(index) { return true }
    }
    return false
  }

  /// One of the first `count` boxes that holds a packet, which is a value for each variable; nil where none does.
  func box(with packet: [UInt128], first count: Int) -> Flow.Box? {
    if count > Self.manyBoxes, let places {
      return places.box(with: packet, among: boxes, first: count, columns.map(\.variable))
    }
    for index in 0..<count where Self.box(boxes[index], holds: packet) { return boxes[index] }
    return nil
  }

  /// Whether a box holds a packet.
  static func box(_ box: Flow.Box, holds packet: [UInt128]) -> Bool {
    for (variable, values) in box where !values.contains(packet[variable]) { return false }
    return true
  }

  private func meets(_ index: Int, _ part: [ValueSet]) -> Bool {
    boxes[index].allSatisfy { !part[$0.variable].isDisjoint(with: $0.values) }
  }

  /// The column in which the fewest boxes meet a part, as far as a sample tells.
  private func mostTelling(_ part: [ValueSet], first count: Int) -> Column? {
    var best: (column: Column, hits: Int)?
    for column in columns {
      guard let low = part[column.variable].first, let high = part[column.variable].last else { return column }
      var hits = 0
      for index in stride(from: 0, to: count, by: max(1, count / Self.sampleSize))
      where column.lows[index] <= high && column.highs[index] >= low {
        hits += 1
      }
      if best.map({ hits < $0.hits }) ?? true { best = (column, hits) }
    }
    return best?.column
  }
}

/// Packets that one of several rules took: the union of boxes, each less what the rules before its own took.
struct BoxUnion {
  /// A box, and how many of ``earlier`` were taken before it.
  struct Piece {
    var box: Flow.Box
    var earlierCount: Int
  }

  private(set) var boxes: BoxList
  private(set) var earlierCounts: [Int]
  /// What was taken before the pieces, in the order in which it was.
  let earlier: BoxList

  init(_ pieces: [Piece], earlier: BoxList) {
    boxes = BoxList(pieces.map(\.box))
    earlierCounts = pieces.map(\.earlierCount)
    self.earlier = earlier
  }

  /// The pieces.
  var pieces: [Piece] { zip(boxes.boxes, earlierCounts).map { Piece(box: $0, earlierCount: $1) } }
}
