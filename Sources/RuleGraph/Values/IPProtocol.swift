/// A transport protocol by its number in the IP header (RFC 5237; the registry of the IANA).
///
///     query.transport = ValueSet(IPProtocol.tcp)
///     IPProtocol.withPorts.contains(17)  // true
public struct IPProtocol: RawRepresentable, Hashable, Sendable {
  /// The number.
  public var rawValue: UInt8

  /// Makes a protocol of its number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// ICMP (RFC 792).
  public static let icmp = IPProtocol(rawValue: 1)
  /// TCP (RFC 9293).
  public static let tcp = IPProtocol(rawValue: 6)
  /// UDP (RFC 768).
  public static let udp = IPProtocol(rawValue: 17)
  /// DCCP (RFC 4340).
  public static let dccp = IPProtocol(rawValue: 33)
  /// GRE (RFC 2784).
  public static let gre = IPProtocol(rawValue: 47)
  /// ICMPv6 (RFC 4443).
  public static let icmpv6 = IPProtocol(rawValue: 58)
  /// SCTP (RFC 9260).
  public static let sctp = IPProtocol(rawValue: 132)
  /// UDP-Lite (RFC 3828).
  public static let udplite = IPProtocol(rawValue: 136)

  /// The numbers of the protocols whose packets have ports right behind the IP header.
  public static let withPorts = ValueSet([tcp, udp, dccp, sctp, udplite])
}

extension ValueSet {
  /// The number of one protocol.
  public init(_ transport: IPProtocol) { self.init(transport.rawValue) }

  /// The numbers of several protocols.
  public init(_ transports: [IPProtocol]) {
    self.init(transports.map { UInt128($0.rawValue)...UInt128($0.rawValue) })
  }
}
