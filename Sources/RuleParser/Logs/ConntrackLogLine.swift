import RuleGraph

/// A line of `conntrack -E` or `conntrack -L`, with or without `-o extended,timestamp,id` (conntrack(8)).
///
///     [NEW] tcp 6 120 SYN_SENT src=192.0.2.9 dst=192.0.2.1 sport=34002 dport=8080 [UNREPLIED] src=172.17.0.2 ...
///
/// Connection tracking keeps a connection when its first packet has passed all hooks: what each line is about got
/// through.
enum ConntrackLogLine {
  /// What a line tells, as far as it is read.
  private struct Reading {
    var tuples = 0
    var hasSource = false
    var hasDestination = false
    var isUnreplied = false
    var event: Event = .none
  }

  private enum Event { case none, new, update, destroy }

  /// Which lines stand for a connection, of a log with such a line in it; nil of any other line.
  static func events(_ bytes: ByteView, _ line: Range<Int>) -> LogFormat.ConntrackEvents? {
    var record = FlowRecord()
    var reading = Reading()
    guard take(bytes, line, &record, &reading) == nil, reading.tuples == 2, reading.hasDestination,
      record.transport != 0
    else { return nil }
    switch reading.event {
    // Who logs changes of connections logs new ones, too.
    case .new, .update: return .new
    case .destroy: return .ended
    case .none: return .listed
    }
  }

  static func read(
    _ bytes: ByteView, _ line: Range<Int>, _ events: LogFormat.ConntrackEvents, _ record: inout FlowRecord
  ) -> LogReader.Finding {
    // What the program says at its end.
    if LogValues.begins(bytes, line, with: "conntrack v") { return .nothing }
    var reading = Reading()
    if let problem = take(bytes, line, &record, &reading) { return .malformed(problem) }
    guard reading.hasSource else { return .malformed(reading.tuples == 0 ? .unknown : .missing(.source)) }
    guard reading.hasDestination else { return .malformed(.missing(.destination)) }
    guard record.transport != 0 else { return .malformed(.missing(.transport)) }
    switch (events, reading.event) {
    case (.new, .new), (.ended, .destroy), (.listed, _): break
    default: return .later
    }
    record.sighting = reading.isUnreplied ? .passed : .answered
    return .flow
  }

  private static func take(
    _ bytes: ByteView, _ line: Range<Int>, _ record: inout FlowRecord, _ reading: inout Reading
  ) -> LogProblem? {
    var cursor = ByteCursor(bytes, line)
    while true {
      cursor.eatBlanks()
      guard let word = cursor.eatWord() else { return nil }
      if bytes[word.lowerBound] == UInt8(ascii: "[") {
        take(mark: bytes, word, &reading)
      } else if let equals = bytes.place(of: UInt8(ascii: "="), in: word) {
        let problem = take(
          bytes, word.lowerBound..<equals, equals + 1..<word.upperBound, &record, &reading)
        if let problem { return problem }
      } else if record.transport == 0, reading.tuples == 0, bytes[word.lowerBound].isLetter,
        let transport = LogValues.transport(bytes, word)
      {
        record.transport = transport
      } else if record.transport == 0, LogValues.isWord("unknown", bytes, word) {
        cursor.eatBlanks()
        record.transport = cursor.eatWord().flatMap { LogValues.transport(bytes, $0) } ?? 0
      }
    }
  }

  private static func take(mark bytes: ByteView, _ word: Range<Int>, _ reading: inout Reading) {
    if LogValues.isWord("[NEW]", bytes, word) {
      reading.event = .new
    } else if LogValues.isWord("[UPDATE]", bytes, word) {
      reading.event = .update
    } else if LogValues.isWord("[DESTROY]", bytes, word) {
      reading.event = .destroy
    } else if LogValues.isWord("[UNREPLIED]", bytes, word) {
      reading.isUnreplied = true
    }
  }

  /// Takes one `name=value`; the first tuple is that of the first packet, the second that of the answer.
  private static func take(
    _ bytes: ByteView, _ name: Range<Int>, _ value: Range<Int>, _ record: inout FlowRecord, _ reading: inout Reading
  ) -> LogProblem? {
    let isFirst = reading.tuples == 1
    if LogValues.isWord("src", bytes, name) {
      reading.tuples += 1
      guard reading.tuples == 1 else { return nil }
      guard let address = LogValues.address(bytes, value) else { return .value(of: .source) }
      record.source = address
      reading.hasSource = true
    } else if isFirst, LogValues.isWord("dst", bytes, name) {
      guard let address = LogValues.address(bytes, value) else { return .value(of: .destination) }
      record.destination = address
      reading.hasDestination = true
    } else if isFirst, LogValues.isWord("sport", bytes, name) {
      guard let port = LogValues.port(bytes, value) else { return .value(of: .sourcePort) }
      record.sourcePort = port
    } else if isFirst, LogValues.isWord("dport", bytes, name) {
      guard let port = LogValues.port(bytes, value) else { return .value(of: .destinationPort) }
      record.destinationPort = port
    } else if isFirst, LogValues.isWord("type", bytes, name) {
      record.icmpType = LogValues.number(bytes, value).flatMap { UInt8(exactly: $0) }
    } else if isFirst, LogValues.isWord("code", bytes, name) {
      record.icmpCode = LogValues.number(bytes, value).flatMap { UInt8(exactly: $0) }
    } else if LogValues.isWord("bytes", bytes, name) {
      guard let count = LogValues.number(bytes, value) else { return .value(of: .count) }
      record.bytes &+= count
    } else if LogValues.isWord("packets", bytes, name) {
      guard let count = LogValues.number(bytes, value) else { return .value(of: .count) }
      record.packets &+= count
    }
    return nil
  }
}
