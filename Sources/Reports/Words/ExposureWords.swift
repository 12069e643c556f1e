import FlowTrace
import HostAnalysis
import HostModel
import RuleGraph

/// Zones, services and who reaches them, as a network engineer would note them down.
struct ExposureWords {
  let exposure: Exposure
  let facts: HostFacts
  let ruleset: Ruleset
  let deciders: DeciderWords
  /// The host's addresses, as questions from outside name them.
  private let ownAddresses: [AddressFamily: ValueSet]

  init(exposure: Exposure, facts: HostFacts, ruleset: Ruleset, deciders: DeciderWords) {
    self.exposure = exposure
    self.facts = facts
    self.ruleset = ruleset
    self.deciders = deciders
    var own: [AddressFamily: ValueSet] = [:]
    for access in exposure.accesses where access.service.subject == .otherHostPorts {
      if access.service.ports.count > 1_000, exposure.zones[access.zone].kind != .host {
        own[access.service.family] = access.service.addresses
      }
    }
    ownAddresses = own
  }

  // MARK: Zones

  /// `eth0`, `docker0`, `backend (br-1a2b3c4d5e6f)`, `this host`.
  func name(_ zone: Zone) -> String {
    switch zone.kind {
    case .outside(let interface?): interface
    case .outside(nil):
      exposure.zones.contains { $0.isOutside && $0.interface != nil } ? "any other interface" : "outside"
    case .network(let bridge): zone.networkName.map { "\($0) (\(bridge))" } ?? bridge
    case .host: "this host"
    }
  }

  // MARK: Services

  /// `22/tcp`, `22/tcp6`, `8000-8010/tcp`.
  func port(_ service: Service) -> String {
    let transport = ValueSet(service.transport).text(as: .transport) + (service.family == .ipv6 ? "6" : "")
    switch service.subject {
    case .hostPort, .containerPort:
      return service.ports.text(as: .number, in: ValueSet(0...65535), limit: 4) + "/" + transport
    case .otherHostPorts, .otherContainerPorts:
      let pieces = service.ports.pieces(as: .number)
      if service.ports.count >= 65_535 { return "any/" + transport }
      return (service.ports.count < 32_768 && pieces.count <= 2 ? pieces.joined(separator: ",") : "other") + "/"
        + transport
    }
  }

  /// Who answers: `sshd`, `web 172.17.0.2:443`.
  func answer(_ line: ExposureLine) -> String {
    switch line.first.answer {
    case nil: return line.outcome == .unanswered ? "nothing listens" : ""
    case .program(let name, let port):
      let name = name ?? "a program"
      return line.service.ports.single == UInt128(port) ? name : "\(name) port \(port)"
    case .host(let port?): return line.service.ports.single == UInt128(port) ? "this host" : "this host, port \(port)"
    case .host(nil): return "whatever listens"
    case .container(let name, let endpoint, let throughProxy):
      let address = endpoint.map { self.endpoint($0) }
      let text = [name, address].compactMap(\.self).joined(separator: " ")
      return (text.isEmpty ? "containers" : text) + (throughProxy ? " (docker-proxy)" : "")
    }
  }

  private func endpoint(_ endpoint: Endpoint) -> String {
    EndpointWords.text(
      ValueSet(endpoint.address.bits), ValueSet(endpoint.port), family: endpoint.address.family, anyone: "")
  }

  /// Who has a port of the host: the programs that listen, whoever of them may get a packet.
  func listener(_ service: Service) -> String? {
    guard let port = service.ports.single.flatMap(UInt16.init(exactly:)) else { return nil }
    let fitting = facts.sockets.filter { $0.has(port, service.transport.rawValue, service.family) }
    let names = fitting.compactMap(\.program).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    let containers = facts.containers.filter { $0.isRunning != false }.filter { container in
      container.ports.contains { $0.hostPort == port && $0.transport == service.transport.rawValue }
    }.map(\.name)
    if !containers.isEmpty { return containers.joined(separator: ", ") }
    return names.isEmpty ? nil : names.joined(separator: ", ")
  }

  /// Who reaches a service, or doesn't: `10.0.0.0/8`, `everybody from port 53`.
  func who(_ line: ExposureLine) -> String {
    var text = who(line.who)
    if case .only = line.who, let name = setName(line) { text = "\(name) (\(text))" }
    guard let ports = line.sourcePorts else { return text }
    return text + " from port " + ports.text(as: .number, in: .bits(16), limit: 3)
  }

  /// The ipset or set of nftables that a rule on the way looks the source up in.
  private func setName(_ line: ExposureLine) -> String? {
    for step in line.first.part.path where step.matched {
      guard case .rule(let id) = step.event, ruleset.holds(id) else { continue }
      for case .match(let match) in ruleset[id].statements where !match.negated {
        guard case .field(.header(let field)) = match.subject, field.name == .saddr else { continue }
        switch match.values {
        case .ipset(let name): return "ipset \(name)"
        case .named(let name): return "set \(name)"
        case .values, .masked, .elements, .ipsetExceptions: continue
        }
      }
    }
    return nil
  }

  /// The same after what is reached; empty for everybody.
  func whoBehind(_ line: ExposureLine) -> String {
    line.who == .everybody && line.sourcePorts == nil ? "" : " for " + who(line)
  }

  private func who(_ who: Who) -> String {
    switch who {
    case .everybody: "everybody"
    case .neighbours: "hosts on this link"
    case .allBut(let sources): "all but " + ValueSet.shortList(sources.pieces(as: .address))
    case .only(let sources): ValueSet.shortList(sources.pieces(as: .address))
    }
  }

  /// The address, where a service is at some of the host's addresses alone.
  func address(_ line: ExposureLine) -> String? {
    let shown = line.service.addresses
    let all = ownAddresses[line.service.family]
    guard line.service.subject.isOfHost, let all,
      !all.isSubset(of: shown), line.who != .neighbours
    else { return nil }
    let missing = all.subtracting(shown)
    if missing.count == 1, shown.count > 2 { return "not at \(text(missing, line))" }
    return "at \(text(shown, line))"
  }

  private func text(_ addresses: ValueSet, _ line: ExposureLine) -> String {
    // The stand-in for addresses that nobody showed has no number that anybody knows.
    if let unnamed = exposure.unnamed[line.service.family], addresses.contains(unnamed.bits) {
      let rest = addresses.subtracting(ValueSet(unnamed.bits))
      return rest.isEmpty ? "its other addresses" : "any address"
    }
    return ValueSet.shortList(addresses.pieces(as: .address))
  }

  // MARK: Marks

  /// What is wrong with a line; nil where nothing is.
  func marks(_ marks: [ExposureMark]) -> StyledText? {
    var parts = marks.compactMap(short).map { StyledText($0, .bad) }
    if let denials = denials(marks) { parts.append(denials) }
    guard let first = parts.first else { return nil }
    return parts.dropFirst().reduce(StyledText("! ", .bad) + first) { $0 + "; " + $1 }
  }

  /// What stands below a line's row: the condition that it hangs on, who else decides, and what is wrong.
  func notes(below line: ExposureLine) -> [StyledText] {
    let condition = line.first.conditions.lazy.compactMap { $0.text(in: ruleset) }.first
    return [
      condition.map { StyledText("if \($0)", .doubtful) }, otherwise(line).map { StyledText($0) }, marks(line.marks),
    ].compactMap(\.self)
  }

  /// The rules that decide for some of those who reach a service; nil where one decides for all.
  private func otherwise(_ line: ExposureLine) -> String? {
    let others = line.otherwiseDecided
    if others.isEmpty { return nil }
    return others.map { access in
      "\(ValueSet.shortList(access.sources.pieces(as: .address))) by \(deciders.place(access.deciders))"
    }.listed(upTo: 2)
  }

  private func short(_ mark: ExposureMark) -> String? {
    switch mark {
    case .sensitive(.database): "a database open to everybody"
    case .sensitive(.control): "control over the host open to everybody"
    case .loopbackReached: "published on 127.0.0.1 only"
    case .onlyOverIPv6: "closed over IPv4"
    case .severalAnswer: "several answer at this port"
    case .unmetDenial: nil
    }
  }

  /// The rules that deny the port and are never met, in one sentence.
  func denials(_ marks: [ExposureMark]) -> StyledText? {
    let rules = marks.compactMap { mark in if case .unmetDenial(let id) = mark { id } else { nil } }
    guard let first = rules.first else { return nil }
    let list = rules.map { ruleset.place(of: $0) }.listed(upTo: 3)
    var text = StyledText("denied in vain by ", .bad) + StyledText(list)
    if let source = deciders.names.place(ruleset[first].span) { text += StyledText("  " + source, .faint) }
    return text
  }

  /// The stable name of a mark, for JSON.
  static func id(_ mark: ExposureMark) -> String {
    switch mark {
    case .sensitive(.database): "database"
    case .sensitive(.control): "control"
    case .unmetDenial: "unmet-denial"
    case .loopbackReached: "loopback-reached"
    case .onlyOverIPv6: "ipv6-only"
    case .severalAnswer: "several-answer"
    }
  }
}
