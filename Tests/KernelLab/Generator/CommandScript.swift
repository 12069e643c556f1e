import Randomness

/// A shell script of commands that make rules, as people write them, with the mistakes that they make; the same seed gives the same script.
public struct CommandScript: Sendable {
  /// The programs that a script calls.
  public enum Profile: String, CaseIterable, Sendable {
    /// iptables on nf_tables.
    case iptables
    /// iptables on its older tables.
    case legacy
    /// ip6tables.
    case ip6tables
    /// nft.
    case nft
    /// ipset.
    case ipset
  }

  /// The script.
  public private(set) var lines: [String] = ["#!/bin/sh"]
  private var random: RandomNumbers
  private let profile: Profile
  private var chains = ["INPUT", "FORWARD", "OUTPUT"]

  /// Makes the script of a seed.
  public init(_ profile: Profile, seed: UInt64) {
    self.profile = profile
    random = RandomNumbers(seed: seed &* 5 &+ UInt64(Profile.allCases.firstIndex(of: profile) ?? 0))
    switch profile {
    case .iptables, .legacy, .ip6tables: writeIptables()
    case .nft: writeNft()
    case .ipset: writeIpset()
    }
  }

  /// The text.
  public var text: String { lines.map { $0 + "\n" }.joined() }

  /// The commands that print what the script made.
  public var dump: String {
    switch profile {
    case .iptables: "iptables-save"
    case .legacy: "iptables-legacy-save"
    case .ip6tables: "ip6tables-save"
    case .nft: "nft -j list ruleset"
    case .ipset: "ipset save"
    }
  }

  // MARK: - iptables

  private var program: String {
    profile == .legacy ? "iptables-legacy" : profile == .ip6tables ? "ip6tables" : "iptables"
  }

  private mutating func writeIptables() {
    lines.append("IPT=\(program)")
    lines.append("WAN=eth0; LAN='eth1'")
    lines.append("PORTS=\"22 80 443\"")
    lines.append("allow() { $IPT -A \"$1\" -p tcp --dport $2 -j ACCEPT; }")
    for _ in 0..<random.number(8...30) { lines += iptablesCommand() }
  }

  /// The program as the script names it.
  private mutating func call() -> String {
    let name = random.pick([program, program, "$IPT", "${IPT}", "\"$IPT\"", "/usr/sbin/\(program)"])
    return name + random.pick(["", "", "", " -w"])
  }

  private mutating func iptablesCommand() -> [String] {
    let call = call()
    switch random.number(0...23) {
    case 0...7: return ["\(call) \(table()) -A \(chain()) \(rule())"]
    case 8: return ["\(call) -I \(chain()) \(rule())", "\(call) --insert \(chain()) \(random.number(0...4)) \(rule())"]
    case 9: return ["\(call) -D \(chain()) \(random.number(1...4))"]
    case 10:
      let (chain, rule) = (chain(), rule())
      return ["\(call) -A \(chain) \(rule)", "\(call) -A \(chain) -j RETURN", "\(call) -D \(chain) \(rule)"]
    case 11: return ["\(call) -R \(chain()) \(random.number(1...3)) \(rule())"]
    case 12, 13:
      let name = random.pick(["ONE", "TWO", "LOG_DROP", "web-in"])
      if !chains.contains(name) { chains.append(name) }
      return ["\(call) -N \(name)\(random.pick([" 2>/dev/null", "", " || $IPT -F \(name)"]))"]
    case 14: return ["\(call) -X\(random.pick(["", " ONE", " TWO"]))"]
    case 15: return ["\(call) -F \(random.pick(chains))"]
    case 16: return ["\(call) -P \(chain()) \(random.pick(["ACCEPT", "DROP", "REJECT"]))"]
    case 17:
      return ["\(call) -E \(random.pick(chains.dropFirst(3) + ["ONE"])) \(random.pick(["THREE", "FOUR", "ONE"]))"]
    case 18:
      return [
        "for p in \(random.pick(["$PORTS", "25 53", "\"$PORTS\" 21"])); do \(call) -A \(chain()) -p udp --dport $p -j ACCEPT; done"
      ]
    case 19:
      let (chain, rule) = (chain(), rule())
      return ["if ! \(call) -C \(chain) \(rule) 2>/dev/null; then", "  \(call) -I \(chain) \(rule)", "fi"]
    case 20:
      return ["allow \(chain()) \(random.number(1...3))22", "\(call) -t nat -A POSTROUTING -o $WAN -j MASQUERADE"]
    case 21: return restore()
    case 22: return ["\(call) -A \(chain()) \\", "    \(rule())  # \(random.pick(["comment", "it's open"]))"]
    default: return ["\(call) -N ONE && \(call) -A INPUT -j ONE; \(call) -Z"]
    }
  }

  private mutating func restore() -> [String] {
    let flag = random.pick(["-n", "-n", ""])
    return [
      "\(program)-restore \(flag) <<EOF", "*filter", ":INPUT \(random.pick(["ACCEPT", "DROP"])) [0:0]",
      ":FORWARD ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]", ":RESTORED - [0:0]", "-A INPUT -i $WAN -j RESTORED",
      "-A RESTORED \(rule())", random.pick(["COMMIT", "COMMIT", "-A NOWHERE -j DROP\nCOMMIT"]), "EOF",
    ]
  }

  private mutating func table() -> String { random.pick(["", "", "", "-t filter", "-t mangle", "--table raw"]) }

  private mutating func chain() -> String { random.pick(chains + ["INPUT", "INPUT", "NOWHERE", "PREROUTING"]) }

  private mutating func address() -> String {
    let all =
      profile == .ip6tables
      ? ["2001:db8::1", "2001:db8::/32", "::1", "2001:db8::5,2001:db8::6"]
      : ["192.0.2.1", "198.51.100.0/24", "10.0.0.0/255.0.0.0", "203.0.113.4,203.0.113.5", "10.1.2.3/8"]
    return random.pick(all)
  }

  private mutating func rule() -> String {
    var parts: [String] = []
    if random.happens(30) { parts.append("\(random.pick(["-s", "--source", "--src"])) \(address())") }
    if random.happens(15) { parts.append("-d \(address())") }
    if random.happens(10) { parts.append("! -s \(address())") }
    if random.happens(20) {
      parts.append("\(random.pick(["-i", "-o"])) \(random.pick(["$WAN", "\"$LAN\"", "eth+", "${WAN}"]))")
    }
    switch random.number(0...6) {
    case 0: parts.append("-p tcp --dport \(random.pick(["22", "80:90", "443"]))")
    case 1: parts.append("-p TCP -m tcp --sport=1024:")
    case 2: parts.append("-p udp -m multiport --dports 53,123")
    case 3: parts.append("-m state --state \(random.pick(["NEW", "ESTABLISHED,RELATED"]))")
    case 4: parts.append("-m conntrack --ctstate NEW")
    case 5:
      parts.append(
        random.pick(["--dport 22", "-p tcp --syn", "-m comment --comment \"a 'b' c\"", "-m comment --com x"]))
    default: break
    }
    parts.append(
      random.pick([
        "-j ACCEPT", "-j DROP", "--jump DROP", "-j REJECT", "-j RETURN", "-g ONE", "-j ONE", "-j TWO", "-j web-in", "",
        "-j MISSING",
        "-j LOG --log-prefix \"in: \"", "-j MASQUERADE", "-j MARK --set-mark 7",
      ]))
    return parts.joined(separator: " ")
  }

  // MARK: - nft

  private mutating func writeNft() {
    lines.append("NFT=\(random.pick(["nft", "/usr/sbin/nft"]))")
    lines.append("PORT=22")
    for name in ["one", "two"].prefix(random.number(1...2)) {
      lines.append("$NFT add table \(nftFamily(name)) \(name)")
      lines.append(
        "nft add chain \(nftFamily(name)) \(name) in '{ type filter hook input priority \(random.pick(["0", "filter", "-5"])) ; policy \(random.pick(["accept", "drop"])) ; }'"
      )
    }
    for _ in 0..<random.number(6...22) { lines += nftCommand() }
  }

  private func nftFamily(_ table: String) -> String { table == "one" ? "inet" : "ip" }

  private mutating func nftCommand() -> [String] {
    let table = random.pick(["one", "one", "two", "nowhere"])
    let place = "\(nftFamily(table)) \(table)"
    let chain = random.pick(["in", "in", "in", "helper", "out"])
    switch random.number(0...18) {
    case 0...5: return ["nft add rule \(place) \(chain) \(nftRule())"]
    case 6:
      return ["nft insert rule \(place) \(chain) \(random.pick(["", "index 1 ", "index 0 ", "handle 3 "]))\(nftRule())"]
    case 7: return ["nft delete rule \(place) \(chain) handle \(random.number(2...7))"]
    case 8: return ["nft replace rule \(place) \(chain) handle \(random.number(2...6)) \(nftRule())"]
    case 9: return ["nft add chain \(place) \(random.pick(["helper", "out", "in"]))"]
    case 10: return ["nft flush chain \(place) \(chain)"]
    case 11: return ["nft delete chain \(place) \(random.pick(["helper", "out"]))"]
    case 12:
      return [
        "nft add set \(place) bad \\{ type ipv4_addr\\; flags interval\\; \\}",
        "nft add element \(place) bad { 10.0.0.0/8, 192.0.2.\(random.number(1...3)) }",
      ]
    case 13: return ["nft \(random.pick(["add", "delete"])) element \(place) bad '{ 192.0.2.\(random.number(1...3)) }'"]
    case 14: return ["nft add rule \(place) \(chain) ip saddr @bad drop"]
    case 15:
      return [
        "nft -f - <<'EOF'", "define WEB = { 80, 443 }", "add rule \(place) \(chain) tcp dport $WEB accept",
        "add rule \(place) \(random.pick([chain, "nowhere"])) counter drop", "EOF",
      ]
    case 16: return ["nft rename chain \(place) helper \(random.pick(["renamed", "in"]))"]
    case 17: return ["for i in 1 2; do nft \"add rule \(place) \(chain) udp dport $i accept\"; done"]
    default:
      return [
        random.pick([
          "nft flush table \(place)", "nft create table \(place)", "nft delete set \(place) bad",
          "nft list table \(place) >/dev/null 2>&1 || nft add table \(place)",
        ])
      ]
    }
  }

  private mutating func nftRule() -> String {
    random.pick([
      "tcp dport $PORT accept", "tcp dport { 80, 443 } accept", "iifname lo accept", "iifname \"eth0\" drop",
      "ct state established,related accept",
      "ip saddr 192.0.2.0/24 counter drop", "jump helper", "jump out", "udp dport 53 counter accept comment '\"dns\"'",
      "meta l4proto icmp accept",
      "ip daddr 10.0.0.1 drop", "ct state vmap '{ invalid : drop, new : accept }'",
    ])
  }

  // MARK: - ipset

  private mutating func writeIpset() {
    lines.append("SET=bad")
    for _ in 0..<random.number(6...20) {
      let set = random.pick(["$SET", "good", "\"bad\"", "nowhere", "nets"])
      lines.append(
        random.pick([
          "ipset create good hash:ip", "ipset create nets hash:net", "ipset -N bad hash:ip,port",
          "ipset create good hash:ip -exist",
          "ipset add good 192.0.2.\(random.number(1...4))", "ipset add nets 10.\(random.number(0...3)).0.0/16",
          "ipset add bad 192.0.2.\(random.number(1...3)),tcp:80",
          "ipset -! add good 192.0.2.\(random.number(1...4))", "ipset del good 192.0.2.\(random.number(1...4))",
          "ipset -D nets 10.1.0.0/16", "ipset add nets 10.9.0.0/16 nomatch",
          "ipset flush \(set)", "ipset destroy \(set)", "ipset rename good other", "ipset swap good other",
          "ipset create other hash:ip",
          "ipset restore <<EOF\ncreate third hash:ip\nadd third 198.51.100.7\nEOF",
          "ipset list good >/dev/null 2>&1 || ipset create good hash:ip",
          "for i in 5 6; do ipset add good 203.0.113.$i; done",
        ]))
    }
  }
}
