import Randomness

/// Rules whose prefixes and port ranges overlap as in the firewalls that ClassBench was made from (Taylor and Turner, "ClassBench: A Packet Classification
/// Benchmark", 2007): access lists with long prefixes, firewalls with many wildcards, and what lies between.
enum OverlappingRules: String, CaseIterable {
  case acl, fw, ipc

  /// The lengths of prefixes; zero where a rule does not ask.
  private var lengths: (source: [Int], destination: [Int]) {
    switch self {
    case .acl: ([32, 32, 32, 28, 24, 24, 16], [32, 32, 28, 24, 24, 20])
    case .fw: ([0, 0, 32, 24, 24, 16, 16], [0, 32, 32, 24, 24, 16, 16])
    case .ipc: ([32, 30, 28, 24, 16, 8, 0], [32, 30, 28, 24, 16, 0])
    }
  }

  /// The rules of FORWARD, all of which some packet to TCP port 22 may match, so that none is passed for its port.
  func text(rules: Int, seed: UInt64) -> String {
    var random = RandomNumbers(seed: seed)
    let networks = (0..<12).map { _ in (random.number(11...120), random.number(0...255)) }
    func prefix(_ lengths: [Int], by random: inout RandomNumbers) -> String? {
      let length = random.pick(lengths)
      if length == 0 { return nil }
      let network = random.pick(networks)
      let host = random.number(0...65535)
      let address = UInt32(network.0 << 24 | network.1 << 16 | host) & ~UInt32(0) << UInt32(32 - length)
      return "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255)/\(length)"
    }
    var lines = ""
    for _ in 0..<rules {
      let source = prefix(lengths.source, by: &random)
      let destination = prefix(lengths.destination, by: &random)
      // A rule for everything would end the list.
      if source == nil, destination == nil { continue }
      let low = random.number(0...22)
      let ports = random.pick([
        "", " -p tcp", " -p tcp -m tcp --dport 22", " -p tcp -m tcp --dport 0:1023",
        " -p tcp -m tcp --dport \(low):\(random.number(22...200))", " -p tcp -m tcp --sport 1024:65535 --dport 22",
      ])
      lines += "-A FORWARD\(source.map { " -s " + $0 } ?? "")\(destination.map { " -d " + $0 } ?? "")\(ports)"
      lines += " -j \(random.pick(["ACCEPT", "DROP"]))\n"
    }
    return "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n\(lines)COMMIT\n"
  }
}
