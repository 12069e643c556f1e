import FlowTrace
import HostModel
import RuleGraph
import RuleParser

/// A rule, with packets that it matches and packets that it does not.
///
///     MeaningRow("tcp dport 80-90", fits: ["dport=80", "dport=90"], fails: ["dport=91", "proto=udp dport=80"])
///
/// A packet is what differs from the usual one, a TCP SYN from 10.0.0.9 on eth0 to 10.1.0.9 on eth1, in the words of the batch keys; `self` is the value
/// of the field that the rule looks at, where no key has a name for it.
struct MeaningRow: Sendable, CustomStringConvertible {
  /// One rule of nft, or lines of options of iptables, without the verdict; `@nat PREROUTING` before a line stands for another chain.
  var rule: String
  /// The hook, as iptables calls its chain.
  var chain: String
  /// The table of rules of iptables.
  var table: String
  /// What all of the packets differ in.
  var packets: String
  /// What the rule does with what it matches.
  var verdict: OverallVerdict
  /// The packets that the rule matches.
  var fits: [String]
  /// The packets that it does not match.
  var fails: [String]
  /// The packets of which the dump does not show whether it matches them.
  var open: [String]

  init(
    _ rule: String, in chain: String = "FORWARD", table: String = "filter", of packets: String = "",
    verdict: OverallVerdict = .drop, fits: [String] = [], fails: [String] = [], open: [String] = []
  ) {
    self.rule = rule
    self.chain = chain
    self.table = table
    self.packets = packets
    self.verdict = verdict
    self.fits = fits
    self.fails = fails
    self.open = open
  }

  /// A field that the batch keys have no name for: open unless the question gives its value.
  init(_ rule: String, of packets: String = "", value: String, not other: String, in chain: String = "FORWARD") {
    self.init(rule, in: chain, of: packets, fits: ["self=\(value)"], fails: ["self=\(other)"], open: [""])
  }

  var description: String { rule }

  var isIptables: Bool { rule.hasPrefix("-") || rule.contains(" -j ") }

  /// The host with the rule, which drops what it matches, in each family.
  var reading: HostReading {
    let dump = isIptables ? iptablesDumps : [nftDump]
    return DumpReader().read((dump + MeaningHost.dumps).map { DumpInput(name: $0.name, bytes: Array($0.text.utf8)) })
  }

  private var nftDump: (name: String, text: String) {
    let text = """
      table inet t {
      \tchain c {
      \t\ttype filter hook \(chain.lowercased()) priority 0; policy accept;
      \t\t\(rule) drop
      \t}
      }

      """
    return ("nft-list-ruleset.txt", text)
  }

  private var iptablesDumps: [(name: String, text: String)] {
    var chains = ["\(table) \(chain)": ""]
    for line in rule.split(separator: "\n") {
      var place = "\(table) \(chain)"
      var options = line
      if line.hasPrefix("@") {
        let words = line.dropFirst().split(separator: " ", maxSplits: 2)
        place = "\(words[0]) \(words[1])"
        options = words[2]
      }
      let target = (" " + options).contains(" -j ") ? "" : " -j DROP"
      chains[place, default: ""] += "-A \(place.split(separator: " ")[1]) \(options)\(target)\n"
    }
    return tools.map { tool in
      let tables = chains.sorted { $0.key < $1.key }.map { place, rules in
        let words = place.split(separator: " ")
        return "*\(words[0])\n:\(words[1]) ACCEPT [0:0]\n\(rules)COMMIT\n"
      }
      return ("\(tool)-save.txt", tables.joined())
    }
  }

  /// The programs that take the rule: an address says which.
  private var tools: [String] {
    if rule.contains("10.") || rule.contains("0.0.0.0") { return ["iptables"] }
    return rule.contains("::") ? ["ip6tables"] : ["iptables", "ip6tables"]
  }

  /// The question that a packet is, as it differs from the usual one.
  func query(_ packet: String, _ reading: HostReading) throws -> Query {
    var words: [String: String] = [:]
    for word in (packets + " " + packet).split(separator: " ") {
      let parts = word.split(separator: "=", maxSplits: 1)
      words[String(parts[0])] = String(parts[1])
    }
    let own = words.removeValue(forKey: "self")
    var builder = QueryBuilder(facts: reading.facts)
    for (key, value) in MeaningHost.usual(words) {
      guard let option = QueryOption(rawValue: key) else { throw NoSuchKey(key: key) }
      try builder.set(option, value)
    }
    var query = try builder.query()
    if let own, let field = FieldsOf(reading.ruleset).last {
      let value = UInt128(own) ?? IPAddress(own)?.bits ?? InterfaceName(own)?.value
      query.fields[field] = value.map { ValueSet($0) }
    }
    return query
  }
}

/// The router of the rows.
enum MeaningHost {
  static let dumps: [(name: String, text: String)] = [
    (
      "ip-addr.txt",
      """
      1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536
          inet 127.0.0.1/8 scope host lo
          inet6 ::1/128 scope host
      2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500
          inet 10.0.0.1/24 brd 10.0.0.255 scope global eth0
          inet6 2001:db8::1/64 scope global
      3: eth1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500
          inet 10.1.0.1/24 brd 10.1.0.255 scope global eth1
          inet6 2001:db8:1::1/64 scope global
      4: br0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500
          inet 10.2.0.1/24 brd 10.2.0.255 scope global br0
      5: vA: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master br0
      6: vB: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master br0

      """
    ),
    (
      "ip-route.txt",
      """
      default via 10.0.0.254 dev eth0
      10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.1
      10.1.0.0/24 dev eth1 proto kernel scope link src 10.1.0.1
      10.2.0.0/24 dev br0 proto kernel scope link src 10.2.0.1

      """
    ),
    (
      "ip-6-route.txt",
      """
      2001:db8::/64 dev eth0 proto kernel metric 256 pref medium
      2001:db8:1::/64 dev eth1 proto kernel metric 256 pref medium
      default via 2001:db8::fe dev eth0 metric 1024 pref medium

      """
    ),
    (
      "sysctl.txt",
      """
      net.ipv4.ip_forward = 1
      net.ipv6.conf.all.forwarding = 1
      net.ipv4.conf.all.rp_filter = 0
      net.bridge.bridge-nf-call-iptables = 1

      """
    ),
  ]

  /// The usual packet with these differences.
  static func usual(_ differences: [String: String]) -> [(String, String)] {
    let isIPv6 =
      differences["family"] == "ipv6" || (differences["src"] ?? differences["dst"] ?? "").contains(":")
      || differences["proto"] == "icmpv6"
    var packet = ["in": "eth0", "proto": "tcp", "sport": "40000", "dport": "80"]
    packet["src"] = isIPv6 ? "2001:db8::9" : "10.0.0.9"
    packet["dst"] = isIPv6 ? "2001:db8:1::9" : "10.1.0.9"
    packet.merge(differences) { _, new in new }
    if packet["from"] != nil {
      packet["in"] = nil
      if differences["src"] == nil { packet["src"] = nil }
    }
    if !["tcp", "udp", "udplite", "sctp", "dccp"].contains(packet["proto"] ?? "") {
      packet["sport"] = nil
      packet["dport"] = nil
    }
    if packet["proto"] == "tcp", packet["tcp_flags"] == nil { packet["tcp_flags"] = "syn" }
    return packet.filter { $0.value != "any" }.sorted { $0.key < $1.key }
  }
}

/// The fields that the rules of a ruleset look at, in their order.
struct FieldsOf {
  private(set) var all: [Field] = []
  /// The names of the kinds of expression in them.
  private(set) var kinds: Set<String> = []

  var last: Field? { all.last }

  init(_ ruleset: Ruleset) {
    for rule in ruleset.tables.flatMap(\.chains).flatMap(\.rules) {
      for statement in rule.statements { take(statement) }
    }
  }

  private mutating func take(_ statement: Statement) {
    switch statement {
    case .match(let match): take(match.subject)
    case .anyOf(let matches): for match in matches { take(match.subject) }
    case .verdictMap(let key, _): take(key)
    case .assign(let assignment): take(assignment.value)
    case .translate(let translation):
      if let address = translation.address { take(address) }
      if let port = translation.port { take(port) }
    default: break
    }
  }

  private mutating func take(_ expression: ValueExpression) {
    kinds.insert(expression.kindName)
    switch expression {
    case .field(let field): all.append(field)
    case .constant, .anyOf, .masked: break
    case .bitwise(let inner, _, _), .shift(let inner, _), .map(let inner, _): take(inner)
    case .combine(_, let a, let b):
      take(a)
      take(b)
    case .concatenation(let parts): for part in parts { take(part) }
    case .generated(let generator): for input in generator.inputs { take(input) }
    }
  }
}

extension ValueExpression {
  /// The kinds; a new one needs a row of its own.
  enum Kind: String, CaseIterable {
    case field, constant, anyOf, masked, bitwise, shift, combine, concatenation, map, generated
  }

  var kindName: String {
    let kind: Kind =
      switch self {
      case .field: .field
      case .constant: .constant
      case .anyOf: .anyOf
      case .masked: .masked
      case .bitwise: .bitwise
      case .shift: .shift
      case .combine: .combine
      case .concatenation: .concatenation
      case .map: .map
      case .generated: .generated
      }
    return kind.rawValue
  }
}

/// A word of a row's packet that is no key of a batch line.
struct NoSuchKey: Error {
  var key: String
}
