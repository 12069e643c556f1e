import RuleGraph

/// The packets of a flow as they came in, as the region of a case. Conditions are named by their place in the case's
/// list.
struct CaseRegion {
  let flow: Flow
  let isSentByHost: Bool
  /// The variables of conditions, in the order of the case's list.
  let conditions: [VariableID]
  /// Whether an open way out is a dimension.
  var showsOutput = false
  /// The boxes of lists that several cases lack.
  let lists: RegionLists

  var region: Region {
    var region = Region(allowed: [
      .sentByHost: ValueSet(isSentByHost ? 1 : 0), .family: ValueSet(flow.family.rawValue),
    ])
    // Rooms that grow one by one would be filled anew each time.
    region.allowed.reserveCapacity(flow.variables.count + 2)
    region.open.reserveCapacity(flow.variables.count)
    for (index, variable) in conditions.enumerated() {
      region.allowed[.condition(index)] = flow.variables[variable].domain
    }
    let pieces = pieces
    let hulls = hulls(of: pieces)
    for (index, variable) in flow.variables.enumerated() {
      let id = VariableID(index)
      guard let dimension = dimension(of: id) else { continue }
      let values = hulls[id] ?? variable.domain
      if let open = variable.open {
        region.open[dimension] = open
        if values == open { continue }
      }
      region.allowed[dimension] = region.allowed[dimension]?.intersection(values) ?? values
    }
    region.except = lists.boxes(of: flow.exceptions, box).filter { $0 != Self.nothing }
    let earlier = flow.unions.map { lists.boxes(of: $0.earlier, box) }
    if pieces.count == 1, let only = pieces.first {
      var part = flow.variables.map(\.domain)
      for (variable, values) in only.box { part[variable] = values }
      for (place, union) in flow.unions.enumerated() {
        region.except += union.earlier.overlapping(part, first: only.counts[place]).map { earlier[place][$0] }
          .filter { meets($0, region) }
      }
      return region
    }
    let dimensions = flow.variables.indices.map { dimension(of: VariableID($0)) }
    region.parts = pieces.map { piece in
      var part = Region.Part(box: Region.Box(minimumCapacity: piece.box.count), earlier: [])
      for (variable, values) in piece.box {
        guard let dimension = dimensions[variable.index] else { continue }
        part.box[dimension] = part.box[dimension]?.intersection(values) ?? values
      }
      part.earlier = zip(earlier, piece.counts).compactMap { $1 == 0 ? nil : $0.prefix($1) }
      return part
    }
    return region
  }

  /// The box of what limits something that the question does not know: it takes out nothing.
  static let nothing: Region.Box = [.family: .empty]

  /// A choice of one piece of each union that the flow lies in.
  fileprivate struct Piece {
    /// The variables that the pieces limit.
    var box: Flow.Box = []
    /// How many boxes were taken before, of each union.
    var counts: [Int] = []
  }

  /// The pieces that the flow lies in; none where it lies in no union.
  private var pieces: [Piece] {
    guard !flow.unions.isEmpty else { return [] }
    let whole = flow.variables.map(\.domain)
    var pieces = [Piece()]
    for union in flow.unions {
      var next: [Piece] = []
      for piece in pieces {
        var part = whole
        for (variable, values) in piece.box { part[variable] = values }
        for index in union.boxes.overlapping(part, first: union.boxes.count) {
          var one = piece
          one.limit(to: union.boxes.boxes[index], of: part)
          one.counts.append(union.earlierCounts[index])
          next.append(one)
        }
      }
      pieces = next
    }
    return pieces
  }

  private func dimension(of variable: VariableID) -> Region.Dimension? {
    guard let dimension = flow.variables[variable].dimension else {
      // What is open and no part of the question is the way out.
      return showsOutput && flow.variables[variable].open != nil ? .field(.meta(.oifname)) : nil
    }
    guard case .field = dimension else { return nil }
    return dimension
  }

  /// The values of each variable that some piece limits, in all pieces together.
  private func hulls(of pieces: [Piece]) -> [VariableID: ValueSet] {
    var limited: [VariableID: (count: Int, ranges: [ClosedRange<UInt128>])] = [:]
    for piece in pieces {
      for (variable, values) in piece.box {
        limited[variable, default: (0, [])].count += 1
        limited[variable]?.ranges += values.intervals
      }
    }
    return limited.reduce(into: [:]) { hulls, one in
      let isInAll = one.value.count == pieces.count
      hulls[one.key] = isInAll ? ValueSet(one.value.ranges) : flow.variables[one.key].domain
    }
  }

  /// What a rule matches of the packets as they came in: the whole of a dimension where it matches a value that was
  /// changed on the way.
  func share(_ member: RuleRun.Member) -> RuleShare {
    var box: [Region.Dimension: ValueSet] = [:]
    for (variable, values) in member.box {
      if let dimension = dimension(of: variable) { box[dimension] = values }
    }
    return RuleShare(rule: member.rule, box: box)
  }

  /// A box by dimensions; nil where it limits something that the question does not know.
  private func box(_ box: Flow.Box) -> [Region.Dimension: ValueSet]? {
    var result: [Region.Dimension: ValueSet] = [:]
    for (variable, values) in box {
      guard let dimension = dimension(of: variable) else { return nil }
      result[dimension] = values
    }
    return result
  }

  private func meets(_ box: [Region.Dimension: ValueSet], _ region: Region) -> Bool {
    box.allSatisfy { dimension, values in region.allowed[dimension].map { !$0.isDisjoint(with: values) } ?? true }
  }
}

extension CaseRegion.Piece {
  /// Limits the piece to a box that shares packets with it.
  ///
  /// - Parameter part: The values that the piece leaves each variable.
  fileprivate mutating func limit(to other: Flow.Box, of part: [ValueSet]) {
    for (variable, values) in other {
      let left = part[variable].intersection(values)
      if let known = box.firstIndex(where: { $0.variable == variable }) {
        box[known].values = left
      } else {
        box.append((variable, left))
      }
    }
  }
}

/// The boxes of lists as regions have them, each list put into words once: all cases that rules of one chain took lack
/// parts of one list of thousands.
final class RegionLists {
  private var known: [ObjectIdentifier: (list: BoxList, boxes: [Region.Box])] = [:]

  func boxes(of list: BoxList, _ box: (Flow.Box) -> Region.Box?) -> [Region.Box] {
    if let identity = list.identity, let (_, boxes) = known[identity] { return boxes }
    let boxes = list.boxes.map { box($0) ?? CaseRegion.nothing }
    if let identity = list.identity { known[identity] = (list, boxes) }
    return boxes
  }
}
