import RuleGraph

/// One flow of a log: a connection, or one direction of it, as far as the log tells.
///
/// Everything in it is a number, so that a log of millions of lines is read without memory of its own for a line.
package struct FlowRecord: Hashable, Sendable {
  /// Which packet of a connection the record begins with.
  package enum Place: UInt8, Sendable {
    /// The first one.
    case first
    /// An answer: source and destination are those of the answer, not of the connection.
    case answer
    /// A later packet of the first one's direction.
    case later
  }

  /// What the log says became of the flow.
  package enum Sighting: UInt8, Sendable, CaseIterable {
    /// Nothing.
    case untold
    /// The other side answered, so the first packet and the answer got through.
    case answered
    /// The first packet passed the host: connection tracking keeps no others.
    case passed
    /// Nobody answered.
    case unanswered
    /// The answer was a refusal (RST).
    case refused
    /// A firewall says that it stopped it.
    case stopped

    /// Whether the first packet certainly got through.
    package var gotThrough: Bool { self == .answered || self == .passed }
    /// Whether nothing came of it.
    package var failed: Bool { self == .unanswered || self == .refused || self == .stopped }
  }

  /// The source, as ``IPAddress/bits``.
  package var source: UInt128 = 0
  /// The destination, as ``IPAddress/bits``.
  package var destination: UInt128 = 0
  /// The interface that it arrives on, as ``InterfaceName/value``; 0 where the log does not tell.
  package var input: UInt128 = 0
  /// The bytes of both directions, as far as the log counts them.
  package var bytes: UInt64 = 0
  /// The packets of both directions.
  package var packets: UInt64 = 0
  /// The ports; 0 where the protocol has none.
  package var sourcePort: UInt16 = 0
  package var destinationPort: UInt16 = 0
  /// The number of the transport protocol.
  package var transport: UInt8 = 0
  /// The type and code of ICMP; nil where the log does not tell.
  package var icmpType: UInt8?
  package var icmpCode: UInt8?
  /// The flags of a TCP packet; nil of a log of connections.
  package var tcpFlags: UInt8?
  /// Which packet of the connection it is.
  package var place: Place = .first
  /// What became of it.
  package var sighting: Sighting = .untold
  /// Whether the host itself sends it.
  package var isSentByHost = false

  package init() {}

  /// Whether both addresses are of IPv4.
  package var isIPv4: Bool { source >> 32 == 0xffff && destination >> 32 == 0xffff }

  /// Whether the protocol has ports.
  package var hasPorts: Bool { IPProtocol.withPorts.contains(UInt128(transport)) }

  /// The same seen from the connection's first packet.
  package var ofConnection: FlowRecord {
    guard place == .answer else { return self }
    var other = self
    (other.source, other.destination) = (destination, source)
    (other.sourcePort, other.destinationPort) = (destinationPort, sourcePort)
    return other
  }
}

/// What reading some lines of a log found beside the flows.
package struct LogLines: Sendable {
  /// A line that is no flow and should be one.
  package struct Malformed: Hashable, Sendable {
    /// The number of the line, counted from 1.
    package var line: Int
    /// What is wrong with it.
    package var problem: LogProblem
    /// How it begins.
    package var text: String
  }

  /// The flows.
  package var flows = 0
  /// Lines about connections that another line counts: later packets, further events.
  package var later = 0
  /// Lines about something else: other events, ARP, records without data.
  package var others = 0
  /// Flows that are taken as answers because of their ports alone.
  package var answersByPorts = 0
  /// Lines that can't be read.
  package var malformed = 0
  /// The first of them.
  package var firstMalformed: [Malformed] = []

  package init() {}

  /// How many malformed lines are shown.
  package static let shownMalformed = 5

  mutating func add(_ problem: LogProblem, line: Int, _ text: @autoclosure () -> String) {
    malformed += 1
    if firstMalformed.count < Self.shownMalformed {
      firstMalformed.append(Malformed(line: line, problem: problem, text: text()))
    }
  }

  /// Adds what other lines of the same log brought.
  package mutating func add(_ other: LogLines) {
    flows += other.flows
    later += other.later
    others += other.others
    answersByPorts += other.answersByPorts
    malformed += other.malformed
    firstMalformed += other.firstMalformed
    firstMalformed.sort { $0.line < $1.line }
    firstMalformed = Array(firstMalformed.prefix(Self.shownMalformed))
  }
}

/// What is wrong with a line of a log.
package enum LogProblem: Hashable, Sendable {
  /// It has another number of columns than the header.
  case columns(Int, of: Int)
  /// A value can't be read.
  case value(of: Part)
  /// Something is missing.
  case missing(Part)
  /// The columns change within the log.
  case newColumns
  /// It has none of the forms of the log.
  case unknown

  /// A part of a flow.
  package enum Part: UInt8, Sendable {
    case source, destination, sourcePort, destinationPort, transport, count, interface, place
  }
}
