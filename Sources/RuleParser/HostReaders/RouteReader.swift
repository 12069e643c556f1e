import HostModel
import RuleGraph

/// Reads `ip route`, `ip -6 route` and `ip route show table all` (ip-route(8)).
enum RouteReader {
  /// Reads a section.
  ///
  /// The lines of a table that was asked for by name do not name it; the command does.
  static func read(_ text: DumpText, output: CommandOutput) -> FactFragment {
    var result = FactFragment()
    let text = FoldedRecords.unfolded(text) { FoldedRecords.beginsRoute(text, $0) } ?? text
    let asked = output.table.flatMap { $0 == "all" ? nil : HostFacts.tableName($0) }
    var isOfMasked = false
    for line in text.lines where !text.isRemark(line) {
      let words = LineWords(text, line)
      if words[0] == "nexthop" {
        if !isOfMasked { readNextHop(words, into: &result, text, line) }
      } else if words[0] == "cache", words.count <= 3 {
        continue
      } else if words.value(after: "uid") != nil {
        readChosen(words, into: &result)
      } else if let route = route(words, family: output.family, table: asked ?? "main", span: text.span(line)) {
        result.facts.routes.append(route)
        isOfMasked = false
      } else if let masked = masked(words, family: output.family, table: asked ?? "main") {
        // Of an address of the host and a group only the family is kept: the tables are not known to be whole.
        if [.unicast, .blackhole, .unreachable, .prohibit].contains(masked.kind) {
          result.facts.maskedRoutes.append(masked)
        }
        isOfMasked = true
        result.gaps.insert(masked.family)
        result.noteMask(masked.destination.text, text, line, at: line.start)
      } else if !(result.facts.routes.isEmpty == false && text.bytes[line.start] == UInt8(ascii: " ")) {
        result.gaps.formUnion(output.family.map { [$0] } ?? [.ipv4])
        result.unreadable(
          text, line, at: words.ranges.first?.lowerBound, expected: "a destination, then `via`, `dev` or other words")
      }
    }
    result.facts.noteTables(of: output, whole: output.kind == .ipRoute && result.diagnostics.isEmpty)
    result.facts.routesKnown.subtract(result.gaps)
    result.facts.ownAddressesKnown.subtract(result.gaps)
    result.facts.allRouteTablesKnown.subtract(result.gaps)
    for family in result.gaps { result.facts.routeTablesKnown[family] = nil }
    return result
  }

  /// A route whose destination is masked.
  private static func masked(_ words: LineWords, family: AddressFamily?, table: String) -> MaskedRoute? {
    let kind = Route.Kind(rawValue: words[0])
    let parts = words[kind == nil ? 0 : 1].split(separator: "/", maxSplits: 1)
    guard let text = parts.first.map(String.init) else { return nil }
    let family = family ?? (text.utf8.contains(UInt8(ascii: ":")) ? .ipv6 : .ipv4)
    guard let destination = MaskedText.addresses(text, family),
      let length = parts.count > 1 ? Int(parts[1]) : family.addressBits, (0...family.addressBits).contains(length)
    else { return nil }
    let hop = nextHop(words)
    return MaskedRoute(
      to: destination, length: length, family, kind: kind ?? .unicast,
      nextHops: hop.gateway != nil || words.value(after: "dev") != nil ? [hop] : [],
      table: words.value(after: "table").map(HostFacts.tableName) ?? table)
  }

  /// The answer of `ip route get 192.0.2.1`: no table, but its source is an address of the host.
  private static func readChosen(_ words: LineWords, into result: inout FactFragment) {
    guard let source = words.value(after: "src").flatMap({ IPAddress($0) }) else { return }
    if !result.facts.unplacedAddresses.contains(source) { result.facts.unplacedAddresses.append(source) }
  }

  private static func readNextHop(
    _ words: LineWords, into result: inout FactFragment, _ text: DumpText, _ line: DumpLine
  ) {
    guard !result.facts.routes.isEmpty else {
      result.unreadable(text, line, expected: "the route that this next hop is of")
      return
    }
    result.facts.routes[result.facts.routes.count - 1].nextHops.append(nextHop(words))
  }

  private static func nextHop(_ words: LineWords) -> Route.NextHop {
    var gateway = words.value(after: "via")
    if gateway == "inet6" || gateway == "inet" { gateway = gateway.flatMap { words.value(after: $0) } }
    return Route.NextHop(
      gateway: gateway.flatMap { IPAddress($0) }, interface: words.value(after: "dev").flatMap(name),
      weight: words.value(after: "weight").flatMap { Int($0) } ?? 1)
  }

  /// The name of an interface; nil of one that is masked.
  private static func name(_ text: String) -> String? {
    if case .masked? = MaskedText.read(text, .interface) { return nil }
    return text
  }

  /// One line. A default route is of the family of its gateway, else of the routes before it.
  private static func route(
    _ words: LineWords, family: AddressFamily?, table: String, span: SourceSpan
  ) -> Route? {
    let kind = Route.Kind(rawValue: words[0])
    let position = kind == nil ? 0 : 1
    let text = words[position]
    let hop = nextHop(words)
    let destination: Prefix
    if text == "default" {
      let known =
        family ?? hop.gateway?.family ?? words.value(after: "src").flatMap { IPAddress($0)?.family }
        ?? (words.all.contains("pref") ? .ipv6 : .ipv4)
      guard let all = Prefix(known == .ipv4 ? IPAddress(ipv4: 0) : IPAddress(bits: 0), length: 0) else { return nil }
      destination = all
    } else if let prefix = Prefix(text) {
      destination = prefix
    } else {
      return nil
    }
    let all = words.all
    let isHop = hop.gateway != nil || words.value(after: "dev") != nil
    return Route(
      kind ?? .unicast, to: destination, nextHops: isHop ? [hop] : [],
      table: words.value(after: "table").map(HostFacts.tableName) ?? table,
      source: words.value(after: "src").flatMap { IPAddress($0) },
      metric: words.value(after: "metric").flatMap { Int($0) } ?? 0, scope: words.value(after: "scope"),
      tos: words.value(after: "tos").flatMap { tos($0) },
      isDead: all.contains("dead"), span: span)
  }

  private static func tos(_ text: String) -> UInt8? {
    text.hasPrefix("0x") ? UInt8(text.dropFirst(2), radix: 16) : UInt8(text)
  }
}

extension HostFacts {
  /// A routing table's name for its number, where every host has the same (`/etc/iproute2/rt_tables`).
  static func tableName(_ text: String) -> String {
    switch text {
    case "255": "local"
    case "254": "main"
    case "253": "default"
    default: text
    }
  }

  /// Notes which tables the routes of an output are the whole of: main where none was asked for, else the one that was,
  /// or all.
  ///
  /// `whole` is whether even an output without routes says something: a table that was asked for and is empty. Without
  /// the command that printed them, routes are a whole table only if the default route and one of a link are among
  /// them.
  mutating func noteTables(of output: CommandOutput, whole: Bool) {
    if output.isFiltered { return }
    var families = Set(routes.map(\.destination.family))
    if !output.isWhole {
      families = families.filter { family in
        let own = routes.filter { $0.destination.family == family && $0.table == "main" }
        return own.contains { $0.destination.length == 0 }
          && own.contains { $0.destination.length > 0 && $0.nextHops.contains { $0.gateway == nil } }
      }
    }
    if whole, output.isWhole, families.isEmpty { families = [output.family ?? .ipv4] }
    switch output.table.map(Self.tableName) {
    case nil, "main": routesKnown = families
    case "all":
      routesKnown = families
      allRouteTablesKnown = families
      // The table of local addresses says which are the host's own; one without loopback was cut.
      for family in families where showsLoopback(family) { ownAddressesKnown.insert(family) }
    case let table?:
      for family in families { routeTablesKnown[family, default: []].insert(table) }
      if table == "local" { for family in families where showsLoopback(family) { ownAddressesKnown.insert(family) } }
    }
  }

  private func showsLoopback(_ family: AddressFamily) -> Bool {
    routes.contains {
      $0.kind == .local && $0.table == "local" && $0.destination.family == family
        && $0.destination.address.isLoopback
    }
  }
}

/// Reads `route -n`, `route`, `netstat -rn` and their IPv6 forms (route(8)).
enum RouteTableReader {
  /// Reads a section.
  static func read(_ text: DumpText, output: CommandOutput) -> FactFragment {
    var result = FactFragment()
    var columns: [String] = []
    for line in text.lines where !text.isRemark(line) {
      let words = LineWords(text, line)
      if words[0] == "Kernel" { continue }
      if words[0] == "Destination" {
        columns = words.all
        continue
      }
      guard let route = route(words, text.span(line), isIPv6: columns.contains("Flag") || columns.contains("Hop"))
      else {
        result.noteMaskedRoute(words[0], nil)
        result.unreadable(
          text, line, at: words.ranges.first?.lowerBound,
          expected: "destination, gateway, mask, flags, metric, and the interface last")
        continue
      }
      result.facts.routes.append(route)
    }
    result.facts.routesKnown = output.isFiltered ? [] : Set(result.facts.routes.map(\.destination.family))
    result.facts.routesKnown.subtract(result.gaps)
    result.facts.ownAddressesKnown.subtract(result.gaps)
    return result
  }

  private static func route(_ words: LineWords, _ span: SourceSpan, isIPv6: Bool) -> Route? {
    guard words.count >= 6 else { return nil }
    let interface = words[words.count - 1]
    if isIPv6 || words[0].contains("::") {
      // `Destination  Next Hop  Flag Met Ref Use If`.
      guard let prefix = Prefix(words[0]) else { return nil }
      let gateway = words[1] == "::" || words[1] == "[::]" ? nil : IPAddress(words[1])
      guard !words[2].contains("Un") else { return nil }
      return Route(
        words[2].contains("!") ? .unreachable : .unicast, to: prefix,
        nextHops: [Route.NextHop(gateway: gateway, interface: interface)],
        metric: Int(words[3]) ?? 0, span: span)
    }
    let mask = IPAddress(words[2]).flatMap { Prefix.length(ofMask: $0) }
    guard let mask, let address = words[0] == "default" ? IPAddress(ipv4: 0) : IPAddress(words[0]),
      let prefix = Prefix(address, length: mask)
    else { return nil }
    let gateway = IPAddress(words[1]).flatMap { $0.ipv4Number == 0 ? nil : $0 }
    let isRejecting = words[3].contains("!")
    return Route(
      isRejecting ? .unreachable : .unicast, to: prefix,
      nextHops: isRejecting ? [] : [Route.NextHop(gateway: gateway, interface: interface)],
      metric: words.count >= 8 ? Int(words[4]) ?? 0 : 0, span: span)
  }
}

/// Reads `ip rule` (ip-rule(8)).
enum RoutingRuleReader {
  /// Reads a section.
  static func read(_ text: DumpText, output: CommandOutput) -> FactFragment {
    var result = FactFragment()
    let text = FoldedRecords.unfolded(text) { FoldedRecords.beginsRoutingRule(text, $0) } ?? text
    let family = output.family ?? text.lines.lazy.compactMap { Self.family(LineWords(text, $0)) }.first ?? .ipv4
    for line in text.lines where !text.isRemark(line) {
      if let rule = rule(LineWords(text, line), family: family, span: text.span(line)) {
        result.facts.routingRules.append(rule)
      } else {
        result.unreadable(text, line, expected: "a priority with a colon, then `from`")
      }
    }
    // A list without its usual rule for main was cut.
    let isWhole = !output.isFiltered && result.facts.routingRules.contains { $0.action == .lookup("main") }
    result.facts.routingRulesKnown = isWhole ? [family] : []
    return result
  }

  private static func family(_ words: LineWords) -> AddressFamily? {
    ["from", "to"].lazy.compactMap { words.value(after: $0) }.compactMap { Prefix($0)?.family }.first
  }

  private static func rule(_ words: LineWords, family: AddressFamily, span: SourceSpan) -> RoutingRule? {
    guard words[0].hasSuffix(":"), let priority = Int(words[0].dropLast()) else { return nil }
    var rule = RoutingRule(priority: priority, family: family, action: .nop)
    var unknown: [String] = []
    var at = 1
    while at < words.count {
      let word = words[at]
      let value = words[at + 1]
      at += 2
      switch word {
      case "not":
        rule.negated = true
        at -= 1
      case "from": if value != "all" { take(Prefix(value), into: &rule.source, "from \(value)", &unknown) }
      case "to": if value != "all" { take(Prefix(value), into: &rule.destination, "to \(value)", &unknown) }
      case "iif": rule.inputInterface = value
      case "oif": rule.outputInterface = value
      case "fwmark":
        let parts = value.split(separator: "/").map { number($0) }
        if let mark = parts.first ?? nil, parts.allSatisfy({ $0 != nil }) {
          rule.mark = (mark, (parts.count > 1 ? parts[1] : nil) ?? .max)
        } else {
          unknown.append("fwmark \(value)")
        }
      case "tos", "dsfield", "dscp":
        let byte = number(value[...]).flatMap { UInt8(exactly: $0) }
        take(word == "dscp" ? nil : byte, into: &rule.tos, "\(word) \(value)", &unknown)
      case "ipproto": take(protocolNumber(value), into: &rule.transport, "ipproto \(value)", &unknown)
      case "sport": take(range(value), into: &rule.sourcePorts, "sport \(value)", &unknown)
      case "dport": take(range(value), into: &rule.destinationPorts, "dport \(value)", &unknown)
      case "uidrange": take(range(value), into: &rule.users, "uidrange \(value)", &unknown)
      case "lookup", "table": rule.action = .lookup(HostFacts.tableName(value))
      case "goto": rule.action = Int(value).map { .goto($0) } ?? .nop
      case "suppress_prefixlength": rule.suppressPrefixLength = Int(value)
      case "proto", "protocol": break
      case "blackhole", "unreachable", "prohibit", "nop", "[detached]", "[unresolved]":
        at -= 1
        rule.action =
          word == "blackhole"
          ? .blackhole
          : word == "unreachable"
            ? .unreachable
            : word == "prohibit" ? .prohibit : rule.action
      default:
        at -= 1
        unknown.append(word)
      }
    }
    rule.unknownSelector = unknown.isEmpty ? nil : unknown.joined(separator: " ")
    rule.span = span
    return rule
  }

  /// Takes a value, or the selector's words where it could not be read.
  private static func take<Value>(
    _ value: Value?, into place: inout Value?, _ text: String, _ unknown: inout [String]
  ) {
    if let value { place = value } else { unknown.append(text) }
  }

  static func number(_ text: Substring) -> UInt32? {
    text.hasPrefix("0x") ? UInt32(text.dropFirst(2), radix: 16) : UInt32(text)
  }

  static func protocolNumber(_ text: String) -> UInt8? {
    ["tcp": 6, "udp": 17, "icmp": 1, "ipv6-icmp": 58, "sctp": 132, "udplite": 136][text] ?? UInt8(text)
  }

  private static func range<Number: FixedWidthInteger>(_ text: String) -> ClosedRange<Number>? {
    let parts = text.split(separator: "-").map { Number($0) }
    guard let first = parts.first ?? nil else { return nil }
    let last = parts.count > 1 ? parts[1] ?? first : first
    return first <= last ? first...last : nil
  }
}
