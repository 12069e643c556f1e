import Randomness

/// A list of single commands as people type them on a host with rules, with the mistakes that they make; the same seed gives the same list.
public struct CommandList: Sendable {
  /// The programs that the commands call.
  public enum Profile: String, CaseIterable, Sendable {
    /// iptables on nf_tables, with ipsets.
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

  /// The commands that make the host what it is before the list.
  public private(set) var setUp: [String] = []
  /// The commands of the list, one a line.
  public private(set) var commands: [String] = []
  private let profile: Profile
  private var random: RandomNumbers
  private var chains = ["INPUT", "FORWARD", "OUTPUT"]
  private var rules: [(chain: String, rule: String)] = []

  /// Makes the list of a seed.
  public init(_ profile: Profile, seed: UInt64) {
    self.profile = profile
    random = RandomNumbers(seed: seed &* 7 &+ UInt64(Profile.allCases.firstIndex(of: profile) ?? 0))
    switch profile {
    case .iptables, .legacy, .ip6tables: makeIptables()
    case .nft: makeNft()
    case .ipset: makeIpset()
    }
  }

  /// The commands that print the host's rules.
  public var dump: String {
    switch profile {
    case .iptables: "iptables-save; ipset save"
    case .legacy: "iptables-legacy-save"
    case .ip6tables: "ip6tables-save"
    case .nft: "nft -a list ruleset"
    case .ipset: "ipset save"
    }
  }

  // MARK: - iptables

  private var program: String {
    profile == .legacy ? "iptables-legacy" : profile == .ip6tables ? "ip6tables" : "iptables"
  }

  private mutating func makeIptables() {
    let family = profile == .ip6tables ? " family inet6" : ""
    setUp = ["\(program) -N ONE", "\(program) -N web-in"]
    if profile == .iptables { setUp += ["ipset create bad hash:ip\(family)", "ipset add bad 192.0.2.9"] }
    chains += ["ONE", "web-in"]
    for _ in 0..<random.number(3...12) {
      let (chain, rule) = (random.pick(chains), rule())
      rules.append((chain, rule))
      setUp.append("\(program) -A \(chain) \(rule)")
    }
    setUp.append("\(program) -t nat -A POSTROUTING -o eth0 -j MASQUERADE")
    for _ in 0..<random.number(3...14) { commands.append(iptablesCommand()) }
  }

  private mutating func iptablesCommand() -> String {
    // The lock of the older tables is the machine's.
    let call = profile == .legacy ? "\(program) -w" : random.pick([program, program, "\(program) -w"])
    switch random.number(0...25) {
    case 0...4: return "\(call) \(table()) -A \(chain()) \(newRule())"
    case 5, 6: return "\(call) -I \(chain()) \(newRule())"
    case 7: return "\(call) --insert \(chain()) \(random.number(0...5)) \(newRule())"
    case 8, 9: return "\(call) -D \(chain()) \(random.number(0...4))"
    case 10...12:
      let (chain, rule) = random.pick(rules + [("INPUT", "-j DROP")])
      return "\(call) \(random.pick(["-D", "-D", "--delete", "-C"])) \(chain) \(rule)"
    case 13: return "\(call) -R \(chain()) \(random.number(1...4)) \(newRule())"
    case 14, 15:
      let name = random.pick(["ONE", "TWO", "LOG_DROP", "INPUT"])
      if !chains.contains(name) { chains.append(name) }
      return "\(call) -N \(name)"
    case 16: return "\(call) -X \(random.pick(["", "ONE", "TWO", "web-in", "NOWHERE"]))"
    case 17: return "\(call) -F \(random.pick(chains + ["", "NOWHERE"]))"
    case 18, 19: return "\(call) -P \(chain()) \(random.pick(["ACCEPT", "DROP", "DROP", "REJECT"]))"
    case 20: return "\(call) -E \(random.pick(chains.dropFirst(3) + ["NOWHERE"])) \(random.pick(["THREE", "ONE"]))"
    case 21: return "\(call) -t nat -A POSTROUTING -s \(address()) -j \(random.pick(["MASQUERADE", "DROP", "DNAT"]))"
    case 22: return "\(call) -Z"
    case 23: return "\(call) -C INPUT -p tcp --dport 22 -j ACCEPT || \(call) -I INPUT -p tcp --dport 22 -j ACCEPT"
    case 24: return mistake(call)
    default:
      guard profile == .iptables else { return "\(call) -A INPUT -j RETURN" }
      return "ipset \(random.pick(["add", "add", "del"])) bad 192.0.2.\(random.number(7...10))"
    }
  }

  private mutating func mistake(_ call: String) -> String {
    random.pick([
      "\(call) -A INPUT -s 300.1.1.1 -j DROP", "\(call) -A INPUT -p tcp --dport 99999 -j DROP",
      "\(call) -A INPUT -p nothing -j DROP", "\(call) -t nothing -A INPUT -j DROP", "\(call) -A INPUT -o eth0 -j DROP",
      "\(call) -A OUTPUT -i eth0 -j DROP", "\(call) -A INPUT --dport 22 -j DROP", "\(call) -A INPUT -g NOWHERE",
      "\(call) -A INPUT -s 192.0.2.0/99 -j DROP", "\(call) -N ACCEPT", "\(call) -A ONE -j INPUT",
      "\(call) -N a-name-of-more-than-28-letters", "\(call) -I INPUT x -j DROP", "\(call) -A INPUT -D INPUT",
    ])
  }

  private mutating func table() -> String { random.pick(["", "", "", "-t filter", "-t mangle", "--table raw"]) }

  private mutating func chain() -> String { random.pick(chains + ["INPUT", "INPUT", "NOWHERE"]) }

  private mutating func newRule() -> String {
    let text = rule()
    rules.append((random.pick(chains), text))
    return text
  }

  private mutating func address() -> String {
    random.pick(
      profile == .ip6tables
        ? ["2001:db8::1", "2001:db8::/32", "::1"]
        : ["192.0.2.1", "198.51.100.0/24", "10.0.0.0/255.0.0.0", "10.1.2.3/8"])
  }

  private mutating func rule() -> String {
    var parts: [String] = []
    if random.happens(30) { parts.append("\(random.pick(["-s", "--source"])) \(address())") }
    if random.happens(15) { parts.append("-d \(address())") }
    if random.happens(10) { parts.append("! -i eth1") }
    switch random.number(0...8) {
    case 0, 1: parts.append("-p tcp --dport \(random.pick(["22", "80:90", "443"]))")
    case 2: parts.append("-p udp -m multiport --dports 53,123")
    case 3: parts.append("-m conntrack --ctstate \(random.pick(["NEW", "ESTABLISHED,RELATED"]))")
    case 4: parts.append("-m comment --comment \"a 'b' c\"")
    case 5: parts.append("-p tcp --syn")
    case 6: if profile == .iptables { parts.append("-m set --match-set \(random.pick(["bad", "bad", "none"])) src") }
    default: break
    }
    parts.append(
      random.pick([
        "-j ACCEPT", "-j ACCEPT", "-j DROP", "--jump DROP", "-j REJECT", "-j RETURN", "-g ONE", "-j ONE", "-j web-in",
        "", "-j LOG --log-prefix \"in: \"", "-j MARK --set-mark 7",
      ]))
    if random.happens(3) { parts[parts.count - 1] = "-j MISSING" }
    return parts.joined(separator: " ")
  }

  // MARK: - nft

  private mutating func makeNft() {
    for (family, name) in [("inet", "one"), ("ip", "two")] {
      setUp += [
        "nft add table \(family) \(name)",
        "nft add chain \(family) \(name) in '{ type filter hook input priority 0; policy \(random.pick(["accept", "drop"])); }'",
        "nft add chain \(family) \(name) helper",
        "nft add set \(family) \(name) bad '{ type ipv4_addr; flags interval; }'",
        "nft add element \(family) \(name) bad '{ 10.0.0.0/8, 192.0.2.1 }'",
        "nft add map \(family) \(name) ways '{ type inet_service : verdict; }'",
        "nft add element \(family) \(name) ways '{ 22 : accept, 23 : jump helper }'",
      ]
    }
    for _ in 0..<random.number(2...8) {
      let (family, name) = random.pick([("inet", "one"), ("ip", "two")])
      setUp.append("nft add rule \(family) \(name) \(random.pick(["in", "in", "helper"])) \(nftRule(in: "in"))")
    }
    for _ in 0..<random.number(3...12) { commands.append(nftCommand()) }
  }

  private mutating func nftCommand() -> String {
    let place = random.pick(["inet one", "inet one", "ip two", "ip two", "ip nowhere"])
    let chain = random.pick(["in", "in", "in", "helper", "out"])
    switch random.number(0...24) {
    case 0...6: return "nft add rule \(place) \(chain) \(nftRule(in: chain))"
    case 7: return "nft insert rule \(place) \(chain) \(nftRule(in: chain))"
    case 8:
      return
        "nft \(random.pick(["insert", "add"])) rule \(place) \(chain) index \(random.number(0...4)) \(nftRule(in: chain))"
    case 9: return "nft add rule \(place) \(chain) handle \(random.number(8...14)) \(nftRule(in: chain))"
    case 10, 11: return "nft delete rule \(place) \(chain) handle \(random.number(8...16))"
    case 12: return "nft replace rule \(place) \(chain) handle \(random.number(8...14)) \(nftRule(in: chain))"
    case 13:
      return "nft \(random.pick(["add", "add", "create"])) chain \(place) \(random.pick(["helper", "out", "in"]))"
    case 14: return "nft flush chain \(place) \(chain)"
    case 15: return "nft delete chain \(place) \(random.pick(["helper", "out"]))"
    case 16: return "nft add element \(place) bad '{ \(element()) }'"
    case 17: return "nft delete element \(place) bad '{ \(element()) }'"
    case 18: return "nft add rule \(place) \(chain) tcp dport vmap @ways"
    case 19: return "nft \(random.pick(["flush", "delete"])) set \(place) \(random.pick(["bad", "none"]))"
    case 20: return "nft rename chain \(place) helper \(random.pick(["renamed", "in"]))"
    case 21: return "nft \(random.pick(["flush table", "create table", "add table"])) \(place)"
    case 22:
      return
        "nft add set \(place) more '{ type ipv4_addr . inet_service; }' && nft add element \(place) more '{ 192.0.2.7 . 80 }'"
    case 23:
      return
        "nft 'add rule \(place) \(chain) \(nftRule(in: chain)); add rule \(place) \(random.pick(["in", "nowhere"])) drop'"
    default: return "nft delete table \(random.pick(["ip two", "ip nowhere"]))"
    }
  }

  private mutating func element() -> String {
    random.pick(["192.0.2.\(random.number(1...3))", "10.0.0.0/8", "10.2.0.0/16", "203.0.113.0/24"])
  }

  /// A rule that jumps only onwards, since the kernel follows jumps that lead back from where packets come in.
  private mutating func nftRule(in chain: String) -> String {
    let all = [
      "tcp dport 22 accept", "tcp dport { 80, 443 } accept", "iifname lo accept", "ct state established,related accept",
      "ip saddr 192.0.2.0/24 counter drop", "udp dport 53 counter accept comment '\"dns\"'", "meta l4proto icmp accept",
      "ip daddr 10.0.0.1 drop", "ip saddr @bad drop", "ip saddr @none drop", "jump helper", "goto helper",
      "jump nowhere",
      "jump in", "ct state vmap '{ invalid : drop, new : accept }'", "limit rate 5/second accept", "masquerade",
    ]
    let text = random.pick(all)
    return text.contains("'") ? text : "'\(text)'"
  }

  // MARK: - ipset

  private mutating func makeIpset() {
    setUp = [
      "ipset create good hash:ip", "ipset add good 192.0.2.1", "ipset create nets hash:net",
      "ipset add nets 10.1.0.0/16", "ipset create both hash:ip,port", "ipset create ports bitmap:port range 0-1023",
      "ipset create all list:set", "ipset create six hash:ip family inet6", "ipset create few hash:ip maxelem 2",
    ]
    for _ in 0..<random.number(3...14) {
      let set = random.pick(["good", "nets", "both", "ports", "nowhere"])
      commands.append(
        random.pick([
          "ipset create good hash:ip", "ipset create -exist good hash:ip", "ipset create -exist good hash:net",
          "ipset -N more hash:ip,port", "ipset create more hash:net", "ipset create more nothing",
          "ipset add good 192.0.2.\(random.number(1...4))", "ipset -! add good 192.0.2.\(random.number(1...4))",
          "ipset add good 192.0.2.8/30", "ipset add good 192.0.2.20-192.0.2.22", "ipset add good 2001:db8::1",
          "ipset del good 192.0.2.\(random.number(1...4))", "ipset add nets 10.\(random.number(0...3)).0.0/16",
          "ipset add nets 10.9.1.1/24 nomatch", "ipset del nets 10.1.0.0/16", "ipset add nets 0.0.0.0/0",
          "ipset add both 192.0.2.\(random.number(1...3)),tcp:80", "ipset add both 192.0.2.1,udp:53-55",
          "ipset add both 192.0.2.1,443", "ipset add ports \(random.number(0...3))", "ipset add ports 1100",
          "ipset add ports 20-22", "ipset add all \(random.pick(["good", "nets", "nowhere"]))", "ipset del all good",
          "ipset add six 2001:db8::\(random.number(1...2))", "ipset add few 192.0.2.\(random.number(1...5))",
          "ipset add good 192.0.2.30 timeout 5", "ipset flush \(set)", "ipset destroy \(set)",
          "ipset rename \(set) other", "ipset swap good \(random.pick(["few", "nets", "nowhere"]))",
        ]))
    }
  }
}
