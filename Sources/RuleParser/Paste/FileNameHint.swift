import RuleGraph

/// What the name of a file tells of its content: people name a dump after the command that printed it.
///
///     FileNameHint("host1/iptables-t-nat-S.txt").command    // "iptables -t nat -S"
///     FileNameHint("containers/tomcat01/ip-addr.txt").place // .container("tomcat01")
struct FileNameHint {
  /// The command line that the name spells, where it spells one.
  var command: String?
  /// The place that a folder names.
  var place: Place?

  init(_ name: String) {
    let parts = name.split(separator: "/").map(String.init)
    for (folder, next) in zip(parts, parts.dropFirst()) where folder == "containers" && next != parts.last {
      place = .container(next)
    }
    guard let file = parts.last else { return }
    var stem = file[...]
    for ending in [".txt", ".json", ".log", ".out", ".dump", ".rules", ".v4", ".nft", ".conf", ".save"]
    where stem.hasSuffix(ending) && stem.utf8.count > ending.utf8.count {
      stem = stem.dropLast(ending.utf8.count)
      if ending == ".v4" || ending == ".rules" { continue }
    }
    command = Self.command(String(stem))
  }

  private static let tables: Set<String> = ["filter", "nat", "mangle", "raw", "security"]

  private static func command(_ stem: String) -> String? {
    var words = stem.split { $0 == "-" || $0 == "_" || $0 == " " }.map(String.init)
    guard let first = words.first else { return nil }
    if tables.contains(first) {
      // `nat.txt`, `filter-S.txt`, `raw-vL.txt`.
      words.removeFirst()
      return (["iptables", "-t", first] + words.map { "-" + $0 }).joined(separator: " ")
        + (words.isEmpty ? " -L" : "")
    }
    guard
      [
        "iptables", "ip6tables", "nft", "ip", "ip6", "docker", "bridge", "brctl", "ipset", "ss", "netstat", "sysctl",
        "conntrack", "ifconfig", "route", "daemon", "rules", "nftables",
      ].contains(first)
    else { return nil }
    words.removeFirst()
    if first == "rules" { return "iptables-save" }
    // `nft.txt`, `nftables.json`, `nft-ruleset.txt`.
    if first.hasPrefix("nft"), words.isEmpty || words == ["ruleset"] { return "nft list ruleset" }
    if first == "daemon" { return "cat /etc/docker/daemon.json" }
    var program = first
    for variant in ["legacy", "nft", "save", "proxy"]
    where words.first == variant && (program.contains("tables") || variant == "proxy") {
      program += "-" + variant
      words.removeFirst()
    }
    if program == "docker-proxy" { return "pgrep -a docker-proxy" }
    var line = program
    var at = 0
    while at < words.count {
      let word = words[at]
      if word == "no", at + 1 < words.count {
        line += " --no-" + words[at + 1]
        at += 1
      } else if word == "line", at + 1 < words.count, words[at + 1] == "numbers" {
        line += " --line-numbers"
        at += 1
      } else if word == "version" {
        line += " --version"
      } else if isOption(word, program) {
        line += " -" + word
      } else {
        line += " " + word
      }
      at += 1
    }
    return line
  }

  /// Whether a word of a name stands for an option: a letter or digit alone, or `vnL`, `tulnp`.
  private static func isOption(_ word: String, _ program: String) -> Bool {
    word.utf8.count == 1 || (program.contains("tables") && !tables.contains(word) && word.utf8.count <= 5)
      || ((program == "ss" || program == "netstat") && word.utf8.count <= 6)
  }
}
