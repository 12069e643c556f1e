import Randomness
import RuleGraph

/// One table of iptables in the making.
struct IptablesTable {
  var name: String
  var isIPv4: Bool
  /// The chains' rules, built-in chains first, in order.
  var chains: [(name: String, hooks: [String], rules: [String])]
}

extension Draft {
  func makeIptablesRules() {
    ruleset.backend = random.happens(30) ? .legacy : .nft
    uses("backend \(ruleset.backend.rawValue)")
    makeSets()
    ruleset.ipv4 = iptablesLines(isIPv4: true)
    if usesIPv6 { ruleset.ipv6 = iptablesLines(isIPv4: false) }
    if random.happens(12) {
      uses("nft table beside iptables")
      ruleset.nftFirst = random.happens(50)
      ruleset.nft = nftTable(number: 0, family: random.pick(["ip", "inet"]))
    }
  }

  // MARK: ipset

  private func makeRareSets(_ suffix: String, _ family: String, _ isIPv4: Bool) {
    ruleset.ipset.append("create offers\(suffix) hash:net,port family \(family)")
    for _ in 0..<random.number(1...4) {
      let exception = random.happens(30) ? " nomatch" : ""
      ruleset.ipset.append("add offers\(suffix) \(anyPrefix(isIPv4)),tcp:\(anyPort())\(exception) -exist")
    }
    ruleset.ipset.append("create marks\(suffix) hash:net family \(family) skbinfo")
    for _ in 0..<random.number(1...3) {
      ruleset.ipset.append("add marks\(suffix) \(anyPrefix(isIPv4)) skbmark \(markAndMask()) -exist")
    }
    ruleset.ipset.append("create lists\(suffix) list:set")
    for name in ["nets", "hosts", "places", "offers"] where random.happens(60) {
      ruleset.ipset.append("add lists\(suffix) \(name)\(suffix)")
    }
    uses("ipset hash:net,port, skbinfo, list:set")
  }

  private func makeSets() {
    guard random.happens(60) else { return }
    for (family, isIPv4) in [("inet", true), ("inet6", false)] where isIPv4 || usesIPv6 {
      let suffix = isIPv4 ? "4" : "6"
      ruleset.ipset.append("create nets\(suffix) hash:net family \(family)")
      for _ in 0..<random.number(1...3) { ruleset.ipset.append("add nets\(suffix) \(anyPrefix(isIPv4)) -exist") }
      if random.happens(40) {
        ruleset.ipset.append("add nets\(suffix) \(anyPrefix(isIPv4)) nomatch -exist")
        uses("ipset nomatch")
        let mentioned = mentionedAddresses.filter { $0.isIPv4 == isIPv4 }
        if !mentioned.isEmpty, random.happens(50) {
          ruleset.ipset.append("add nets\(suffix) \(random.pick(mentioned)) -exist")
        }
      }
      ruleset.ipset.append("create hosts\(suffix) hash:ip family \(family)")
      for _ in 0..<random.number(1...3) {
        ruleset.ipset.append("add hosts\(suffix) \(mention(anyAddress(isIPv4))) -exist")
      }
      ruleset.ipset.append("create places\(suffix) hash:ip,port family \(family)")
      for _ in 0..<random.number(1...3) {
        let proto = random.pick(["tcp", "udp"])
        ruleset.ipset.append("add places\(suffix) \(mention(anyAddress(isIPv4))),\(proto):\(anyPort()) -exist")
      }
      uses("ipset hash:net, hash:ip, hash:ip,port")
      if random.happens(40) { makeRareSets(suffix, family, isIPv4) }
    }
    if random.happens(50) {
      ruleset.ipset.append("create ports bitmap:port range 0-65535")
      for _ in 0..<random.number(1...3) { ruleset.ipset.append("add ports \(anyPort()) -exist") }
      uses("ipset bitmap:port")
    }
  }

  func mention(_ address: IPAddress) -> IPAddress {
    mentionedAddresses.append(address)
    return address
  }

  // MARK: Tables

  private func iptablesLines(isIPv4: Bool) -> [String] {
    var lines: [String] = []
    let plan: [(table: String, percent: Int, chains: [String])] = [
      ("raw", 25, ["PREROUTING", "OUTPUT"]),
      ("mangle", 40, ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]),
      ("nat", 70, ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"]), ("filter", 95, ["INPUT", "FORWARD", "OUTPUT"]),
    ]
    for (name, percent, chains) in plan where random.happens(percent) {
      uses("table \(name)")
      lines.append("*\(name)")
      for chain in chains where name == "filter" && random.happens(18) { lines.append(":\(chain) DROP [0:0]") }
      lines += tableRules(name, chains, isIPv4) + ["COMMIT"]
    }
    return lines
  }

  private func tableRules(_ table: String, _ builtIn: [String], _ isIPv4: Bool) -> [String] {
    // A user chain is reached from some hooks only, so that its rules may use what those hooks allow.
    var chains = builtIn.map { (name: $0, hooks: [$0], depth: 0) }
    for index in 0..<random.number(0...3) {
      let hooks: [String] =
        table == "nat"
        ? random.pick([["PREROUTING", "OUTPUT"], ["POSTROUTING"], ["INPUT"]])
        : table == "filter" ? builtIn : random.some(builtIn, 1...builtIn.count)
      chains.append((name: "user\(index)", hooks: hooks, depth: index + 1))
    }
    var lines = chains.filter { $0.depth > 0 }.map { ":\($0.name) - [0:0]" }
    for chain in chains {
      let jumps = chains.filter { $0.depth > chain.depth && Set(chain.hooks).isSubset(of: Set($0.hooks)) }.map(\.name)
      for _ in 0..<random.number(chain.depth > 0 ? 1...4 : 0...4) {
        let (protos, matches) = iptablesMatches(chain.hooks, isIPv4)
        let target = iptablesTarget(table, chain.hooks, jumps, protos, isIPv4)
        lines.append("-A \(chain.name)\(matches)\(target)")
      }
    }
    return lines
  }

  // MARK: Matches

  private func not(_ percent: Int = 20) -> String {
    guard random.happens(percent) else { return "" }
    uses("negation")
    return "! "
  }

  /// The words of a rule's matches and the protocol that they fix.
  private func iptablesMatches(_ hooks: [String], _ isIPv4: Bool) -> (proto: String?, words: String) {
    var words = ""
    let proto: String? = random.pick(weighted: [
      (45, "tcp"), (20, "udp"), (7, isIPv4 ? "icmp" : "ipv6-icmp"), (2, "gre"), (26, nil),
    ])
    if let proto { words += " -p \(proto)" } else if random.happens(8) { words += " ! -p tcp" }
    if random.happens(25) { words += " \(not())-s \(anyPrefix(isIPv4))" }
    if random.happens(30) { words += " \(not())-d \(anyPrefix(isIPv4))" }
    let hasInput = hooks.allSatisfy { ["PREROUTING", "INPUT", "FORWARD"].contains($0) }
    let hasOutput = hooks.allSatisfy { ["OUTPUT", "POSTROUTING", "FORWARD"].contains($0) }
    if hasInput, random.happens(25) { words += interfaceTest("-i") }
    if hasOutput, random.happens(25) { words += interfaceTest("-o") }
    if proto == "tcp" || proto == "udp", random.happens(70) { words += portMatch(proto ?? "tcp") }
    if proto == "tcp", random.happens(15) {
      uses("--tcp-flags")
      words += random.pick([
        " \(not())--syn", " --tcp-flags SYN,RST,ACK,FIN SYN", " \(not())--tcp-flags ALL NONE", " --tcp-flags ACK ACK",
      ])
    }
    if proto == "icmp" {
      words += random.pick([
        "", " -m icmp \(not())--icmp-type 8", " -m icmp --icmp-type 3/3", " -m icmp --icmp-type any",
        " -m icmp --icmp-type 3",
      ])
    } else if proto == "ipv6-icmp" {
      words += random.pick(["", " -m icmp6 \(not())--icmpv6-type 128", " -m icmp6 --icmpv6-type 1"])
    }
    for _ in 0..<random.pick([0, 0, 1, 1, 1, 2]) {
      let extra = extraMatch(hooks, isIPv4)
      // A listing shows two of these as one, which differs for packets without a connection.
      if extra.hasPrefix(" -m conntrack"), words.contains(" -m conntrack") { continue }
      words += extra
    }
    return (proto, words)
  }

  private func interfaceTest(_ option: String) -> String {
    guard random.happens(15) else { return " \(not())\(option) \(random.happens(4) ? "lo" : anyInterface())" }
    uses("interface wildcard")
    let pattern = random.pick(["eth+", "br-+", "+", "docker+"])
    // iptables-save of the legacy variant forgets a `! -i +`.
    return pattern == "+" ? " \(option) +" : " \(not())\(option) \(pattern)"
  }

  private func portMatch(_ proto: String) -> String {
    if random.happens(25) {
      uses("multiport")
      let range = anyPortRange()
      let kind = random.pick(["--dports", "--dports", "--sports", "--ports"])
      return
        " -m multiport \(not())\(kind) \(anyPort()),\(range.low == range.high ? "9" : "\(range.low):\(range.high)")"
    }
    let range = anyPortRange()
    let ports = random.happens(70) ? "\(range.low)" : "\(range.low):\(range.high)"
    return " -m \(proto) \(not())\(random.pick(["--dport", "--dport", "--dport", "--sport"])) \(ports)"
  }

  private func extraMatch(_ hooks: [String], _ isIPv4: Bool) -> String {
    let suffix = isIPv4 ? "4" : "6"
    var kinds: [(weight: Int, value: String)] = [
      (20, "state"), (10, "ct"), (12, "addrtype"), (10, "mark"), (7, "connmark"), (6, "iprange"), (4, "length"),
      (4, "ttl"),
      (3, "dscp"), (3, "pkttype"), (5, "physdev"), (3, "tos"), (ruleset.ipset.isEmpty ? 0 : 20, "set"), (2, "comment"),
    ]
    if hooks == ["PREROUTING"] { kinds.append((3, "rpfilter")) }
    let kind = random.pick(weighted: kinds)
    uses("-m \(kind)")
    switch kind {
    case "state":
      let states = random.some(["NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED", "DNAT", "SNAT"], 1...3)
      let plain = states.filter { $0 != "DNAT" && $0 != "SNAT" }
      if random.happens(15), !plain.isEmpty { return " -m state \(not(15))--state \(plain.joined(separator: ","))" }
      return " -m conntrack \(not(15))--ctstate \(states.joined(separator: ","))"
    case "ct":
      return " -m conntrack " + conntrackOption(isIPv4)
    case "addrtype":
      let side = random.pick(["--dst-type", "--dst-type", "--src-type"])
      return
        " -m addrtype \(not(15))\(side) \(random.pick(["LOCAL", "LOCAL", "UNICAST", "UNICAST,LOCAL", "BROADCAST"]))"
    case "mark": return " -m mark \(not())--mark \(markAndMask())"
    case "connmark": return " -m connmark \(not())--mark \(markAndMask())"
    case "iprange":
      let range = anyRange(isIPv4)
      return " -m iprange \(not())\(random.pick(["--src-range", "--dst-range"])) \(range.low)-\(range.high)"
    case "length": return " -m length \(not())--length \(random.pick(["40", "0:60", "60:100", "61:65535", "500:512"]))"
    case "ttl":
      let word = random.pick(["eq 64", "lt 64", "gt 63", "eq 63"])
      return isIPv4 ? " -m ttl --ttl-\(word)" : " -m hl --hl-\(word)"
    case "dscp": return " -m dscp \(not())--dscp \(random.pick(["0x0a", "0x00", "0x2e"]))"
    case "tos": return " -m tos \(not())--tos \(random.pick(["0x20/0xff", "0x00/0x3f", "0x28/0xff"]))"
    case "pkttype": return " -m pkttype \(not())--pkt-type \(random.pick(["unicast", "broadcast"]))"
    case "physdev": return physdev(hooks)
    case "rpfilter": return " -m rpfilter\(random.pick(["", " --invert", " --loose"]))"
    case "set":
      let sets = ruleset.ipset.compactMap { line -> String? in
        let words = line.split(separator: " ")
        guard words.count > 2, words[0] == "create" else { return nil }
        return words[1].hasSuffix(suffix) || words[1] == "ports" ? String(words[1]) : nil
      }
      guard !sets.isEmpty else { return "" }
      let set = random.pick(sets)
      let isPair = ["places", "offers", "lists"].contains { set.hasPrefix($0) }
      let dimensions =
        isPair && random.happens(90) ? random.pick(["dst,dst", "src,src", "dst,src"]) : random.pick(["src", "dst"])
      let exceptions = random.happens(15) ? " --return-nomatch" : ""
      if !exceptions.isEmpty { uses("set --return-nomatch") }
      return " -m set \(not())--match-set \(set) \(dimensions)\(exceptions)"
    default: return " -m comment --comment \"a rule\""
    }
  }

  private func conntrackOption(_ isIPv4: Bool) -> String {
    let not = self.not(25)
    return random.pick([
      "\(not)--ctproto \(random.pick([6, 17]))", "\(not)--ctorigdst \(anyPrefix(isIPv4))",
      "\(not)--ctorigsrc \(anyPrefix(isIPv4))",
      "\(not)--ctorigdstport \(anyPort())", "--ctdir \(random.pick(["ORIGINAL", "REPLY"]))",
      "\(not)--ctrepldst \(anyPrefix(isIPv4))",
      "\(not)--ctstatus \(random.pick(["NONE", "CONFIRMED", "SEEN_REPLY", "ASSURED", "SEEN_REPLY,CONFIRMED"]))",
      "--ctstate NEW,INVALID \(not)--ctorigdstport \(anyPort())",
    ])
  }

  private func markAndMask() -> String {
    random.happens(50)
      ? "0x\(String(anyMark(), radix: 16))"
      : "0x\(String(anyMark() & 0xff, radix: 16))/0x\(random.pick(["1", "ff", "f0"]))"
  }

  private func physdev(_ hooks: [String]) -> String {
    guard !hooks.contains("OUTPUT"), !topology.ports.isEmpty else { return "" }
    let port = random.pick(topology.ports).name
    if hooks == ["FORWARD"] || hooks == ["POSTROUTING"], random.happens(30) {
      return " -m physdev \(not())--physdev-is-bridged"
    }
    return random.happens(70) ? " -m physdev \(not())--physdev-in \(port)" : " -m physdev \(not())--physdev-is-in"
  }

  // MARK: Targets

  private func iptablesTarget(
    _ table: String, _ hooks: [String], _ jumps: [String], _ proto: String?, _ isIPv4: Bool
  ) -> String {
    if !jumps.isEmpty, random.happens(30) {
      let isGoto = random.happens(25)
      uses(isGoto ? "goto" : "jump")
      return " -\(isGoto ? "g" : "j") \(random.pick(jumps))"
    }
    switch table {
    case "filter":
      let kind = random.pick(weighted: [(50, "ACCEPT"), (18, "DROP"), (12, "REJECT"), (10, "RETURN"), (10, "")])
      uses(kind.isEmpty ? "no target" : kind)
      return kind == "REJECT" ? rejectTarget(proto, isIPv4) : kind.isEmpty ? "" : " -j \(kind)"
    case "nat": return natTarget(hooks, proto, isIPv4)
    case "raw":
      let kind = random.pick(weighted: [(30, "CT --notrack"), (30, "ACCEPT"), (10, "DROP"), (15, "RETURN"), (15, "")])
      uses(kind.isEmpty ? "no target" : kind)
      return kind.isEmpty ? "" : " -j \(kind)"
    default: return mangleTarget(isIPv4)
    }
  }

  private func rejectTarget(_ proto: String?, _ isIPv4: Bool) -> String {
    if proto == "tcp", random.happens(40) { return " -j REJECT --reject-with tcp-reset" }
    let kinds =
      isIPv4
      ? [
        "", "icmp-net-unreachable", "icmp-host-unreachable", "icmp-proto-unreachable", "icmp-net-prohibited",
        "icmp-host-prohibited", "icmp-admin-prohibited",
      ]
      : [
        "", "icmp6-no-route", "icmp6-adm-prohibited", "icmp6-addr-unreachable", "icmp6-policy-fail",
        "icmp6-reject-route",
      ]
    let kind = random.pick(kinds)
    return kind.isEmpty ? " -j REJECT" : " -j REJECT --reject-with \(kind)"
  }

  private func natTarget(_ hooks: [String], _ proto: String?, _ isIPv4: Bool) -> String {
    if random.happens(15) {
      let kind = random.pick(["ACCEPT", "RETURN", ""])
      return kind.isEmpty ? "" : " -j \(kind)"
    }
    let hasPorts = proto == "tcp" || proto == "udp"
    func place(_ address: IPAddress, ports: Bool) -> String {
      guard ports, hasPorts, random.happens(70) else { return "\(address)" }
      let text = isIPv4 ? "\(address)" : "[\(address)]"
      if random.happens(15) {
        let range = anyPortRange()
        return "\(text):\(range.low)-\(range.high)"
      }
      return "\(text):\(anyPort())"
    }
    if hooks == ["POSTROUTING"] || hooks == ["INPUT"] {
      let own = ownAddresses(isIPv4)
      if hooks == ["INPUT"] {
        uses("SNAT in INPUT")
        return " -j SNAT --to-source \(random.pick(outsideAddresses(isIPv4)))"
      }
      switch random.number(0...9) {
      case 0...4:
        uses("MASQUERADE")
        return hasPorts && random.happens(15) ? " -j MASQUERADE --to-ports 50000-50100" : " -j MASQUERADE"
      case 5...8:
        uses("SNAT")
        return
          " -j SNAT --to-source \(place(random.pick(own + [IPAddress(isIPv4 ? "198.51.100.7" : "2001:db8:77::7")].compactMap { $0 }), ports: random.happens(30)))"
      default:
        uses("NETMAP")
        return " -j NETMAP --to \(isIPv4 ? "198.51.100.0/24" : "2001:db8:77::/64")"
      }
    }
    switch random.number(0...9) {
    case 0...6:
      uses("DNAT")
      return " -j DNAT --to-destination \(place(target(isIPv4), ports: true))"
    case 7...8:
      uses("REDIRECT")
      return hasPorts && random.happens(80) ? " -j REDIRECT --to-ports \(anyPort())" : " -j REDIRECT"
    default:
      uses("NETMAP")
      return " -j NETMAP --to \(isIPv4 ? "10.9.3.0/24" : "2001:db8:99::/64")"
    }
  }

  private func mangleTarget(_ isIPv4: Bool) -> String {
    let ttl = isIPv4 ? "TTL --ttl-" : "HL --hl-"
    let marks = "marks\(isIPv4 ? "4" : "6")"
    if ruleset.ipset.contains(where: { $0.hasPrefix("create \(marks) ") }), random.happens(15) {
      uses("SET --map-set")
      return " -j SET --map-set \(marks) \(random.pick(["src", "dst"])) --map-mark"
    }
    let kind = random.pick(weighted: [
      (25, "MARK --set-xmark \(markAndMask())"), (8, "MARK --or-mark 0x\(String(anyMark(), radix: 16))"),
      (5, "MARK --and-mark 0xff"),
      (4, "MARK --xor-mark 0x3"), (12, "CONNMARK --set-xmark \(markAndMask())"), (8, "CONNMARK --save-mark"),
      (8, "CONNMARK --restore-mark"), (4, "\(ttl)set \(random.pick([1, 2, 64]))"), (3, "\(ttl)dec 1"),
      (3, "\(ttl)inc 5"),
      (4, "DSCP --set-dscp 0x0a"), (3, "TOS --set-tos 0x28/0xff"), (10, "ACCEPT"), (5, "DROP"), (6, "RETURN"), (5, ""),
    ])
    uses(kind.isEmpty ? "no target" : String(kind.split(separator: " --")[0]))
    return kind.isEmpty ? "" : " -j \(kind)"
  }
}
