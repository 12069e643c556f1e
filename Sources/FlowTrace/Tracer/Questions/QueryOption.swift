/// What a person can fix about the packet of a query; the raw value is the key of a batch line, and with hyphens the
/// command line's option.
public enum QueryOption: String, Hashable, Sendable, CaseIterable {
  /// The transport protocol: names and numbers.
  case proto
  /// The source: addresses, and a port behind a colon.
  case src
  /// The source port.
  case sport
  /// The destination: addresses, and a port behind a colon.
  case dst
  /// The destination port.
  case dport
  /// The interface it arrives on.
  case input = "in"
  /// The interface it leaves through.
  case output = "out"
  /// Who sends it: `host`, `outside`, or a container.
  case from
  /// What connection tracking says of it.
  case state
  /// Whether the answer to the described connection is meant.
  case reply
  /// The packet's mark.
  case mark
  /// The flags of the TCP header.
  case tcpFlags = "tcp_flags"
  /// The ICMP or ICMPv6 type.
  case icmpType = "icmp_type"
  /// The ICMP or ICMPv6 code.
  case icmpCode = "icmp_code"
  /// The user id of the sending process.
  case uid
  /// The group id of the sending process.
  case gid
  /// The length of the packet in bytes, header of the network layer included.
  case length
  /// The time to live or hop limit when the packet comes in.
  case ttl
  /// The differentiated services code point.
  case dscp
  /// The bridge port it arrives through.
  case physin
  /// The family: `ipv4` or `ipv6`.
  case family
  /// Addresses to take as the host's own.
  case hostAddress = "host_address"

  /// The option of the command line: `--tcp-flags`.
  public var commandLineName: String { "--" + rawValue.map { $0 == "_" ? "-" : String($0) }.joined() }
}

/// Why a text does not describe a packet, with what would.
public struct QueryTextError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The option.
  public var option: QueryOption
  /// What was given.
  public var text: String
  /// One sentence on what is wrong and what would be right.
  public var problem: String

  /// Makes an error.
  public init(_ option: QueryOption, _ text: String, _ problem: String) {
    self.option = option
    self.text = text
    self.problem = problem
  }

  /// The option, the text and the problem in one line.
  public var description: String { "\(option.commandLineName) \(text): \(problem)" }
}
