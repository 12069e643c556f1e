import RuleGraph

/// The way of one packet through the rules, as the kernel traced it.
package struct KernelTrace: Sendable {
  /// Something that the kernel says of the packet's way.
  package struct Step: Hashable, Sendable {
    /// What it came to; the raw value is its name in JSON.
    package enum Event: String, Hashable, Sendable {
      /// A rule matched.
      case rule
      /// A base chain ended with its policy.
      case policy
      /// A chain ended, and its caller goes on.
      case end
    }

    /// The family of the table; nil where the form does not tell it.
    package var family: String?
    /// The names of the table and the chain.
    package var table: String
    package var chain: String
    /// What it came to.
    package var event: Event
    /// The rule's handle, as nft prints it.
    package var handle: UInt64?
    /// The rule's number in its chain, counted from 1.
    package var number: Int?
    /// The rule as the trace prints it; empty where it does not.
    package var text = ""
    /// What was done: `accept`, `drop`, `jump`, `goto`, `return`, `continue`, in small letters; empty where the form
    /// does not tell it.
    package var verdict = ""
    /// The chain that it was sent to.
    package var target: String?
    /// The line, counted from 1.
    package var line: Int
  }

  /// The packet when it was first seen.
  package var packet: FlowRecord
  /// The interface that it leaves through, where it was first seen leaving.
  package var output: UInt128 = 0
  /// All addresses and ports that it had on its way, the first ones first.
  package var tuples: [FlowRecord]
  /// The steps in their order.
  package var steps: [Step] = []
  /// The line that it was first seen on.
  package var line: Int
}

/// Reads what `nft monitor trace` and `xtables-monitor --trace` print, and the `TRACE:` lines of the kernel's log.
///
/// Sources: nft(8) "MONITOR", xtables-monitor(8), iptables-extensions(8) "TRACE". The id of nft repeats for later
/// packets of a connection: a new packet begins where a chain sees one again.
package struct KernelTraceReader {
  /// The traced packets in their order.
  package private(set) var traces: [KernelTrace] = []
  /// Lines that look like a trace's and can't be read: their numbers.
  package private(set) var unreadable: [Int] = []

  /// The packet that an id stands for just now, and the chains that saw it.
  private struct Open {
    var index: Int
    var seen: Set<String> = []
  }

  private var open: [String: Open] = [:]
  /// Of the kernel's log: the id that stands for the packet of the last line.
  private var logged: (key: String, rank: Int, number: Int) = ("", 0, 0)

  /// Reads a text; lines that are no trace's are passed over.
  package init(_ text: String) {
    var number = 0
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      number += 1
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\r" })
      guard let first = words.first else { continue }
      let isRead =
        switch first {
        case "trace" where words.count > 6 && words[1] == "id": readNft(line, words, number)
        case "PACKET:" where words.count > 2: readPacket(words, number)
        case "TRACE:" where words.count > 3 && words[3].contains(":"): readMonitor(words, number)
        default: readLog(words, number)
        }
      if !isRead { unreadable.append(number) }
    }
    traces.removeAll { $0.steps.isEmpty && $0.packet.source == 0 }
  }

  // MARK: - nft

  /// `trace id 437830de ip nat PREROUTING rule ... # handle 6 (verdict jump DOCKER)`.
  private mutating func readNft(_ line: Substring, _ words: [Substring], _ number: Int) -> Bool {
    let id = String(words[2])
    var step = KernelTrace.Step(
      family: String(words[3]), table: String(words[4]), chain: String(words[5]), event: .rule, line: number)
    switch words[6] {
    case "packet:":
      guard let (packet, output) = Self.nftPacket(words.dropFirst(7)) else { return false }
      begin(id, "\(step.family ?? "") \(step.table) \(step.chain)", packet, output, number)
      return true
    case "policy":
      step.event = .policy
      step.verdict = words.count > 7 ? String(words[7]) : ""
    case "return": step.event = .end
    case "rule", "unknown":
      var rest = words.dropFirst(7)
      guard let start = rest.lastIndex(of: "(verdict") else { return false }
      let verdict = rest[start...].dropFirst().joined(separator: " ").dropLast()
      let parts = verdict.split(separator: " ")
      step.verdict = parts.first.map(String.init) ?? ""
      step.target = parts.count > 1 ? String(parts[1]) : nil
      rest = rest[..<start]
      if rest.count > 2, rest[rest.endIndex - 3] == "#", rest[rest.endIndex - 2] == "handle" {
        step.handle = UInt64(rest[rest.endIndex - 1])
        rest = rest.dropLast(3)
      }
      step.text = rest.joined(separator: " ")
    // What connection tracking says (`conntrack: ct direction original ...`) is no step.
    default: return true
    }
    guard let index = open[id]?.index else { return false }
    traces[index].steps.append(step)
    return true
  }

  private mutating func begin(
    _ id: String, _ chain: String, _ packet: FlowRecord, _ output: UInt128, _ number: Int
  ) {
    if var known = open[id], known.seen.insert(chain).inserted {
      open[id] = known
      if !traces[known.index].tuples.contains(packet) { traces[known.index].tuples.append(packet) }
      return
    }
    open[id] = Open(index: traces.count, seen: [chain])
    traces.append(KernelTrace(packet: packet, output: output, tuples: [packet], line: number))
  }

  /// The packet in nft's words: `iif "eth0" ... ip saddr 192.0.2.9 ip daddr 192.0.2.1 ... tcp dport 22`.
  private static func nftPacket(_ words: ArraySlice<Substring>) -> (FlowRecord, output: UInt128)? {
    var packet = FlowRecord()
    var output: UInt128 = 0
    var (hasSource, hasDestination) = (false, false)
    var at = words.startIndex
    func word(_ offset: Int) -> Substring? { at + offset < words.endIndex ? words[at + offset] : nil }
    func name(_ word: Substring) -> UInt128 { InterfaceName(word.filter { $0 != "\"" })?.value ?? 0 }
    while at < words.endIndex {
      defer { at += 1 }
      guard let value = word(1) else { break }
      switch words[at] {
      case "iif", "iifname": packet.input = name(value)
      case "oif", "oifname": output = name(value)
      case "tcp", "udp", "sctp", "dccp", "udplite":
        packet.transport = transport(words[at])
        guard let third = word(2) else { break }
        switch value {
        case "sport": packet.sourcePort = UInt16(third) ?? 0
        case "dport": packet.destinationPort = UInt16(third) ?? 0
        case "flags": packet.tcpFlags = flags(third == "==" ? word(3) ?? "" : third)
        default: break
        }
      case "ip", "ip6":
        guard let third = word(2) else { break }
        switch value {
        case "saddr":
          guard let address = IPAddress(third) else { return nil }
          packet.source = address.bits
          hasSource = true
        case "daddr":
          guard let address = IPAddress(third) else { return nil }
          packet.destination = address.bits
          hasDestination = true
        case "protocol", "nexthdr":
          if packet.transport == 0 { packet.transport = transport(third) }
        default: break
        }
      case "icmp", "icmpv6":
        packet.transport = words[at] == "icmp" ? 1 : 58
        if value == "type", let third = word(2) {
          let names = words[at] == "icmp" ? NamedNumbers.icmpTypes : NamedNumbers.icmpv6Types
          packet.icmpType = UInt8(third) ?? names.first { $0.name == third }.map { UInt8(truncatingIfNeeded: $0.value) }
        }
      default: break
      }
    }
    packet.isSentByHost = packet.input == 0
    return hasSource && hasDestination ? (packet, output) : nil
  }

  private static func flags(_ text: Substring) -> UInt8? {
    if text.hasPrefix("0x") { return UInt8(text.dropFirst(2), radix: 16) }
    return text.split(whereSeparator: { $0 == "|" || $0 == "," }).reduce(into: UInt8?(0)) { flags, name in
      flags = flags.flatMap { all in
        NamedNumbers.tcpFlags.first { $0.name == name }.map { all | UInt8(truncatingIfNeeded: $0.value) }
      }
    }
  }

  private static func transport(_ text: Substring) -> UInt8 {
    LogValues.transport(named: text.lowercased()) ?? UInt8(text) ?? 0
  }

  // MARK: - xtables-monitor and the kernel's log

  /// `PACKET: 2 437830de IN=eth0 ... SRC=192.0.2.9 DST=192.0.2.1 ... SPORT=54035 DPORT=53`.
  private mutating func readPacket(_ words: [Substring], _ number: Int) -> Bool {
    guard case (var packet, let output)? = Self.logPacket(words.dropFirst(3)) else { return false }
    // It does not name the protocol: of packets with ports those with flags are TCP's.
    if packet.transport == 0 { packet.transport = packet.tcpFlags == nil ? 17 : 6 }
    if packet.transport != 6 { packet.tcpFlags = nil }
    pending[String(words[2])] = (packet, output, number)
    return true
  }

  /// Packets of xtables-monitor whose chain the next line tells.
  private var pending: [String: (packet: FlowRecord, output: UInt128, line: Int)] = [:]

  /// ` TRACE: 2 437830de nat:PREROUTING:rule:0x6:JUMP:DOCKER  -4 -t nat -A PREROUTING ...`.
  private mutating func readMonitor(_ words: [Substring], _ number: Int) -> Bool {
    let id = "\(words[2])"
    let parts = words[3].split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard parts.count >= 4 else { return false }
    let family = ["1": "inet", "2": "ip", "10": "ip6", "3": "arp", "7": "bridge"][words[1]]
    var step = KernelTrace.Step(family: family, table: parts[0], chain: parts[1], event: .rule, line: number)
    if let waiting = pending.removeValue(forKey: id) {
      begin(id, "\(family ?? "") \(parts[0]) \(parts[1])", waiting.packet, waiting.output, waiting.line)
    }
    guard let index = open[id]?.index else { return false }
    switch parts[2] {
    case "policy":
      step.event = .policy
      step.verdict = parts[3].lowercased()
    case "return": step.event = .end
    case "rule":
      step.handle = parts[3].hasPrefix("0x") ? UInt64(parts[3].dropFirst(2), radix: 16) : UInt64(parts[3])
      // NFT_RETURN is printed as a number.
      let verdict = parts.count > 4 ? parts[4].lowercased() : ""
      step.verdict = verdict == "0xfffffffb" ? "return" : verdict
      step.target = parts.count > 5 ? parts[5] : nil
      step.text = words.dropFirst(4).joined(separator: " ")
    default: return false
    }
    traces[index].steps.append(step)
    return true
  }

  /// `TRACE: nat:PREROUTING:rule:1 IN=ens33 OUT= SRC=... DST=...`, also behind what a syslog puts before it.
  private mutating func readLog(_ words: [Substring], _ number: Int) -> Bool {
    guard let start = words.firstIndex(of: "TRACE:"), start + 1 < words.count else { return true }
    let parts = words[start + 1].split(separator: ":").map(String.init)
    guard parts.count == 4, let place = Int(parts[3]), let (packet, output) = Self.logPacket(words[(start + 2)...])
    else { return false }
    let identity = words.first { $0.hasPrefix("ID=") } ?? ""
    let rank = ["PREROUTING": 0, "INPUT": 1, "FORWARD": 1, "OUTPUT": 0, "POSTROUTING": 2][parts[1]]
    let key = "\(identity) \(packet.transport) \(packet.source)"
    // A packet goes through the hooks in their order; a chain of a user's is within one of them.
    if logged.key != key || (rank ?? logged.rank) < logged.rank || logged.number == 0 {
      logged.number += 1
      open["log \(logged.number)"] = Open(index: traces.count)
      traces.append(KernelTrace(packet: packet, output: output, tuples: [packet], line: number))
    }
    logged.key = key
    logged.rank = rank ?? logged.rank
    guard let index = open["log \(logged.number)"]?.index else { return false }
    if !traces[index].tuples.contains(packet) { traces[index].tuples.append(packet) }
    var step = KernelTrace.Step(
      family: packet.isIPv4 ? "ip" : "ip6", table: parts[0], chain: parts[1], event: .rule, number: place, line: number)
    switch parts[2] {
    case "rule": break
    case "policy": step.event = .policy
    case "return":
      // A rule that returns is told of so, too; the end of a chain has one number more than its rules.
      step.event = .end
    default: return false
    }
    traces[index].steps.append(step)
    return true
  }

  /// The packet in the words of a log: `IN=eth0 OUT= SRC=... DST=... PROTO=TCP SPT=... DPT=... SYN`.
  private static func logPacket(_ words: ArraySlice<Substring>) -> (FlowRecord, output: UInt128)? {
    let bytes = Array(words.joined(separator: " ").utf8)
    return unsafe bytes.withUnsafeBufferPointer { buffer in
      var packet = FlowRecord()
      var reading = KernelLogLine.Reading()
      let problem = unsafe KernelLogLine.take(ByteView(buffer), 0..<bytes.count, &packet, &reading)
      guard problem == nil, reading.hasSource, reading.hasDestination else { return nil }
      if packet.transport == 6 || !reading.hasTransport && reading.flags != 0 { packet.tcpFlags = reading.flags }
      packet.isSentByHost = packet.input == 0
      return (packet, reading.output)
    }
  }
}
