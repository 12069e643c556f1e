import RuleGraph

/// What names the machine of an output where no prompt with a user does: a heading (`Server A:`, `## web1
/// (production)`), or the name alone before a prompt's mark (`web1$`).
///
/// Such a name may as well be anything else, so it parts two hosts only where the same chain is printed again with
/// other rules under another one.
struct HostLabels {
  private var labels: [Int: String] = [:]

  /// Finds the labels of some outputs of all, by their indexes.
  init(of indexes: [Int], _ sections: [DumpSection]) {
    var label: String?
    var source: Int32?
    var end = 0
    for index in indexes {
      let section = sections[index]
      if section.text.source != source { (source, label, end) = (section.text.source, nil, 0) }
      let text = section.text.withoutTail
      guard let first = text.lines.first ?? section.commandLine else { continue }
      let bytes = section.text.bytes
      if end < first.start, let heading = Self.lastLabel(bytes, max(end, first.start - 20_000)..<first.start) {
        label = heading
      }
      labels[index] = section.promptName.flatMap { Self.users.contains($0.lowercased()) ? nil : $0 } ?? label
      end = max(end, text.lines.last?.end ?? first.end)
    }
  }

  /// The label of an output; nil where none stands above it.
  subscript(index: Int) -> String? { labels[index] }

  /// Names that stand alone before a prompt's mark and are no machine's.
  private static let users: Set<String> = [
    "root", "user", "admin", "ubuntu", "debian", "centos", "fedora", "pi", "me", "ec2-user", "bash", "sh", "zsh", "ash",
    "ksh", "fish", "sudo", "su", "ps", "c", "nft", "shell", "prompt", "localhost",
  ]

  private static func lastLabel(_ bytes: ByteView, _ range: Range<Int>) -> String? {
    var label: String?
    var at = range.lowerBound
    while at < range.upperBound {
      let end = bytes.place(of: UInt8(ascii: "\n"), in: at..<range.upperBound) ?? range.upperBound
      if end > at, end - at <= 100, let found = Self.label(ofHeading: bytes.text(at..<end)) { label = found }
      at = end + 1
    }
    return label
  }

  // MARK: - Headings

  /// What a heading calls a machine; nil of any other line, and of a heading that tells a moment (`After the reboot:`).
  static func label(ofHeading line: String) -> String? {
    var text = line[...]
    func trim(_ marks: String) {
      while let first = text.first, marks.contains(first) { text.removeFirst() }
      while let last = text.last, marks.contains(last) { text.removeLast() }
    }
    trim(" \t\r>")
    let isFramed =
      ["#", "=", "-", "*", "["].contains { text.hasPrefix($0) } && text.last.map { "#=-*]:".contains($0) } == true
    let isTitle = text.hasPrefix("# ") || text.hasPrefix("##")
    guard isTitle || isFramed || text.last == ":" else { return nil }
    trim("#*=-_[]`: \t")
    guard !text.isEmpty, !ShellPrompt.isCommand(String(text)) else { return nil }
    let label = String(text)
    let told = words(text)
    let ends = ["that", "which", "where"].compactMap { told.firstIndex(of: $0) }.min() ?? told.count
    if told[..<ends].contains(where: moments.contains) { return nil }
    if told.contains(where: isMachine) { return label }
    let names = words(text.prefix { $0 != "(" }).filter { !fillers.contains($0) }
    return names.count == 1 && looksLikeHostName(names[0]) ? label : nil
  }

  private static func words(_ text: some StringProtocol) -> [String] {
    text.lowercased().split { !($0.isLetter || $0.isNumber || $0 == "." || $0 == "-" || $0 == "_") }.map { word in
      var word = word
      while word.last == "." || word.last == "-" { word.removeLast() }
      return String(word)
    }.filter { !$0.isEmpty }
  }

  private static let moments: Set<String> = [
    "before", "after", "afterwards", "now", "then", "later", "earlier", "previously", "initially", "reboot",
    "rebooting",
    "rebooted", "restart", "restarting", "restarted", "when", "once", "while", "during", "today", "yesterday", "start",
    "started", "starting", "stop", "stopped", "stopping", "again", "updated", "finally",
  ]

  private static let machines: Set<String> = [
    "host", "server", "machine", "router", "node", "box", "vm", "vps", "gateway", "computer", "laptop", "desktop", "pc",
    "client", "instance", "droplet", "device", "peer", "master", "worker", "primary", "secondary", "replica", "bastion",
    "hypervisor", "workstation", "firewall", "appliance", "pi", "raspberry", "hosts", "system", "side", "site",
    "vm-host",
  ]

  /// `server`, `node2`, `host-a`.
  private static func isMachine(_ word: String) -> Bool {
    if machines.contains(word) { return true }
    let name = word.prefix { $0.isLetter }
    let rest = word.dropFirst(name.count).drop { $0 == "-" || $0 == "_" }
    return machines.contains(String(name)) && (rest.count <= 3 && rest.allSatisfy { $0.isLetter || $0.isNumber })
  }

  private static let fillers: Set<String> = [
    "on", "the", "from", "at", "of", "for", "in", "my", "our", "this", "is", "a", "and", "s", "output", "outputs",
    "rules",
    "rule", "iptables", "ip6tables", "iptables-save", "nft", "nftables", "listing", "dump", "here", "config",
    "configuration",
  ]

  /// Words that a number may follow, and that are no machine's.
  private static let others: Set<String> = [
    "step", "test", "try", "attempt", "part", "output", "case", "option", "run", "dump", "question", "update", "edit",
    "day", "example", "snippet", "log", "scenario", "ipv", "ip", "v", "version", "phase", "stage", "state", "rule",
    "rules", "chain", "table", "take", "result", "listing", "section", "appendix", "note", "port", "tcp", "udp", "http",
    "layer", "eth", "ens", "enp", "eno", "wlan", "docker", "veth", "tun", "tap", "wg", "ppp", "bond", "lo", "virbr",
    "cni",
    "vlan", "vxlan", "br", "file", "figure", "kernel", "code", "list", "answer", "q", "a", "h", "p", "fail", "solution",
  ]

  private static let endings = [
    ".txt", ".log", ".conf", ".rules", ".v4", ".v6", ".sh", ".json", ".nft", ".save", ".yml", ".yaml", ".service",
    ".md",
    ".out",
  ]

  private static let beginnings = [
    "iptables", "ip6tables", "nft", "ufw", "docker-", "fail2ban", "f2b", "kube", "pre-", "post-", "br-", "after-",
    "before-",
    "without-", "with-", "xtables", "ebtables", "ipset", "conntrack", "sysctl", "non-", "re-",
  ]

  /// `web1`, `db-02.example.com`, `192.0.2.5`.
  private static func looksLikeHostName(_ word: String) -> Bool {
    if IPAddress(word) != nil { return true }
    guard let first = word.first, first.isLetter, word.utf8.count <= 63,
      word.contains(where: { $0.isNumber || $0 == "." || $0 == "-" })
    else { return false }
    if endings.contains(where: word.hasSuffix) || beginnings.contains(where: word.hasPrefix) { return false }
    let name = word.prefix { $0.isLetter }
    return !others.contains(String(name))
  }
}

extension HostPartition.Part {
  /// The part cut into hosts by their labels, where two outputs that contradict each other have different ones; nil
  /// where none have.
  ///
  /// - Parameter changes: the places among all outputs of those that show the same chain with other rules.
  func split(_ sections: [DumpSection], at changes: [(earlier: Int, later: Int)]) -> [HostPartition.Part]? {
    guard !changes.isEmpty, name.map(Self.mayBeShared) ?? true else { return nil }
    let labels = HostLabels(of: self.sections, sections)
    guard changes.contains(where: { labels[$0.earlier] != labels[$0.later] }) else { return nil }
    var parts: [HostPartition.Part] = []
    for index in self.sections {
      if let known = parts.firstIndex(where: { $0.name == labels[index] }) {
        parts[known].sections.append(index)
      } else {
        parts.append(HostPartition.Part(name: labels[index], sections: [index]))
      }
    }
    // What no heading names goes with the first host that one names, unless it shows rules itself.
    if let nameless = parts.firstIndex(where: { $0.name == nil }),
      !parts[nameless].sections.contains(where: { sections[$0].kind.tellsRules }), parts.count > 1
    {
      let facts = parts.remove(at: nameless).sections
      parts[0].sections = (facts + parts[0].sections).sorted()
    }
    return parts.count > 1 ? parts : nil
  }

  /// Whether many machines have a name: installers give it.
  private static func mayBeShared(_ name: String) -> Bool {
    ["localhost", "host", "debian", "ubuntu", "raspberrypi", "openwrt", "router", "server", "vm", "kali", "archlinux"]
      .contains(name.lowercased())
  }
}
