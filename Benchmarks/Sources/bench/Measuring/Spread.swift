/// The middle of several measurements, and between which two values their middle half lies.
struct Spread: Codable {
  let median: Double
  let lowerQuartile: Double
  let upperQuartile: Double
  let count: Int

  /// Of at least one measurement.
  init(_ samples: [Double]) {
    let sorted = samples.sorted()
    func at(_ share: Double) -> Double {
      guard let last = sorted.last else { return .nan }
      let place = share * Double(sorted.count - 1)
      let below = Int(place)
      let above = below + 1 < sorted.count ? sorted[below + 1] : last
      return sorted[below] + (above - sorted[below]) * (place - Double(below))
    }
    median = at(0.5)
    lowerQuartile = at(0.25)
    upperQuartile = at(0.75)
    count = sorted.count
  }
}
