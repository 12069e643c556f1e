import RuleGraph

extension Region {
  /// The packets of either of two regions, where their boxes differ in one field only; nil where they differ in more,
  /// or in a condition.
  ///
  /// The exceptions of each hold for its own values of that field.
  func joined(with other: Region) -> Region? {
    let open = open.merging(other.open) { mine, _ in mine }
    func values(_ region: Region, _ dimension: Dimension) -> ValueSet {
      region.allowed[dimension] ?? open[dimension] ?? .all
    }
    var differing: Dimension?
    for dimension in Set(allowed.keys).union(other.allowed.keys)
    where values(self, dimension) != values(other, dimension) {
      guard differing == nil, case .field = dimension else { return nil }
      differing = dimension
    }
    guard let differing else { return nil }
    let (mine, its) = (values(self, differing), values(other, differing))
    var result = self
    result.open = open
    result.allowed[differing] = mine.union(its) == open[differing] ? nil : mine.union(its)
    if parts.isEmpty, other.parts.isEmpty {
      result.except = Region.limited(except, differing, mine) + Region.limited(other.except, differing, its)
    } else {
      result.except = []
      result.parts = partsAlone(differing, mine) + other.partsAlone(differing, its)
    }
    return result
  }

  private static func limited(
    _ boxes: [[Dimension: ValueSet]], _ dimension: Dimension, _ values: ValueSet
  ) -> [[Dimension: ValueSet]] {
    boxes.map { $0.merging([dimension: values]) { $0.intersection($1) } }
  }

  /// The region as parts that say themselves what they allow of a field, and what is taken out of them.
  private func partsAlone(_ dimension: Dimension, _ values: ValueSet) -> [Part] {
    let mine = parts.isEmpty ? [Part(box: [:], earlier: [])] : parts
    return mine.map { part in
      var part = part
      part.box[dimension] = part.box[dimension]?.intersection(values) ?? values
      if !except.isEmpty { part.earlier.append(except[...]) }
      return part
    }
  }
}
