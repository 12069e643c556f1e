import HostModel
import RuleGraph

/// Reads `sysctl -a`, `sysctl NAME` and the one value of `sysctl -n` and `cat /proc/sys/...` (sysctl(8)).
enum SysctlReader {
  /// Reads a section of `name = value` lines.
  static func read(_ text: DumpText) -> FactFragment {
    var result = FactFragment()
    let text = FoldedRecords.unfolded(text) { FoldedRecords.beginsSetting(text, $0) } ?? text
    for line in text.lines where !text.isRemark(line) {
      var cursor = text.cursor(line)
      cursor.eatBlanks()
      // `sysctl: permission denied on key ...` and the like.
      if cursor.eat("sysctl: ") { continue }
      let name = cursor.eat {
        $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "\t")
      }
      cursor.eatBlanks()
      guard !name.isEmpty, cursor.eat(UInt8(ascii: "=")) || cursor.eat(UInt8(ascii: ":")) else {
        result.unreadable(text, line, at: cursor.at, expected: "a setting's name, `=` and its value")
        continue
      }
      let value = cursor.text(cursor.at..<cursor.end).trimmedBlanks
      result.facts.sysctls[cursor.text(name)] = Sysctl(value, span: text.span(line))
      if let masked = maskedSetting(cursor.text(name)) { result.facts.maskedSettings.insert(masked) }
    }
    return result
  }

  /// `net.ipv4.conf.route_localnet` of `net.ipv4.conf.<IF>.route_localnet`; nil where no name of an interface is
  /// masked.
  private static func maskedSetting(_ name: String) -> String? {
    for base in ["net.ipv4.conf.", "net.ipv6.conf."] where name.hasPrefix(base) {
      guard let dot = name.lastIndex(of: "."), dot > name.index(name.startIndex, offsetBy: base.count) else { continue }
      let interface = String(name[name.index(name.startIndex, offsetBy: base.count)..<dot])
      if case .masked? = MaskedText.read(interface, .interface) { return base + name[name.index(after: dot)...] }
    }
    return nil
  }

  /// Reads a value whose name only the command tells.
  static func readValue(_ text: DumpText, name: String) -> FactFragment {
    var result = FactFragment()
    guard let line = text.lines.first(where: { !text.isBlank($0) }) else { return result }
    result.facts.sysctls[name] = Sysctl(text.string(line).trimmedBlanks, span: text.span(line))
    return result
  }
}

/// Reads `brctl show` (brctl(8)): a bridge and its ports, further ports on lines of their own.
enum BrctlReader {
  /// Reads a section.
  static func read(_ text: DumpText) -> FactFragment {
    var result = FactFragment()
    var bridge: String?
    for line in text.lines where !text.isRemark(line) {
      let words = LineWords(text, line)
      if words[0] == "bridge" && words[1] == "name" { continue }
      let isIndented = text.bytes[line.start] == UInt8(ascii: " ") || text.bytes[line.start] == UInt8(ascii: "\t")
      if isIndented, words.count == 1, let bridge {
        addPort(words[0], of: bridge, to: &result, text.span(line))
      } else if !isIndented, words.count >= 2 {
        // The identifier's colons are sometimes blanks after a copy: what counts is the name and what stands behind yes
        // or no.
        bridge = words[0]
        var interface = Interface(words[0])
        interface.kind = "bridge"
        interface.span = text.span(line)
        result.facts.interfaces.append(interface)
        if let state = words.all.firstIndex(where: { $0 == "yes" || $0 == "no" }), state + 1 < words.count {
          addPort(words[state + 1], of: words[0], to: &result, text.span(line))
        }
      } else {
        result.unreadable(text, line, expected: "a bridge's name, its identifier, `yes` or `no`, and a port")
      }
    }
    return result
  }

  private static func addPort(_ name: String, of bridge: String, to result: inout FactFragment, _ span: SourceSpan) {
    var port = Interface(name)
    port.master = bridge
    port.span = span
    result.facts.interfaces.append(port)
  }
}

/// Reads `iptables --version`, `nft --version`, `docker --version`, `docker version`, `docker info`.
enum VersionReader {
  /// Reads a section.
  static func read(_ text: DumpText) -> FactFragment {
    var result = FactFragment()
    var isServer = false
    for line in text.lines {
      let words = LineWords(text, line)
      switch (words[0], words[1]) {
      case ("iptables", _), ("ip6tables", _):
        let variant = words[2].isEmpty ? "" : " " + words[2]
        result.facts.versions["iptables"] = words[1].trimmingPrefix("v") + variant
      case ("nftables", _): result.facts.versions["nft"] = String(words[1].trimmingPrefix("v"))
      case ("Docker", "version"):
        result.facts.versions["docker"] = String(words[2].prefix { $0 != "," })
      case ("Server", "Version:"): result.facts.versions["docker"] = words[2]
      case ("Kernel", "Version:"): result.facts.versions["kernel"] = words[2]
      case ("Server:", _): isServer = true
      case ("Version:", _) where isServer && result.facts.versions["docker"] == nil:
        result.facts.versions["docker"] = words[1]
      case ("Firewall", "Backend:"): result.facts.daemonSettings["firewall-backend"] = "\"\(words[2])\""
      case ("WARNING:", let name) where name.hasPrefix("bridge-nf-call-") && words[2] == "is":
        // dockerd says so when the setting is 0 or the module is missing.
        result.facts.sysctls["net.bridge.\(name)"] = Sysctl("0", span: text.span(line))
      default: break
      }
    }
    return result
  }
}
