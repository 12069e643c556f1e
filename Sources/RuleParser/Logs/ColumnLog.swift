import RuleGraph

/// A log that is a table: what each column holds, by the names in its header.
///
/// Sources: Zeek's `conn.log` (base/protocols/conn/main.zeek), nfdump(1) `-o csv`, "Flow log records" in the Amazon VPC
/// user guide.
package struct ColumnLog: Sendable {
  /// Who writes the table.
  package enum Kind: String, Sendable {
    case zeek = "Zeek conn.log"
    case nfdump = "nfdump (CSV)"
    case vpc = "VPC flow log"
  }

  /// What a column holds.
  enum Role: UInt8, Sendable {
    case nothing, source, destination, sourcePort, destinationPort, transport
    /// One of the counts that are added up.
    case bytes, packets
    /// Zeek's `conn_state`.
    case state
    /// nfdump's flags by letter, and AWS's as a number.
    case flagLetters, flagNumber
    /// AWS: ACCEPT or REJECT; whether there is data.
    case action, status
  }

  /// Who writes the table.
  package let kind: Kind
  private let roles: [Role]
  private let separator: UInt8

  /// Reads the header of a table, or the first line of a flow log of AWS in its default form, which may have none; nil
  /// of any other line.
  init?(header bytes: ByteView, _ line: Range<Int>) {
    if LogValues.begins(bytes, line, with: "#fields") {
      let names = Self.cells(bytes, line, UInt8(ascii: "\t")).dropFirst().map { bytes.text($0) }
      guard names.contains("id.orig_h") else { return nil }
      // Bytes with their headers are what the firewall counts, too.
      let hasHeaders = names.contains("orig_ip_bytes") && names.contains("resp_ip_bytes")
      self.init(.zeek, UInt8(ascii: "\t"), names.map { Self.zeekRole($0, hasHeaders) })
      return
    }
    let first = bytes[line.lowerBound]
    guard first.isLetter || first == UInt8(ascii: "2") else { return nil }
    let csv = Self.cells(bytes, line, UInt8(ascii: ",")).map { bytes.text($0) }
    if csv.count > 4, csv.contains("sa") && csv.contains("da") || csv.contains("srcAddr") {
      self.init(.nfdump, UInt8(ascii: ","), csv.map(Self.nfdumpRole))
      return
    }
    let words = Self.cells(bytes, line, UInt8(ascii: " ")).map { bytes.text($0) }
    if words.contains("srcaddr") || words.contains("pkt-srcaddr") {
      // The addresses of the interface are those that the host sees, and where only the packets' are told, these.
      let hasOwn = words.contains("srcaddr")
      self.init(.vpc, UInt8(ascii: " "), words.map { Self.vpcRole($0, hasOwn) })
      return
    }
    guard words.count == 14, words[0] == "2", ["OK", "NODATA", "SKIPDATA"].contains(words[13]) else { return nil }
    self.init(.vpc, UInt8(ascii: " "), Self.vpcDefault.map { Self.vpcRole($0, true) })
  }

  private init?(_ kind: Kind, _ separator: UInt8, _ roles: [Role]) {
    guard roles.contains(.source), roles.contains(.destination) else { return nil }
    self.kind = kind
    self.separator = separator
    self.roles = roles
  }

  private static let vpcDefault = [
    "version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes",
    "start", "end", "action", "log-status",
  ]

  private static func cells(_ bytes: ByteView, _ line: Range<Int>, _ separator: UInt8) -> [Range<Int>] {
    var cells: [Range<Int>] = []
    var at = line.lowerBound
    while let end = bytes.place(of: separator, in: at..<line.upperBound) {
      cells.append(at..<end)
      at = end + 1
    }
    return cells + [at..<line.upperBound]
  }

  private static func zeekRole(_ name: String, _ hasHeaders: Bool) -> Role {
    switch name {
    case "id.orig_h": .source
    case "id.orig_p": .sourcePort
    case "id.resp_h": .destination
    case "id.resp_p": .destinationPort
    case "proto": .transport
    case "conn_state": .state
    case "orig_pkts", "resp_pkts": .packets
    case "orig_ip_bytes", "resp_ip_bytes": hasHeaders ? .bytes : .nothing
    case "orig_bytes", "resp_bytes": hasHeaders ? .nothing : .bytes
    default: .nothing
    }
  }

  private static func nfdumpRole(_ name: String) -> Role {
    switch name {
    case "sa", "srcAddr": .source
    case "da", "dstAddr": .destination
    case "sp", "srcPort": .sourcePort
    case "dp", "dstPort": .destinationPort
    case "pr", "proto": .transport
    case "flg", "flags": .flagLetters
    case "ipkt", "opkt", "packets": .packets
    case "ibyt", "obyt", "bytes": .bytes
    default: .nothing
    }
  }

  private static func vpcRole(_ name: String, _ hasOwn: Bool) -> Role {
    switch name {
    case "srcaddr": .source
    case "dstaddr": .destination
    case "pkt-srcaddr": hasOwn ? .nothing : .source
    case "pkt-dstaddr": hasOwn ? .nothing : .destination
    case "srcport": .sourcePort
    case "dstport": .destinationPort
    case "protocol": .transport
    case "packets": .packets
    case "bytes": .bytes
    case "action": .action
    case "log-status": .status
    case "tcp-flags": .flagNumber
    default: .nothing
    }
  }

  // MARK: - Lines

  /// What the cells of a line hold beside the flow itself.
  private struct Rest {
    var hasSource = false
    var hasDestination = false
    var hasTransport = false
    var flags: UInt8?
  }

  func read(_ bytes: ByteView, _ line: Range<Int>, _ record: inout FlowRecord) -> LogReader.Finding {
    let first = bytes[line.lowerBound]
    if first == UInt8(ascii: "#"), kind == .zeek { return repeatedHeader(bytes, line) }
    var rest = Rest()
    var column = 0
    var at = line.lowerBound
    while column < roles.count {
      let end = bytes.place(of: separator, in: at..<line.upperBound) ?? line.upperBound
      let role = roles[column]
      if role != .nothing, let problem = take(role, bytes, trimmed(bytes, at..<end), &record, &rest) {
        return exception(problem, bytes, line)
      }
      column += 1
      at = end + 1
      if end == line.upperBound { break }
    }
    guard column == roles.count, at > line.upperBound else {
      let count = Self.cells(bytes, line, separator).count
      return exception(.columns(count, of: roles.count), bytes, line)
    }
    guard rest.hasSource else { return exception(.missing(.source), bytes, line) }
    guard rest.hasDestination else { return exception(.missing(.destination), bytes, line) }
    guard rest.hasTransport else { return exception(.missing(.transport), bytes, line) }
    return finished(&record, rest)
  }

  /// A cell without the blanks that nfdump puts into columns.
  @inline(__always)
  private func trimmed(_ bytes: ByteView, _ cell: Range<Int>) -> Range<Int> {
    guard kind == .nfdump else { return cell }
    var (start, end) = (cell.lowerBound, cell.upperBound)
    while start < end, bytes[start] == UInt8(ascii: " ") { start += 1 }
    while end > start, bytes[end - 1] == UInt8(ascii: " ") { end -= 1 }
    return start..<end
  }

  /// A line that is no flow: nothing where it need not be one.
  private func exception(_ problem: LogProblem, _ bytes: ByteView, _ line: Range<Int>) -> LogReader.Finding {
    if ColumnLog(header: bytes, line).map({ $0.roles == roles && $0.separator == separator }) ?? false,
      bytes[line.lowerBound].isLetter
    {
      return .nothing
    }
    switch kind {
    case .zeek: break
    case .vpc:
      let words = Self.cells(bytes, line, separator)
      if words.contains(where: {
        LogValues.isWord("NODATA", bytes, $0) || LogValues.isWord("SKIPDATA", bytes, $0)
      }) {
        return .other
      }
    case .nfdump:
      // Its sums stand at the end: a title, their names, their values.
      if LogValues.isWord("Summary", bytes, line) || LogValues.begins(bytes, line, with: "flows,bytes") {
        return .nothing
      }
      let cells = Self.cells(bytes, line, separator)
      if cells.count == 6, cells.allSatisfy({ LogValues.number(bytes, $0) != nil }) { return .nothing }
      if LogValues.begins(bytes, line, with: "No matching flows") { return .nothing }
    }
    return .malformed(problem)
  }

  /// A line that begins with `#`: logs that were put one behind another repeat their headers.
  private func repeatedHeader(_ bytes: ByteView, _ line: Range<Int>) -> LogReader.Finding {
    guard LogValues.begins(bytes, line, with: "#fields") else { return .nothing }
    return ColumnLog(header: bytes, line)?.roles == roles ? .nothing : .malformed(.newColumns)
  }

  /// Takes a cell; what is wrong with it.
  @inline(__always)
  private func take(
    _ role: Role, _ bytes: ByteView, _ cell: Range<Int>, _ record: inout FlowRecord, _ rest: inout Rest
  ) -> LogProblem? {
    let isUnset = cell.count == 1 && bytes[cell.lowerBound] == UInt8(ascii: "-") || cell.isEmpty
    switch role {
    case .nothing: return nil
    case .source:
      guard !isUnset else { return nil }
      guard let address = LogValues.address(bytes, cell) else { return .value(of: .source) }
      record.source = address
      rest.hasSource = true
    case .destination:
      guard !isUnset else { return nil }
      guard let address = LogValues.address(bytes, cell) else { return .value(of: .destination) }
      record.destination = address
      rest.hasDestination = true
    case .sourcePort:
      guard !isUnset else { return nil }
      guard let port = LogValues.port(bytes, cell) else { return .value(of: .sourcePort) }
      record.sourcePort = port
    case .destinationPort:
      guard !isUnset else { return nil }
      if let port = LogValues.port(bytes, cell) {
        record.destinationPort = port
      } else if kind == .nfdump, bytes.contains(UInt8(ascii: "."), in: cell) {
        // Of ICMP nfdump prints type and code: 8.0.
        guard let dot = bytes.place(of: UInt8(ascii: "."), in: cell),
          let type = LogValues.number(bytes, cell.lowerBound..<dot), type < 256
        else { return .value(of: .destinationPort) }
        record.destinationPort = UInt16(type) << 8
      } else {
        return .value(of: .destinationPort)
      }
    case .transport:
      guard !isUnset else { return nil }
      guard let transport = LogValues.transport(bytes, cell) else {
        if LogValues.isWord("unknown_transport", bytes, cell) { return nil }
        return .value(of: .transport)
      }
      record.transport = transport
      rest.hasTransport = true
    case .bytes, .packets:
      guard !isUnset else { return nil }
      guard let count = LogValues.number(bytes, cell) else { return .value(of: .count) }
      if role == .bytes { record.bytes &+= count } else { record.packets &+= count }
    case .state: record.sighting = Self.sighting(ofState: bytes, cell)
    case .flagLetters: rest.flags = LogValues.flags(bytes, cell, dotIsACK: false)
    case .flagNumber: rest.flags = LogValues.number(bytes, cell).flatMap { UInt8(exactly: $0 & 0xff) }
    case .action: if LogValues.isWord("REJECT", bytes, cell) { record.sighting = .stopped }
    case .status: break
    }
    return nil
  }

  /// What Zeek's state of a connection says of it (base/protocols/conn/main.zeek, "conn_state").
  static func sighting(ofState bytes: ByteView, _ cell: Range<Int>) -> FlowRecord.Sighting {
    guard cell.count >= 2, cell.count <= 6 else { return .untold }
    switch bytes.word(at: cell.lowerBound, count: cell.count) {
    case 0x4653, 0x3153, 0x3253, 0x3353: return .answered  // SF, S1, S2, S3
    case 0x4f54_5352, 0x5254_5352: return .answered  // RSTO, RSTR
    case 0x4852_5453_52, 0x5248_53: return .answered  // RSTRH, SHR: the answer alone was seen
    case 0x3053: return .unanswered  // S0
    case 0x4a45_52: return .refused  // REJ
    case 0x3053_4f54_5352, 0x4853: return .unanswered  // RSTOS0, SH
    default: return .untold  // OTH
    }
  }

  private func finished(_ record: inout FlowRecord, _ rest: Rest) -> LogReader.Finding {
    if record.transport == 1 || record.transport == 58 {
      takeICMP(&record, rest)
      return .flow
    }
    switch kind {
    case .zeek: return .flow
    case .vpc:
      // The flags of all packets of the record: SYN and ACK together are an answer's.
      if record.transport == 6, let flags = rest.flags, flags & 2 != 0 {
        if flags & 16 != 0 {
          record.place = .answer
          record.sighting = record.sighting == .stopped ? .stopped : .answered
        }
        return .flow
      }
      return record.judgeByPorts() ? .answerByPorts : .flow
    case .nfdump:
      // Who sends an ACK beside the SYN has been answered, or is the one who answers.
      if record.transport == 6, let flags = rest.flags, flags & 16 != 0 { record.sighting = .answered }
      return record.judgeByPorts() ? .answerByPorts : .flow
    }
  }

  /// Zeek has the type and the code of ICMP in place of the ports, nfdump as the destination port.
  private func takeICMP(_ record: inout FlowRecord, _ rest: Rest) {
    switch kind {
    case .zeek:
      record.icmpType = UInt8(exactly: record.sourcePort)
    case .nfdump:
      record.icmpType = UInt8(exactly: record.destinationPort >> 8)
    case .vpc: break
    }
    record.sourcePort = 0
    record.destinationPort = 0
  }
}
