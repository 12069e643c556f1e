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

  static func read(_ bytes: ByteView, _ line: Range<Int>, _ record: inout FlowRecord) -> LogReader.Finding {
    var cursor = ByteCursor(bytes, line)
    var (hasSource, hasDestination, hasTransport, hasInput, hasOutput) = (false, false, false, false, false)
    var flags: UInt8 = 0
    words: while true {
      cursor.eatBlanks()
      guard let word = cursor.eatWord() else { break }
      // An ICMP error quotes the packet that it is about.
      if hasSource, LogValues.begins(bytes, word, with: "[SRC=") { break }
      guard let equals = bytes.place(of: UInt8(ascii: "="), in: word) else {
        if hasTransport { flags |= flag(bytes, word) } else { takePrefix(bytes, word, &record) }
        continue
      }
      var name = word.lowerBound..<equals
      let value = equals + 1..<word.upperBound
      // A prefix may stand before it without a blank.
      if !hasInput, name.count > 2, bytes.has("IN", at: equals - 2) { name = equals - 2..<equals }
      switch bytes.word(at: name.lowerBound, count: min(name.count, 8)) {
      case 0x4e49:  // IN
        guard let input = LogValues.interface(bytes, value) else { return .malformed(.value(of: .interface)) }
        hasInput = true
        record.input = input
      case 0x54_554f: hasOutput = !value.isEmpty  // OUT
      case 0x43_5253:  // SRC
        guard let address = LogValues.address(bytes, value) else { return .malformed(.value(of: .source)) }
        record.source = address
        hasSource = true
      case 0x54_5344:  // DST
        guard let address = LogValues.address(bytes, value) else { return .malformed(.value(of: .destination)) }
        record.destination = address
        hasDestination = true
      case 0x4f_544f_5250:  // PROTO
        guard let transport = LogValues.transport(bytes, value) else {
          return .malformed(.value(of: .transport))
        }
        record.transport = transport
        hasTransport = true
      case 0x54_5053:  // SPT
        guard let port = LogValues.port(bytes, value) else { return .malformed(.value(of: .sourcePort)) }
        record.sourcePort = port
      case 0x54_5044:  // DPT
        guard let port = LogValues.port(bytes, value) else { return .malformed(.value(of: .destinationPort)) }
        record.destinationPort = port
      case 0x4550_5954:  // TYPE
        record.icmpType = LogValues.number(bytes, value).flatMap { UInt8(exactly: $0) }
      case 0x4544_4f43:  // CODE
        record.icmpCode = LogValues.number(bytes, value).flatMap { UInt8(exactly: $0) }
      case 0x4e_454c:  // LEN
        // Of UDP a second one stands behind the ports.
        if !hasTransport { record.bytes = LogValues.number(bytes, value) ?? 0 }
      default: break
      }
    }
    guard hasInput || hasOutput || hasSource else { return .other }
    guard hasSource else { return .malformed(.missing(.source)) }
    guard hasDestination else { return .malformed(.missing(.destination)) }
    guard hasTransport else { return .malformed(.missing(.transport)) }
    record.packets = 1
    if record.input == 0, hasInput { record.isSentByHost = true }
    if record.transport == 6 { record.tcpFlags = flags }
    return .flow
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
