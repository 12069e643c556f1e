import RuleGraph

extension CommandOutput {
  /// What a program prints with these arguments.
  init(program: String, arguments: ArraySlice<String>) {
    switch program {
    case "nft": readNft(arguments)
    case "ipset": kind = .ipset
    case "ip": readIP(arguments)
    case "ifconfig": kind = .ifconfig
    case "route": kind = .routeTable
    case "netstat":
      kind = Self.flags(arguments).contains("r") ? .routeTable : .netstat
      isWhole = kind == .netstat && Self.showsAllListeners(Self.flags(arguments))
    case "ss":
      kind = .sockets
      isWhole = Self.showsAllListeners(Self.flags(arguments))
    case "bridge":
      kind = arguments.contains { $0.hasPrefix("-j") } ? .json : .bridgeLink
    case "brctl": kind = .brctl
    case "conntrack": kind = .conntrack
    case "arp": kind = nil
    case "firewall-cmd":
      let looks = ["--list", "--state", "--get-active", "--info-zone", "--zone", "--get-default"]
      kind = arguments.contains { word in looks.contains { word.hasPrefix($0) } } ? .firewalld : nil
    case "systemctl", "service":
      let words = arguments.map { $0.hasSuffix(".service") ? String($0.dropLast(8)) : $0 }
      kind = words.contains("firewalld") && (words.contains("status") || words.contains("is-active")) ? .firewalld : nil
    case "pve-firewall": kind = arguments.first == "status" || arguments.first == "compile" ? .firewallStatus : nil
    case "fw3", "fw4": kind = arguments.contains("print") ? .firewallStatus : nil
    case "uci": kind = arguments.contains("show") && arguments.last == "firewall" ? .firewallStatus : nil
    case "firewall": kind = arguments.first == "status" ? .firewallStatus : nil
    case "ufw": kind = arguments.first == "status" ? .ufwStatus : nil
    case "sysctl": readSysctl(arguments)
    case "ps", "pgrep": kind = .dockerProxy
    case "cat", "more", "less": readFile(arguments)
    case _ where OutputFilter.isProgram(program):
      // `grep 22 /etc/iptables/rules.v4`
      guard let path = arguments.last, path.contains("/") else { return }
      readFile([path])
      filter = OutputFilter([[program] + arguments])
      if kind != .save, kind != .nftText { self = CommandOutput() }
    case "uname": kind = .toolVersion
    case "hostname":
      isWhole = arguments.contains { $0 == "-I" || $0 == "--all-ip-addresses" }
      if isWhole || arguments.contains(where: { $0 == "-i" || $0 == "--ip-address" }) { kind = .hostAddresses }
    default:
      if program.contains("tables") { readIptables(program, arguments) }
    }
  }

  /// The letters of all short options.
  private static func flags(_ arguments: ArraySlice<String>) -> Set<Character> {
    Set(arguments.filter { $0.hasPrefix("-") && !$0.hasPrefix("--") }.joined())
  }

  /// Whether `ss` or `netstat` shows the listening sockets of TCP and of UDP: both were asked for, or no protocol was.
  private static func showsAllListeners(_ flags: Set<Character>) -> Bool {
    guard flags.contains("l") || flags.contains("a") else { return false }
    return flags.contains("t") == flags.contains("u") && !flags.contains("x") && !flags.contains("w")
  }

  private mutating func readIptables(_ program: String, _ arguments: ArraySlice<String>) {
    family = program.hasPrefix("ip6") ? .ipv6 : .ipv4
    if program.contains("legacy") { origin = .iptablesLegacy }
    if program.contains("-nft") || program.hasPrefix("xtables") { origin = .iptablesNFT }
    var isListing = false
    var at = arguments.startIndex
    while at < arguments.endIndex {
      let word = arguments[at]
      at += 1
      let next = at < arguments.endIndex ? arguments[at] : nil
      if word == "-t" || word == "--table", let next {
        table = next
        at += 1
      } else if word.hasPrefix("--table=") {
        table = String(word.dropFirst(8))
      } else if word == "-V" || word == "--version" {
        kind = .toolVersion
      } else if word == "-S" || word == "--list-rules" || (isShort(word) && word.contains("S")) {
        kind = .save
        chain = next.flatMap { $0.hasPrefix("-") ? nil : $0 }
        readRuleNumber(arguments, behindChainAt: at)
      } else if word == "-L" || word == "--list" || (isShort(word) && word.contains("L")) {
        isListing = true
        chain = next.flatMap { $0.hasPrefix("-") || Int($0) != nil ? nil : $0 }
        readRuleNumber(arguments, behindChainAt: at)
      } else if isShort(word), word.hasSuffix("t"), let next {
        // `-vnLt nat` and the like.
        table = next
        at += 1
      }
    }
    if isListing { kind = .listing }
    if program.hasSuffix("-save") {
      kind = .save
      isWhole = table == nil
    } else if kind != nil, kind != .toolVersion, table == nil {
      table = "filter"
    }
  }

  /// `-S INPUT 4` prints one rule and no head: those around it are kept back, as by a filter.
  private mutating func readRuleNumber(_ arguments: ArraySlice<String>, behindChainAt place: Int) {
    guard chain != nil, place + 1 < arguments.endIndex, Int(arguments[place + 1]) != nil else { return }
    filter.places.insert(.anywhere)
  }

  private func isShort(_ word: String) -> Bool { word.hasPrefix("-") && !word.hasPrefix("--") }

  private mutating func readNft(_ arguments: ArraySlice<String>) {
    let options = Self.flags(arguments)
    if options.contains("v") || arguments.contains("--version") {
      kind = .toolVersion
      return
    }
    guard let list = arguments.firstIndex(of: "list") else { return }
    isTerse = options.contains("t") || arguments.contains("--terse")
    kind = options.contains("j") || arguments.contains("--json") ? .nftJSON : .nftText
    let words = arguments[(list + 1)...]
    if words.first == "ruleset" {
      isWhole = words.count == 1
      if words.dropFirst().first == "ip" { family = .ipv4 }
      if words.dropFirst().first == "ip6" { family = .ipv6 }
    } else if words.first == "table" || words.first == "chain" {
      let rest = Array(words.dropFirst())
      let hasFamily = rest.first.flatMap { TableFamily(rawValue: $0) } != nil
      table = rest.dropFirst(hasFamily ? 1 : 0).first
      if words.first == "chain" { chain = rest.last }
    } else {
      // Sets, chains or tables alone: other tables were not asked for.
      chain = words.last
      isWithoutRules = words.first == "chains"
      if kind == .nftText, words.first == "tables" || words.first == "hooks" { kind = .inventory }
    }
  }

  private mutating func readIP(_ arguments: ArraySlice<String>) {
    var rest = arguments
    var isJSON = false
    var isOneLine = false
    var isBrief = false
    while let option = rest.first, option.hasPrefix("-") {
      rest.removeFirst()
      switch option {
      case "-6": family = .ipv6
      case "-4": family = .ipv4
      case "-f", "-family":
        family = rest.popFirst() == "inet6" ? .ipv6 : .ipv4
      case "-n", "-netns": rest = rest.dropFirst()
      case "-o", "-oneline": isOneLine = true
      default:
        if option.hasPrefix("-j") { isJSON = true }
        if option.hasPrefix("-br") { isBrief = true }
      }
    }
    guard let object = rest.first else { return }
    let rows: OutputKind = isBrief ? .ipAddressBrief : isOneLine ? .ipAddressOneLine : .ipAddress
    switch object {
    case _ where Self.abbreviates(object, "address", atLeast: 1): kind = rows
    case _ where Self.abbreviates(object, "link", atLeast: 1): kind = rows
    case _ where Self.abbreviates(object, "route", atLeast: 1): kind = .ipRoute
    case _ where Self.abbreviates(object, "rule", atLeast: 2): kind = .ipRule
    case _ where Self.abbreviates(object, "neighbour", atLeast: 1), "neighbor": kind = .neighbours
    default: return
    }
    // What changes something prints nothing.
    if rest.dropFirst().first.map({ ["add", "set", "del", "delete", "change", "replace", "flush", "get"].contains($0) })
      == true
    {
      kind = nil
      return
    }
    if kind == .ipRoute {
      if Self.selectsRoutes(rest.dropFirst()) { filter.places = .anywhere } else { isWhole = true }
    }
    if let marker = rest.firstIndex(of: "table"), marker + 1 < rest.endIndex { table = rest[marker + 1] }
    if isJSON { kind = .json }
  }

  /// Whether the words behind `ip route` ask for some routes of a table only (`dev eth0`, `default`, `10.0.0.0/8`).
  private static func selectsRoutes(_ words: ArraySlice<String>) -> Bool {
    var rest = words
    while let word = rest.popFirst() {
      switch word {
      case "show", "list", "ls", "lst", "s", "sh", "l": continue
      case "table": rest = rest.dropFirst()
      default: return true
      }
    }
    return false
  }

  private static func abbreviates(_ word: String, _ whole: String, atLeast count: Int) -> Bool {
    (word.utf8.count >= count && whole.hasPrefix(word))
      || word == "addr"
        && whole == "address"
  }

  private mutating func readSysctl(_ arguments: ArraySlice<String>) {
    kind = .sysctl
    if Self.flags(arguments).contains("n") {
      kind = .sysctlValue
      subject = arguments.first { !$0.hasPrefix("-") }
    }
  }

  private mutating func readFile(_ arguments: ArraySlice<String>) {
    guard let path = arguments.first(where: { !$0.hasPrefix("-") }) else { return }
    if path.hasPrefix("/proc/sys/") {
      kind = .sysctlValue
      subject = Self.sysctlName(path)
    } else if path.hasSuffix("daemon.json") {
      kind = .json
    } else if path.hasSuffix("/nf_conntrack") {
      kind = .conntrack
    } else if path.hasSuffix("tables_names"), path.hasPrefix("/proc/net/") {
      kind = .inventory
      family = path.contains("ip6_") ? .ipv6 : .ipv4
    } else if path.contains("nftables") || path.hasSuffix(".nft") {
      kind = .nftText
      isFile = Self.isConfiguration(path)
    } else if path.contains("tables") {
      kind = .save
      isFile = Self.isConfiguration(path)
    }
  }

  /// Whether a file is one that rules are loaded from, and not one that an output was put in.
  private static func isConfiguration(_ path: String) -> Bool {
    path.hasPrefix("/etc/") || path.hasSuffix("nftables.conf") || path.hasSuffix(".nft")
  }

  /// `/proc/sys/net/ipv4/conf/eth0.1/rp_filter` as sysctl(8) names it: dots in a name become slashes.
  static func sysctlName(_ path: String) -> String {
    path.dropFirst(10).split(separator: "/").map { $0.replacing(".", with: "/") }.joined(separator: ".")
  }

  /// What `docker VERB ...` prints.
  init(docker verb: String, arguments: ArraySlice<String>) {
    switch verb {
    case "ps": kind = .dockerContainers
    case "container" where arguments.first == "ls" || arguments.first == "ps" || arguments.first == "list":
      kind = .dockerContainers
    case "network" where arguments.first == "ls" || arguments.first == "list": kind = .dockerNetworks
    case "inspect",
      "network" where arguments.first == "inspect",
      "container" where arguments.first == "inspect":
      kind = .json
      subject = arguments.last
    case "service" where arguments.first == "ls" || arguments.first == "list": kind = .dockerServices
    case "info": kind = .dockerInfo
    case "version", "--version", "-v": kind = .dockerVersion
    case "port":
      kind = .dockerPort
      subject = arguments.first
    default: break
    }
  }
}
