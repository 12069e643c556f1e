import FlowTrace
import Randomness
import RuleGraph
import RuleParser
import Testing

/// Masking values never turns an answer into another definite one: it stays, or becomes undetermined.
@Suite struct MaskingPropertyTests {
  @Test(arguments: 0..<60)
  func aMaskedRulesetNeverAnswersOtherwise(_ seed: Int) throws {
    var numbers = RandomNumbers(seed: UInt64(seed))
    let whole = RandomRules(&numbers)
    let masked = whole.masked(&numbers)
    for form in RandomRules.Form.allCases {
      let known = DumpReader().read(whole.dumps(form) + MaskedMatchTests.host)
      let hidden = DumpReader().read(masked.dumps(form) + MaskedMatchTests.host)
      #expect(known.diagnostics.filter { $0.severity != .note } == [], "seed \(seed) \(form)")
      let tracers = [known, hidden].map { Tracer($0.ruleset, facts: $0.facts) }
      for _ in 0..<12 {
        let packet = RandomRules.packet(&numbers)
        let query = try RandomRules.query(packet, known)
        let verdicts = tracers.map { $0.trace(query).verdict }
        #expect(
          verdicts[1] == verdicts[0] || verdicts[1] == .undetermined,
          "seed \(seed) \(form) \(packet): \(verdicts)\n\(masked.dumps(form).map { String(decoding: $0.bytes, as: UTF8.self) }.joined())"
        )
      }
    }
  }

  @Test(arguments: 0..<60)
  func aPacketThatFitsNoMaskHasItsOldAnswer(_ seed: Int) throws {
    var numbers = RandomNumbers(seed: UInt64(1000 + seed))
    let whole = RandomRules(&numbers)
    let masked = whole.withMaskedOctets(&numbers)
    for form in RandomRules.Form.allCases {
      let readings = [whole, masked].map { DumpReader().read($0.dumps(form) + MaskedMatchTests.host) }
      let tracers = readings.map { Tracer($0.ruleset, facts: $0.facts) }
      for _ in 0..<30 {
        let packet = RandomRules.packet(&numbers)
        guard !masked.mayBeMeant(packet) else { continue }
        let query = try RandomRules.query(packet, readings[0])
        let verdicts = tracers.map { $0.trace(query).verdict }
        #expect(verdicts[1] == verdicts[0], "seed \(seed) \(form) \(packet)")
      }
    }
  }
}

/// Rules of both dialects that say the same, with values that may be masked.
private struct RandomRules {
  enum Form: CaseIterable {
    case save, listing, nft, json
  }

  /// A rule; nil is a field that it does not look at.
  struct Rule {
    var input: String?
    var source: String?
    var destination: String?
    var port: String?
    var usesSet = false
    var negatesSource = false
    var negatesPort = false
    var accepts: Bool
  }

  var rules: [Rule]
  /// The members of the set that some rules ask for the source.
  var members: [String]
  /// Where port 80 is led to.
  var target: String?
  var accepts: Bool

  static let addresses = [
    "203.0.113.4", "203.0.113.0/24", "198.51.100.7", "198.51.100.0/25", "203.0.112.0/22", "10.1.0.9", "10.1.0.0/24",
  ]
  static let ports = ["80", "443", "8080"]

  init(_ numbers: inout RandomNumbers) {
    rules = []
    for _ in 0..<numbers.number(2...6) {
      var rule = Rule(accepts: numbers.happens(50))
      if numbers.happens(30) { rule.input = numbers.pick(["eth0", "eth1", "br0"]) }
      if numbers.happens(20) {
        rule.usesSet = true
      } else if numbers.happens(50) {
        rule.source = numbers.pick(Self.addresses)
        rule.negatesSource = numbers.happens(25)
      }
      if numbers.happens(40) { rule.destination = numbers.pick(Self.addresses) }
      if numbers.happens(50) {
        rule.port = numbers.pick(Self.ports)
        rule.negatesPort = numbers.happens(20)
      }
      rules.append(rule)
    }
    members = numbers.some(["203.0.113.4", "203.0.113.9", "198.51.100.7", "10.0.0.9"], 1...3)
    target = numbers.happens(30) ? "10.1.0.9" : nil
    accepts = numbers.happens(50)
  }

  /// The same with some values masked, in one of the forms that people mask in.
  func masked(_ numbers: inout RandomNumbers) -> RandomRules {
    var copy = self
    func address(_ text: String) -> String { numbers.happens(50) ? Self.mask(text, &numbers) : text }
    for index in rules.indices {
      copy.rules[index].source = rules[index].source.map(address)
      copy.rules[index].destination = rules[index].destination.map(address)
      if let port = rules[index].port, numbers.happens(30) {
        copy.rules[index].port = numbers.pick(["XXXX", "xxx", "<PORT_\(port)>", "$port\(port)", "REDACTED", "****"])
      }
      if let input = rules[index].input, numbers.happens(30) {
        copy.rules[index].input = numbers.pick(["<IF_\(input)>", "$\(input)", "${\(input)}", "[redacted]", "***"])
      }
    }
    copy.members = members.map(address)
    // Some are left out.
    if numbers.happens(40) {
      copy.members = copy.members.filter { _ in numbers.happens(50) }
      copy.members.append("...")
    }
    copy.target = target.map(address)
    return copy
  }

  /// The same with octets of addresses masked, whatever they are compared with.
  func withMaskedOctets(_ numbers: inout RandomNumbers) -> RandomRules {
    var copy = self
    for index in rules.indices {
      copy.rules[index].source = rules[index].source.map { Self.octets(of: $0, &numbers) }
      copy.rules[index].destination = rules[index].destination.map { Self.octets(of: $0, &numbers) }
    }
    copy.members = members.map { Self.octets(of: $0, &numbers) }
    return copy
  }

  /// Whether a packet has an address of which a mask leaves open whether it is meant: told octet by octet, not as the program does.
  func mayBeMeant(_ packet: [String: String]) -> Bool {
    func fits(_ text: String, _ address: String?) -> Bool {
      guard text.contains("x"), let address else { return false }
      let parts = text.split(separator: "/")
      let length = parts.count > 1 ? Int(parts[1]) ?? 32 : 32
      for (index, pair) in zip(parts[0].split(separator: "."), address.split(separator: ".")).enumerated() {
        let bits = min(max(length - 8 * index, 0), 8)
        guard let shown = Int(pair.0), let octet = Int(pair.1) else { continue }
        if shown >> (8 - bits) != octet >> (8 - bits) { return false }
      }
      return true
    }
    // Behind a translation the destination is another one.
    let destinations = [packet["dst"], target]
    return members.contains { fits($0, packet["src"]) }
      || rules.contains { rule in
        rule.source.map { fits($0, packet["src"]) } ?? false
          || rule.destination.map { text in destinations.contains { fits(text, $0) } } ?? false
      }
  }

  private static func octets(of text: String, _ numbers: inout RandomNumbers) -> String {
    let parts = text.split(separator: "/")
    let octets = parts[0].split(separator: ".").map { numbers.happens(35) ? "x" : String($0) }
    return octets.joined(separator: ".") + (parts.count > 1 ? "/\(parts[1])" : "")
  }

  static func query(_ packet: [String: String], _ reading: HostReading) throws -> Query {
    var builder = QueryBuilder(facts: reading.facts)
    for (key, word) in MeaningHost.usual(packet) {
      guard let option = QueryOption(rawValue: key) else { throw NoSuchKey(key: key) }
      try builder.set(option, word)
    }
    return try builder.query()
  }

  private static func mask(_ text: String, _ numbers: inout RandomNumbers) -> String {
    let parts = text.split(separator: "/")
    let length = parts.count > 1 ? "/\(parts[1])" : ""
    let name = String(text.map { $0.isNumber ? $0 : "_" })
    if numbers.happens(30) {
      return numbers.pick([
        "<NET_\(name)>", "[redacted]\(length)", "REDACTED\(length)", "XXX\(length)", "$NET_\(name)",
        "<redacted>\(length)",
      ])
    }
    let sign = numbers.pick(["x", "X", "xxx", "***", "*", "XX"])
    let octets = parts[0].split(separator: ".").map { numbers.happens(50) ? sign : String($0) }
    return octets.joined(separator: ".") + length
  }

  static func packet(_ numbers: inout RandomNumbers) -> [String: String] {
    [
      "in": numbers.pick(["eth0", "eth0", "br0"]),
      "src": numbers.pick(["203.0.113.4", "203.0.113.9", "198.51.100.7", "198.51.100.200", "10.0.0.9"]),
      "dst": numbers.pick(["10.1.0.9", "10.1.0.7", "198.51.100.7"]), "dport": numbers.pick(ports),
    ]
  }

  func dumps(_ form: Form) -> [DumpInput] {
    switch form {
    case .save: [MaskedRow.input("iptables-save.txt", save), MaskedRow.input("ipset-save.txt", ipset)]
    case .listing:
      [
        MaskedRow.input("iptables-vnL.txt", listing), MaskedRow.input("iptables-t-nat-vnL.txt", natListing),
        MaskedRow.input("ipset-save.txt", ipset),
      ]
    case .nft: [MaskedRow.input("nft-list-ruleset.txt", nft)]
    case .json: [MaskedRow.input("nft-list-ruleset.json", json)]
    }
  }

  private var ipset: String {
    "create s hash:ip family inet hashsize 1024 maxelem 65536\n"
      + members.map { $0 == "..." ? "...\n" : "add s \($0)\n" }.joined()
  }

  private var save: String {
    var text = ""
    if let target {
      text +=
        "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination \(target)\nCOMMIT\n"
    }
    text += "*filter\n:FORWARD \(accepts ? "ACCEPT" : "DROP") [0:0]\n"
    for rule in rules {
      text += "-A FORWARD"
      if let source = rule.source { text += "\(rule.negatesSource ? " !" : "") -s \(source)" }
      if let destination = rule.destination { text += " -d \(destination)" }
      if let input = rule.input { text += " -i \(input)" }
      if let port = rule.port { text += " -p tcp -m tcp\(rule.negatesPort ? " !" : "") --dport \(port)" }
      if rule.usesSet { text += " -m set --match-set s src" }
      text += " -j \(rule.accepts ? "ACCEPT" : "DROP")\n"
    }
    return text + "COMMIT\n"
  }

  private static let head = " pkts bytes target     prot opt in     out     source               destination\n"

  private var natListing: String {
    var text = "Chain PREROUTING (policy ACCEPT 0 packets, 0 bytes)\n" + Self.head
    if let target { text += "    0     0 DNAT  tcp  --  *  *  0.0.0.0/0  0.0.0.0/0  tcp dpt:80 to:\(target)\n" }
    return text
  }

  private var listing: String {
    var text = "Chain FORWARD (policy \(accepts ? "ACCEPT" : "DROP") 0 packets, 0 bytes)\n" + Self.head
    for rule in rules {
      let source = rule.source.map { "\(rule.negatesSource ? "!" : "")\($0)" } ?? "0.0.0.0/0"
      text += "    0     0 \(rule.accepts ? "ACCEPT" : "DROP")  \(rule.port == nil ? "all" : "tcp")  --  "
      text += "\(rule.input ?? "*")  *  \(source)  \(rule.destination ?? "0.0.0.0/0")"
      if let port = rule.port { text += "  tcp dpt:\(rule.negatesPort ? "!" : "")\(port)" }
      if rule.usesSet { text += "  match-set s src" }
      text += "\n"
    }
    return text
  }

  private var nft: String {
    var text =
      "table ip t {\n\tset s {\n\t\ttype ipv4_addr\n\t\telements = { \(members.joined(separator: ", ")) }\n\t}\n"
    if let target {
      text +=
        "\tchain p {\n\t\ttype nat hook prerouting priority dstnat; policy accept;\n\t\ttcp dport 80 dnat to \(target)\n\t}\n"
    }
    text += "\tchain f {\n\t\ttype filter hook forward priority filter; policy \(accepts ? "accept" : "drop");\n"
    for rule in rules {
      text += "\t\t"
      if let input = rule.input { text += "iifname \(input.first?.isLetter == true ? "\"\(input)\"" : input) " }
      if let source = rule.source { text += "ip saddr \(rule.negatesSource ? "!= " : "")\(source) " }
      if rule.usesSet { text += "ip saddr @s " }
      if let destination = rule.destination { text += "ip daddr \(destination) " }
      if let port = rule.port { text += "tcp dport \(rule.negatesPort ? "!= " : "")\(port) " }
      text += rule.accepts ? "accept\n" : "drop\n"
    }
    return text + "\t}\n}\n"
  }

  private var json: String {
    func value(_ text: String) -> String {
      guard let slash = text.lastIndex(of: "/"), let length = Int(text[text.index(after: slash)...]) else {
        return Int(text) == nil ? "\"\(text)\"" : text
      }
      return #"{"prefix":{"addr":"\#(text[..<slash])","len":\#(length)}}"#
    }
    func match(_ left: String, _ right: String, _ negated: Bool = false) -> String {
      #"{"match":{"op":"\#(negated ? "!=" : "==")","left":\#(left),"right":\#(right)}}"#
    }
    func payload(_ header: String, _ field: String) -> String {
      #"{"payload":{"protocol":"\#(header)","field":"\#(field)"}}"#
    }
    var items = [
      #"{"metainfo":{"version":"1.0.9","json_schema_version":1}}"#, #"{"table":{"family":"ip","name":"t","handle":1}}"#,
      #"{"set":{"family":"ip","table":"t","name":"s","handle":9,"type":"ipv4_addr","elem":[\#(members.map(value).joined(separator: ","))]}}"#,
      #"{"chain":{"family":"ip","table":"t","name":"p","handle":2,"type":"nat","hook":"prerouting","prio":-100,"policy":"accept"}}"#,
      #"{"chain":{"family":"ip","table":"t","name":"f","handle":3,"type":"filter","hook":"forward","prio":0,"policy":"\#(accepts ? "accept" : "drop")"}}"#,
    ]
    if let target {
      items.append(
        #"{"rule":{"family":"ip","table":"t","chain":"p","handle":4,"expr":[\#(match(payload("tcp", "dport"), "80")),{"dnat":{"addr":\#(value(target))}}]}}"#
      )
    }
    for (index, rule) in rules.enumerated() {
      var parts: [String] = []
      if let input = rule.input { parts.append(match(#"{"meta":{"key":"iifname"}}"#, value(input))) }
      if let source = rule.source { parts.append(match(payload("ip", "saddr"), value(source), rule.negatesSource)) }
      if rule.usesSet { parts.append(match(payload("ip", "saddr"), "\"@s\"")) }
      if let destination = rule.destination { parts.append(match(payload("ip", "daddr"), value(destination))) }
      if let port = rule.port { parts.append(match(payload("tcp", "dport"), value(port), rule.negatesPort)) }
      parts.append(rule.accepts ? #"{"accept":null}"# : #"{"drop":null}"#)
      items.append(
        #"{"rule":{"family":"ip","table":"t","chain":"f","handle":\#(index + 10),"expr":[\#(parts.joined(separator: ","))]}}"#
      )
    }
    return #"{"nftables":["# + items.joined(separator: ",") + "]}\n"
  }
}
