public import HostModel
public import RuleGraph

/// Makes a ``Query`` from texts: the options of the command line, the values of a batch line, the fields of a policy.
///
///     var builder = QueryBuilder(facts: reading.facts)
///     try builder.set(.dst, "172.17.0.2:8080")
///     let query = try builder.query()   // TCP, because a port was given
///
/// Names of containers stand for their addresses, wherever an address may stand.
public struct QueryBuilder: Sendable {
  /// The host, for the names of containers and their bridges.
  let facts: HostFacts
  var partial = Query()
  private(set) var given: [QueryOption: String] = [:]
  /// The containers that the question names as sender and as destination.
  var sender: Container?
  var receiver: Container?

  /// Makes a builder that leaves everything open.
  public init(facts: HostFacts) { self.facts = facts }

  /// A name for the question, given back in its answer.
  public var id: String? {
    get { partial.id }
    set { partial.id = newValue }
  }

  /// Says that the host itself sends the packet.
  public mutating func setSentByHost() { partial.origin = .host }

  /// Fixes the destination where its addresses are known as values; through which of its networks a container sends
  /// depends on it.
  public mutating func setDestination(_ addresses: ValueSet) { partial.destination = addresses }

  /// Fixes something about the packet.
  ///
  /// Several values are given with commas, ranges with a hyphen: `80,443,8000-8999`.
  public mutating func set(_ option: QueryOption, _ text: String) throws(QueryTextError) {
    given[option] = text
    switch option {
    case .proto: partial.transport = try QueryText.transports(text)
    case .src: try setEndpoint(option, text, isSource: true)
    case .dst: try setEndpoint(option, text, isSource: false)
    case .sport: partial.sourcePort = try QueryText.ports(option, text)
    case .dport: partial.destinationPort = try QueryText.ports(option, text)
    case .input:
      partial.input = try QueryText.interfaces(option, text)
      partial.origin = .wire
      // A container's packet that comes in elsewhere is not the container's.
      partial.sender = nil
    case .output: partial.output = try QueryText.interfaces(option, text)
    case .physin: partial.physicalInput = try QueryText.interfaces(option, text)
    case .from: try setSender(text)
    case .state: partial.phase = try QueryText.phase(text)
    case .reply: if try QueryText.flag(option, text) { partial.phase = .reply }
    case .mark: partial.fields[.meta(.mark)] = try QueryText.numbers(option, text, through: 0xffff_ffff)
    case .uid: partial.fields[.meta(.skuid)] = try QueryText.numbers(option, text, through: 0xffff_ffff)
    case .gid: partial.fields[.meta(.skgid)] = try QueryText.numbers(option, text, through: 0xffff_ffff)
    case .length: partial.fields[.meta(.length)] = try QueryText.numbers(option, text, through: 0xffff)
    case .tcpFlags: partial.fields[.header(HeaderField(.tcp, .flags))] = try QueryText.tcpFlags(text)
    case .ttl, .dscp, .icmpType, .icmpCode: break
    case .family: partial.family = try QueryText.family(text)
    case .hostAddress: partial.hostAddresses = try addresses(option, text)
    }
  }

  /// The query, with what follows from the given: TCP where a port is given without a protocol, the family of the
  /// addresses.
  public func query() throws(QueryTextError) -> Query {
    var query = partial
    try settleSender(&query)
    settleLegs(&query)
    try settleFamily(&query)
    if query.transport == nil {
      if given[.tcpFlags] != nil || query.sourcePort != nil || query.destinationPort != nil {
        query.transport = ValueSet(6)
      } else if given[.icmpType] != nil || given[.icmpCode] != nil {
        query.transport = ValueSet(1)
      }
    }
    // `icmp` is the protocol of the family that is asked about.
    if query.family == .ipv6, query.transport == ValueSet(1) { query.transport = ValueSet(58) }
    try settleTransport(query)
    try setByFamily(&query)
    return query
  }

  /// Who sends, and where it comes in, must fit each other.
  private func settleSender(_ query: inout Query) throws(QueryTextError) {
    guard let input = given[.input] else { return }
    switch given[.from] {
    case "host":
      throw QueryTextError(
        .input, input, "what the host itself sends (--from host) comes in on no interface; leave one of the two out")
    case "outside":
      let outside = InterfaceName.anyName.subtracting(containerSideInterfaces)
      guard let named = query.input, named.isDisjoint(with: outside) else { break }
      let whose = input == "lo" ? "only the host's own packets come in on it" : "containers are on it"
      throw QueryTextError(.input, input, "nothing comes in from outside there (--from outside): \(whose)")
    default: break
    }
  }

  private func settleFamily(_ query: inout Query) throws(QueryTextError) {
    var families = Set(AddressFamily.allCases)
    if let family = query.family { families = [family] }
    for (option, values) in [(QueryOption.src, query.source), (.dst, query.destination)] {
      guard let values else { continue }
      let ipv4 = AddressFamily.ipv4.allAddresses
      var mine: Set<AddressFamily> = []
      if !values.isDisjoint(with: ipv4) { mine.insert(.ipv4) }
      if !values.isSubset(of: ipv4) { mine.insert(.ipv6) }
      families.formIntersection(mine)
      if families.isEmpty {
        throw QueryTextError(option, given[option] ?? "", "source, destination and family are not all IPv4 or all IPv6")
      }
    }
    if families.count == 1 { query.family = families.first }
  }

  private func settleTransport(_ query: Query) throws(QueryTextError) {
    guard let transport = query.transport else { return }
    for (option, values) in [(QueryOption.sport, query.sourcePort), (.dport, query.destinationPort)]
    where values != nil && transport.isDisjoint(with: IPProtocol.withPorts) {
      let name = transport.text(as: .transport)
      throw QueryTextError(option, given[option] ?? given[option == .sport ? .src : .dst] ?? "", "\(name) has no ports")
    }
    if let flags = given[.tcpFlags], !transport.contains(6) {
      throw QueryTextError(
        .tcpFlags, flags, "only TCP has these flags, and the protocol is \(transport.text(as: .transport))")
    }
  }

  /// Fields that have one name for people and one in each family's header.
  private func setByFamily(_ query: inout Query) throws(QueryTextError) {
    let icmp6 = query.transport == ValueSet(58)
    if let text = given[.icmpType] {
      let names = icmp6 ? NamedNumbers.icmpv6Types : NamedNumbers.icmpTypes
      query.fields[.header(HeaderField(icmp6 ? .icmpv6 : .icmp, .type))] =
        try QueryText.named(.icmpType, text, names, through: 255)
    }
    if let text = given[.icmpCode] {
      query.fields[.header(HeaderField(icmp6 ? .icmpv6 : .icmp, .code))] =
        try QueryText.numbers(.icmpCode, text, through: 255)
    }
    if let text = given[.ttl] {
      let values = try QueryText.numbers(.ttl, text, through: 255)
      if query.family != .ipv6 { query.fields[.header(HeaderField(.ip, .ttl))] = values }
      if query.family != .ipv4 { query.fields[.header(HeaderField(.ip6, .hoplimit))] = values }
    }
    if let text = given[.dscp] {
      let values = try QueryText.named(.dscp, text, QueryText.dscpNames, through: 63)
      if query.family != .ipv6 { query.fields[.header(HeaderField(.ip, .dscp))] = values }
      if query.family != .ipv4 { query.fields[.header(HeaderField(.ip6, .dscp))] = values }
    }
  }
}

// MARK: - Addresses and senders

extension QueryBuilder {
  private mutating func setEndpoint(_ option: QueryOption, _ text: String, isSource: Bool) throws(QueryTextError) {
    let (address, port) = QueryText.splitPort(text)
    if !address.isEmpty, address != "any", address != "*" {
      if let container = facts.container(address), !isSource { receiver = container }
      if let container = facts.container(address), container.networkMode == "none" {
        setWithoutNetwork(container)
      } else {
        let values = try addresses(option, address, of: text)
        if isSource { partial.source = values } else { partial.destination = values }
      }
    }
    guard let port else { return }
    let ports = try QueryText.ports(option, port, of: text)
    if isSource { partial.sourcePort = ports } else { partial.destinationPort = ports }
  }

  /// - Parameter whole: What was typed, where the addresses are a part of it.
  private func addresses(
    _ option: QueryOption, _ text: String, of whole: String? = nil
  ) throws(QueryTextError) -> ValueSet {
    var result = ValueSet.empty
    for part in text.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
      if let prefix = Prefix(part) {
        result = result.union(prefix.values)
      } else if let range = ValueSet(addressRange: part) {
        result = result.union(range)
      } else if let container = facts.container(part) {
        let own = self.own(container)
        if own.isEmpty { throw QueryTextError(option, whole ?? text, withoutAddress(container)) }
        result = result.union(own)
      } else {
        throw QueryTextError(option, whole ?? text, notAnAddress(part))
      }
    }
    return result
  }

  private func notAnAddress(_ text: String) -> String {
    let looksNumeric = text.utf8.allSatisfy {
      $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: ":")
        || $0.isDigit
    }
    if text.isEmpty { return "an address is missing" }
    if looksNumeric { return "\(text) is not an address, a prefix (10.0.0.0/8) or a range (10.0.0.1-10.0.0.9)" }
    return nameProblem(text)
  }

  /// `xx.xx.xx.104`, `203.0.113.*`.
  private static func isMasked(_ text: String) -> Bool {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4
      && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { "0123456789xX*?".utf8.contains($0) } }
  }

  /// An address that a masked one may be: `1.1.1.104` of `xx.xx.xx.104`.
  private static func example(ofMasked text: String) -> String {
    text.split(separator: ".", omittingEmptySubsequences: false).map { part in
      part.contains { !$0.isNumber } ? "1" : String(part)
    }.joined(separator: ".")
  }

  func nameProblem(_ text: String) -> String {
    let names = facts.containers.map(\.name)
    if text.lowercased() == "localhost" { return "write 127.0.0.1 or ::1, the host itself on loopback" }
    if Self.isMasked(text) {
      return "this address is masked; write one that fits it, such as \(Self.example(ofMasked: text))"
    }
    if names.isEmpty, text.contains("."), !text.contains(where: \.isWhitespace) {
      return "\(text) is not an address, and names are not looked up; write its address"
    }
    if names.isEmpty {
      return
        "not an address, and no dump names containers; add the output of docker ps, docker inspect or docker network inspect"
    }
    if let near = Spelling.nearest(to: text, among: names) { return "no such container; did you mean \(near)?" }
    return "no such container; the dumps show " + names.sorted().prefix(8).joined(separator: ", ")
  }
}
