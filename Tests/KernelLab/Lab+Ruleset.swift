import RuleGraph

extension Lab {
  /// Loads a ruleset into the router.
  ///
  /// - Throws: ``LabError`` with the tool's message when a tool refuses it.
  public func load(_ ruleset: RulesetText) throws {
    hasDeviceHooks = ruleset.hooksDevices
    hasBridgeHooks = ruleset.hooksBridges
    isLegacy = ruleset.backend == .legacy
    if !ruleset.ipset.isEmpty { try Self.check(runCommand(["ipset", "restore"], input: ruleset.ipset.text), "ipset") }
    let order: [RulesetText.Section] = ruleset.nftFirst ? [.nft, .ipv4, .ipv6] : [.ipv4, .ipv6, .nft]
    for section in order where !ruleset[section].isEmpty {
      try Self.check(runCommand(command(section, ruleset.backend), input: ruleset[section].text), "\(section)")
    }
  }

  /// Loads as much of a generated ruleset as the tools take: rules that a tool refuses are left out. Returns what was loaded.
  ///
  /// - Throws: ``LabError`` when leaving out the lines that a tool complains of does not help.
  public func loadWhatIsAccepted(_ ruleset: RulesetText) throws -> RulesetText {
    var ruleset = ruleset
    hasDeviceHooks = ruleset.hooksDevices
    hasBridgeHooks = ruleset.hooksBridges
    isLegacy = ruleset.backend == .legacy
    if !ruleset.ipset.isEmpty { try Self.check(runCommand(["ipset", "restore"], input: ruleset.ipset.text), "ipset") }
    let order: [RulesetText.Section] = ruleset.nftFirst ? [.nft, .ipv4, .ipv6] : [.ipv4, .ipv6, .nft]
    for section in order where !ruleset[section].isEmpty {
      for attempt in 0... {
        let result = try runCommand(command(section, ruleset.backend), input: ruleset[section].text)
        if result.status == 0 { break }
        let lines = ruleset[section]
        let refused = Self.lineNumbers(in: result.errors)
          .filter { lines.indices.contains($0) && RulesetText.isRule(lines[$0], section) }
        guard !refused.isEmpty, attempt < 30 else { throw LabError("\(section): \(result.errors)") }
        ruleset[section] = lines.indices.filter { !refused.contains($0) }.map { lines[$0] }
      }
    }
    return ruleset
  }

  private func command(_ section: RulesetText.Section, _ backend: RulesetText.Backend) -> [String] {
    switch section {
    case .ipv4: ["iptables-\(backend.rawValue)-restore"]
    case .ipv6: ["ip6tables-\(backend.rawValue)-restore"]
    case .nft: ["nft", "-f", "-"]
    }
  }

  /// The lines, from zero, that a complaint of nft (`/dev/stdin:7:3-9: Error`) or iptables-restore (`line: 7`, `line 7 failed`) names.
  private static func lineNumbers(in errors: String) -> Set<Int> {
    var numbers: Set<Int> = []
    for line in errors.split(separator: "\n") {
      let words = line.split(whereSeparator: { $0 == " " || $0 == ":" })
      if line.hasPrefix("/dev/stdin:") {
        if words.count > 1, let number = Int(words[1]) { numbers.insert(number - 1) }
      } else if let at = words.lastIndex(of: "line"), at + 1 < words.count, let number = Int(words[at + 1]) {
        numbers.insert(number - 1)
      }
    }
    return numbers
  }

  /// Adds the table that makes the kernel report each packet's way. It changes nothing for any packet of the experiment; only the resets
  /// that the router's own TCP sends for want of a listening socket (recognizable by identification or flow label zero) are kept back
  /// before connection tracking sees them, because they would end the flows that the experiment builds up.
  public func startTracing() throws {
    let quiet = "tcp flags & rst == rst"
    let table = """
      table inet lab {
        chain prerouting { type filter hook prerouting priority -450; meta nftrace set 1; }
        chain output {
          type filter hook output priority -450;
          meta nftrace set 1
          ip id 0 \(quiet) drop
          ip6 flowlabel 0 \(quiet) drop
        }
        chain input { type filter hook input priority 2147483647; }
        chain postrouting { type filter hook postrouting priority 2147483647; }
      }
      """
    readRulePositions()
    try Self.check(runCommand(["nft", "-f", "-"], input: table), "the laboratory's table")
    if hasBridgeHooks {
      let bridges = """
        table bridge lab {
          chain prerouting { type filter hook prerouting priority -2000; meta nftrace set 1; }
          chain output { type filter hook output priority -2000; meta nftrace set 1; }
        }
        """
      try Self.check(runCommand(["nft", "-f", "-"], input: bridges), "the laboratory's table of bridges")
    }
    guard hasDeviceHooks else { return }
    // What the hooks of devices do shows only if the packet is marked before them.
    let devices = topology.endpoints.map { "\"\($0)\"" }.joined(separator: ", ")
    let early = """
      table netdev lab {
        chain ingress { type filter hook ingress devices = { \(devices) } priority -2000; meta nftrace set 1; }
      }
      """
    try Self.check(runCommand(["nft", "-f", "-"], input: early), "the laboratory's table of devices")
  }

  /// Learns the number of each rule in its chain from the handles that nft lists.
  private func readRulePositions() {
    guard let listing = try? runCommand(["nft", "-a", "list", "ruleset"]) else { return }
    var family: UInt8 = 0
    var table = ""
    var chain = ""
    var index = 0
    for line in listing.output.split(separator: "\n") {
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      guard let first = words.first else { continue }
      if first == "table", line.hasPrefix("table"), words.count > 2 {
        family = words[1] == "ip" ? 2 : words[1] == "ip6" ? 10 : words[1] == "netdev" ? 5 : words[1] == "bridge" ? 7 : 1
        table = String(words[2])
      } else if line.hasPrefix("\tchain "), words.count > 1 {
        chain = String(words[1])
        index = 0
      } else if words.count > 2, words[words.count - 2] == "handle", let handle = UInt64(words[words.count - 1]) {
        index += 1
        rulePositions[RuleAddress(family: family, table: table, chain: chain, handle: handle)] = index
      }
    }
  }

  /// The forms in which a ruleset is dumped.
  public enum DumpForm: String, CaseIterable, Sendable {
    /// `iptables -vnL`, table by table.
    case listing
    /// `iptables-save`.
    case save
    /// `nft -j list ruleset`.
    case nftJSON = "nft-json"
    /// `nft list ruleset`.
    case nftText = "nft-text"
  }

  /// The rules as the tools print them, a name and a text each. To be called before ``startTracing()``.
  public func dumps(_ form: DumpForm, of ruleset: RulesetText) throws -> [(name: String, text: String)] {
    var files: [(name: String, text: String)] = []
    func add(_ name: String, _ command: [String]) throws {
      let result = try runCommand(command)
      try Self.check(result, command.joined(separator: " "))
      if !result.output.isEmpty { files.append((name, result.output)) }
    }
    let middle = ruleset.backend == .legacy ? "-legacy" : "-nft"
    for (tool, lines) in [("iptables", ruleset.ipv4), ("ip6tables", ruleset.ipv6)] where !lines.isEmpty {
      switch form {
      case .listing:
        for table in ["raw", "mangle", "nat", "filter"] {
          let name = table == "filter" ? "\(tool)-vnL.txt" : "\(tool)-t-\(table)-vnL.txt"
          try add(name, [tool + middle, "-t", table, "-vnL"])
        }
      case .save: try add("\(tool)-save.txt", ["\(tool)\(middle)-save"])
      case .nftJSON, .nftText:
        if ruleset.backend == .legacy { try add("\(tool)-save.txt", ["\(tool)\(middle)-save"]) }
      }
    }
    let onlyNft = ruleset.backend == .nft && (form == .nftJSON || form == .nftText)
    if !ruleset.nft.isEmpty || onlyNft {
      if form == .nftText {
        try add("nft-list-ruleset.txt", ["nft", "list", "ruleset"])
      } else {
        try add("nft-j-list-ruleset.json", ["nft", "-j", "list", "ruleset"])
      }
    }
    if !ruleset.ipset.isEmpty { try add("ipset-save.txt", ["ipset", "save"]) }
    return files
  }

  /// What the tools say of the router apart from its rules.
  public func hostDumps() throws -> [(name: String, text: String)] {
    var keys = ["net.ipv4.ip_forward", "net.netfilter.nf_conntrack_tcp_loose"]
    for name in ["all", "default", "lo"] + topology.interfaces.map(\.name) + topology.ports.map(\.name) {
      let conf = "net.ipv4.conf.\(name)."
      keys += ["forwarding", "rp_filter", "route_localnet", "accept_local", "src_valid_mark"].map { conf + $0 }
      keys.append("net.ipv6.conf.\(name).forwarding")
    }
    if !topology.ports.isEmpty {
      keys += ["net.bridge.bridge-nf-call-iptables", "net.bridge.bridge-nf-call-ip6tables"]
    }
    let commands: [(name: String, command: [String])] = [
      ("ip-addr.txt", ["ip", "addr"]), ("ip-route-table-all.txt", ["ip", "route", "show", "table", "all"]),
      ("ip-6-route-table-all.txt", ["ip", "-6", "route", "show", "table", "all"]), ("ip-rule.txt", ["ip", "rule"]),
      ("ip-6-rule.txt", ["ip", "-6", "rule"]), ("sysctl.txt", ["sysctl"] + keys),
      ("bridge-link.txt", ["bridge", "-d", "link"]), ("ip-neigh.txt", ["ip", "neigh"]),
    ]
    return try commands.map { ($0.name, try runCommand($0.command).output) }.filter { !$0.1.isEmpty }
  }
}
