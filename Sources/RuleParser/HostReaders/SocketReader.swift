import HostModel
import RuleGraph

/// Reads `ss` and `netstat` in the shapes that show listening sockets (ss(8), netstat(8)), and docker-proxy's command
/// lines.
enum SocketReader {
  /// Reads `ss -tulnp`, `ss -tln` and the like.
  static func readSS(_ text: DumpText, output: CommandOutput) -> FactFragment {
    var result = FactFragment()
    var hasNetid = true
    var seen: Set<UInt8> = []
    for line in text.lines where !text.isRemark(line) {
      let words = LineWords(text, line)
      if words[0] == "Netid" || words[0] == "State" {
        hasNetid = words[0] == "Netid"
        continue
      }
      let state = hasNetid ? words[1] : words[0]
      let transport: UInt8? = hasNetid ? transports[words[0]] : state == "UNCONN" ? 17 : 6
      let local = words[hasNetid ? 4 : 3]
      guard let transport else {
        if !Self.others.contains(words[0]) {
          result.unreadable(text, line, at: words.ranges.first?.lowerBound, expected: "a protocol such as tcp or udp")
        }
        continue
      }
      guard state == "LISTEN" || state == "UNCONN" else { continue }
      guard var socket = socket(local, transport: transport, isIPv6: nil, text.span(line)) else {
        result.unreadable(
          text, line,
          at: words.ranges.indices.contains(hasNetid ? 4 : 3) ? words.ranges[hasNetid ? 4 : 3].lowerBound : nil,
          expected: "an address and a port")
        continue
      }
      if let users = words.all.first(where: { $0.hasPrefix("users:((") }) {
        let parts = users.dropFirst(8).split(separator: "\"")
        socket.program = parts.first.map(String.init)
        if let pid = users.firstRange(of: "pid=") {
          socket.pid = Int(users[pid.upperBound...].prefix(while: \.isNumber))
        }
      }
      if text.string(line).contains("v6only:1") { socket.families = [.ipv6] }
      seen.insert(transport)
      result.facts.sockets.append(socket)
    }
    result.facts.socketsKnown = isWhole(seen, output)
    return result
  }

  /// Reads `netstat -tulnp`, `netstat -nl`, `netstat -antl` and the like.
  static func readNetstat(_ text: DumpText, output: CommandOutput) -> FactFragment {
    var result = FactFragment()
    var seen: Set<UInt8> = []
    var isUnix = false
    var hasHead = false
    for line in text.lines where !text.isRemark(line) {
      let words = LineWords(text, line)
      if words[0] == "Active" {
        isUnix = words[1] == "UNIX"
        hasHead = true
      }
      if isUnix || words[0] == "Active" || words[0] == "Proto" || Self.others.contains(words[0])
        || words[0].hasPrefix("(")
      {
        continue
      }
      let name = words[0].hasSuffix("6") ? String(words[0].dropLast()) : words[0]
      guard let transport = Self.transports[name] else {
        if !["raw", "raw6"].contains(words[0]) {
          result.unreadable(text, line, at: words.ranges.first?.lowerBound, expected: "a protocol such as tcp or udp")
        }
        continue
      }
      seen.insert(transport)
      guard transport == 17 ? !words.all.contains("ESTABLISHED") : words.all.contains("LISTEN") else { continue }
      guard var socket = socket(words[3], transport: transport, isIPv6: words[0].hasSuffix("6"), text.span(line)) else {
        result.unreadable(
          text, line, at: words.ranges.indices.contains(3) ? words.ranges[3].lowerBound : nil,
          expected: "an address and a port")
        continue
      }
      if let address = socket.address, !address.isIPv4, words[3].utf8.count >= 23 {
        result.diagnostics.append(
          Diagnostic(
            "cut-address", .note,
            "netstat cuts long addresses, so this socket is left out; `netstat -W` prints them whole",
            span: text.span(line)))
        continue
      }
      if let last = words.all.last, let slash = last.firstIndex(of: "/"), let pid = Int(last[..<slash]) {
        socket.pid = pid
        socket.program = String(last[last.index(after: slash)...])
      }
      result.facts.sockets.append(socket)
    }
    result.facts.socketsKnown = (hasHead || output.isWhole) && isWhole(seen, output)
    return result
  }

  /// Reads the command lines of docker-proxy that `ps` or `pgrep -a` print.
  static func readProxies(_ text: DumpText) -> FactFragment {
    var result = FactFragment()
    for line in text.lines {
      let words = LineWords(text, line)
      guard let start = words.all.firstIndex(where: { $0.hasSuffix("docker-proxy") }),
        let transport = words.value(after: "-proto").flatMap({ transports[$0] }),
        let hostPort = words.value(after: "-host-port").flatMap({ UInt16($0) })
      else { continue }
      let host = words.value(after: "-host-ip").flatMap { IPAddress($0) }
      let target = words.value(after: "-container-ip").flatMap { IPAddress($0) }
      let targetPort = words.value(after: "-container-port").flatMap { UInt16($0) }
      let isAny = host.map { $0.isIPv4 ? $0.ipv4Number == 0 : $0.bits == 0 } ?? true
      result.facts.sockets.append(
        ListeningSocket(
          transport: transport, address: isAny ? nil : host,
          families: host.map { [$0.family] } ?? Set(AddressFamily.allCases), port: hostPort, program: "docker-proxy",
          pid: words.all[..<start].lazy.compactMap { Int($0) }.first,
          forwardsTo: target.flatMap { address in targetPort.map { Endpoint(address, $0) } }, span: text.span(line)))
    }
    return result
  }

  private static let transports: [String: UInt8] = ["tcp": 6, "udp": 17, "sctp": 132, "udplite": 136, "dccp": 33]

  private static let others: Set<String> = [
    "unix", "u_str", "u_dgr", "u_seq", "nl", "p_raw", "p_dgr", "icmp6", "raw", "raw6", "???", "v_str", "v_dgr", "mptcp",
    "ESTAB", "TIME-WAIT", "CLOSE-WAIT", "SYN-SENT", "FIN-WAIT-1", "FIN-WAIT-2", "LAST-ACK", "CLOSING",
  ]

  /// Whether the list holds every listening socket of TCP and UDP, as far as the command or the lines tell.
  private static func isWhole(_ seen: Set<UInt8>, _ output: CommandOutput) -> Bool {
    !output.isFiltered && (output.isWhole || (seen.contains(6) && seen.contains(17)))
  }

  /// `0.0.0.0:22`, `[::]:22`, `*:22`, `:::22`, `127.0.0.53%lo:53`.
  private static func socket(_ local: String, transport: UInt8, isIPv6: Bool?, _ span: SourceSpan) -> ListeningSocket? {
    guard let colon = local.lastIndex(of: ":"), let port = UInt16(local[local.index(after: colon)...]) else {
      return nil
    }
    var host = local[..<colon]
    var interface: String?
    if let percent = host.firstIndex(of: "%") {
      interface = String(host[host.index(after: percent)...].prefix { $0 != "]" })
      host = host[..<percent]
    }
    if host.hasPrefix("[") { host.removeFirst() }
    if host.hasSuffix("]") { host.removeLast() }
    // A socket on `::` takes IPv4 too unless it was told not to, which neither tool prints by default.
    if host == "*" || host == "::" || host.isEmpty {
      return ListeningSocket(
        transport: transport, address: nil, families: Set(AddressFamily.allCases), port: port, interface: interface,
        span: span)
    }
    guard let address = IPAddress(host) else { return nil }
    let isAny = address.isIPv4 && address.ipv4Number == 0
    return ListeningSocket(
      transport: transport, address: isAny ? nil : address, families: [address.family], port: port,
      interface: interface,
      span: span)
  }
}

/// Reads `conntrack -L` and `/proc/net/nf_conntrack` (conntrack(8)).
enum ConntrackReader {
  /// Reads a section.
  static func read(_ text: DumpText) -> FactFragment {
    var result = FactFragment()
    for line in text.lines where !text.isRemark(line) {
      let words = LineWords(text, line)
      if words[0] == "conntrack" { continue }
      if let connection = connection(words, text.span(line)) {
        result.facts.connections.append(connection)
      } else {
        result.unreadable(text, line, expected: "a protocol, then `src=` and `dst=` twice")
      }
    }
    return result
  }

  private static func connection(_ words: LineWords, _ span: SourceSpan) -> TrackedConnection? {
    // The proc file puts the network protocol before.
    let start = words[0] == "ipv4" || words[0] == "ipv6" ? 2 : 0
    guard let transport = UInt8(words[start + 1]) else { return nil }
    var tuples: [(source: IPAddress?, destination: IPAddress?, sport: UInt16, dport: UInt16)] = []
    var state: String?
    var mark: UInt32 = 0
    var flags: [String] = []
    for word in words.all.dropFirst(start + 2) {
      let parts = word.split(separator: "=", maxSplits: 1)
      guard parts.count == 2 else {
        if word.hasPrefix("["), word.hasSuffix("]") {
          flags.append(String(word.dropFirst().dropLast()))
        } else if tuples.isEmpty, Int(word) == nil {
          state = word
        }
        continue
      }
      let value = parts[1]
      switch parts[0] {
      case "src": tuples.append((IPAddress(value), nil, 0, 0))
      case "mark": mark = UInt32(value) ?? 0
      default:
        guard let last = tuples.indices.last else { continue }
        switch parts[0] {
        case "dst": tuples[last].destination = IPAddress(value)
        case "sport": tuples[last].sport = UInt16(value) ?? 0
        case "dport": tuples[last].dport = UInt16(value) ?? 0
        default: break
        }
      }
    }
    guard tuples.count >= 2, let a = tuples[0].source, let b = tuples[0].destination, let c = tuples[1].source,
      let d = tuples[1].destination
    else { return nil }
    return TrackedConnection(
      transport: transport, original: (Endpoint(a, tuples[0].sport), Endpoint(b, tuples[0].dport)),
      reply: (Endpoint(c, tuples[1].sport), Endpoint(d, tuples[1].dport)), state: state, mark: mark, flags: flags,
      span: span)
  }
}

/// Reads `ip neigh` (ip-neighbour(8)).
enum NeighbourReader {
  /// Reads a section.
  static func read(_ text: DumpText) -> FactFragment {
    var result = FactFragment()
    for line in text.lines where !text.isRemark(line) {
      let words = LineWords(text, line)
      guard let address = IPAddress(words[0]), let interface = words.value(after: "dev"), let state = words.all.last
      else {
        result.unreadable(text, line, expected: "an address, `dev` and an interface")
        continue
      }
      result.facts.neighbours.append(
        Neighbour(
          address: address, interface: interface, hardwareAddress: words.value(after: "lladdr")?.lowercased(),
          state: state))
    }
    return result
  }
}
