/// A flow as an object on a line: Zeek's, Suricata's, ulogd2's and nfdump's logs, and fwtrace's own questions.
///
/// Sources: Zeek's `LogAscii::use_json`, "EVE JSON Format" in Suricata's guide, ulogd2's `output/ulogd_output_JSON.c`,
/// nfdump(1) `-o ndjson`.
enum JSONLogLine {
  /// What a member of the object tells.
  private enum Role: UInt8 {
    case source, destination, sourcePort, destinationPort, transport, bytes, packets
    case state, eventType, conntrackEvent, answerPackets
    case icmpType, icmpCode, input, sentBy, flagLetters, flagSYN, flagACK, flagRST, flagFIN
    case batchState, reply, id
  }

  private typealias Name = (text: StaticString, role: Role)

  /// The names that all of the logs use: what one of them calls something, no other uses for something else.
  private static func role(_ bytes: ByteView, _ member: JSONLogMembers.Member) -> Role? {
    func find(_ names: Name...) -> Role? {
      for name in names where LogValues.isWord(name.text, bytes, member.key) { return name.role }
      return nil
    }
    if member.isInner {
      // Suricata counts within an object of its own.
      switch member.key.count {
      case 13: return find(("pkts_toserver", .packets), ("pkts_toclient", .answerPackets))
      case 14: return find(("bytes_toserver", .bytes), ("bytes_toclient", .bytes))
      default: return nil
      }
    }
    switch member.key.count {
    case 2: return find(("in", .input), ("id", .id))
    case 3: return find(("src", .source), ("dst", .destination))
    case 4: return find(("from", .sentBy))
    case 5:
      return find(
        ("proto", .transport), ("sport", .sourcePort), ("dport", .destinationPort), ("state", .batchState),
        ("reply", .reply))
    case 6: return find(("src_ip", .source), ("oob.in", .input))
    case 7:
      return find(
        ("dest_ip", .destination), ("tcp.syn", .flagSYN), ("tcp.ack", .flagACK), ("tcp.rst", .flagRST),
        ("tcp.fin", .flagFIN))
    case 8:
      return find(
        ("src_port", .sourcePort), ("dst_port", .destinationPort), ("ct.event", .conntrackEvent),
        ("in_bytes", .bytes))
    case 9:
      return find(
        ("dest_port", .destinationPort), ("id.orig_h", .source), ("id.orig_p", .sourcePort),
        ("id.resp_h", .destination), ("id.resp_p", .destinationPort), ("orig_pkts", .packets), ("resp_pkts", .packets),
        ("src4_addr", .source), ("src6_addr", .source), ("dst4_addr", .destination), ("dst6_addr", .destination),
        ("out_bytes", .bytes), ("tcp_flags", .flagLetters), ("icmp_type", .icmpType), ("icmp_code", .icmpCode),
        ("icmp.type", .icmpType), ("icmp.code", .icmpCode))
    case 10:
      return find(
        ("conn_state", .state), ("event_type", .eventType), ("in_packets", .packets), ("raw.pktlen", .bytes))
    case 11: return find(("ip.protocol", .transport), ("out_packets", .packets))
    case 13:
      return find(
        ("orig_ip_bytes", .bytes), ("resp_ip_bytes", .bytes), ("orig.l4.sport", .sourcePort),
        ("orig.l4.dport", .destinationPort))
    case 15: return find(("orig.raw.pktlen", .bytes))
    case 16: return find(("orig.ip.protocol", .transport), ("reply.raw.pktlen", .bytes))
    case 17: return find(("orig.raw.pktcount", .packets))
    case 18: return find(("reply.raw.pktcount", .answerPackets))
    default: return nil
    }
  }

  /// Who writes objects like the one on a line; nil of any other line.
  static func kind(_ bytes: ByteView, _ line: Range<Int>) -> LogFormat.JSONLogKind? {
    var members = JSONLogMembers(bytes, line)
    var (isQuestion, hasAddress, isULogd, hasEnded) = (true, false, false, false)
    while let member = members.next() {
      func has(_ name: StaticString) -> Bool { !member.isInner && LogValues.isWord(name, bytes, member.key) }
      if has("event_type") { return .suricata }
      if has("id.orig_h") { return .zeek }
      if has("src4_addr") || has("src6_addr") { return .nfdump }
      if has("dvc") || has("oob.prefix") || has("raw.pktlen") { isULogd = true }
      if has("ct.event") {
        isULogd = true
        hasEnded = LogValues.number(bytes, member.value) != 1
      }
      switch role(bytes, member) {
      case .source, .destination: hasAddress = true
      case .sourcePort, .destinationPort, .transport, .input, .id, .sentBy, .batchState, .reply, .icmpType, .icmpCode,
        .flagLetters:
        break
      default: if !isIgnored(bytes, member.key) { isQuestion = false }
      }
    }
    if isULogd { return .ulogd(hasEnded ? .ended : .new) }
    return isQuestion && hasAddress && members.isWhole ? .batch : nil
  }

  /// Whether a key of a question says nothing that a flow holds.
  private static func isIgnored(_ bytes: ByteView, _ key: Range<Int>) -> Bool {
    LogValues.isWord("length", bytes, key) || LogValues.isWord("family", bytes, key)
  }

  /// What stands in a line beside the flow.
  private struct Rest {
    var hasSource = false
    var hasDestination = false
    var hasTransport = false
    var isOther = false
    var isLater = false
    var answerPackets: UInt64?
  }

  static func read(
    _ bytes: ByteView, _ line: Range<Int>, _ kind: LogFormat.JSONLogKind, _ record: inout FlowRecord
  ) -> LogReader.Finding {
    var members = JSONLogMembers(bytes, line)
    var rest = Rest()
    while let member = members.next() {
      guard let role = role(bytes, member) else {
        if kind == .batch, !isIgnored(bytes, member.key) { return .malformed(.unknown) }
        continue
      }
      if let problem = take(role, kind, bytes, member, &record, &rest) { return .malformed(problem) }
    }
    guard members.isWhole else { return .malformed(.unknown) }
    if rest.isOther { return .other }
    guard rest.hasSource else { return .malformed(.missing(.source)) }
    guard rest.hasDestination else { return .malformed(.missing(.destination)) }
    if kind == .batch, !rest.hasTransport, record.destinationPort != 0 {
      // As a question has it: a port without a protocol is TCP's.
      record.transport = 6
      rest.hasTransport = true
    }
    guard rest.hasTransport else { return .malformed(.missing(.transport)) }
    if rest.isLater { return .later }
    return finished(kind, rest, &record)
  }

  private static func finished(
    _ kind: LogFormat.JSONLogKind, _ rest: Rest, _ record: inout FlowRecord
  ) -> LogReader.Finding {
    if let packets = rest.answerPackets { record.packets &+= packets }
    switch kind {
    case .suricata:
      if let packets = rest.answerPackets, record.sighting == .untold {
        record.sighting = packets > 0 ? .answered : .unanswered
      }
    case .ulogd:
      if record.tcpFlags != nil, record.transport != 6 { record.tcpFlags = nil }
    case .nfdump:
      if record.transport == 6, let flags = record.tcpFlags, flags & 16 != 0 { record.sighting = .answered }
      record.tcpFlags = nil
      return record.judgeByPorts() ? .answerByPorts : .flow
    case .zeek:
      if record.transport == 1 || record.transport == 58 {
        record.icmpType = UInt8(exactly: record.sourcePort)
        (record.sourcePort, record.destinationPort) = (0, 0)
      }
    case .batch:
      // A question about an answer has the addresses of the connection.
      if record.place == .answer {
        (record.source, record.destination) = (record.destination, record.source)
        (record.sourcePort, record.destinationPort) = (record.destinationPort, record.sourcePort)
      }
    }
    return .flow
  }

  private static func take(
    _ role: Role, _ kind: LogFormat.JSONLogKind, _ bytes: ByteView, _ member: JSONLogMembers.Member,
    _ record: inout FlowRecord, _ rest: inout Rest
  ) -> LogProblem? {
    let value = member.value
    func count() -> UInt64? { LogValues.number(bytes, value) }
    switch role {
    case .source:
      guard let address = LogValues.address(bytes, value) else { return .value(of: .source) }
      record.source = address
      rest.hasSource = true
    case .destination:
      guard let address = LogValues.address(bytes, value) else { return .value(of: .destination) }
      record.destination = address
      rest.hasDestination = true
    case .sourcePort:
      guard let port = LogValues.port(bytes, value) else { return .value(of: .sourcePort) }
      record.sourcePort = port
    case .destinationPort:
      guard let port = LogValues.port(bytes, value) else { return .value(of: .destinationPort) }
      record.destinationPort = port
    case .transport:
      guard let transport = LogValues.transport(bytes, value) else { return .value(of: .transport) }
      record.transport = transport
      rest.hasTransport = true
    case .bytes:
      guard let count = count() else { return .value(of: .count) }
      record.bytes &+= count
    case .packets:
      guard let count = count() else { return .value(of: .count) }
      record.packets &+= count
    case .answerPackets:
      guard let count = count() else { return .value(of: .count) }
      rest.answerPackets = count
    case .state: record.sighting = ColumnLog.sighting(ofState: bytes, value)
    case .eventType: rest.isOther = !LogValues.isWord("flow", bytes, value)
    case .conntrackEvent:
      // NFCT_T_NEW, NFCT_T_UPDATE, NFCT_T_DESTROY: one, two, four.
      record.sighting = .passed
      if case .ulogd(let events) = kind { rest.isLater = count() != (events == .new ? 1 : 4) }
    case .icmpType: record.icmpType = count().flatMap { UInt8(exactly: $0) }
    case .icmpCode: record.icmpCode = count().flatMap { UInt8(exactly: $0) }
    case .input:
      if value.isEmpty || !member.isText && LogValues.isWord("null", bytes, value) {
        record.isSentByHost = true
      } else {
        guard let input = LogValues.interface(bytes, value) else { return .value(of: .interface) }
        record.input = input
      }
    case .sentBy:
      guard LogValues.isWord("host", bytes, value) else { return .value(of: .interface) }
      record.isSentByHost = true
    case .flagLetters:
      if kind == .nfdump { record.tcpFlags = LogValues.flags(bytes, value, dotIsACK: false) } else { return .unknown }
    case .flagSYN: if count() == 1 { record.tcpFlags = (record.tcpFlags ?? 0) | 2 }
    case .flagACK: if count() == 1 { record.tcpFlags = (record.tcpFlags ?? 0) | 16 }
    case .flagRST: if count() == 1 { record.tcpFlags = (record.tcpFlags ?? 0) | 4 }
    case .flagFIN: if count() == 1 { record.tcpFlags = (record.tcpFlags ?? 0) | 1 }
    case .batchState:
      guard kind == .batch, !LogValues.isWord("new", bytes, value) else { return nil }
      guard LogValues.isWord("established", bytes, value) else { return .value(of: .place) }
      if record.place == .first { record.place = .later }
    case .reply:
      guard kind == .batch, LogValues.isWord("true", bytes, value) else { return nil }
      record.place = .answer
    case .id: break
    }
    return nil
  }
}
