import FlowTrace
package import HostAnalysis
import HostModel
package import RuleGraph

/// What of a host can be reached in its machine-readable form, `fwtrace.exposure/1`: see
/// `Schemas/fwtrace.exposure.1.json`.
package struct ExposureJSON: Sendable {
  static let schema = "fwtrace.exposure/1"

  private let ruleset: Ruleset
  private let trace: TraceJSON
  private let hostName: String?

  /// Makes a writer for the host of a ruleset.
  package init(_ ruleset: Ruleset, hostName: String? = nil) {
    self.ruleset = ruleset
    self.hostName = hostName
    trace = TraceJSON(ruleset)
  }

  /// The bytes of an exposure with a line end behind them.
  ///
  /// - Parameters:
  ///   - exposure: The exposure.
  ///   - diagnostics: What reading the dumps had to tell.
  package func bytes(of exposure: Exposure, diagnostics: [Diagnostic] = []) -> [UInt8] {
    var json = JSONWriter(indented: true)
    json.object { json in
      json.member("schema", Self.schema)
      json.key("zones")
      json.array { json in for zone in exposure.zones { write(zone, to: &json) } }
      json.key("services")
      json.array { json in
        for access in exposure.accesses where access.outcome != .unknown { write(access, of: exposure, to: &json) }
      }
      json.key("unknown")
      json.array { json in
        for family in exposure.unfiltered {
          json.object(flat: true) { json in
            json.member("family", family == .ipv4 ? "ipv4" : "ipv6")
            json.member("why", "the filter table was not shown")
            json.member("settled_by", family == .ipv4 ? "iptables-save" : "ip6tables-save")
          }
        }
        for access in exposure.accesses where access.outcome == .unknown {
          write(unknown: access, of: exposure, to: &json)
        }
      }
      json.key("assumptions")
      json.array { json in for assumption in exposure.assumptions.told { json.value(assumption.sentence) } }
      json.key("warnings")
      json.array { json in
        for warning in diagnostics + exposure.warnings where warning.severity != .note {
          trace.write(warning, to: &json)
        }
      }
    }
    json.endLine()
    return json.bytes
  }

  /// The name that services refer to.
  static func name(_ zone: Zone) -> String {
    switch zone.kind {
    case .outside(let interface): interface ?? "outside"
    case .network(let bridge): zone.networkName ?? bridge
    case .host: "host"
    }
  }

  private func write(_ zone: Zone, to json: inout JSONWriter) {
    json.object(flat: true) { json in
      json.member("name", Self.name(zone))
      json.member("interfaces", [zone.interface].compactMap(\.self))
      json.member("networks", zone.prefixes.map(\.description))
      let kind =
        switch zone.kind {
        case .outside: "outside"
        case .network: "network"
        case .host: "host"
        }
      json.member("kind", kind)
    }
  }

  // MARK: Accesses

  private func write(_ access: Access, of exposure: Exposure, to json: inout JSONWriter) {
    json.object { json in
      writeService(access, of: exposure, to: &json)
      json.key("who")
      trace.write(access.when, of: access.part, to: &json)
      json.member("verdict", verdict(access))
      if case .closed(let obstacle) = access.outcome { json.member("stopped", name(obstacle)) }
      json.key("to")
      writeAnswer(of: access, in: exposure, to: &json)
      trace.writeMembers(access.deciders, to: &json)
      json.member(
        "marks", access.marks.map(ExposureWords.id).reduce(into: []) { if !$0.contains($1) { $0.append($1) } })
      let denials = access.marks.compactMap { mark in if case .unmetDenial(let id) = mark { id } else { nil } }
      if !denials.isEmpty {
        json.key("unmet_denials")
        json.array { json in for id in denials { trace.write(id, to: &json) } }
      }
      json.key("witness")
      write(access.witness, to: &json)
    }
  }

  private func write(unknown access: Access, of exposure: Exposure, to json: inout JSONWriter) {
    json.object { json in
      writeService(access, of: exposure, to: &json)
      json.key("who")
      trace.write(access.when, of: access.part, to: &json)
      let doubts = access.part.conditions.filter { !$0.isEnvironment && $0.text(in: ruleset) != nil }
      if let hook = access.unshown {
        json.member("why", "filter \(hook.rawValue.uppercased()) was not shown")
        json.member("settled_by", access.service.family == .ipv4 ? "iptables-save" : "ip6tables-save")
      } else {
        json.member("why", doubts.first?.text(in: ruleset))
        json.member("settled_by", doubts.lazy.compactMap(\.settledBy).first)
      }
      json.key("witness")
      write(access.witness, to: &json)
    }
  }

  private func writeService(_ access: Access, of exposure: Exposure, to json: inout JSONWriter) {
    let service = access.service
    json.member("zone", Self.name(exposure.zones[access.zone]))
    let subject =
      switch service.subject {
      case .hostPort: "host-port"
      case .containerPort: "container-port"
      case .otherHostPorts: "other-host-ports"
      case .otherContainerPorts: "other-container-ports"
      }
    json.member("subject", subject)
    json.member("family", service.family == .ipv4 ? "ipv4" : "ipv6")
    json.member("proto", ValueSet(service.transport).text(as: .transport))
    json.member("port", access.ports.single)
    if access.ports.single == nil {
      json.key("ports")
      json.array(flat: true) { json in
        for interval in access.ports.intervals {
          json.array { json in
            json.value(interval.lowerBound)
            json.value(interval.upperBound)
          }
        }
      }
    }
    json.member("address", address(of: access, in: exposure)?.description)
    if access.destinations.single == nil { json.member("addresses", access.destinations.pieces(as: .address)) }
  }

  /// The address that a person would try: the only one, else the host's own on the zone's side.
  private func address(of access: Access, in exposure: Exposure) -> IPAddress? {
    let single = access.destinations.single.map { IPAddress(bits: $0) }
    let own = exposure.zones[access.zone].gateways.first { access.destinations.contains($0.bits) }
    let shown = single ?? own ?? access.destinations.first.map { IPAddress(bits: $0) }
    return shown == exposure.unnamed[access.service.family] ? nil : shown
  }

  /// `accept` of what is open, and of what the rules let through where nothing listens (`to` is then null).
  private func verdict(_ access: Access) -> String {
    switch access.outcome {
    case .open, .unanswered: "accept"
    case .closed(.packet): access.part.verdict.rawValue
    case .closed(.reply), .closed(.proxy): "drop"
    case .unknown: "undetermined"
    }
  }

  private func name(_ obstacle: Access.Obstacle) -> String {
    switch obstacle {
    case .packet: "packet"
    case .reply: "reply"
    case .proxy: "proxy"
    }
  }

  private func writeAnswer(of access: Access, in exposure: Exposure, to json: inout JSONWriter) {
    // A container's ports that nobody is known to have are open to whoever will: nobody is named.
    var isKnown = true
    if case .otherContainerPorts = access.service.subject { isKnown = false }
    guard access.outcome == .open, isKnown, let answer = access.answer else {
      json.value(nil as String?)
      return
    }
    let shown = address(of: access, in: exposure)?.description
    json.object(flat: true) { json in
      switch answer {
      case .container(let name, let endpoint, let throughProxy):
        json.member("container", name)
        json.member("address", endpoint?.address.description)
        json.member("port", endpoint?.port)
        if throughProxy { json.member("through", "docker-proxy") }
      case .program(let name, let port):
        json.member("program", name)
        json.member("address", shown)
        json.member("port", port)
      case .host(let port):
        json.member("host", hostName ?? "host")
        json.member("address", shown)
        json.member("port", port)
      }
    }
  }

  private func write(_ witness: Witness?, to json: inout JSONWriter) {
    guard let witness else {
      json.value(nil as String?)
      return
    }
    json.object(flat: true) { json in
      json.member("proto", ValueSet(witness.transport).text(as: .transport))
      if let source = witness.source { json.member("src", source.description) }
      json.member("sport", witness.sourcePort)
      json.member("dst", witness.destination.description)
      json.member("dport", witness.destinationPort)
      json.member("in", witness.input)
    }
  }
}
