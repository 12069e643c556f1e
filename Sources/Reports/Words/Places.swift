import FlowTrace
import RuleGraph

extension Ruleset {
  /// Where a rule stands: `nat.txt:22`; nil when the rule is not of this ruleset.
  func location(of id: RuleID) -> String? { holds(id) ? location(of: self[id].span) : nil }

  /// Where a chain begins.
  func location(of id: ChainID) -> String? { holds(id) ? self[id].span.map { location(of: $0) } : nil }

  /// A span as `file:line`.
  func location(of span: SourceSpan) -> String { "\(sources.name(of: span)):\(span.line)" }
}

extension PacketTuple {
  /// Destination address and port: `172.17.0.2:8080`; `anyone` for an address that is not limited.
  var destinationText: String { EndpointWords.text(destination, destinationPort, family: family, anyone: "anywhere") }

  /// Source address and port.
  var sourceText: String { EndpointWords.text(source, sourcePort, family: family, anyone: "anyone") }
}

/// Addresses with ports in words.
enum EndpointWords {
  /// One packet: `tcp 203.0.113.9:40000 -> 192.0.2.10:22 in eth0`.
  static func packet(
    _ family: AddressFamily?, _ transport: ValueSet?, from source: (ValueSet?, ValueSet?),
    to destination: (ValueSet?, ValueSet?),
    input: String?
  ) -> String {
    func end(_ end: (address: ValueSet?, port: ValueSet?)) -> String {
      text(end.address ?? .empty, end.port, family: family, anyone: "any address")
    }
    var words = [transport?.text(as: .transport)].compactMap(\.self)
    words.append("\(end(source)) -> \(end(destination))")
    if let input { words.append("in \(input)") }
    return words.joined(separator: " ")
  }

  /// `172.17.0.2:8080`, `[2001:db8::1]:80`, `10.0.0.0/8 port 80-90`; `anyone` stands for all addresses of the family.
  static func text(_ addresses: ValueSet, _ ports: ValueSet?, family: AddressFamily?, anyone: String) -> String {
    let universe = family?.allAddresses ?? .all
    let inside = addresses.intersection(universe)
    let isOpen = inside == universe || inside.isEmpty
    let address = isOpen ? anyone : inside.text(as: .address, in: universe, limit: 4)
    guard let ports, ports != ValueSet(0...65535), !ports.isEmpty, ports != .all else { return address }
    let port = ports.text(as: .number, in: ValueSet(0...65535), limit: 4)
    guard inside.single != nil, ports.intervals.count == 1, !port.contains(" ") else {
      return "\(address) port \(port)"
    }
    return address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
  }
}
