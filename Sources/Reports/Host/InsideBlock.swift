import FlowTrace
import HostAnalysis
import HostModel
import RuleGraph

/// What the containers of a network, or the host itself, reach: the host's ports in a line, and each network of
/// containers in one.
struct InsideBlock {
  let exposure: Exposure
  let zone: Int
  let words: ExposureWords

  func add(to page: inout Page) {
    let lines = exposure.lines(from: zone)
    guard !lines.isEmpty else { return }
    var rows: [ColumnRow] = []
    if !isHost { rows += hostRows(lines) }
    rows += networkRows(lines)
    if isHost { rows += hostRows(lines.filter { $0.outcome != .open && $0.outcome != .unanswered }) }
    guard !rows.isEmpty else { return }
    page.addGap()
    page.add(StyledText(title, .strong), hanging: 2)
    ColumnRows(rows: rows).add(to: &page, indent: 2)
  }

  private var isHost: Bool { exposure.zones[zone].kind == .host }

  private var title: String {
    let zone = exposure.zones[zone]
    if isHost { return "From this host" }
    let containers = words.facts.containers.filter { container in
      container.isRunning != false
        && container.endpoints.contains { leg in
          leg.addresses.contains { address in zone.prefixes.contains { $0.contains(address) } }
        }
    }.map(\.name)
    let inside = containers.isEmpty ? zone.prefixes.map(\.description) : containers
    let list = inside.listed(upTo: 6)
    return "From \(words.name(zone))" + (list.isEmpty ? "" : " (\(list))")
  }

  // MARK: The host

  private func hostRows(_ lines: [ExposureLine]) -> [ColumnRow] {
    let own = lines.filter { $0.service.subject.isOfHost }
    var open: [String] = []
    var closed: [String] = []
    for line in own {
      let port = words.port(line.service)
      switch line.outcome {
      case .open:
        let isRest = line.service.subject == .otherHostPorts && line.service.ports.count > 1_000
        var text = isRest ? "every other port" : "\(port) \(words.answer(line))"
        text += words.whoBehind(line)
        if let address = words.address(line) { text += " \(address)" }
        if !open.contains(text) { open.append(text) }
      case .unanswered: break
      case .closed:
        guard line.service.subject == .hostPort else { break }
        // A loopback address is closed to everybody else as a matter of course.
        if line.service.isOnLoopback { break }
        var text = port
        if let listener = words.listener(line.service) { text += " \(listener)" }
        text += words.whoBehind(line)
        text += " (\(words.reason(line)))"
        if !closed.contains(text) { closed.append(text) }
      case .unknown: break
      }
    }
    var rows: [ColumnRow] = []
    if !open.isEmpty { rows.append(row("this host", open.listed(upTo: 8))) }
    if !closed.isEmpty { rows.append(row(open.isEmpty ? "this host" : "", "closed: " + closed.listed(upTo: 8))) }
    return rows
  }

  // MARK: Networks

  private func networkRows(_ lines: [ExposureLine]) -> [ColumnRow] {
    exposure.zones.compactMap { network in
      guard case .network = network.kind else { return nil }
      let there = lines.filter { line in
        (line.service.subject == .containerPort || line.service.subject.isOtherContainerPorts)
          && line.service.addresses.first.map { first in network.prefixes.contains { $0.values.contains(first) } }
            ?? false
      }
      guard !there.isEmpty else { return nil }
      return row(network == exposure.zones[zone] ? "its own network" : words.name(network), sentence(there))
    }
  }

  private func sentence(_ lines: [ExposureLine]) -> String {
    let isOpen = lines.map { $0.outcome == .open }
    if isOpen.allSatisfy(\.self) { return "every port" }
    let closed = lines.filter { if case .closed = $0.outcome { true } else { false } }
    let deciders = closed.reduce(into: [String]()) { list, line in
      let reason = words.reason(line)
      if !list.contains(reason) { list.append(reason) }
    }
    if closed.count == lines.count { return "closed: " + deciders.listed(upTo: 8) }
    let open = lines.filter { $0.outcome == .open }.reduce(into: [String]()) { list, line in
      let isKnown = line.service.subject == .containerPort
      let text =
        (isKnown ? words.answer(line) : "\(words.port(line.service)) of its containers") + words.whoBehind(line)
      if !list.contains(text) { list.append(text) }
    }
    if closed.isEmpty { return open.isEmpty ? "unknown" : open.listed(upTo: 8) }
    let isDecided = !lines.contains { $0.outcome == .unknown }
    return (open.isEmpty ? "unknown" : open.listed(upTo: 8))
      + (isDecided ? "; all else closed: " : "; closed in part: ")
      + deciders.listed(upTo: 8)
  }

  private func row(_ name: String, _ text: String) -> ColumnRow {
    ColumnRow(cells: [StyledText(name, .named), StyledText(text)])
  }
}

/// What the dumps leave open, and what would settle it.
struct UnknownBlock {
  let exposure: Exposure
  let words: ExposureWords

  func add(to page: inout Page) {
    var rows: [ColumnRow] = []
    for family in exposure.unfiltered {
      let name = family == .ipv4 ? "IPv4" : "IPv6"
      let command = family == .ipv4 ? "iptables-save" : "ip6tables-save"
      rows.append(
        ColumnRow(cells: [StyledText(name), "the filter table was not shown", StyledText(command, .faint)]))
    }
    for (zones, ports, why, command) in grouped() {
      rows.append(
        ColumnRow(cells: [StyledText("\(ports) from \(zones)"), StyledText(why), StyledText(command ?? "", .faint)]))
    }
    guard !rows.isEmpty else { return }
    page.addGap()
    page.add(StyledText("Unknown", .doubtful) + "   why, and the command whose output would settle it", hanging: 2)
    ColumnRows(rows: rows).add(to: &page, indent: 2)
  }

  private func command(_ access: Access) -> String {
    access.service.family == .ipv4 ? "iptables -vnL" : "ip6tables -vnL"
  }

  /// The unknown ports by what would settle them.
  private func grouped() -> [(zones: String, ports: String, why: String, command: String?)] {
    struct Reason: Hashable {
      var why: String
      var command: String?
    }
    var order: [Reason] = []
    var zones: [Reason: [String]] = [:]
    var ports: [Reason: [String]] = [:]
    for access in exposure.accesses where access.outcome == .unknown {
      let doubts = access.part.conditions.filter { !$0.isEnvironment && $0.text(in: words.ruleset) != nil }
      let doubt = doubts.first { $0.settledBy != nil } ?? doubts.first
      let reason =
        access.unshown.map { Reason(why: "filter \($0.rawValue.uppercased()) was not shown", command: command(access)) }
        ?? Reason(
          why: doubt?.rule.map { "\(words.ruleset.place(of: $0)) is not known" } ?? doubt?.text(in: words.ruleset)
            ?? words.deciders.place(access.deciders), command: doubt?.settledBy)
      if zones[reason] == nil { order.append(reason) }
      let zone = words.name(exposure.zones[access.zone])
      if !(zones[reason] ?? []).contains(zone) { zones[reason, default: []].append(zone) }
      var service = access.service
      service.ports = access.ports
      let port = words.port(service)
      if !(ports[reason] ?? []).contains(port) { ports[reason, default: []].append(port) }
    }
    return order.map { ((zones[$0] ?? []).listed(upTo: 4), (ports[$0] ?? []).listed(upTo: 4), $0.why, $0.command) }
  }
}
