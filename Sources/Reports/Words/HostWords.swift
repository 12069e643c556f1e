import FlowTrace
import HostAnalysis
import HostModel
import RuleGraph

/// Who sends and who receives, in the words of the person who runs the host: containers by name, bridges as networks.
struct HostWords {
  let ruleset: Ruleset
  let facts: HostFacts
  let knowledge: RulesetKnowledge

  /// The container that has an address.
  func container(at address: IPAddress) -> Container? {
    let sharing = facts.containers.filter { $0.endpoints.contains { $0.addresses.contains(address) } }
    // Whoever joined another container's network is named by that container's name.
    return sharing.first { $0.networkMode?.hasPrefix("container:") != true } ?? sharing.first
  }

  /// `172.17.0.2:8080 (tomcat1)` for an address of a known container, else the endpoint as it is.
  func named(_ text: String, _ addresses: ValueSet) -> String {
    guard let single = addresses.single, let container = container(at: IPAddress(bits: single)) else { return text }
    return "\(text) (\(container.name))"
  }

  /// Whether an interface is a bridge that containers are on.
  func isContainerBridge(_ name: String) -> Bool {
    if facts.networks.contains(where: { $0.bridge == name }) { return true }
    if let owner = BridgeOwner.named(name) { return owner.hasContainers }
    // Docker calls the bridge of a network as its option says: any name may be one where Docker is.
    guard knowledge.hasDocker || !facts.containers.isEmpty || !facts.networks.isEmpty else { return false }
    if let kind = facts.interface(name)?.kind, kind != "bridge" { return false }
    return knowledge.innerInterfaces.contains(name) || name.hasPrefix("br-")
  }

  /// Whether an interface is on the containers' side of the host, or loopback.
  private func isInner(_ name: String) -> Bool {
    if isContainerBridge(name) || name == "lo" || name.hasPrefix("veth") || isElsewhere(name) { return true }
    guard let interface = facts.interface(name) else { return false }
    return interface.kind == "veth" || interface.master.map(isContainerBridge) == true
  }

  /// `docker0`, or `mynet (br-9330b5a5cf80)` when the network is known.
  func network(_ bridge: String) -> String {
    guard let network = facts.networks.first(where: { $0.bridge == bridge }), network.name != "bridge" else {
      return bridge
    }
    return "\(network.name) (\(bridge))"
  }

  /// Who sends packets: `another host`, and the interfaces that it does not come in on.
  struct Sender: Hashable {
    var name: String
    /// The interfaces, in brackets; nil where none are left out.
    var aside: String?

    init(_ name: String, aside: String? = nil) {
      self.name = name
      self.aside = aside
    }

    /// `from another host (in: any but docker0)`.
    var text: String { "from \(name)" + (aside.map { " (\($0))" } ?? "") }
  }

  /// Who sends the packets of a case.
  func sender(of one: Case, query: Query) -> Sender {
    let sentByHost = one.when.allowed[.sentByHost]?.single
    if sentByHost == 1 || query.origin == .host { return Sender("this host") }
    if let sender = query.sender { return Sender("the container \(sender)") }
    let source = one.when.allowed[.address(.saddr, one.packet.family)] ?? query.source
    let input = (one.when.allowed[.field(.meta(.iifname))] ?? query.input ?? .all).intersection(InterfaceName.wires)
    // A container's address that comes in from elsewhere is not the container.
    let isInside = input.single.map { isContainerBridge(InterfaceName(value: $0).description) } ?? !isOutside(input)
    if isInside, let single = source?.single, let container = container(at: IPAddress(bits: single)) {
      return Sender("the container \(container.name)")
    }
    if input == InterfaceName.wires || input.isEmpty {
      return Sender(sentByHost == 0 || query.origin == .wire ? "any interface" : "anywhere")
    }
    return arrival(input)
  }

  /// Whether the interfaces are all but those that containers are on: packets of other hosts.
  func isOutside(_ input: ValueSet) -> Bool {
    let rest = InterfaceName.anyName.subtracting(input)
    return input.count > rest.count
      && rest.pieces(as: .name).allSatisfy(isInner)
  }

  /// Whether an interface is one that Docker would have, and neither is here.
  private func isElsewhere(_ name: String) -> Bool {
    guard !knowledge.hasDocker, facts.containers.isEmpty, facts.networks.isEmpty, facts.interface(name) == nil else {
      return false
    }
    return name == "br-*" || BridgeOwner.named(name) == .docker && !knowledge.innerInterfaces.contains(name)
  }

  private func arrival(_ input: ValueSet) -> Sender {
    if let single = input.single {
      let name = InterfaceName(value: single).description
      if name == "lo" { return Sender("this host, back in on lo") }
      return Sender(isContainerBridge(name) ? "a container on \(network(name))" : name)
    }
    let rest = InterfaceName.wires.subtracting(input)
    if input.count > rest.count {
      // That other hosts' packets do not come in on loopback goes without saying.
      let excluded = rest.pieces(as: .name).filter { $0 != "lo" && !isElsewhere($0) }
      if excluded.isEmpty { return Sender(isOutside(input) ? "another host" : "any interface") }
      let list = ValueSet.shortList(excluded)
      return isOutside(input)
        ? Sender("another host", aside: "in: any but \(list)") : Sender("any interface but \(list)")
    }
    return Sender(ValueSet.shortList(input.pieces(as: .name)))
  }

  /// Where the packets of a case end, and with which source.
  func receiver(of one: Case) -> String? {
    let packet = one.packet
    let destination = named(packet.destinationText, packet.destination)
    var text: String
    switch one.fate {
    case .discarded: return nil
    case .local where packet.source.single != nil && packet.source == packet.destination && one.decidedBy == .nothing:
      text = "\(destination) in the sender's own network namespace"
    case .local:
      text = packet.destination.single == nil ? "this host itself" : "this host itself, \(packet.destinationText)"
    case .forward, .sent:
      text = destination
      if let out = one.output?.pieces(as: .name), !out.isEmpty, one.output != .all {
        let isOpen = one.output.map { $0.count > InterfaceName.wires.subtracting($0).count } ?? false
        text += isOpen ? "" : " through " + ValueSet.shortList(out)
      }
    case .bridged:
      text = destination
      if let bridge = one.output?.single { text += " over the bridge \(InterfaceName(value: bridge))" }
    }
    let sources = one.translations.filter(\.ofSource)
    if let last = sources.last {
      let seen = EndpointWords.text(last.to.address, nil, family: packet.family, anyone: "")
      text += seen.isEmpty ? ", its source replaced" : ", seen there as coming from \(seen)"
    } else if one.fate == .forward, (one.conditionalVerdict ?? one.verdict) == .accept,
      !one.hasUnknownSource
    {
      text += ", source kept"
    }
    return text
  }

  /// Where packets were led that never arrive: the container behind a published port; nil where they were not
  /// translated.
  func missedTarget(of one: Case) -> String? {
    guard one.fate == .discarded, one.verdict == .drop || one.verdict == .reject,
      one.translations.contains(where: { !$0.ofSource })
    else { return nil }
    return named(one.packet.destinationText, one.packet.destination)
  }

  /// Whether a case is of a few senders of many: it stands behind those that are about everybody.
  func isParticular(_ one: Case) -> Bool {
    let dimension = Region.Dimension.address(.saddr, one.packet.family)
    guard let sources = one.when.allowed[dimension], let all = one.when.open[dimension] else { return false }
    return sources.count < all.subtracting(sources).count
  }

  /// What else sets the packets of a case apart from those of the query: ports, addresses, marks, conditions.
  ///
  /// - Parameter hidingSource: Whether the sources go without saying, since the sender is named.
  func limits(of one: Case, query: Query, hidingSource: Bool = false) -> PacketLimits {
    var limits = packetLimits(of: one, query: query, hidingSource: hidingSource)
    limits.rest += one.conditions.compactMap { $0.text(in: ruleset).map { "if \($0)" } }
    return limits
  }

  /// The same without the conditions.
  func packetLimits(of one: Case, query: Query, hidingSource: Bool = false) -> PacketLimits {
    var allowed = one.when.allowed
    if hidingSource { allowed[.address(.saddr, one.packet.family)] = nil }
    var limits = box(allowed, of: one.when, query: query, isException: false)
    if !one.when.parts.isEmpty { limits.rest.append("in the \(one.when.parts.count) combinations that the rules name") }
    let count = one.when.except.count
    if count > 8 { limits.rest.append("but for \(count) combinations that rules before take") }
    for exception in count > 8 ? [] : one.when.except.prefix(3) {
      let words = box(exception, of: one.when, query: query, isException: true).texts
      if !words.isEmpty { limits.rest.append("not " + words.joined(separator: " and ")) }
    }
    if count > 3, count <= 8 { limits.rest.append("and \(one.when.except.count - 3) more exceptions") }
    return limits
  }

  /// The sources of a case in words: `from 10.0.0.0/8`; nil when it has all that the question has.
  func sources(of one: Case, query: Query) -> String? {
    let dimension = Region.Dimension.address(.saddr, one.packet.family)
    guard let values = one.when.allowed[dimension], values != query.source else { return nil }
    return sourceText(values, among: one.when.open[dimension] ?? query.source ?? .all)
  }

  /// The sources of a case, by what it lacks where that is shorter; nil when it has all of them.
  private func sourceText(_ values: ValueSet, among all: ValueSet) -> String? {
    let missing = all.subtracting(values)
    if missing.isEmpty { return nil }
    let (pieces, rest) = (values.pieces(as: .address), missing.pieces(as: .address))
    return rest.count < pieces.count
      ? "from any address but \(ValueSet.shortList(rest))" : "from \(ValueSet.shortList(pieces))"
  }

  /// Addresses of a family, by what they lack where that is shorter; nil when they are all of it.
  private func addressText(_ values: ValueSet, in family: AddressFamily) -> String? {
    let inside = values.intersection(family.ownAddresses)
    let missing = family.ownAddresses.subtracting(inside)
    if missing.isEmpty || inside.isEmpty { return nil }
    let (pieces, rest) = (inside.pieces(as: .address), missing.pieces(as: .address))
    return rest.count < pieces.count ? "any address but \(ValueSet.shortList(rest))" : ValueSet.shortList(pieces)
  }

  /// Whether a field can set cases apart: the question or a rule must speak of it.
  private func isDistinguishing(_ field: Field, _ query: Query) -> Bool {
    switch field.queryName {
    case "src", "dst", "sport", "dport", "proto", "in", "out": true
    default: knowledge.fields.contains(field) || query.fields[field] != nil
    }
  }

  private func box(
    _ box: [Region.Dimension: ValueSet], of region: Region, query: Query, isException: Bool
  ) -> PacketLimits {
    var limits = PacketLimits()
    let transports = box[.field(.meta(.l4proto))] ?? query.transport ?? .all
    for (dimension, values) in box {
      switch dimension {
      case .sentByHost:
        if isException, let single = values.single {
          limits.fields.append(single == 1 ? "sent by this host" : "arriving")
        }
      case .condition: break
      case .family: if query.family == nil, let one = values.single { limits.fields.append(one == 2 ? "IPv4" : "IPv6") }
      case .field(.header(let field)) where field.header.protocolNumber.map(transports.contains) == false: break
      case .field(.meta(.iifname)):
        if isException { limits.fields.append("in \(Field.meta(.iifname).text(of: values))") }
      case .field(let field):
        if !isDistinguishing(field, query) { continue }
        if values == field.universe || values == .all || values == query.values(of: field) { continue }
        if case .header(let header) = field, header.name == .saddr || header.name == .daddr,
          let family = query.family, values.intersection(family.allAddresses) == family.allAddresses
        {
          continue
        }
        if field.queryName == "src", !isException {
          if let text = sourceText(values, among: region.open[dimension] ?? query.source ?? .all) {
            limits.fields.append(text)
          }
          continue
        }
        if field.queryName == "dst", query.destination == nil, !isException,
          let family = region.allowed[.family]?.single.map({ $0 == 2 ? AddressFamily.ipv4 : .ipv6 })
        {
          if let text = addressText(values, in: family) { limits.fields.append("to \(text)") }
          continue
        }
        let universe = region.open[dimension] ?? field.universe
        let text = values.text(as: field.valueKind, in: universe, limit: 3)
        switch field {
        case .meta(.l4proto): limits.transport = text
        case .header(HeaderField(.th, .dport)): limits.port = text
        default: limits.fields.append("\(MatchWords.label(field)) \(text)")
        }
      }
    }
    limits.fields.sort()
    return limits
  }
}

/// What sets packets apart, in words; the protocol and the port that they go to without the names of these fields.
struct PacketLimits {
  var transport: String?
  var port: String?
  /// Other fields, in order.
  var fields: [String] = []
  /// What no field says: combinations, exceptions and conditions.
  var rest: [String] = []

  /// Each limit with the name of its field.
  var texts: [String] {
    let named = [transport.map { "protocol \($0)" }, port.map { "dport \($0)" }].compactMap(\.self)
    return (fields + named).sorted() + rest
  }

  /// Protocol and port as one word, before all others: `22/tcp, from 10.0.0.0/8`.
  var short: String {
    var first: [String] = []
    switch (transport, port) {
    case (let transport?, let port?) where !transport.contains(" ") && !port.contains("any"):
      first = ["\(port)/\(transport)"]
    case (let transport?, let port?): first = [transport, "port \(port)"]
    case (let transport?, nil): first = [transport]
    case (nil, let port?): first = ["port \(port)"]
    case (nil, nil): break
    }
    return (first + fields + rest).joined(separator: ", ")
  }
}

extension [String] {
  /// The first so many of them, and how many more there are.
  func listed(upTo limit: Int) -> String {
    prefix(limit).joined(separator: ", ") + (count > limit ? " and \(count - limit) more" : "")
  }

  /// The words as a sentence lists them: `a`, `a and b`, `a, b and c`.
  var enumerated: String {
    guard let last else { return "" }
    return count == 1 ? last : dropLast().joined(separator: ", ") + " and " + last
  }
}

extension ValueSet {
  /// The first three pieces, and how many more there are.
  static func shortList(_ pieces: [String]) -> String {
    pieces.listed(upTo: pieces.count == 3 ? 3 : 2)
  }
}

extension Query {
  /// What the query itself says of a field.
  fileprivate func values(of field: Field) -> ValueSet? {
    switch field.queryName {
    case "src": source
    case "dst": destination
    case "sport": sourcePort
    case "dport": destinationPort
    case "proto": transport
    case "in": input
    case "out": output
    case "physin": physicalInput
    default: fields[field]
    }
  }
}
