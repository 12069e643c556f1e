import Randomness
import RuleGraph

/// A table of nft in the making: what its rules may refer to.
private struct NftTable {
  var family: String
  var isIPv4: Bool
  var isIPv6: Bool
  var sets: [(name: String, type: String)] = []
  var maps: [(name: String, type: String)] = []
  /// Chains that rules may jump to.
  var targets: [String] = []
}

/// What a rule may do where it stands.
private struct NftPlace {
  var hooks: [String]
  var isNat: Bool
  var isBeforeConntrack: Bool
}

extension Draft {
  func makeNftRules() {
    let families =
      usesIPv6
      ? [["inet"], ["inet", "ip"], ["ip", "ip6"], ["inet", "ip6"]]
      : [["ip"], ["inet"], ["ip", "inet"], ["inet", "inet"]]
    for (number, family) in random.pick(families).enumerated() {
      ruleset.nft += nftTable(number: number, family: family)
    }
  }

  /// The lines of one table: sets, maps, base chains on several hooks and chains to jump to.
  func nftTable(number: Int, family: String) -> [String] {
    uses("family \(family)")
    var table = NftTable(
      family: family, isIPv4: family != "ip6", isIPv6: family == "ip6" || (family == "inet" && usesIPv6))
    var lines = ["table \(family) t\(number) {"]
    let users = (0..<random.number(0...3)).map { "user\($0)" }
    lines += nftSets(&table)
    // A verdict map may only lead to a chain that stands before it and leads nowhere itself.
    lines +=
      ["\tchain leaf {"] + (0..<random.number(1...3)).map { _ in "\t\t" + nftRule(table, leafPlace, onlyFilter: true) }
      + ["\t}"]
    table.targets = ["leaf"]
    lines += nftVerdictMaps(&table)
    for user in users {
      lines.append("\tchain \(user) {")
      for _ in 0..<random.number(1...4) { lines.append("\t\t" + nftRule(table, leafPlace, onlyFilter: true)) }
      lines.append("\t}")
      table.targets.append(user)
    }
    lines += nftBaseChains(table)
    return lines + ["}"]
  }

  private var leafPlace: NftPlace { NftPlace(hooks: [], isNat: false, isBeforeConntrack: false) }

  // MARK: Sets and maps

  private func nftSets(_ table: inout NftTable) -> [String] {
    var lines: [String] = []
    func add(_ name: String, _ type: String, _ flags: String, _ elements: [String]) {
      lines += ["\tset \(name) {", "\t\ttype \(type)"]
      if !flags.isEmpty { lines.append("\t\tflags \(flags)") }
      lines += ["\t\telements = { \(elements.joined(separator: ", ")) }", "\t}"]
      table.sets.append((name, type))
    }
    for (isIPv4, type) in [(true, "ipv4_addr"), (false, "ipv6_addr")] where isIPv4 ? table.isIPv4 : table.isIPv6 {
      let suffix = isIPv4 ? "4" : "6"
      if random.happens(50) {
        uses("set of intervals")
        add("nets\(suffix)", type, "interval", apart((0..<random.number(1...3)).map { _ in anyPrefix(isIPv4) }))
      }
      if random.happens(40) {
        uses("set of addresses")
        let chosen = Set((0..<random.number(1...3)).map { _ in mention(anyAddress(isIPv4)) })
        add("hosts\(suffix)", type, "", chosen.sorted().map(\.description))
      }
      if random.happens(40) {
        uses("set of concatenations")
        let chosen = Set((0..<random.number(1...3)).map { _ in "\(mention(anyAddress(isIPv4))) . \(anyPort())" })
        add("places\(suffix)", "\(type) . inet_service", "", chosen.sorted())
      }
      if random.happens(25) {
        uses("set of concatenated intervals")
        let range = anyRange(isIPv4)
        let ports = anyPortRange()
        let portText = ports.low == ports.high ? "\(ports.low)" : "\(ports.low)-\(ports.high)"
        let addressText = range.low == range.high ? "\(range.low)" : "\(range.low)-\(range.high)"
        add("boxes\(suffix)", "\(type) . inet_service", "interval", ["\(addressText) . \(portText)"])
      }
    }
    if random.happens(50) {
      uses("set of ports")
      let low = anyPort()
      add(
        "ports", "inet_service", "interval",
        apart(["\(low)", "\(2000 + random.number(0...9))-\(3000 + random.number(0...9))"]))
    }
    if random.happens(30) {
      uses("set of interface names")
      add("links", "ifname", "", random.some(topology.interfaces.map(\.name), 1...2).map { "\"\($0)\"" })
    }
    return lines
  }

  /// Prefixes and ranges of which none overlaps another.
  private func apart(_ texts: [String]) -> [String] {
    var taken = ValueSet.empty
    return texts.filter { text in
      let bounds = text.split(separator: "-").compactMap { UInt128($0) }
      let values = Prefix(text)?.values ?? (bounds.isEmpty ? .empty : ValueSet(bounds[0]...(bounds.last ?? bounds[0])))
      guard taken.isDisjoint(with: values) else { return false }
      taken = taken.union(values)
      return true
    }
  }

  private func nftVerdictMaps(_ table: inout NftTable) -> [String] {
    var lines: [String] = []
    func add(_ name: String, _ type: String, _ flags: String, _ elements: [String]) {
      lines += ["\tmap \(name) {", "\t\ttype \(type)"]
      if !flags.isEmpty { lines.append("\t\tflags \(flags)") }
      lines += ["\t\telements = { \(elements.joined(separator: ", ")) }", "\t}"]
      table.maps.append((name, type))
    }
    func verdict() -> String {
      random.pick(["accept", "accept", "accept", "drop", "jump leaf", "goto leaf", "return", "continue"])
    }
    if random.happens(40) {
      uses("verdict map of ports")
      let ports = Set((0..<random.number(1...3)).map { _ in anyPort() })
      add("portverdicts", "inet_service : verdict", "", ports.sorted().map { "\($0) : \(verdict())" })
    }
    if random.happens(30) {
      uses("verdict map of interface names")
      let names = random.some(topology.interfaces.map(\.name), 1...3)
      add("linkverdicts", "ifname : verdict", "", names.map { "\"\($0)\" : \(verdict())" })
    }
    if table.isIPv4, random.happens(30) {
      uses("verdict map of intervals")
      let prefixes = apart((0..<2).map { _ in anyPrefix(true) })
      add("netverdicts", "ipv4_addr : verdict", "interval", prefixes.map { "\($0) : \(verdict())" })
    }
    if table.isIPv4, random.happens(40) {
      uses("map to addresses")
      let ports = Set((0..<random.number(1...3)).map { _ in anyPort() })
      add("dnatmap", "inet_service : ipv4_addr", "", ports.sorted().map { "\($0) : \(target(true))" })
    }
    if table.isIPv4, random.happens(30) {
      uses("map to addresses and ports")
      let ports = Set((0..<random.number(1...3)).map { _ in anyPort() })
      add(
        "dnatplaces", "inet_service : ipv4_addr . inet_service", "",
        ports.sorted().map { "\($0) : \(target(true)) . \(anyPort())" })
    }
    if random.happens(30) {
      uses("map to marks")
      let ports = Set((0..<random.number(1...3)).map { _ in anyPort() })
      add("marks", "inet_service : mark", "", ports.sorted().map { "\($0) : \(anyMark())" })
    }
    return lines
  }

  // MARK: Chains

  private func nftBaseChains(_ table: NftTable) -> [String] {
    var lines: [String] = []
    var number = 0
    func add(_ type: String, _ hook: String, _ priority: Int, _ drops: Bool) {
      lines += ["\tchain base\(number) {"]
      lines.append("\t\ttype \(type) hook \(hook) priority \(priority); policy \(drops ? "drop" : "accept");")
      let place = NftPlace(
        hooks: [hook], isNat: type == "nat",
        isBeforeConntrack: priority <= -200 && (hook == "prerouting" || hook == "output"))
      for _ in 0..<random.number(1...5) { lines.append("\t\t" + nftRule(table, place, onlyFilter: false)) }
      lines.append("\t}")
      number += 1
      uses("\(type) \(hook)")
    }
    let priorities = [-300, -150, -10, 0, 0, 0, 10, 50, 225]
    for hook in ["prerouting", "input", "forward", "output", "postrouting"] {
      let most = hook == "forward" || hook == "input" ? 2 : 1
      for _ in 0..<random.number(0...most) {
        add("filter", hook, random.pick(priorities), random.happens(hook == "forward" || hook == "input" ? 10 : 2))
      }
    }
    if random.happens(60) { add("nat", "prerouting", random.pick([-100, -100, -110, -90, 50]), false) }
    if random.happens(30) { add("nat", "output", random.pick([-100, -100, 0]), false) }
    if random.happens(60) { add("nat", "postrouting", random.pick([100, 100, 90, 110, -10]), false) }
    if random.happens(15) { add("nat", "input", 100, false) }
    if random.happens(20) { add("nat", "prerouting", -100, false) }
    if random.happens(20) { add("route", "output", random.pick([-150, 0]), false) }
    return lines
  }

  private func nftRule(_ table: NftTable, _ place: NftPlace, onlyFilter: Bool) -> String {
    var words: [String] = []
    ruleProto = nil
    ruleIsIPv4 = table.isIPv4 && (!table.isIPv6 || random.happens(55))
    for _ in 0..<random.pick([0, 1, 1, 1, 2, 2, 3]) { words.append(nftMatch(table, place)) }
    if random.happens(15) { words.append("counter") }
    if !place.isNat, random.happens(18), let assignment = nftAssignment(table, place) { words.append(assignment) }
    words.append(nftVerdict(table, place, onlyFilter: onlyFilter))
    let text = words.filter { !$0.isEmpty }.joined(separator: " ")
    return text.isEmpty ? "counter" : text
  }

  // MARK: Matches

  private func differs(_ percent: Int = 20) -> String {
    guard random.happens(percent) else { return "" }
    uses("!=")
    return "!= "
  }

  private func nftMatch(_ table: NftTable, _ place: NftPlace) -> String {
    let isIPv4 = ruleIsIPv4
    let isTCP = ruleProto == nil || ruleProto == "tcp"
    let hasPorts = isTCP || ruleProto == "udp"
    let kind = random.pick(weighted: [
      (22, "address"), (hasPorts ? 24 : 0, "port"), (12, "interface"), (14, "ct"), (6, "mark"),
      (isTCP ? 8 : 0, "flags"), (6, "fib"),
      (ruleProto == nil ? 8 : 0, "protocol"), (6, "header"), (ruleProto == nil ? 4 : 0, "icmp"),
      (isTCP ? 10 : 0, "concat"),
      (3, "pkttype"), (3, "mask"), (ruleProto == nil ? 2 : 0, "th"),
    ])
    uses("match \(kind)")
    if ["flags", "concat"].contains(kind) { ruleProto = "tcp" }
    if ["protocol", "icmp", "th"].contains(kind) { ruleProto = "other" }
    switch kind {
    case "address": return nftAddress(table, isIPv4)
    case "port": return nftPort(table)
    case "interface": return nftInterface(table, place)
    case "ct": return nftConntrack(isIPv4)
    case "mark":
      return random.pick([
        "meta mark \(differs())\(anyMark())",
        "meta mark & 0x\(random.pick(["1", "f", "ff"])) \(random.pick(["==", "!="])) \(random.number(0...1))",
      ])
    case "flags":
      return "tcp flags "
        + random.pick([
          "syn", "== syn", "!= syn", "& (syn | ack) == syn", "& (fin | syn | rst | ack) == syn", "{ syn, ack }",
          "& (fin | rst) != 0", "ack",
        ])
    case "fib":
      let side = random.pick(["daddr", "daddr", "saddr"])
      return "fib \(side) type \(differs())\(random.pick(["local", "local", "unicast", "{ local, broadcast }"]))"
    case "protocol":
      let version = isIPv4 ? "4" : "6"
      return random.pick([
        "meta l4proto \(differs()){ tcp, udp }", "meta l4proto \(differs())tcp",
        table.family == "inet" ? "meta nfproto ipv\(version)" : "meta l4proto != 6",
        isIPv4 ? "ip protocol \(differs())udp" : "ip6 nexthdr tcp",
      ])
    case "header":
      return isIPv4
        ? random.pick([
          "ip ttl < 64", "ip ttl 63-64", "ip dscp \(differs())0x0a", "meta length \(differs(40))40", "ip length > 60",
          "ip ttl \(differs())64",
        ])
        : random.pick(["ip6 hoplimit < 64", "ip6 dscp 0x0a", "meta length > 60", "ip6 length 20"])
    case "icmp":
      return isIPv4
        ? "icmp type \(random.pick(["echo-request", "!= echo-request", "{ echo-request, timestamp-request }"]))"
        : "icmpv6 type echo-request"
    case "concat": return nftConcatenation(table, isIPv4)
    case "pkttype": return "meta pkttype \(differs())\(random.pick(["unicast", "host", "broadcast"]))"
    case "mask":
      return isIPv4
        ? "ip daddr & 255.255.0.255 \(random.pick(["==", "!="])) \(random.pick(["172.17.0.2", "192.168.0.140"]))"
        : "ip6 daddr & ffff:ffff:ffff:: == 2001:db8:aa::"
    default: return "meta l4proto { tcp, udp } th dport \(differs())\(anyPort())"
    }
  }

  private func setNames(_ table: NftTable, _ type: String) -> [String] {
    table.sets.filter { $0.type == type }.map(\.name)
  }

  private func nftAddress(_ table: NftTable, _ isIPv4: Bool) -> String {
    let head = "\(isIPv4 ? "ip" : "ip6") \(random.pick(["saddr", "daddr", "daddr"])) \(differs())"
    let sets = setNames(table, isIPv4 ? "ipv4_addr" : "ipv6_addr")
    if !sets.isEmpty, random.happens(40) { return head + "@\(random.pick(sets))" }
    switch random.number(0...3) {
    case 0:
      let range = anyRange(isIPv4)
      return range.low == range.high ? head + "\(range.low)" : head + "\(range.low)-\(range.high)"
    case 1:
      let chosen = Set((0..<2).map { _ in mention(anyAddress(isIPv4)) })
      return head + "{ \(chosen.sorted().map(\.description).joined(separator: ", ")) }"
    default: return head + anyPrefix(isIPv4)
    }
  }

  private func nftPort(_ table: NftTable) -> String {
    let proto = ruleProto ?? random.pick(["tcp", "tcp", "udp"])
    ruleProto = proto
    let head = "\(proto) \(random.pick(["dport", "dport", "dport", "sport"])) \(differs())"
    let sets = setNames(table, "inet_service")
    if !sets.isEmpty, random.happens(35) { return head + "@\(random.pick(sets))" }
    switch random.number(0...3) {
    case 0:
      let range = anyPortRange()
      return range.low == range.high ? head + "\(range.low)" : head + "\(range.low)-\(range.high)"
    case 1: return head + "{ \(anyPort()), \(2000 + random.number(0...9)), 3000-3999 }"
    default: return head + "\(anyPort())"
    }
  }

  private func nftInterface(_ table: NftTable, _ place: NftPlace) -> String {
    let outputs = place.hooks.contains("output") || place.hooks.contains("postrouting")
    let key = outputs ? "oif" : place.hooks.contains("forward") ? random.pick(["iif", "oif"]) : "iif"
    let other = random.happens(8) ? (key == "oif" ? "iif" : "oif") : key
    if random.happens(25) { return "\(key) \(differs())\"\(anyInterface())\"" }
    if random.happens(15) { return "\(key)name \(differs())\"\(random.pick(["eth", "br-", "docker"]))*\"" }
    if !setNames(table, "ifname").isEmpty, random.happens(30) { return "\(key)name \(differs())@links" }
    if random.happens(20) { return "\(key)name \(differs()){ \"eth0\", \"docker0\" }" }
    return "\(other)name \(differs())\"\(random.happens(5) ? "lo" : anyInterface())\""
  }

  private func nftConntrack(_ isIPv4: Bool) -> String {
    let family = isIPv4 ? "ip" : "ip6"
    return random.pick(weighted: [
      (
        30,
        "ct state \(random.pick(["established,related", "new", "invalid", "!= invalid", "{ new, established }", "untracked", "new,untracked"]))"
      ),
      (8, "ct status \(random.pick(["dnat", "snat", "confirmed", "seen-reply", "!= dnat", "assured"]))"),
      (6, "ct direction \(random.pick(["original", "reply", "!= original"]))"), (5, "ct mark \(differs())\(anyMark())"),
      (6, "\(ruleProto == nil ? "meta l4proto tcp " : "")ct original proto-dst \(differs())\(anyPort())"),
      (6, "ct original \(family) daddr \(differs())\(mention(anyAddress(isIPv4)))"), (3, "ct mark & 1 == 1"),
    ])
  }

  private func nftConcatenation(_ table: NftTable, _ isIPv4: Bool) -> String {
    let family = isIPv4 ? "ip" : "ip6"
    let sets = setNames(table, "\(isIPv4 ? "ipv4_addr" : "ipv6_addr") . inet_service")
    if !sets.isEmpty, random.happens(75) { return "\(family) daddr . tcp dport \(differs())@\(random.pick(sets))" }
    return
      "\(family) daddr . tcp dport \(differs()){ \(mention(anyAddress(isIPv4))) . \(anyPort()), \(mention(anyAddress(isIPv4))) . 2222 }"
  }

  // MARK: Statements

  private func nftAssignment(_ table: NftTable, _ place: NftPlace) -> String? {
    if place.isBeforeConntrack, random.happens(40) {
      uses("notrack")
      return "notrack"
    }
    let hasPortsForMap = ruleProto == nil || ruleProto == "tcp"
    var choices = [
      "meta mark set \(anyMark())", "meta mark set meta mark or 0x1", "meta mark set meta mark and 0xff",
      "meta mark set ct mark",
    ]
    if !place.hooks.isEmpty, !place.isBeforeConntrack {
      choices += ["ct mark set \(anyMark())", "ct mark set meta mark"]
    }
    if table.family == "ip" { choices += ["ip ttl set 64", "ip dscp set 0x0a"] }
    if table.maps.contains(where: { $0.name == "marks" }) {
      choices += hasPortsForMap ? ["meta mark set tcp dport map @marks"] : []
    }
    let choice = random.pick(choices)
    uses(choice.split(separator: " ").prefix(3).joined(separator: " "))
    return choice
  }

  private func nftVerdict(_ table: NftTable, _ place: NftPlace, onlyFilter: Bool) -> String {
    if place.isNat, random.happens(75) { return nftTranslation(table, place) }
    let maps = table.maps.filter { $0.type.hasSuffix("verdict") }.map(\.name)
    let isFilter = !place.isNat
    let hasPorts = ruleProto != "other"
    if isFilter, random.happens(14) {
      uses("vmap")
      let map = maps.isEmpty ? "" : random.pick(maps)
      switch map {
      case "portverdicts" where hasPorts: return "\(ruleProto ?? "tcp") dport vmap @portverdicts"
      case "netverdicts" where ruleIsIPv4: return "ip \(random.pick(["saddr", "daddr"])) vmap @netverdicts"
      case "linkverdicts":
        return
          "\(place.hooks.contains("output") || place.hooks.contains("postrouting") ? "oifname" : "iifname") vmap @linkverdicts"
      default:
        return random.pick([
          "ct state vmap { established : accept, related : accept, invalid : drop }",
          ruleProto == nil ? "meta l4proto vmap { tcp : continue, udp : accept }" : "meta mark vmap { 1 : accept }",
          "\(hasPorts ? ruleProto ?? "tcp" : "meta l4proto tcp th") dport vmap { \(anyPort()) : accept, 2000-3000 : drop }",
        ])
      }
    }
    if isFilter, !table.targets.isEmpty, random.happens(25) {
      let isGoto = random.happens(25)
      uses(isGoto ? "goto" : "jump")
      return "\(isGoto ? "goto" : "jump") \(random.pick(table.targets))"
    }
    let canReject = isFilter && !place.hooks.isEmpty && place.hooks != ["postrouting"] && !place.isBeforeConntrack
    let kind = random.pick(weighted: [
      (45, "accept"), (8, "drop"), (canReject ? 10 : 0, "reject"), (8, "return"), (20, ""), (3, "continue"),
    ])
    uses(kind.isEmpty ? "no verdict" : kind)
    guard kind == "reject" else { return kind }
    let proto = table.family == "ip" ? "icmp" : table.family == "ip6" ? "icmpv6" : "icmpx"
    return random.pick([
      "reject", ruleProto == "tcp" ? "reject with tcp reset" : "reject", "reject with \(proto) type admin-prohibited",
      "reject with \(proto) type port-unreachable",
    ])
  }

  private func nftTranslation(_ table: NftTable, _ place: NftPlace) -> String {
    let isIPv4 = ruleIsIPv4
    let word = table.family == "inet" ? (isIPv4 ? " ip" : " ip6") : ""
    func destination(_ address: IPAddress) -> String {
      guard random.happens(60) else { return "\(address)" }
      return isIPv4 ? "\(address):\(anyPort())" : "[\(address)]:\(anyPort())"
    }
    guard ruleProto != "other" else { return "accept" }
    let proto = ruleProto ?? random.pick(["tcp", "tcp", "udp"])
    let nfproto = table.family == "inet" ? "meta nfproto \(isIPv4 ? "ipv4" : "ipv6") " : ""
    let guardWords = "\(nfproto)\(proto) dport \(differs(15))\(anyPort())"
    if place.hooks == ["postrouting"] || place.hooks == ["input"] {
      if place.hooks == ["postrouting"], random.happens(50) {
        uses("masquerade")
        return random.happens(50) ? "masquerade" : "\(proto) dport \(anyPort()) masquerade"
      }
      uses("snat")
      let address = random.pick(ownAddresses(isIPv4) + outsideAddresses(isIPv4).prefix(2))
      return table.family == "inet" ? "snat\(word) to \(address)" : "snat to \(address)"
    }
    let maps = table.maps.filter { $0.name.hasPrefix("dnat") }.map(\.name)
    if !maps.isEmpty, isIPv4, proto == "tcp", random.happens(35) {
      uses("dnat to map")
      let map = random.pick(maps)
      let inet = table.family == "inet" ? " ip" : ""
      return map == "dnatmap" ? "dnat\(inet) to tcp dport map @dnatmap" : "dnat ip to tcp dport map @dnatplaces"
    }
    if random.happens(20) {
      uses("redirect")
      return random.happens(70)
        ? "\(proto) dport \(anyPort()) redirect to :\(anyPort())" : "\(proto) dport \(anyPort()) redirect"
    }
    if random.happens(10) {
      uses("dnat to port")
      return "\(proto) dport \(anyPort()) dnat\(word) to :\(anyPort())"
    }
    uses("dnat")
    return "\(guardWords) dnat\(word) to \(destination(target(isIPv4)))"
  }
}
