import HostModel
import RuleGraph

/// Reads JSON about the host: `ip -j addr`, `ip -j link`, `ip -j route`, `ip -j rule`, `bridge -j link`, `docker
/// inspect`, `docker network inspect`, `daemon.json`, and pieces that were cut out of them (`"Networks": {`).
///
/// What an object is shows in its keys, since a paste often does not hold the command.
struct JSONFactReader {
  let text: DumpText
  let output: CommandOutput
  private(set) var result = FactFragment()

  /// Reads a section.
  static func read(_ text: DumpText, output: CommandOutput) -> FactFragment {
    var reader = JSONFactReader(text: text, output: output)
    reader.read()
    return reader.result
  }

  private init(text: DumpText, output: CommandOutput) {
    self.text = text
    self.output = output
  }

  private mutating func read() {
    guard let first = text.lines.first else { return }
    var cursor = text.cursor(first)
    cursor.eatBlanks()
    if cursor.peek == UInt8(ascii: "\"") {
      readPiece()
      return
    }
    let tape = JSONTape(text)
    if let problem = tape.problem {
      let offset = tape.sourceOffset(problem.offset)
      let line = text.lines.last { $0.start <= offset } ?? first
      result.unreadable(text, line, at: offset, expected: problem.expected)
    }
    guard let root = tape.root else { return }
    if root.kind == .object {
      readObject(root)
    } else {
      readList(root)
    }
  }

  /// `"Networks": {...}` alone: the name, then its value.
  private mutating func readPiece() {
    guard let first = text.lines.first else { return }
    var cursor = text.cursor(first)
    cursor.eatBlanks()
    cursor.at += 1
    let name = cursor.text(cursor.eat { $0 != UInt8(ascii: "\"") })
    _ = cursor.eat(UInt8(ascii: "\""))
    cursor.eatBlanks()
    guard cursor.eat(UInt8(ascii: ":")) else { return }
    var rest = text
    rest.lines[0].start = cursor.at
    let tape = JSONTape(rest)
    guard let value = tape.root else { return }
    switch name {
    case "Networks":
      // Whose networks these are, the command says: `docker inspect redis01`.
      if let container = output.subject {
        var found = Container(name: container, id: "", span: text.span(first))
        readLegs(value, into: &found)
        result.facts.containers.append(found)
      }
    case "Containers": readMembers(value, network: output.subject ?? "")
    case "IPAM":
      var network = ContainerNetwork(name: output.subject ?? "", id: "", driver: "", span: text.span(first))
      readIPAM(value, into: &network)
      if output.subject != nil { result.facts.networks.append(network) }
    case "Ports":
      var found = Container(name: output.subject ?? "", id: "", span: text.span(first))
      readPorts(value, into: &found)
      if output.subject != nil {
        result.facts.containers.append(found)
      } else {
        result.facts.announcedPorts += found.ports.map { AnnouncedPort($0, span: found.span) }
      }
    case "NetworkSettings":
      if let container = output.subject {
        var found = Container(name: container, id: "", span: text.span(first))
        readSettings(value, into: &found)
        result.facts.containers.append(found)
      }
    default: result.isUnknown = true
    }
  }

  private mutating func readList(_ root: JSONValue) {
    var isAddresses = false
    var isRoutes = false
    var isEmpty = true
    for value in root.elements where value.kind == .object {
      // iproute2 prints empty objects for what a filter left out.
      var members = value.members
      if members.next() == nil { continue }
      isEmpty = false
      if value["ifname"] != nil {
        readInterface(value)
        isAddresses = isAddresses || value["addr_info"] != nil
      } else if value["dst"] != nil {
        readRoute(value)
        isRoutes = true
      } else if value["priority"] != nil {
        readRoutingRule(value)
      } else {
        readObject(value)
      }
    }
    if isAddresses, result.facts.interfaces.contains(where: { $0.name == "lo" }) {
      result.facts.addressesKnown = output.family.map { [$0] } ?? Set(AddressFamily.allCases)
      result.facts.addressesKnown.subtract(result.gaps)
    }
    if isRoutes { result.facts.noteTables(of: output, whole: false) }
    result.facts.routesKnown.subtract(result.gaps)
    result.facts.ownAddressesKnown.subtract(result.gaps)
    if isEmpty, output.kind == nil { result.isUnknown = true }
  }

  private mutating func readObject(_ value: JSONValue) {
    if value["NetworkSettings"] != nil || (value["HostConfig"] != nil && value["Config"] != nil) {
      readContainer(value)
    } else if value["IPAM"] != nil && (value["Driver"] != nil || value["Name"] != nil) {
      readNetwork(value)
    } else if isDaemonSettings(value) {
      readDaemonSettings(value)
    } else {
      result.isUnknown = true
    }
  }

  // MARK: - Containers

  private mutating func readContainer(_ value: JSONValue) {
    var container = Container(
      name: String((value["Name"]?.string ?? "").trimmingPrefix("/")), id: value["Id"]?.string ?? "",
      span: (value["Name"] ?? value["Id"] ?? value).span(in: text))
    container.isRunning = value["State"]?["Running"]?.bool
    container.pid = value["State"]?["Pid"]?.integer.flatMap { $0 > 0 ? $0 : nil }
    if let host = value["HostConfig"] {
      let mode = host["NetworkMode"]?.string
      container.networkMode = mode == "default" ? "bridge" : mode
      container.links =
        host["Links"]?.elements.compactMap { link in
          // `/redis01:/tomcat01/redis01`: the other container, and the name that it has here.
          link.string.map { String($0.prefix { $0 != ":" }.trimmingPrefix("/")) }
        } ?? []
    }
    if let settings = value["NetworkSettings"] { readSettings(settings, into: &container) }
    result.facts.containers.append(container)
  }

  private func readSettings(_ settings: JSONValue, into container: inout Container) {
    if let ports = settings["Ports"] { readPorts(ports, into: &container) }
    if let networks = settings["Networks"] { readLegs(networks, into: &container) }
    if container.endpoints.isEmpty, let address = settings["IPAddress"]?.string.flatMap({ IPAddress($0) }) {
      // Before Docker 1.9 there was no list of networks.
      container.endpoints.append(
        .init(network: "bridge", addresses: [address], hardwareAddress: settings["MacAddress"]?.string))
    }
  }

  private func readLegs(_ networks: JSONValue, into container: inout Container) {
    for (name, leg) in networks.members where leg.kind == .object {
      let addresses = ["IPAddress", "GlobalIPv6Address"].compactMap { (key: String) -> IPAddress? in
        leg.member(key)?.string.flatMap { IPAddress($0) }
      }
      var aliases = leg["Aliases"]?.elements.compactMap(\.string) ?? []
      for dns in leg["DNSNames"]?.elements.compactMap(\.string) ?? [] where !aliases.contains(dns) {
        aliases.append(dns)
      }
      container.endpoints.append(
        .init(
          network: name.string ?? "", addresses: addresses,
          hardwareAddress: leg["MacAddress"]?.string.flatMap { $0.isEmpty ? nil : $0 },
          aliases: aliases))
    }
  }

  private func readPorts(_ ports: JSONValue, into container: inout Container) {
    for (key, bindings) in ports.members {
      let parts = (key.string ?? "").split(separator: "/")
      guard let port = parts.first.flatMap({ UInt16($0) }),
        let transport = parts.count > 1 ? RoutingRuleReader.protocolNumber(String(parts[1])) : 6
      else { continue }
      for binding in bindings.elements {
        guard let hostPort = binding["HostPort"]?.string.flatMap({ UInt16($0) }) else { continue }
        let address = binding["HostIp"]?.string.flatMap { IPAddress($0) }
        let isAny = address.map { $0.isIPv4 ? $0.ipv4Number == 0 : $0.bits == 0 } ?? true
        let published = Container.PublishedPort(
          transport: transport, hostAddress: isAny ? nil : address, hostPort: hostPort, containerPort: port)
        if !container.ports.contains(published) { container.ports.append(published) }
      }
    }
  }

  // MARK: - Networks

  private mutating func readNetwork(_ value: JSONValue) {
    let name = value["Name"]?.string ?? ""
    let id = value["Id"]?.string ?? ""
    let driver = value["Driver"]?.string ?? ""
    var network = ContainerNetwork(
      name: name, id: id, driver: driver, span: (value["Name"] ?? value).span(in: text))
    if let ipam = value["IPAM"] { readIPAM(ipam, into: &network) }
    network.isInternal = value["Internal"]?.bool
    if let options = value["Options"] {
      for (key, option) in options.members {
        if let text = option.string { network.options[key.string ?? ""] = text }
      }
    }
    network.bridge =
      network.options["com.docker.network.bridge.name"]
      ?? DockerNetworksReader.bridge(name: name, id: id, driver: driver)
    network.parent = network.options["parent"]
    result.facts.networks.append(network)
    if let members = value["Containers"] { readMembers(members, network: name) }
  }

  private func readIPAM(_ ipam: JSONValue, into network: inout ContainerNetwork) {
    for config in ipam["Config"]?.elements.map({ $0 }) ?? [] {
      if let subnet = config["Subnet"]?.string.flatMap({ Prefix($0) }) { network.subnets.append(subnet) }
      // The gateway may be printed with its prefix length.
      if let gateway = config["Gateway"]?.string.flatMap({ IPAddress($0.prefix { $0 != "/" }) }) {
        network.gateways.append(gateway)
      }
    }
  }

  /// The `Containers` of a network: the id, then name and addresses.
  private mutating func readMembers(_ members: JSONValue, network: String) {
    for (id, member) in members.members where member.kind == .object {
      let addresses = ["IPv4Address", "IPv6Address"].compactMap { (key: String) -> IPAddress? in
        member.member(key)?.string.flatMap { IPAddress($0.prefix { $0 != "/" }) }
      }
      let identifier = id.string ?? ""
      // `ep-...` is an endpoint without a container.
      result.facts.containers.append(
        Container(
          name: member["Name"]?.string ?? identifier, id: identifier,
          endpoints: [.init(network: network, addresses: addresses, hardwareAddress: member["MacAddress"]?.string)],
          span: id.span(in: text)))
    }
  }

  // MARK: - The daemon

  private static let daemonKeys: Set<String> = [
    "bip", "icc", "userland-proxy", "iptables", "ip6tables", "ip-masq", "ip-forward", "ip-forward-no-drop", "ipv6",
    "fixed-cidr", "fixed-cidr-v6", "default-address-pools", "registry-mirrors", "data-root", "log-driver",
    "live-restore",
    "firewall-backend", "allow-direct-routing", "bridge", "default-gateway", "ip", "mtu", "dns", "hosts",
    "insecure-registries", "exec-opts", "storage-driver",
  ]

  private func isDaemonSettings(_ value: JSONValue) -> Bool {
    value.members.contains { Self.daemonKeys.contains($0.key.string ?? "") }
  }

  private mutating func readDaemonSettings(_ value: JSONValue) {
    for (key, setting) in value.members { result.facts.daemonSettings[key.string ?? ""] = setting.sourceText }
  }

  // MARK: - iproute2

  private mutating func readInterface(_ value: JSONValue) {
    var interface = Interface(value["ifname"]?.string ?? "")
    interface.index = value["ifindex"]?.integer
    interface.mtu = value["mtu"]?.integer
    interface.master = value["master"]?.string
    interface.group = value["group"]?.string
    interface.parent = value["link"]?.string ?? value["link_index"]?.integer.map { "if\($0)" }
    interface.kind = value["linkinfo"]?["info_kind"]?.string
    if value["link_type"]?.string == "ether" { interface.hardwareAddress = value["address"]?.string?.lowercased() }
    if let flags = value["flags"]?.elements.compactMap(\.string) {
      interface.isUp = flags.contains("UP")
      interface.hasCarrier = flags.contains("LOWER_UP") ? true : flags.contains("NO-CARRIER") ? false : nil
      if flags.contains("LOOPBACK") { interface.kind = "loopback" }
    }
    interface.isIsolated = value["isolated"]?.bool ?? value["linkinfo"]?["info_slave_data"]?["isolated"]?.bool
    interface.hairpin = value["hairpin"]?.bool ?? value["linkinfo"]?["info_slave_data"]?["hairpin"]?.bool
    interface.span = value["ifname"]?.span(in: text)
    for info in value["addr_info"]?.elements.map({ $0 }) ?? [] {
      guard let address = info["local"]?.string.flatMap({ IPAddress($0) }), let length = info["prefixlen"]?.integer,
        length >= 0, length <= address.family.addressBits
      else {
        result.gaps.insert(info["family"]?.string == "inet6" ? .ipv6 : .ipv4)
        continue
      }
      interface.addresses.append(
        InterfaceAddress(
          address, prefixLength: length, scope: info["scope"]?.string,
          broadcast: info["broadcast"]?.string.flatMap { IPAddress($0) },
          peer: info["address"]?.string.flatMap { IPAddress($0) },
          isSecondary: info["secondary"]?.bool ?? info["temporary"]?.bool ?? false,
          isDeprecated: (info["deprecated"]?.bool ?? false) || (info["tentative"]?.bool ?? false),
          span: info["local"]?.span(in: text)))
    }
    result.facts.interfaces.append(interface)
  }

  private mutating func readRoute(_ value: JSONValue) {
    let text = value["dst"]?.string ?? ""
    let gateway = value["gateway"]?.string ?? value["via"]?["host"]?.string
    let hopsGiven = value["nexthops"]?.elements.map { $0 } ?? []
    let firstGateway = gateway ?? hopsGiven.first?["gateway"]?.string
    let destination: Prefix?
    if text == "default" {
      let family =
        output.family ?? firstGateway.flatMap { IPAddress($0)?.family }
        ?? (value["pref"] != nil ? .ipv6 : .ipv4)
      destination = Prefix(family == .ipv4 ? IPAddress(ipv4: 0) : IPAddress(bits: 0), length: 0)
    } else {
      destination = Prefix(text)
    }
    guard let destination else {
      result.noteMaskedRoute(text, output.family)
      result.diagnostics.append(
        Diagnostic(
          "unreadable-line", .warning, "`\(text)` is not the destination of a route", span: value.span(in: self.text)))
      return
    }
    var hops = hopsGiven.map { hop in
      Route.NextHop(
        gateway: (hop["gateway"]?.string ?? hop["via"]?["host"]?.string).flatMap { IPAddress($0) },
        interface: hop["dev"]?.string, weight: hop["weight"]?.integer ?? 1)
    }
    if hops.isEmpty, gateway != nil || value["dev"] != nil {
      hops = [Route.NextHop(gateway: gateway.flatMap { IPAddress($0) }, interface: value["dev"]?.string)]
    }
    let flags = value["flags"]?.elements.compactMap(\.string) ?? []
    let asked = output.table.flatMap { $0 == "all" ? nil : HostFacts.tableName($0) }
    result.facts.routes.append(
      Route(
        value["type"]?.string.flatMap { Route.Kind(rawValue: $0) } ?? .unicast, to: destination, nextHops: hops,
        table: (value["table"]?.string ?? value["table"]?.integer.map(String.init)).map(HostFacts.tableName)
          ?? asked ?? "main",
        source: value["prefsrc"]?.string.flatMap { IPAddress($0) }, metric: value["metric"]?.integer ?? 0,
        scope: value["scope"]?.string, isDead: flags.contains("dead"),
        span: value["dst"]?.span(in: self.text)))
  }

  private mutating func readRoutingRule(_ value: JSONValue) {
    guard let priority = value["priority"]?.integer else { return }
    func prefix(_ key: StaticString, _ length: StaticString) -> Prefix? {
      guard let address = value[key]?.string.flatMap({ IPAddress($0) }) else { return nil }
      return Prefix(address, length: value[length]?.integer ?? address.family.addressBits)
    }
    let source = prefix("src", "srclen")
    let destination = prefix("dst", "dstlen")
    let family = output.family ?? source?.family ?? destination?.family ?? .ipv4
    var rule = RoutingRule(priority: priority, family: family, action: .nop)
    rule.source = source
    rule.destination = destination
    rule.negated = value["not"] != nil
    rule.inputInterface = value["iif"]?.string
    rule.outputInterface = value["oif"]?.string
    if let mark = value["fwmark"]?.string.flatMap({ RoutingRuleReader.number($0[...]) }) {
      rule.mark = (mark, value["fwmask"]?.string.flatMap { RoutingRuleReader.number($0[...]) } ?? .max)
    }
    rule.transport = value["ipproto"]?.string.flatMap { RoutingRuleReader.protocolNumber($0) }
    rule.tos = value["tos"]?.string.flatMap { RoutingRuleReader.number($0[...]) }.flatMap { UInt8(exactly: $0) }
    func range<Number: FixedWidthInteger>(_ one: StaticString, _ first: StaticString, _ last: StaticString)
      -> ClosedRange<Number>?
    {
      let low = (value[one] ?? value[first])?.integer.flatMap { Number(exactly: $0) }
      let high = (value[one] ?? value[last])?.integer.flatMap { Number(exactly: $0) }
      guard let low, let high, low <= high else { return nil }
      return low...high
    }
    rule.sourcePorts = range("sport", "sport_start", "sport_end")
    rule.destinationPorts = range("dport", "dport_start", "dport_end")
    rule.users = range("uid", "uid_start", "uid_end")
    rule.unknownSelector = unreadSelectors(value, rule)
    rule.suppressPrefixLength = value["suppress_prefixlen"]?.integer
    if let table = value["table"]?.string ?? value["table"]?.integer.map(String.init) {
      rule.action = .lookup(HostFacts.tableName(table))
    } else if let target = value["goto"]?.integer {
      rule.action = .goto(target)
    } else if let action = value["action"]?.string {
      rule.action =
        action == "blackhole"
        ? .blackhole : action == "unreachable" ? .unreachable : action == "prohibit" ? .prohibit : .nop
    }
    rule.span = value.span(in: text)
    result.facts.routingRules.append(rule)
    result.facts.routingRulesKnown.insert(family)
  }

  /// The selectors of a rule that were not understood, in its own words; nil where there are none (`print_rule` in
  /// iproute2's `ip/iprule.c`).
  private func unreadSelectors(_ value: JSONValue, _ rule: RoutingRule) -> String? {
    let known: Set<String> = [
      "priority", "not", "src", "srclen", "dst", "dstlen", "iif", "iif_detached", "oif", "oif_detached", "fwmark",
      "fwmask", "table", "action", "goto", "protocol", "suppress_prefixlen", "suppress_ifgroup", "nop", "unresolved",
    ]
    let read: [String: Bool] = [
      "ipproto": rule.transport != nil, "tos": rule.tos != nil, "sport": rule.sourcePorts != nil,
      "sport_start": rule.sourcePorts != nil, "sport_end": rule.sourcePorts != nil,
      "dport": rule.destinationPorts != nil, "dport_start": rule.destinationPorts != nil,
      "dport_end": rule.destinationPorts != nil, "uid_start": rule.users != nil, "uid_end": rule.users != nil,
    ]
    let names = value.members.compactMap(\.key.string).filter { !known.contains($0) && read[$0] != true }
    return names.isEmpty ? nil : names.joined(separator: " ")
  }
}

extension JSONValue {
  /// The first member of a name that is not known when compiling.
  func member(_ name: String) -> JSONValue? {
    for (key, value) in members where key.string == name { return value }
    return nil
  }
}
