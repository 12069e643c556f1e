/// Reads the flows of a log whose form was found in its beginning.
///
/// A line depends on no other one but the header, so that blocks of lines can be read side by side.
///
///     let reader = LogReader(beginning: block)
///     reader?.read(block, firstLine: 1, &lines) { record, line in count(record) }
package struct LogReader: Sendable {
  /// What a line turned out to be.
  enum Finding {
    case flow
    /// A flow that is taken as an answer because of its ports alone.
    case answerByPorts
    /// A further line about a connection.
    case later
    /// About something else.
    case other
    /// A header, a comment, an empty line.
    case nothing
    case malformed(LogProblem)
  }

  /// The form of the log.
  package let format: LogFormat

  /// Finds the form of a log; nil of a text that is none.
  ///
  /// - Parameter beginning: Its first lines.
  package init?(beginning: [UInt8]) {
    let format = unsafe beginning.withUnsafeBufferPointer { buffer in
      unsafe LogFormat(ByteView(buffer))
    }
    guard let format else { return nil }
    self.format = format
  }

  /// Makes a reader of a form that is known.
  package init(_ format: LogFormat) { self.format = format }

  /// Whether more of the log would not show another form: a log of ended connections may begin in the middle of one
  /// that tells of new ones, too.
  package var isCertain: Bool {
    switch format {
    case .conntrack(.ended), .json(.ulogd(.ended)): false
    default: true
    }
  }

  /// Reads some whole lines.
  ///
  /// - Parameters:
  ///   - bytes: The lines; the last one may lack its end.
  ///   - firstLine: The number of the first line, counted from 1.
  ///   - lines: Where it is counted what the lines are.
  ///   - take: Called with each flow and the number of its line.
  package func read(
    _ bytes: [UInt8], firstLine: Int, _ lines: inout LogLines, _ take: (borrowing FlowRecord, Int) -> Void
  ) {
    unsafe bytes.withUnsafeBufferPointer { buffer in
      unsafe read(ByteView(buffer), firstLine: firstLine, &lines, take)
    }
  }

  private func read(
    _ bytes: ByteView, firstLine: Int, _ lines: inout LogLines, _ take: (borrowing FlowRecord, Int) -> Void
  ) {
    // The form is looked at once and not for each line, which would count a user of its columns each time.
    switch format {
    case .columns(let columns):
      Self.read(bytes, firstLine, &lines, take) { columns.read(bytes, $0, &$1) }
    case .json(let kind):
      Self.read(bytes, firstLine, &lines, take) { JSONLogLine.read(bytes, $0, kind, &$1) }
    case .conntrack(let events):
      Self.read(bytes, firstLine, &lines, take) { ConntrackLogLine.read(bytes, $0, events, &$1) }
    case .kernel: Self.read(bytes, firstLine, &lines, take) { KernelLogLine.read(bytes, $0, &$1) }
    case .tcpdump: Self.read(bytes, firstLine, &lines, take) { TcpdumpLogLine.read(bytes, $0, &$1) }
    }
  }

  @inline(__always)
  private static func read(
    _ bytes: ByteView, _ firstLine: Int, _ lines: inout LogLines, _ take: (borrowing FlowRecord, Int) -> Void,
    _ finding: (Range<Int>, inout FlowRecord) -> Finding
  ) {
    var number = firstLine
    var at = 0
    while at < bytes.count {
      let newline = bytes.place(of: UInt8(ascii: "\n"), from: at) ?? bytes.count
      var end = newline
      if end > at, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
      if end > at {
        var record = FlowRecord()
        switch finding(at..<end, &record) {
        case .flow:
          lines.flows += 1
          take(record, number)
        case .answerByPorts:
          lines.flows += 1
          lines.answersByPorts += 1
          take(record, number)
        case .later: lines.later += 1
        case .other: lines.others += 1
        case .nothing: break
        case .malformed(let problem):
          lines.add(problem, line: number, bytes.text(at..<min(end, at + shownBytes)))
        }
      }
      at = newline + 1
      number += 1
    }
  }

  /// How much is shown of a line that can't be read.
  private static let shownBytes = 120
}

/// The form of a log.
package enum LogFormat: Sendable {
  /// A table: Zeek's TSV, nfdump's CSV, AWS's flow logs.
  case columns(ColumnLog)
  /// An object a line.
  case json(JSONLogKind)
  /// Lines of `conntrack -E` or `conntrack -L`.
  case conntrack(ConntrackEvents)
  /// LOG lines of the kernel, also in a syslog.
  case kernel
  /// Lines of `tcpdump -n`.
  case tcpdump

  /// Who writes an object a line.
  package enum JSONLogKind: Hashable, Sendable {
    case zeek, suricata, nfdump
    /// ulogd2's connections, of which some lines stand for one, and packets.
    case ulogd(ConntrackEvents)
    /// Questions of fwtrace's own batch.
    case batch
  }

  /// Which lines of conntrack stand for a connection: each has several events.
  package enum ConntrackEvents: Sendable {
    /// Those about new connections.
    case new
    /// Those about ended ones, of a log without the others.
    case ended
    /// All: `conntrack -L`.
    case listed
  }

  /// How many lines are looked at.
  private static let lookedAt = 64

  /// Finds the form of a text by its first lines; nil where none fits.
  init?(_ bytes: ByteView) {
    var at = 0
    var looked = 0
    var conntrack: ConntrackEvents?
    var hasEnded = false
    while at < bytes.count, looked < Self.lookedAt {
      var end = bytes.place(of: UInt8(ascii: "\n"), from: at) ?? bytes.count
      let next = end + 1
      if end > at, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
      defer { at = next }
      let line = at..<end
      if line.isEmpty { continue }
      looked += 1
      if let columns = ColumnLog(header: bytes, line) {
        self = .columns(columns)
        return
      }
      if bytes[at] == UInt8(ascii: "{"), let kind = JSONLogLine.kind(bytes, line) {
        if kind == .ulogd(.ended) {
          hasEnded = true
          continue
        }
        self = .json(kind)
        return
      }
      if let events = ConntrackLogLine.events(bytes, line) {
        if events == .new {
          self = .conntrack(.new)
          return
        }
        if conntrack != .listed { conntrack = events }
        continue
      }
      if conntrack != nil { continue }
      if KernelLogLine.fits(bytes, line) {
        self = .kernel
        return
      }
      if TcpdumpLogLine.fits(bytes, line) {
        self = .tcpdump
        return
      }
    }
    if hasEnded {
      self = .json(.ulogd(.ended))
      return
    }
    guard let conntrack else { return nil }
    self = .conntrack(conntrack)
  }

  /// What people call the form.
  package var name: String {
    switch self {
    case .columns(let log): log.kind.rawValue
    case .json(.zeek): "Zeek conn.log (JSON)"
    case .json(.suricata): "Suricata EVE"
    case .json(.nfdump): "nfdump (JSON)"
    case .json(.ulogd): "ulogd2"
    case .json(.batch): "fwtrace batch"
    case .conntrack(.listed): "conntrack -L"
    case .conntrack: "conntrack -E"
    case .kernel: "kernel log"
    case .tcpdump: "tcpdump"
    }
  }
}
