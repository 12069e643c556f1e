import FlowTrace
import HostModel
public import RuleGraph

/// What somebody asks about who reaches it.
public struct ReachTarget: Hashable, Sendable {
  /// Whose ports are meant.
  public enum Place: Hashable, Sendable {
    /// A container, with its addresses.
    case container(name: String?, addresses: ValueSet)
    /// The host, at some of its addresses.
    case host(ValueSet)
    /// The host and its containers.
    case anywhere
  }

  /// Whose ports are meant.
  public var place: Place
  /// The port; nil is any.
  public var port: UInt16?
  /// The protocol; nil is TCP and UDP.
  public var transport: IPProtocol?

  /// Makes a target.
  public init(_ place: Place, port: UInt16? = nil, transport: IPProtocol? = nil) {
    self.place = place
    self.port = port
    self.transport = transport
  }
}

/// Why a text names nothing that could be reached.
public enum ReachTargetProblem: Error, Hashable, Sendable {
  /// The port is none.
  case noPort(String)
  /// The protocol has no ports, or there is none of this name.
  case noTransport(String)
  /// No container has this name; perhaps the other one was meant.
  case noContainer(String, nearest: String?)
  /// The address is neither the host's nor a container's.
  case elsewhere(IPAddress)
}

extension ReachTarget {
  /// The address that a text names, alone or with a port; nil where it names none.
  package static func address(in text: String) -> IPAddress? {
    (try? WrittenTarget(text)).flatMap { IPAddress($0.name) }
  }
}

/// The parts of a target's text.
private struct WrittenTarget {
  /// The name or address; empty for a port alone.
  private(set) var name = ""
  private(set) var port: UInt16?
  private(set) var transport: IPProtocol?

  init(_ text: String) throws(ReachTargetProblem) {
    var text = text[...]
    if let slash = text.lastIndex(of: "/") {
      switch text[text.index(after: slash)...].lowercased() {
      case "tcp": transport = .tcp
      case "udp": transport = .udp
      default: throw .noTransport(String(text[text.index(after: slash)...]))
      }
      text = text[..<slash]
    }
    if text.first?.isNumber == true, text.allSatisfy(\.isNumber) {
      port = try Self.port(text)
    } else if text.first == "[", let close = text.lastIndex(of: "]") {
      name = String(text[text.index(after: text.startIndex)..<close])
      let rest = text[text.index(after: close)...]
      if rest.first == ":" { port = try Self.port(rest.dropFirst()) }
    } else if IPAddress(text) == nil, let colon = text.lastIndex(of: ":") {
      name = String(text[..<colon])
      port = try Self.port(text[text.index(after: colon)...])
    } else {
      name = String(text)
    }
  }

  private static func port(_ text: Substring) throws(ReachTargetProblem) -> UInt16 {
    guard let port = UInt16(text), port > 0 else { throw .noPort(String(text)) }
    return port
  }
}

extension AnalysedHost {
  /// What a text means: the name of a container, an address, either with a port after a colon, or a port, all of them
  /// with `/tcp` or `/udp`.
  ///
  ///     try host.target("redis")            // every way to the container
  ///     try host.target("192.0.2.10:8443")  // a port of the host, and where it leads
  ///     try host.target("53/udp")           // the port, of whoever has it
  public func target(_ text: String) throws(ReachTargetProblem) -> ReachTarget {
    let written = try WrittenTarget(text)
    let place = written.name.isEmpty ? ReachTarget.Place.anywhere : try place(written.name)
    return ReachTarget(place, port: written.port, transport: written.transport)
  }

  private func place(_ name: String) throws(ReachTargetProblem) -> ReachTarget.Place {
    if let address = IPAddress(name) {
      if isContainer(address) { return .container(name: container(at: address), addresses: ValueSet(address.bits)) }
      let own = HostAddresses(ruleset, facts: facts, inferred: inferred).reachable[address.family] ?? .empty
      let isTold = facts.addressesKnown.contains(address.family) || facts.ownAddressesKnown.contains(address.family)
      guard own.contains(address.bits) || address.isLoopback || !isTold else {
        throw .elsewhere(address)
      }
      return .host(ValueSet(address.bits))
    }
    if let container = facts.container(name) {
      return .container(name: container.name, addresses: addresses(ofContainer: container.name))
    }
    throw .noContainer(name, nearest: Spelling.nearest(to: name, among: facts.containers.map(\.name)))
  }

  private func isContainer(_ address: IPAddress) -> Bool {
    facts.containers.contains { $0.endpoints.contains { $0.addresses.contains(address) } }
      || inferred.containerAddresses.contains { $0.address == address }
  }
}
