import RuleGraph

/// What iptables refuses because of the table or chain that a rule is meant for. Measured with iptables 1.8.9, on
/// nf_tables and legacy.
enum IptablesRefusals {
  /// Why the program or the kernel refuses a rule in a built-in chain; nil where it takes it.
  static func refusal(_ words: [CommandWord], chain: String, hook: Hook?, table: String) -> String? {
    let texts = words.map(\.text)
    if let target = value(of: "-j", in: texts) {
      if table == "nat", target == "DROP" {
        return "The \"nat\" table is not intended for filtering, the use of DROP is therefore inhibited."
      }
      if let places = places[target], !places.tables.contains(table) || !places.allows(hook) {
        return "Invalid argument"
      }
    }
    if chain == "INPUT" || chain == "PREROUTING", texts.contains("-o") { return "Can't use -o with \(chain)" }
    if chain == "OUTPUT" || chain == "POSTROUTING", texts.contains("-i") { return "Can't use -i with \(chain)" }
    return needsProtocol(texts) ?? repeated(words)
  }

  /// An option that a rule can have only once.
  private static func repeated(_ words: [CommandWord]) -> String? {
    for option in ["-s", "-d", "-p", "-i", "-o", "-j", "-g", "-f"]
    where words.count(where: { $0.text == option && !$0.isQuoted }) > 1 {
      return "multiple \(option) flags not allowed"
    }
    return nil
  }

  private static func value(of option: String, in texts: [String]) -> String? {
    guard let at = texts.firstIndex(of: option), at + 1 < texts.count else { return nil }
    return texts[at + 1]
  }

  /// Ports belong to a protocol: without `-p` nobody loads the module that knows `--dport`.
  static func needsProtocol(_ texts: [String]) -> String? {
    guard let option = texts.first(where: { ["--dport", "--sport", "--syn", "--tcp-flags"].contains($0) }),
      !texts.contains("-p"), !texts.contains("-m")
    else { return nil }
    return "unknown option \"\(option)\""
  }

  /// A target that does nothing without an option.
  static func lacksOption(_ texts: [String]) -> String? {
    for (target, option) in [("DNAT", "--to-destination"), ("SNAT", "--to-source")]
    where value(of: "-j", in: texts) == target && !texts.contains(where: { $0.hasPrefix("--to") }) {
      return "\(target): option \"\(option)\" must be specified"
    }
    return nil
  }

  /// The tables and hooks of the targets that don't stand everywhere (`.table` and `.hooks` of `struct xt_target` in
  /// `net/netfilter/` and `net/ipv4/netfilter/`).
  private struct Places {
    var tables: Set<String>
    var hooks: Set<Hook>?

    func allows(_ hook: Hook?) -> Bool { hook.map { hooks?.contains($0) ?? true } ?? true }
  }

  private static let places: [String: Places] = [
    "REJECT": Places(tables: ["filter"], hooks: [.input, .forward, .output]),
    "DNAT": Places(tables: ["nat"], hooks: [.prerouting, .output]),
    "REDIRECT": Places(tables: ["nat"], hooks: [.prerouting, .output]),
    "SNAT": Places(tables: ["nat"], hooks: [.postrouting, .input]),
    "MASQUERADE": Places(tables: ["nat"], hooks: [.postrouting]),
    "NETMAP": Places(tables: ["nat"], hooks: nil),
    "TPROXY": Places(tables: ["mangle"], hooks: [.prerouting]),
    "NOTRACK": Places(tables: ["raw"], hooks: nil),
    "TTL": Places(tables: ["mangle"], hooks: nil),
    "HL": Places(tables: ["mangle"], hooks: nil),
    "DSCP": Places(tables: ["mangle"], hooks: nil),
    "TOS": Places(tables: ["mangle"], hooks: nil),
    "ECN": Places(tables: ["mangle"], hooks: nil),
  ]

  /// Why a name can't be a new chain's; nil where it can.
  static func refusal(ofChain name: String) -> String? {
    if name.hasPrefix("-") || name.hasPrefix("!") {
      return "chain name not allowed to start with `\(name.prefix(1))'"
    }
    if name.utf8.count > 28 { return "chain name `\(name)' too long (must be under 29 chars)" }
    if ["ACCEPT", "DROP", "RETURN", "QUEUE"].contains(name) || ExtensionRegistry.shared.targets[name] != nil {
      return "chain name may not clash with target name"
    }
    return nil
  }
}
