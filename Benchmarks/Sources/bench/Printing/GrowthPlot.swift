import Foundation

/// How the figures of the row `growth` grow, as a picture with logarithmic axes.
struct GrowthPlot {
  private let claims: [Claim]
  private let width = 720.0
  private let height = 420.0
  private let left = 70.0
  private let right = 210.0
  private let top = 30.0
  private let bottom = 50.0

  /// Of results that hold the row; nil when they do not.
  init?(_ results: [RowResult]) {
    claims = results.first { $0.row == Growth.name }?.claims ?? []
    if claims.isEmpty { return nil }
  }

  /// The picture as SVG.
  var svg: String {
    let sizes = claims.compactMap { $0.rules.map(Double.init) }
    let values = claims.map(\.value.median)
    guard let small = sizes.min(), let large = sizes.max(), let low = values.min(), let high = values.max() else {
      return ""
    }
    let decades = (log10(low).rounded(.down), log10(high).rounded(.up))
    func x(_ rules: Double) -> Double {
      left + (width - left - right) * (large > small ? log(rules / small) / log(large / small) : 0.5)
    }
    func y(_ milliseconds: Double) -> Double {
      height - bottom - (height - top - bottom) * (log10(milliseconds) - decades.0) / max(1, decades.1 - decades.0)
    }
    var shapes: [String] = []
    for decade in stride(from: decades.0, through: decades.1, by: 1) {
      let place = y(pow(10, decade))
      shapes.append(line(left, place, width - right, place, "#ddd"))
      shapes.append(text(left - 8, place + 4, "\(Table.short(pow(10, decade))) ms", anchor: "end"))
    }
    for size in Set(sizes).sorted() {
      shapes.append(line(x(size), top, x(size), height - bottom, "#ddd"))
      shapes.append(text(x(size), height - bottom + 18, "\(Int(size))", anchor: "middle"))
    }
    shapes.append(text((left + width - right) / 2, height - 12, "rules", anchor: "middle"))
    let colors = ["#0b62a4", "#c2410c", "#15803d"]
    for (index, name) in [Growth.reading, Growth.readingNft, Growth.asking].enumerated() {
      let points = claims.filter { $0.what == name }.compactMap { claim in
        claim.rules.map { (x(Double($0)), y(claim.value.median)) }
      }
      guard let last = points.last else { continue }
      let path = points.map { "\(round($0.0)),\(round($0.1))" }.joined(separator: " ")
      shapes.append("<polyline points=\"\(path)\" fill=\"none\" stroke=\"\(colors[index])\" stroke-width=\"2\"/>")
      shapes += points.map {
        "<circle cx=\"\(round($0.0))\" cy=\"\(round($0.1))\" r=\"3\" fill=\"\(colors[index])\"/>"
      }
      shapes.append(text(last.0 + 8, last.1 + 4 + (index == 1 ? -8 : 8), name, anchor: "start", color: colors[index]))
    }
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(width)) \(Int(height))" font-family="sans-serif" font-size="12">
      <rect width="100%" height="100%" fill="#fff"/>
      \(shapes.joined(separator: "\n"))
      </svg>

      """
  }

  private func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ color: String) -> String {
    "<line x1=\"\(round(x1))\" y1=\"\(round(y1))\" x2=\"\(round(x2))\" y2=\"\(round(y2))\" stroke=\"\(color)\"/>"
  }

  private func text(_ x: Double, _ y: Double, _ words: String, anchor: String, color: String = "#333") -> String {
    "<text x=\"\(round(x))\" y=\"\(round(y))\" text-anchor=\"\(anchor)\" fill=\"\(color)\">\(words)</text>"
  }
}
