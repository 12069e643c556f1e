import FlowTrace
import HostModel
import Randomness
import RuleGraph

/// A filter table of random rules over few values, with an evaluation of single packets that shares nothing with the engine's.
struct RandomFirewall {
  /// A packet, by what the rules compare.
  struct Atom: Hashable {
    var source: UInt32
    var destination: UInt32
    var proto: Int
    var sourcePort: Int
    var destinationPort: Int
  }

  enum Target: Hashable {
    case accept, drop, reject, `return`
    case jump(Int), goto(Int)
    /// Nothing but a line in the log.
    case log
  }

  /// A rule: what is nil is not compared.
  struct Rule: Equatable {
    var source: Addresses?
    var destination: Addresses?
    var proto: Int?
    var sourcePorts: ClosedRange<Int>?
    var destinationPorts: ClosedRange<Int>?
    /// Several ports of iptables' multiport, beside the others.
    var ports: [Int]?
    var target: Target

    /// The addresses of a prefix, or all others.
    struct Addresses: Equatable {
      var range: ClosedRange<UInt32>
      var negated: Bool
    }

    /// Whether the rule matches a packet, or the answer to it: that comes from the other network, so no address that a rule names is its.
    func matches(_ packet: Atom, isReply: Bool = false) -> Bool {
      if let source, (!isReply && source.range.contains(packet.source)) == source.negated { return false }
      if let destination, (!isReply && destination.range.contains(packet.destination)) == destination.negated {
        return false
      }
      if let proto, proto != packet.proto { return false }
      let (from, to) =
        isReply ? (packet.destinationPort, packet.sourcePort) : (packet.sourcePort, packet.destinationPort)
      if let sourcePorts, !sourcePorts.contains(from) { return false }
      if let destinationPorts, !destinationPorts.contains(to) { return false }
      if let ports, !ports.contains(to) { return false }
      return true
    }
  }

  /// What becomes of a packet, and the rule that decides; nil where it is the policy.
  struct Answer: Equatable {
    var verdict: Case.Verdict
    var chain: Int
    var rule: Int?
  }

  /// The chains; the first is FORWARD.
  var chains: [[Rule]]
  var acceptsByPolicy: Bool

  static let sources = IPAddress(ipv4: 0xc633_6400)
  static let destinations = IPAddress(ipv4: 0xcb00_7100)
  private static let names = [6: "tcp", 17: "udp", 47: "gre"]

  init(seed: UInt64, rules: Int, chains count: Int) {
    var random = RandomNumbers(seed: seed)
    acceptsByPolicy = random.happens(50)
    chains = Array(repeating: [], count: count)
    for chain in chains.indices {
      let number = chain == 0 ? max(1, rules / 2) : max(1, rules / 2 / max(1, count - 1))
      for _ in 0..<number { chains[chain].append(Self.rule(in: chain, of: count, by: &random)) }
    }
  }

  private static func rule(in chain: Int, of count: Int, by random: inout RandomNumbers) -> Rule {
    var targets: [(weight: Int, value: Target)] = [
      (30, .drop), (30, .accept), (5, .reject), (chain == 0 ? 1 : 8, .return), (3, .log),
    ]
    if chain + 1 < count {
      targets.append((20, .jump(random.number(chain + 1...count - 1))))
      targets.append((4, .goto(random.number(chain + 1...count - 1))))
    }
    var rule = Rule(target: random.pick(weighted: targets))
    if random.happens(65) { rule.source = Rule.Addresses(range: range(by: &random), negated: random.happens(8)) }
    if random.happens(50) { rule.destination = Rule.Addresses(range: range(by: &random), negated: random.happens(8)) }
    if random.happens(60) {
      rule.proto = random.pick([6, 6, 17, 17, 47])
      if rule.proto != 47 {
        if random.happens(20) { rule.sourcePorts = ports(by: &random) }
        if random.happens(60) { rule.destinationPorts = ports(by: &random) }
        if random.happens(6) { rule.ports = (0..<3).map { _ in random.number(0...15) } }
      }
    }
    return rule
  }

  /// The addresses of a prefix of a network of 16.
  private static func range(by random: inout RandomNumbers) -> ClosedRange<UInt32> {
    let length = random.pick([1, 2, 3, 4, 4])
    let size = UInt32(16 >> length)
    let low = UInt32(random.number(0...15)) / size * size
    return low...(low + size - 1)
  }

  private static func ports(by random: inout RandomNumbers) -> ClosedRange<Int> {
    let low = random.number(0...15)
    return low...min(15, low + random.pick([0, 0, 1, 3, 8]))
  }

  // MARK: - As iptables-save prints it

  var text: String {
    var text = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD \(acceptsByPolicy ? "ACCEPT" : "DROP") [0:0]\n"
    text += ":OUTPUT ACCEPT [0:0]\n"
    for chain in chains.indices.dropFirst() { text += ":C\(chain) - [0:0]\n" }
    for (number, chain) in chains.enumerated() {
      for rule in chain { text += "-A \(Self.name(number))\(Self.words(rule))\n" }
    }
    return text + "COMMIT\n"
  }

  static func name(_ chain: Int) -> String { chain == 0 ? "FORWARD" : "C\(chain)" }

  private static func words(_ rule: Rule) -> String {
    func prefix(_ range: ClosedRange<UInt32>, _ network: IPAddress) -> String {
      let length = 32 - (range.upperBound - range.lowerBound + 1).trailingZeroBitCount
      return "\(IPAddress(bits: network.bits + UInt128(range.lowerBound)))/\(length)"
    }
    var words = ""
    if let source = rule.source { words += "\(source.negated ? " !" : "") -s \(prefix(source.range, sources))" }
    if let destination = rule.destination {
      words += "\(destination.negated ? " !" : "") -d \(prefix(destination.range, destinations))"
    }
    if let proto = rule.proto, let name = names[proto] {
      words += " -p \(name)"
      if rule.sourcePorts != nil || rule.destinationPorts != nil { words += " -m \(name)" }
      if let ports = rule.sourcePorts { words += " --sport \(port(ports.lowerBound)):\(port(ports.upperBound))" }
      if let ports = rule.destinationPorts { words += " --dport \(port(ports.lowerBound)):\(port(ports.upperBound))" }
      if let ports = rule.ports {
        words += " -m multiport --dports \(ports.map { "\(port($0))" }.joined(separator: ","))"
      }
    }
    switch rule.target {
    case .accept: words += " -j ACCEPT"
    case .drop: words += " -j DROP"
    case .reject: words += " -j REJECT --reject-with icmp-port-unreachable"
    case .return: words += " -j RETURN"
    case .jump(let chain): words += " -j C\(chain)"
    case .goto(let chain): words += " -g C\(chain)"
    case .log: words += " -j LOG"
    }
    return words
  }

  static func port(_ number: Int) -> Int { 1000 + number }

  // MARK: - By trying

  /// All packets that the rules can tell apart, and some outside of everything that they name.
  static let atoms: [Atom] = {
    var atoms: [Atom] = []
    for source in UInt32(0)...16 {
      for destination in UInt32(0)...15 {
        for port in 0...15 {
          for proto in [6, 17] {
            atoms.append(
              Atom(
                source: source, destination: destination, proto: proto, sourcePort: (port * 7 + Int(source)) % 17,
                destinationPort: port))
          }
        }
        atoms.append(Atom(source: source, destination: destination, proto: 47, sourcePort: 0, destinationPort: 0))
      }
    }
    return atoms
  }()

  func answer(_ packet: Atom, isReply: Bool = false) -> Answer {
    walk(0, packet, isReply: isReply) ?? Answer(verdict: acceptsByPolicy ? .accept : .drop, chain: 0, rule: nil)
  }

  /// A rule by its chain and its place in it.
  struct Place: Hashable {
    var chain: Int
    var rule: Int
  }

  /// The rules that a packet matches on its way.
  func matched(by packet: Atom) -> [Place] {
    var places: [Place] = []
    _ = walk(0, packet, isReply: false) { places.append(Place(chain: $0, rule: $1)) }
    return places
  }

  /// What the rules of a chain decide; nil where it returns.
  private func walk(_ chain: Int, _ packet: Atom, isReply: Bool, note: (Int, Int) -> Void = { _, _ in }) -> Answer? {
    for (index, rule) in chains[chain].enumerated() where rule.matches(packet, isReply: isReply) {
      note(chain, index)
      switch rule.target {
      case .accept: return Answer(verdict: .accept, chain: chain, rule: index)
      case .drop: return Answer(verdict: .drop, chain: chain, rule: index)
      case .reject: return Answer(verdict: .reject, chain: chain, rule: index)
      case .return: return nil
      case .jump(let next): if let answer = walk(next, packet, isReply: isReply, note: note) { return answer }
      case .goto(let next): return walk(next, packet, isReply: isReply, note: note)
      case .log: continue
      }
    }
    return nil
  }
}

extension RandomFirewall.Atom {
  /// The packet as the options of a question.
  var question: [(QueryOption, String)] {
    let destination = IPAddress(bits: RandomFirewall.destinations.bits + UInt128(destination)).description
    let source = IPAddress(bits: RandomFirewall.sources.bits + UInt128(source)).description
    let ports =
      proto == 47
      ? ("", "") : (":\(RandomFirewall.port(sourcePort))", ":\(RandomFirewall.port(destinationPort))")
    return [
      (.input, "eth0"), (.dst, destination + ports.1), (.src, source + ports.0),
      (.proto, proto == 6 ? "tcp" : proto == 17 ? "udp" : "47"),
    ]
  }

  /// The packet in the dimensions of a region.
  var point: [Region.Dimension: UInt128] {
    var point: [Region.Dimension: UInt128] = [
      .sentByHost: 0, .family: UInt128(AddressFamily.ipv4.rawValue),
      .field(.header(HeaderField(.ip, .saddr))): RandomFirewall.sources.bits + UInt128(source),
      .field(.header(HeaderField(.ip, .daddr))): RandomFirewall.destinations.bits + UInt128(destination),
      .field(.meta(.l4proto)): UInt128(proto),
      .field(.meta(.iifname)): InterfaceName("eth0")?.value ?? 0,
    ]
    if proto != 47 {
      point[.field(.header(HeaderField(.th, .sport)))] = UInt128(RandomFirewall.port(sourcePort))
      point[.field(.header(HeaderField(.th, .dport)))] = UInt128(RandomFirewall.port(destinationPort))
    }
    return point
  }
}
