import FlowTrace
import RuleGraph
import RuleParser

/// A rule that drops what has a masked value in a field, as each reader may get it.
struct MaskedRow: Sendable, CustomStringConvertible {
  /// The fields that people mask.
  enum Field: String, Sendable, CaseIterable {
    case src, dst, dport, sport, `in`
  }

  /// The forms of a dump.
  enum Form: String, Sendable, CaseIterable {
    case save, listing, nft, json
  }

  var field: Field
  /// What stands in the place of the value.
  var mask: String
  var negated: Bool
  /// The values of the field of packets that the rule certainly drops, certainly does not match, and of which nothing can be said.
  var fits: [String]
  var fails: [String]
  var open: [String]

  init(
    _ field: Field, _ mask: String, negated: Bool = false, fits: [String] = [], fails: [String] = [],
    open: [String] = []
  ) {
    self.field = field
    self.mask = mask
    self.negated = negated
    self.fits = fits
    self.fails = fails
    self.open = open
  }

  var description: String { "\(field) \(negated ? "!= " : "")\(mask)" }

  private var isIPv6: Bool { (fits + fails + open).contains { $0.contains(":") } }

  /// The dump with the rule as its only one.
  func dump(_ form: Form) -> DumpInput {
    let not = negated ? "!" : ""
    let tool = isIPv6 ? "ip6tables" : "iptables"
    switch form {
    case .save:
      let option =
        switch field {
        case .src: "-s"
        case .dst: "-d"
        case .dport: "-p tcp -m tcp --dport"
        case .sport: "-p tcp -m tcp --sport"
        case .in: "-i"
        }
      let words = negated ? option.replacingLast(with: "! ") : option
      return Self.input(
        "\(tool)-save.txt", "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD \(words) \(mask) -j DROP\nCOMMIT\n")
    case .listing:
      let any = isIPv6 ? "::/0" : "0.0.0.0/0"
      let source = field == .src ? not + mask : any
      let destination = field == .dst ? not + mask : any
      let port = field == .dport ? "tcp dpt:\(not)\(mask)" : field == .sport ? "tcp spt:\(not)\(mask)" : ""
      return Self.input(
        "\(tool)-vnL.txt",
        """
        Chain INPUT (policy ACCEPT 0 packets, 0 bytes)
         pkts bytes target     prot opt in     out     source               destination

        Chain FORWARD (policy ACCEPT 0 packets, 0 bytes)
         pkts bytes target     prot opt in     out     source               destination
            0     0 DROP       \(port.isEmpty ? "all" : "tcp")  --  \(field == .in ? not + mask : "*")   *   \(source)   \(destination)   \(port)

        Chain OUTPUT (policy ACCEPT 0 packets, 0 bytes)
         pkts bytes target     prot opt in     out     source               destination

        """)
    case .nft:
      return Self.input(
        "nft-list-ruleset.txt",
        """
        table inet t {
        \tchain c {
        \t\ttype filter hook forward priority filter; policy accept;
        \t\t\(nftField) \(negated ? "!= " : "")\(mask) drop
        \t}
        }

        """)
    case .json:
      let parts = nftField.split(separator: " ")
      let left =
        parts.count == 1
        ? #"{"meta":{"key":"\#(parts[0])"}}"# : #"{"payload":{"protocol":"\#(parts[0])","field":"\#(parts[1])"}}"#
      return Self.input(
        "nft-list-ruleset.json",
        #"{"nftables":[{"metainfo":{"version":"1.0.9","json_schema_version":1}},{"table":{"family":"inet","name":"t","handle":1}},"#
          + #"{"chain":{"family":"inet","table":"t","name":"c","handle":1,"type":"filter","hook":"forward","prio":0,"policy":"accept"}},"#
          + #"{"rule":{"family":"inet","table":"t","chain":"c","handle":2,"expr":[{"match":{"op":"\#(negated ? "!=" : "==")","left":\#(left),"#
          + #""right":\#(jsonValue)}},{"drop":null}]}}]}"# + "\n")
    }
  }

  private var nftField: String {
    switch field {
    case .src: isIPv6 ? "ip6 saddr" : "ip saddr"
    case .dst: isIPv6 ? "ip6 daddr" : "ip daddr"
    case .dport: "tcp dport"
    case .sport: "tcp sport"
    case .in: "iifname"
    }
  }

  private var jsonValue: String {
    guard let slash = mask.lastIndex(of: "/"), let length = Int(mask[mask.index(after: slash)...]) else {
      return "\"\(mask)\""
    }
    return #"{"prefix":{"addr":"\#(mask[..<slash])","len":\#(length)}}"#
  }

  static func input(_ name: String, _ text: String) -> DumpInput { DumpInput(name: name, text: text) }

  /// The question of the usual packet with this value.
  func query(_ value: String, _ reading: HostReading) throws -> Query {
    var builder = QueryBuilder(facts: reading.facts)
    for (key, word) in MeaningHost.usual([field.rawValue: value]) {
      guard let option = QueryOption(rawValue: key) else { throw NoSuchKey(key: key) }
      try builder.set(option, word)
    }
    return try builder.query()
  }
}

extension String {
  /// `-p tcp -m tcp ! --dport`: with words before the last one.
  fileprivate func replacingLast(with words: String) -> String {
    guard let blank = lastIndex(of: " ") else { return words + self }
    return String(self[...blank]) + words + self[index(after: blank)...]
  }
}

extension MaskedRow {
  /// The forms in which people mask values, for each field that they mask.
  static let all: [MaskedRow] = addresses + addresses6 + ports + interfaces

  private static let addresses: [MaskedRow] = [
    MaskedRow(.src, "203.0.x.x", fails: ["198.51.100.1", "203.1.0.1"], open: ["203.0.7.7"]),
    MaskedRow(.src, "203.0.113.xxx", fails: ["203.0.112.255"], open: ["203.0.113.4"]),
    MaskedRow(.src, "1.2.3.***", fails: ["1.2.4.1"], open: ["1.2.3.1"]),
    MaskedRow(.src, "x.x.x.62", fails: ["192.0.2.61", "62.0.0.1"], open: ["192.0.2.62"]),
    MaskedRow(.src, "192.x.2.x", fails: ["192.0.3.1", "193.0.2.1"], open: ["192.7.2.9"]),
    MaskedRow(.src, "*.*.*.*", open: ["192.0.2.1"]),
    MaskedRow(.src, "X.X.X.X", open: ["192.0.2.1"]),
    MaskedRow(.src, "a.b.c.d", open: ["192.0.2.1"]),
    MaskedRow(.src, "203.0.113.1xx", fails: ["203.0.112.1"], open: ["203.0.113.150"]),
    MaskedRow(.dst, "XXX", open: ["10.1.0.9"]),
    MaskedRow(.dst, "<MY_IP>", open: ["10.1.0.9"]),
    MaskedRow(.dst, "[redacted]", open: ["10.1.0.9"]),
    MaskedRow(.dst, "REDACTED", open: ["10.1.0.9"]),
    MaskedRow(.dst, "****", open: ["10.1.0.9"]),
    MaskedRow(.dst, "$SERVER", open: ["10.1.0.9"]),
    MaskedRow(.dst, "${SERVER}", open: ["10.1.0.9"]),
    MaskedRow(.dst, "<redacted>/24", open: ["10.1.0.9"]),
    MaskedRow(.dst, "x.x.x.x/24", open: ["10.1.0.9"]),
    MaskedRow(.dst, "10.x.x.x/24", fails: ["192.0.2.1"], open: ["10.1.0.9"]),
    // The prefix covers what is masked.
    MaskedRow(.dst, "10.1.0.xxx/24", fits: ["10.1.0.9"], fails: ["10.1.1.9"]),
    MaskedRow(.dst, "10.x.x.x/8", fits: ["10.1.0.9"], fails: ["192.0.2.1"]),
    MaskedRow(.dst, "10.1.0.9", fits: ["10.1.0.9"], fails: ["10.1.1.9"]),
    MaskedRow(.src, "203.0.x.x", negated: true, fits: ["198.51.100.1"], open: ["203.0.7.7"]),
    MaskedRow(.src, "x.x.x.62", negated: true, fits: ["192.0.2.61"], open: ["192.0.2.62"]),
    MaskedRow(.src, "<MY_IP>", negated: true, open: ["192.0.2.61"]),
    MaskedRow(.src, "203.0.113.xxx/24", negated: true, fits: ["198.51.100.1"], fails: ["203.0.113.5"]),
  ]

  private static let addresses6: [MaskedRow] = [
    MaskedRow(.src, "2001:db8:xxxx::1", fails: ["2001:db9::1", "2001:db8:7::2"], open: ["2001:db8:7::1"]),
    MaskedRow(.src, "2001:db8:x:x:x:x:x:x", fails: ["2001:db9::1"], open: ["2001:db8:7::1"]),
    MaskedRow(.src, "fd00::xxxx", fails: ["fd01::1"], open: ["fd00::1"]),
    MaskedRow(.src, "2001:db8:xxxx::/32", fits: ["2001:db8::9"], fails: ["2001:db9::1"]),
    MaskedRow(.src, "<PREFIX6>", open: ["2001:db8::9"]),
    MaskedRow(.src, "xxxx:xxxx::1", fails: ["2001:db8::2"], open: ["2001:db8::1"]),
  ]

  private static let ports: [MaskedRow] = [
    MaskedRow(.dport, "XXXX", open: ["80"]), MaskedRow(.dport, "<PORT>", open: ["80"]),
    MaskedRow(.dport, "REDACTED", open: ["80"]), MaskedRow(.dport, "$ssh_port", open: ["80"]),
    MaskedRow(.dport, "****", open: ["80"]), MaskedRow(.sport, "xxxxx", open: ["40000"]),
    MaskedRow(.dport, "xxxx", negated: true, open: ["80"]),
  ]

  private static let interfaces: [MaskedRow] = [
    MaskedRow(.in, "<WAN>", open: ["eth0"]), MaskedRow(.in, "$ext_interface", open: ["eth0"]),
    MaskedRow(.in, "[redacted]", open: ["eth0"]), MaskedRow(.in, "ethX", fails: ["br0"], open: ["eth0"]),
    MaskedRow(.in, "br-xxxxxxxxxxxx", fails: ["eth0"]),
    MaskedRow(.in, "${WAN}", negated: true, open: ["eth0"]),
    // These are names.
    MaskedRow(.in, "xe0", fails: ["eth0"]), MaskedRow(.in, "x0", fails: ["eth0"]),
    MaskedRow(.in, "wan", fails: ["eth0"]), MaskedRow(.in, "WAN", fails: ["eth0"]),
    MaskedRow(.in, "ax.x", fails: ["eth0"]), MaskedRow(.in, "eth0", fits: ["eth0"], fails: ["br0"]),
  ]
}
