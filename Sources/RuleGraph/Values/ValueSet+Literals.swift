// Sets as a person writes them into a test.
//
//     query.source = "172.17.0.0/16"
//     query.transport = .tcp
//     query.destinationPort = 8080
//     query.input = .interface("docker0")

extension ValueSet: ExpressibleByIntegerLiteral {
  /// Makes a set of one number: a port, a mark.
  public init(integerLiteral value: UInt128) { self.init(value) }
}

extension ValueSet: ExpressibleByStringLiteral {
  /// Makes a set of addresses, written as ``init(addresses:)`` reads them.
  ///
  /// - Precondition: The text is addresses. A text that is known only when the program runs belongs in
  ///   ``init(addresses:)``.
  public init(stringLiteral text: String) {
    guard let addresses = ValueSet(addresses: text) else {
      preconditionFailure("\"\(text)\" is not an address, a prefix, a range of addresses or a list of these")
    }
    self = addresses
  }
}

extension ValueSet {
  /// Reads addresses: one (`172.17.0.2`), a prefix (`172.17.0.0/16`), a range (`10.0.0.1-10.0.0.9`), or several of
  /// these between commas.
  ///
  /// Nil for any other text, and for a range that runs downwards or from one family to the other.
  public init?(addresses text: some StringProtocol) {
    var result = ValueSet.empty
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let part = part.drop { $0 == " " }
      if let prefix = Prefix(part) {
        result = result.union(prefix.values)
        continue
      }
      guard let range = ValueSet(addressRange: part) else { return nil }
      result = result.union(range)
    }
    self = result
  }

  /// Reads `10.0.0.1-10.0.0.9`.
  package init?(addressRange text: some StringProtocol) {
    let ends = text.split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count == 2, let first = IPAddress(ends[0]), let last = IPAddress(ends[1]), first <= last,
      first.family == last.family
    else { return nil }
    self.init(first.bits...last.bits)
  }

  /// The addresses of a prefix.
  public init(_ prefix: Prefix) { self = prefix.values }

  /// One address.
  public init(_ address: IPAddress) { self.init(address.bits) }

  /// An interface by its name; with `*` or `+` at its end, all interfaces whose names begin so.
  ///
  /// - Precondition: The name fits into the 15 bytes that Linux gives it.
  public static func interface(_ name: String) -> ValueSet {
    let isWildcard = name.last == "*" || name.last == "+"
    guard let values = InterfaceName.set(matching: isWildcard ? name.dropLast() : name[...], wildcard: isWildcard)
    else {
      preconditionFailure("\(name): the name of an interface has at most 15 bytes")
    }
    return values.intersection(InterfaceName.anyName)
  }

  /// The protocol TCP.
  public static let tcp = ValueSet(IPProtocol.tcp)
  /// The protocol UDP.
  public static let udp = ValueSet(IPProtocol.udp)
  /// The protocol ICMP, of IPv4.
  public static let icmp = ValueSet(IPProtocol.icmp)
  /// The protocol ICMPv6.
  public static let icmpv6 = ValueSet(IPProtocol.icmpv6)
  /// The protocol SCTP.
  public static let sctp = ValueSet(IPProtocol.sctp)
}
