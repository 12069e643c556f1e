/// A packet as it is met in real life, as the options that describe it: a line of tcpdump, a LOG line of the kernel, a
/// line of `conntrack -L`, or a URL.
///
///     PacketLine("IP 10.0.0.5.51234 > 192.168.0.140.32769: Flags [S], seq 1")?.options
///     // proto tcp, src 10.0.0.5, sport 51234, dst 192.168.0.140, dport 32769, tcp_flags [S]
///
/// Source of the forms: tcpdump(8) "OUTPUT FORMAT", `net/netfilter/nf_log_syslog.c`, conntrack(8).
public struct PacketLine: Hashable, Sendable {
  /// What the line fixes, in the words of the options.
  public private(set) var options: [Option] = []
  /// Whether the host itself sends the packet (`IN=` of a kernel line is empty).
  public private(set) var isSentByHost = false

  /// One thing that the line says.
  public struct Option: Hashable, Sendable {
    /// What is fixed.
    public var option: QueryOption
    /// Its value.
    public var text: String
  }

  /// Reads a line. Nil when it is none of the known forms.
  public init?(_ line: String) {
    let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
    let isRead =
      readURL(line) || readKernelLine(words) || readConntrackLine(words) || readTcpdumpLine(words)
    guard isRead else { return nil }
  }

  private mutating func add(_ option: QueryOption, _ text: String) {
    options.append(Option(option: option, text: text))
  }

  // MARK: - URL

  private static let ports: [String: Int] = [
    "http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21, "ssh": 22, "redis": 6379, "postgres": 5432,
    "postgresql": 5432, "mysql": 3306,
    "mongodb": 27017, "amqp": 5672, "ldap": 389, "ldaps": 636, "mqtt": 1883,
  ]

  private mutating func readURL(_ line: String) -> Bool {
    guard let colon = line.range(of: "://"), !line.contains(" ") else { return false }
    let scheme = line[..<colon.lowerBound].lowercased()
    var place = line[colon.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    if let at = place.lastIndex(of: "@") { place = place[place.index(after: at)...] }
    guard !place.isEmpty else { return false }
    var host = place
    var port: String? = Self.ports[scheme].map(String.init)
    if place.first == "[" {
      guard let end = place.firstIndex(of: "]") else { return false }
      host = place[place.index(after: place.startIndex)..<end]
      let rest = place[place.index(after: end)...]
      if rest.first == ":" { port = String(rest.dropFirst()) }
    } else if let separator = place.firstIndex(of: ":") {
      host = place[..<separator]
      port = String(place[place.index(after: separator)...])
    }
    guard let port else { return false }
    add(.proto, "tcp")
    add(.dst, String(host))
    add(.dport, port)
    return true
  }

  // MARK: - Kernel LOG lines

  private mutating func readKernelLine(_ words: [String]) -> Bool {
    var values: [String: String] = [:]
    var flags: [String] = []
    for word in words {
      if let equals = word.firstIndex(of: "=") {
        let name = String(word[..<equals]).split(separator: "]").last.map(String.init) ?? ""
        // An ICMP error quotes the packet that it is about in brackets; the outer packet comes first.
        if values[name] == nil { values[name] = String(word[word.index(after: equals)...]) }
      } else if ["SYN", "ACK", "FIN", "RST", "PSH", "URG", "CWR", "ECE"].contains(word) {
        flags.append(word.lowercased() == "ece" ? "ecn" : word.lowercased())
      }
    }
    guard let source = values["SRC"], let destination = values["DST"], values["IN"] != nil || values["OUT"] != nil
    else {
      return false
    }
    if let transport = values["PROTO"] {
      add(.proto, transport.lowercased() == "icmpv6" ? "icmpv6" : transport.lowercased())
    }
    add(.src, source)
    add(.dst, destination)
    if let port = values["SPT"] { add(.sport, port) }
    if let port = values["DPT"] { add(.dport, port) }
    if let input = values["IN"], !input.isEmpty { add(.input, input) } else { isSentByHost = true }
    if let port = values["PHYSIN"], !port.isEmpty { add(.physin, port) }
    if let type = values["TYPE"], values["PROTO"]?.hasPrefix("ICMP") ?? false { add(.icmpType, type) }
    if let code = values["CODE"], values["PROTO"]?.hasPrefix("ICMP") ?? false { add(.icmpCode, code) }
    if let mark = values["MARK"] { add(.mark, mark) }
    if let hops = values["TTL"] ?? values["HOPLIMIT"] { add(.ttl, hops) }
    if let length = values["LEN"], !destination.contains(":") { add(.length, length) }
    if values["PROTO"] == "TCP", !flags.isEmpty { add(.tcpFlags, flags.joined(separator: ",")) }
    return true
  }

  // MARK: - conntrack

  private mutating func readConntrackLine(_ words: [String]) -> Bool {
    guard
      let transport = words.first(where: {
        ["tcp", "udp", "icmp", "icmpv6", "sctp", "dccp", "udplite", "gre"].contains($0)
      }),
      words.contains(where: { $0.hasPrefix("src=") })
    else { return false }
    var values: [String: String] = [:]
    for word in words {
      guard let equals = word.firstIndex(of: "=") else { continue }
      let name = String(word[..<equals])
      // The first tuple is the one of the first packet.
      if values[name] == nil { values[name] = String(word[word.index(after: equals)...]) }
    }
    guard let source = values["src"], let destination = values["dst"] else { return false }
    add(.proto, transport)
    add(.src, source)
    add(.dst, destination)
    if let port = values["sport"] { add(.sport, port) }
    if let port = values["dport"] { add(.dport, port) }
    if let type = values["type"] { add(.icmpType, type) }
    if let code = values["code"] { add(.icmpCode, code) }
    return true
  }

  // MARK: - tcpdump

  private mutating func readTcpdumpLine(_ words: [String]) -> Bool {
    guard let start = words.firstIndex(where: { $0 == "IP" || $0 == "IP6" }),
      let arrow = words[start...].firstIndex(of: ">"),
      arrow > start, arrow + 1 < words.count
    else { return false }
    let source = Self.endpoint(words[arrow - 1])
    let destination = Self.endpoint(
      words[arrow + 1].hasSuffix(":") ? String(words[arrow + 1].dropLast()) : words[arrow + 1])
    let rest = words[(arrow + 2)...]
    // `-i any` prints the interface and the direction before the family.
    if start >= 2, words[start - 1] == "In" { add(.input, words[start - 2]) }
    if start >= 2, words[start - 1] == "Out" { isSentByHost = true }
    if rest.first == "ICMP" || rest.first == "ICMP6," || rest.first == "ICMP6" {
      add(.proto, words[start] == "IP" ? "icmp" : "icmpv6")
      let text = rest.joined(separator: " ")
      if text.contains("echo request") { add(.icmpType, words[start] == "IP" ? "8" : "128") }
      if text.contains("echo reply") { add(.icmpType, words[start] == "IP" ? "0" : "129") }
    } else if let flags = rest.firstIndex(of: "Flags"), flags + 1 < words.count {
      add(.proto, "tcp")
      add(.tcpFlags, words[flags + 1].hasSuffix(",") ? String(words[flags + 1].dropLast()) : words[flags + 1])
    } else if source.port != nil || destination.port != nil {
      add(.proto, "udp")
    }
    add(.src, source.host)
    if let port = source.port { add(.sport, port) }
    add(.dst, destination.host)
    if let port = destination.port { add(.dport, port) }
    return true
  }

  /// tcpdump's `10.0.0.5.51234` or `fe80::1.53` as address and port; an address alone has none.
  private static func endpoint(_ text: String) -> (host: String, port: String?) {
    guard let dot = text.lastIndex(of: ".") else { return (text, nil) }
    let isIPv6 = text.contains(":")
    let dots = text.filter { $0 == "." }.count
    guard isIPv6 || dots == 4 else { return (text, nil) }
    return (String(text[..<dot]), String(text[text.index(after: dot)...]))
  }
}

extension QueryBuilder {
  /// Fixes everything that a line about a packet says.
  ///
  /// Throws for a line that is none of the known forms, and where a value of it is not understood.
  public mutating func set(packet line: String) throws(QueryTextError) {
    guard let packet = PacketLine(line) else {
      throw QueryTextError(
        .dst, line,
        "not recognized as a packet; write a line of tcpdump, a LOG line of the kernel (IN=eth0 OUT= SRC=...), a line of `conntrack -L` or a URL"
      )
    }
    if packet.isSentByHost { setSentByHost() }
    for option in packet.options { try set(option.option, option.text) }
  }
}

extension String {
  /// The place of a text in this one.
  fileprivate func range(of text: String) -> Range<String.Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
      start = index(after: start)
    }
    return nil
  }
}
