/// A line that a LOG target or nft's `log` wrote into the kernel's log, also behind what a syslog puts before it
/// (`net/netfilter/nf_log_syslog.c`).
///
///     [UFW BLOCK] IN=eth0 OUT= MAC=... SRC=203.0.113.9 DST=192.0.2.1 LEN=60 ... PROTO=TCP SPT=40000 DPT=22 ... SYN
enum KernelLogLine {
  /// Whether a line is one.
  static func fits(_ bytes: ByteView, _ line: Range<Int>) -> Bool {
    var record = FlowRecord()
    if case .flow = read(bytes, line, &record) { return true }
    return false
  }

  /// What the words of a line tell beside the packet itself.
  struct Reading {
    var hasSource = false
    var hasDestination = false
    var hasTransport = false
    var hasPort = false
    var hasInput = false
    /// The interface that it leaves through, as ``InterfaceName/value``; 0 where none is told.
    var output: UInt128 = 0
    /// The flags of TCP.
    var flags: UInt8 = 0
  }

  static func read(_ bytes: ByteView, _ line: Range<Int>, _ record: inout FlowRecord) -> LogReader.Finding {
    var reading = Reading()
    if let problem = take(bytes, line, &record, &reading) { return .malformed(problem) }
    guard reading.hasInput || reading.output != 0 || reading.hasSource else { return .other }
    guard reading.hasSource else { return .malformed(.missing(.source)) }
    guard reading.hasDestination else { return .malformed(.missing(.destination)) }
    guard reading.hasTransport else { return .malformed(.missing(.transport)) }
    record.packets = 1
    if record.input == 0, reading.hasInput { record.isSentByHost = true }
    if record.transport == 6 { record.tcpFlags = reading.flags }
    return .flow
  }

  /// Takes what stands in a line, also in one of xtables-monitor, which names no protocol; gives what can't be read.
  static func take(
    _ bytes: ByteView, _ line: Range<Int>, _ record: inout FlowRecord, _ reading: inout Reading
  ) -> LogProblem? {
    var cursor = ByteCursor(bytes, line)
    while true {
      cursor.eatBlanks()
      guard let word = cursor.eatWord() else { return nil }
      // An ICMP error quotes the packet that it is about.
      if reading.hasSource, LogValues.begins(bytes, word, with: "[SRC=") { return nil }
      guard let equals = bytes.place(of: UInt8(ascii: "="), in: word) else {
        if reading.hasTransport || reading.hasPort {
          reading.flags |= flag(bytes, word)
        } else {
          takePrefix(bytes, word, &record)
        }
        continue
      }
      var name = word.lowerBound..<equals
      let value = equals + 1..<word.upperBound
      // A prefix may stand before it without a blank.
      if !reading.hasInput, name.count > 2, bytes.has("IN", at: equals - 2) { name = equals - 2..<equals }
      switch bytes.word(at: name.lowerBound, count: min(name.count, 8)) {
      case 0x4e49:  // IN
        guard let input = LogValues.interface(bytes, value) else { return .value(of: .interface) }
        reading.hasInput = true
        record.input = input
      case 0x54_554f: reading.output = LogValues.interface(bytes, value) ?? 0  // OUT
      case 0x43_5253:  // SRC
        guard let address = LogValues.address(bytes, value) else { return .value(of: .source) }
        record.source = address
        reading.hasSource = true
      case 0x54_5344:  // DST
        guard let address = LogValues.address(bytes, value) else { return .value(of: .destination) }
        record.destination = address
        reading.hasDestination = true
      case 0x4f_544f_5250:  // PROTO
        guard let transport = LogValues.transport(bytes, value) else {
          return .value(of: .transport)
        }
        record.transport = transport
        reading.hasTransport = true
      case 0x54_5053, 0x54_524f_5053:  // SPT, SPORT
        guard let port = LogValues.port(bytes, value) else { return .value(of: .sourcePort) }
        record.sourcePort = port
        reading.hasPort = true
      case 0x54_5044, 0x54_524f_5044:  // DPT, DPORT
        guard let port = LogValues.port(bytes, value) else { return .value(of: .destinationPort) }
        record.destinationPort = port
      case 0x4550_5954:  // TYPE
        record.icmpType = LogValues.number(bytes, value).flatMap { UInt8(exactly: $0) }
      case 0x4544_4f43:  // CODE
        record.icmpCode = LogValues.number(bytes, value).flatMap { UInt8(exactly: $0) }
      case 0x4e_454c:  // LEN
        // Of UDP a second one stands behind the ports.
        if !reading.hasTransport { record.bytes = LogValues.number(bytes, value) ?? 0 }
      default: break
      }
    }
  }

  /// What ufw's prefix says of the packet: it logs what it stops and, where it is told to, what it lets through.
  private static func takePrefix(_ bytes: ByteView, _ word: Range<Int>, _ record: inout FlowRecord) {
    if LogValues.isWord("BLOCK]", bytes, word), isBehindUFW(bytes, word) {
      record.sighting = .stopped
    } else if LogValues.isWord("ALLOW]", bytes, word), isBehindUFW(bytes, word) {
      record.sighting = .passed
    }
  }

  private static func isBehindUFW(_ bytes: ByteView, _ word: Range<Int>) -> Bool {
    word.lowerBound >= 5 && bytes.has("[UFW ", at: word.lowerBound - 5)
  }

  private static func flag(_ bytes: ByteView, _ word: Range<Int>) -> UInt8 {
    guard word.count == 3 else { return 0 }
    return switch bytes.word(at: word.lowerBound, count: 3) {
    case 0x4e_4946: 1  // FIN
    case 0x4e_5953: 2  // SYN
    case 0x54_5352: 4  // RST
    case 0x48_5350: 8  // PSH
    case 0x4b_4341: 16  // ACK
    case 0x47_5255: 32  // URG
    case 0x45_4345: 64  // ECE
    case 0x52_5743: 128  // CWR
    default: 0
    }
  }
}
