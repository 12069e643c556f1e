import FlowTrace

/// How reading and asking grow with the number of rules: the points of the plot.
enum Growth: Row {
  static let name = "growth"

  /// Names of the lines of the plot.
  static let reading = "read iptables-save"
  static let readingNft = "read nft list ruleset"
  static let asking = "a packet that no service is for"

  static func claims(_ lab: Lab) throws -> [Claim] {
    var claims: [Claim] = []
    for size in lab.sizes {
      for (name, shape, form) in [(reading, Shape.kube, Lab.Form.save), (readingNft, .nft, .nftText)] {
        let bytes = try Lab.source(try lab.dump(shape, size, form))
        let times = (0..<(size > 100_000 ? 3 : 5)).map { _ in Reading.time(bytes) }
        claims.append(milliseconds(name, size, times))
      }
      let (tracer, builder) = try Asking.tracer(lab, .kube, size)
      let query = try Asking.packet(builder, src: "198.51.100.7", dst: "192.0.2.1", port: 22)
      _ = tracer.trace(query, options: Asking.verdictOnly)
      let times = Asking.time(tracer, query, options: Asking.verdictOnly, seconds: lab.seconds / 8)
      claims.append(milliseconds(asking, size, times))
    }
    return claims
  }

  private static func milliseconds(_ name: String, _ size: Int, _ times: [Timing]) -> Claim {
    Claim(
      rules: size, what: name, value: Spread(times.map { $0.seconds * 1e3 }),
      byProcessor: Spread(times.map { $0.processor * 1e3 }), unit: "ms")
  }
}
