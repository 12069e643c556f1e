import RuleGraph
import RuleText

/// Fields of nft's text (nft(8), "PRIMARY EXPRESSIONS" and "PAYLOAD EXPRESSIONS").
extension NftTextReader {
  /// A field, or nil (with nothing taken) when no field begins here: then the word is a constant.
  mutating func field(depth: Int) throws(SyntaxError) -> NftExpression? {
    guard let entry = Self.fieldWords[tokens.bytes, tokens.current.range] else { return nil }
    if let field = entry {
      tokens.advance()
      return .field(field)
    }
    let start = tokens.mark
    if let field = plainHeader() { return .field(field) }
    let first = word
    switch first {
    case "meta":
      tokens.advance()
      guard kind == .word, let field = NftFields.meta(word) else { break }
      tokens.advance()
      return .field(field)
    case "ct":
      if let field = conntrack() { return field }
    case "fib":
      if let field = fib() { return field }
    case "socket":
      if let field = try socket() { return field }
    case "osf":
      if let field = osf() { return field }
    case "ipsec":
      if let field = try ipsec() { return field }
    case "numgen", "jhash", "symhash": return try generator(depth: depth)
    case "rt":
      if let field = route() { return field }
      tokens.back(to: start)
      if let field = extensionHeader() { return field }
    case "exthdr", "hbh", "rt0", "rt2", "rt4", "srh", "frag", "dst", "mh":
      if let field = extensionHeader() { return field }
    default:
      if Header(rawValue: first) != nil, let field = header(first) { return field }
    }
    tokens.back(to: start)
    return nil
  }

  /// The words that begin fields; those of meta keys that may stand without `meta` with their field.
  private static let fieldWords = WordTable<NftField?>(
    [
      "mark", "iif", "oif", "iifname", "oifname", "iiftype", "oiftype", "skuid", "skgid", "nftrace", "rtclassid",
      "ibriport", "obriport", "ibrname", "obrname", "pkttype", "cpu", "iifgroup", "oifgroup", "cgroup",
    ].map { ($0, NftFields.meta($0)) }
      + [
        "meta", "ct", "fib", "socket", "osf", "ipsec", "numgen", "jhash", "symhash", "rt", "exthdr", "hbh", "rt0",
        "rt2",
        "rt4", "srh", "frag", "dst", "mh",
      ].map { ($0, nil) } + Header.allCases.map { ($0.rawValue, nil) })

  /// The fields of the usual headers by the words of both, one blank between them.
  private static let plainHeaders = WordTable<NftField>(
    [Header.ip, .ip6, .tcp, .udp, .th, .icmp, .icmpv6, .ether].flatMap { header in
      HeaderFieldName.allCases.compactMap { name in
        NftPayload.field(header.rawValue, name.rawValue).map { ("\(header.rawValue) \(name.rawValue)", $0) }
      }
    })

  /// Takes a header field as listings print it.
  private mutating func plainHeader() -> NftField? {
    let mark = tokens.mark
    let first = tokens.current
    tokens.advance()
    guard kind == .word, tokens.current.start == first.end + 1,
      let field = Self.plainHeaders[tokens.bytes, first.start..<tokens.current.end]
    else {
      tokens.back(to: mark)
      return nil
    }
    tokens.advance()
    return field
  }

  private mutating func header(_ protocolName: String) -> NftExpression? {
    tokens.advance()
    guard kind == .word else { return nil }
    let name = word
    switch (protocolName, name) {
    case ("tcp", "option"): return option(.tcp)
    case ("ip", "option"): return option(.ip)
    case ("sctp", "chunk"): return option(.sctp)
    case ("dccp", "option"): return option(.dccp)
    case ("arp", "saddr"), ("arp", "daddr"):
      tokens.advance()
      guard kind == .word, let field = NftPayload.field("arp", "\(name) \(word)") else { return nil }
      tokens.advance()
      return .field(field)
    default: break
    }
    if let field = NftPayload.field(protocolName, name) {
      tokens.advance()
      return .field(field)
    }
    // The header inside a tunnel: `vxlan ip saddr`.
    guard ["vxlan", "geneve", "gre", "gretap"].contains(protocolName), Header(rawValue: name) != nil else { return nil }
    tokens.advance()
    guard kind == .word, NftPayload.field(name, word) != nil else { return nil }
    let inner = "\(protocolName) \(name) \(word), inside a tunnel"
    tokens.advance()
    return .unknown(inner)
  }

  /// `tcp option maxseg size`, `ip option rr`, `sctp chunk data flags`, `tcp option @255,8,8`; without a field, the
  /// option's presence.
  private mutating func option(_ kind: OptionKind) -> NftExpression? {
    tokens.advance()
    if self.kind == .at {
      tokens.advance()
      guard let type = try? number(), eat(.comma), let offset = try? number(), eat(.comma), let length = try? number()
      else { return nil }
      return .field(NftFields.option(kind, String(type), offset == 0 ? nil : "@\(offset),\(length)"))
    }
    guard self.kind == .word else { return nil }
    let option = word
    tokens.advance()
    guard self.kind == .word, Self.optionFields.contains(word) else {
      return .field(NftFields.option(kind, option, nil))
    }
    let name = word
    tokens.advance()
    return .field(NftFields.option(kind, option, name))
  }

  /// The fields that options and chunks have.
  private static let optionFields: Set<String> = [
    "kind", "length", "size", "count", "left", "right", "tsval", "tsecr", "type", "value", "ptr", "addr", "flags",
    "tsn",
    "stream", "ssn", "ppid", "init-tag", "a-rwnd", "num-outbound-streams", "num-inbound-streams", "initial-tsn",
    "cum-tsn-ack", "num-gap-ack-blocks", "num-dup-tsns", "lowest-tsn", "seqno", "new-cum-tsn",
  ]

  private mutating func extensionHeader() -> NftExpression? {
    var header = word
    tokens.advance()
    if header == "exthdr" {
      guard kind == .word else { return nil }
      header = word
      tokens.advance()
      return .field(NftFields.option(.ip6, header, nil))
    }
    guard kind == .word else { return nil }
    var name = word
    switch name {
    case "nexthdr", "hdrlength", "type", "seg-left", "reserved", "reserved2", "frag-off", "more-fragments", "id",
      "checksum", "last-entry", "flags", "tag", "addr", "sid":
      break
    default: return nil
    }
    tokens.advance()
    if eat(.openBracket) {
      guard let index = try? number(), eat(.closeBracket) else { return nil }
      name += "[\(index)]"
    }
    if header == "rt4" { header = "srh" }
    return .field(NftFields.option(.ip6, header, name))
  }

  private mutating func conntrack() -> NftExpression? {
    tokens.advance()
    guard kind == .word else { return nil }
    var direction: Direction?
    if let parsed = Direction(rawValue: word) {
      direction = parsed
      tokens.advance()
      guard kind == .word else { return nil }
    }
    var key = word
    tokens.advance()
    if key == "ip" || key == "ip6" {
      guard kind == .word else { return nil }
      key += " " + word
      tokens.advance()
    }
    if key == "helper" { return .environment(.helper, [], valueName: "name") }
    guard key != "count" else { return nil }
    return NftFields.conntrack(key, direction, family: family).map { .field($0) }
  }

  /// `fib saddr . iif oif`
  private mutating func fib() -> NftExpression? {
    tokens.advance()
    var flags: [String] = []
    repeat {
      guard kind == .word else { return nil }
      flags.append(word)
      tokens.advance()
    } while eat(.dot)
    guard kind == .word, let field = NftFields.fib(word, flags: flags) else { return nil }
    tokens.advance()
    return .field(field)
  }

  private mutating func socket() throws(SyntaxError) -> NftExpression? {
    tokens.advance()
    guard kind == .word else { return nil }
    let key = word
    tokens.advance()
    if key == "cgroupv2" {
      guard eat("level") else { throw fail("level") }
      return .environment(.cgroup, [Argument("level", String(try number()))], valueName: "path")
    }
    return NftFields.socket(key).map { .field($0) }
  }

  private mutating func osf() -> NftExpression? {
    tokens.advance()
    var arguments: [Argument] = []
    if eat("ttl"), kind == .word {
      arguments.append(Argument("ttl", word))
      tokens.advance()
    }
    guard tokens.isWord("name") || tokens.isWord("version") else { return nil }
    let key = word
    tokens.advance()
    return .environment(.osf, arguments, valueName: key)
  }

  private mutating func ipsec() throws(SyntaxError) -> NftExpression? {
    tokens.advance()
    guard tokens.isWord("in") || tokens.isWord("out") else { return nil }
    let inbound = tokens.isWord("in")
    tokens.advance()
    let index = eat("spnum") ? try number() : 0
    var family: String?
    if tokens.isWord("ip") || tokens.isWord("ip6") {
      family = word
      tokens.advance()
    }
    guard kind == .word, let field = NftFields.ipsec(word, family: family, inbound: inbound, index: index) else {
      return nil
    }
    tokens.advance()
    return .field(field)
  }

  private mutating func route() -> NftExpression? {
    tokens.advance()
    var family: String?
    if tokens.isWord("ip") || tokens.isWord("ip6") {
      family = word
      tokens.advance()
    }
    guard kind == .word, let field = NftFields.route(word, family: family) else { return nil }
    tokens.advance()
    return .field(field)
  }

  /// `numgen inc mod 3 offset 5`, `jhash ip saddr mod 2 seed 0x1`, `symhash mod 2`
  private mutating func generator(depth: Int) throws(SyntaxError) -> NftExpression {
    var result = NftGenerator(name: word, modulus: 0)
    tokens.advance()
    if result.name == "numgen" { result.name += " " + (try name("inc or random")) }
    if result.name == "jhash" { result.input = try leftSide(depth: depth + 1) }
    while kind == .word {
      if eat("mod") {
        result.modulus = try number()
      } else if eat("offset") {
        result.offset = try number()
      } else if eat("seed") {
        result.seed = try number()
      } else {
        break
      }
    }
    return .generator(result)
  }
}
