/// Rules whose prefixes and port ranges overlap as in the firewalls that ClassBench was made from (Taylor and Turner, "ClassBench: A Packet Classification
/// Benchmark", 2007): access lists with long prefixes, firewalls with many wildcards, and what lies between.
///
/// Every one of them may match some packet to TCP port 22, so that none is passed for its port.
public enum OverlappingRules: String, CaseIterable, Sendable {
  case acl, fw, ipc

  /// In which order the rules come.
  public enum Order: Sendable {
    /// The general ones last, as people write them. Of 10,000 rules most overlap no earlier one; on average a rule overlaps 3 (acl), 16 (fw) or
    /// 200 (ipc).
    case generalLast
    /// Every second rule is a general one, wherever it stands: many overlap most of the earlier ones.
    case mixed
  }

  /// A rule: what it takes of each field.
  public struct Rule: Sendable {
    /// The prefix of sources; of length zero where it does not ask.
    public var source: (address: UInt32, length: Int)
    /// The prefix of destinations.
    public var destination: (address: UInt32, length: Int)
    /// Whether it is for TCP alone.
    public var isTCP = false
    /// The source ports.
    public var sourcePorts: ClosedRange<Int> = 0...65535
    /// The destination ports.
    public var destinationPorts: ClosedRange<Int> = 0...65535
    /// Whether it accepts; else it drops.
    public var accepts: Bool

    /// Whether some packet matches both rules.
    public func overlaps(_ other: Rule) -> Bool {
      func meet(_ a: (address: UInt32, length: Int), _ b: (address: UInt32, length: Int)) -> Bool {
        let length = min(a.length, b.length)
        return length == 0 || (a.address ^ b.address) >> UInt32(32 - length) == 0
      }
      return meet(source, other.source) && meet(destination, other.destination)
        && sourcePorts.overlaps(other.sourcePorts) && destinationPorts.overlaps(other.destinationPorts)
    }
  }

  /// What rules of a kind are drawn from.
  private struct Mix {
    /// The first numbers of addresses, and how many networks of length 16 there are below them.
    var firsts: ClosedRange<Int>
    var networks: Int
    /// The lengths of prefixes; zero where a rule does not ask.
    var lengths: [Int]
    var generalSources: [Int]
    var generalDestinations: [Int]
    /// One of how many rules is a general one.
    var oneGeneralOf: Int
  }

  private var mix: Mix {
    switch self {
    case .acl:
      Mix(
        firsts: 11...20, networks: 12, lengths: [32, 32, 28, 24], generalSources: [0, 16, 16],
        generalDestinations: [16, 20, 24, 24], oneGeneralOf: 33)
    case .fw:
      Mix(
        firsts: 11...20, networks: 16, lengths: [32, 28, 24], generalSources: [0, 0, 8, 16],
        generalDestinations: [0, 16, 16, 20], oneGeneralOf: 28)
    case .ipc:
      Mix(
        firsts: 11...13, networks: 12, lengths: [32, 30, 28, 24], generalSources: [0, 0, 8],
        generalDestinations: [0, 8, 8, 16], oneGeneralOf: 10)
    }
  }

  /// The rules.
  public func rules(_ count: Int, order: Order = .generalLast, seed: UInt64) -> [Rule] {
    var random = RandomNumbers(seed: seed)
    let mix = mix
    let networks = (0..<mix.networks).map { _ in
      UInt32(random.number(mix.firsts) << 24 | random.number(0...255) << 16)
    }
    func prefix(_ lengths: [Int]) -> (address: UInt32, length: Int) {
      let length = random.pick(lengths)
      if length == 0 { return (0, 0) }
      let address = random.pick(networks) | UInt32(random.number(0...65535))
      return (address & ~UInt32(0) << UInt32(32 - length), length)
    }
    return (0..<count).map { index in
      let isGeneral =
        order == .generalLast ? index >= count - count / mix.oneGeneralOf : random.happens(50)
      let source = prefix(isGeneral ? mix.generalSources : mix.lengths)
      var destination = prefix(isGeneral ? mix.generalDestinations : mix.lengths)
      // A rule for everything would end the list.
      if source.length == 0, destination.length == 0 { destination = prefix([16]) }
      var rule = Rule(source: source, destination: destination, accepts: random.happens(50))
      let form = random.number(0...5)
      rule.isTCP = form > 0
      switch form {
      case 2: rule.destinationPorts = 22...22
      case 3: rule.destinationPorts = 0...1023
      case 4: rule.destinationPorts = random.number(0...22)...random.number(22...200)
      case 5: (rule.sourcePorts, rule.destinationPorts) = (1024...65535, 22...22)
      default: break
      }
      return rule
    }
  }

  /// The rules in the chain FORWARD of what `iptables-save` prints.
  public func text(rules count: Int, order: Order = .generalLast, seed: UInt64) -> String {
    func option(_ name: String, _ prefix: (address: UInt32, length: Int)) -> String {
      let address = prefix.address
      let bytes = [24, 16, 8, 0].map { String(address >> UInt32($0) & 255) }
      return prefix.length == 0 ? "" : " \(name) \(bytes.joined(separator: "."))/\(prefix.length)"
    }
    func option(_ name: String, _ ports: ClosedRange<Int>) -> String {
      if ports == 0...65535 { return "" }
      return " \(name) \(ports.count == 1 ? "\(ports.lowerBound)" : "\(ports.lowerBound):\(ports.upperBound)")"
    }
    var lines = ""
    for rule in rules(count, order: order, seed: seed) {
      lines += "-A FORWARD" + option("-s", rule.source) + option("-d", rule.destination)
      if rule.isTCP { lines += " -p tcp" }
      let ports = option("--sport", rule.sourcePorts) + option("--dport", rule.destinationPorts)
      if !ports.isEmpty { lines += " -m tcp" + ports }
      lines += " -j \(rule.accepts ? "ACCEPT" : "DROP")\n"
    }
    return "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n\(lines)COMMIT\n"
  }
}
