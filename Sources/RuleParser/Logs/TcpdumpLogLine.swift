/// A line of `tcpdump -n`, with or without a time and, of `-i any`, the interface before it (tcpdump(8), "OUTPUT
/// FORMAT").
///
///     16:30:18.698249 IP 192.0.2.9.34002 > 192.0.2.1.8080: Flags [S], seq 1192624957, win 64240, length 0
///
/// A packet has a line, and a connection many: of TCP the one with SYN stands for it, and the answer to that one says
/// that it was answered.
enum TcpdumpLogLine {
  /// Whether a line is one.
  static func fits(_ bytes: ByteView, _ line: Range<Int>) -> Bool {
    var record = FlowRecord()
    switch read(bytes, line, &record) {
    case .flow, .later, .answerByPorts: return true
    default: return false
    }
  }

  static func read(_ bytes: ByteView, _ line: Range<Int>, _ record: inout FlowRecord) -> LogReader.Finding {
    var cursor = ByteCursor(bytes, line)
    var before = 0..<0
    var last = 0..<0
    // What stands before the family: the time, and of -i any the interface and the direction.
    while true {
      cursor.eatBlanks()
      guard let word = cursor.eatWord() else { return .malformed(.unknown) }
      if LogValues.isWord("IP", bytes, word) || LogValues.isWord("IP6", bytes, word) { break }
      if LogValues.begins(bytes, word, with: "ARP") { return .other }
      if word.lowerBound - line.lowerBound > 64 { return .malformed(.unknown) }
      (before, last) = (last, word)
    }
    if LogValues.isWord("In", bytes, last) {
      guard let input = LogValues.interface(bytes, before) else { return .malformed(.value(of: .interface)) }
      record.input = input
    }
    if LogValues.isWord("Out", bytes, last) { record.isSentByHost = true }
    cursor.eatBlanks()
    guard let source = cursor.eatWord() else { return .malformed(.missing(.source)) }
    cursor.eatBlanks()
    guard cursor.eat("> ") else { return .malformed(.unknown) }
    guard var destination = cursor.eatWord() else { return .malformed(.missing(.destination)) }
    if bytes[destination.upperBound - 1] == UInt8(ascii: ":") {
      destination = destination.lowerBound..<destination.upperBound - 1
    }
    guard let from = endpoint(bytes, source) else { return .malformed(.value(of: .source)) }
    guard let to = endpoint(bytes, destination) else { return .malformed(.value(of: .destination)) }
    (record.source, record.destination) = (from.address, to.address)
    cursor.eatBlanks()
    let rest = cursor.at..<line.upperBound
    record.packets = 1
    record.bytes = length(bytes, rest)
    if LogValues.begins(bytes, rest, with: "Flags [") { return readTCP(bytes, rest, from, to, &record) }
    if LogValues.begins(bytes, rest, with: "ICMP") || LogValues.begins(bytes, rest, with: "HBH ICMP6") {
      return readICMP(bytes, rest, &record)
    }
    guard let sourcePort = from.port, let destinationPort = to.port else { return .other }
    record.transport = LogValues.begins(bytes, rest, with: "sctp") ? 132 : 17
    (record.sourcePort, record.destinationPort) = (sourcePort, destinationPort)
    return record.judgeByPorts() ? .answerByPorts : .flow
  }

  private typealias Endpoint = (address: UInt128, port: UInt16?)

  private static func readTCP(
    _ bytes: ByteView, _ rest: Range<Int>, _ from: Endpoint, _ to: Endpoint, _ record: inout FlowRecord
  ) -> LogReader.Finding {
    guard let sourcePort = from.port, let destinationPort = to.port else { return .malformed(.missing(.sourcePort)) }
    let start = rest.lowerBound + 7
    guard let end = bytes.place(of: UInt8(ascii: "]"), in: start..<rest.upperBound) else { return .malformed(.unknown) }
    record.transport = 6
    (record.sourcePort, record.destinationPort) = (sourcePort, destinationPort)
    let flags = LogValues.flags(bytes, start..<end, dotIsACK: true)
    guard flags & 2 != 0 else { return .later }
    if flags & 16 != 0 {
      record.place = .answer
      record.sighting = .answered
    }
    return .flow
  }

  private static func readICMP(
    _ bytes: ByteView, _ rest: Range<Int>, _ record: inout FlowRecord
  ) -> LogReader.Finding {
    let isSix = record.source >> 32 != 0xffff
    record.transport = isSix ? 58 : 1
    let text = bytes.text(rest)
    // Other messages belong to a connection, or to the link.
    if text.contains("echo request") {
      record.icmpType = isSix ? 128 : 8
    } else if text.contains("echo reply") {
      return .later
    } else {
      return .other
    }
    return .flow
  }

  /// `10.0.0.5.51234` or `fe80::1.53` as address and port; an address alone has none.
  private static func endpoint(_ bytes: ByteView, _ word: Range<Int>) -> Endpoint? {
    if let address = LogValues.address(bytes, word) { return (address, nil) }
    guard let dot = word.last(where: { bytes[$0] == UInt8(ascii: ".") }),
      let port = LogValues.port(bytes, dot + 1..<word.upperBound),
      let address = LogValues.address(bytes, word.lowerBound..<dot)
    else { return nil }
    return (address, port)
  }

  /// The length of the payload, which stands last or before what is told of it.
  private static func length(_ bytes: ByteView, _ rest: Range<Int>) -> UInt64 {
    var at = rest.lowerBound
    while let place = bytes.place(of: UInt8(ascii: "l"), in: at..<rest.upperBound) {
      if bytes.has("length ", at: place) {
        var cursor = ByteCursor(bytes, place + 7..<rest.upperBound)
        return cursor.eatDecimal() ?? 0
      }
      at = place + 1
    }
    return 0
  }
}
