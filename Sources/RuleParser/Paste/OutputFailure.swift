import RuleGraph

/// What a program says where it can't print the rules: no answer about them.
struct OutputFailure: Sendable {
  /// The programs whose failures tell of rules.
  enum Program: Hashable, Sendable {
    /// iptables or ip6tables; nil where nothing tells which.
    case iptables(AddressFamily?)
    case nft
    case ipset
  }

  /// The program; nil where its message does not name it.
  var program: Program?
  /// The table that the message names.
  var table: String?
  /// Whether it can be the answer to a command that prints rules, and not only to one that changes them.
  var isAboutOutput = true
  /// Whether the program is not there, or not where the shell looks for it.
  var isNotFound = false

  /// Reads a line; nil when it is no such message.
  ///
  ///     iptables v1.8.7 (legacy): can't initialize iptables table `filter': Permission denied (you must be root)
  ///     bash: nft: command not found
  init?(_ bytes: ByteView, _ line: DumpLine) {
    var cursor = ByteCursor(bytes, line.start..<min(line.end, line.start + 300))
    cursor.eatBlanks()
    // Most lines begin with what no message does.
    guard let first = cursor.peek, Self.mayBegin(first) else { return nil }
    if first == UInt8(ascii: "#") {
      guard cursor.eat("# Table `") else { return nil }
      table = cursor.text(cursor.eat { $0 != UInt8(ascii: "'") })
      return
    }
    let text = cursor.text(cursor.at..<cursor.end).trimmedBlanks
    // nft says so without its name (`main` in its `src/main.c`).
    if text.hasPrefix("Operation not permitted (you must be root)") {
      program = .nft
      return
    }
    guard text.contains(":"), let program = Self.program(text) else { return nil }
    self.program = program.name
    isNotFound = text.contains("not found")
    isAboutOutput = program.isAboutOutput
    if let mark = text.firstRange(of: "table `") ?? text.firstRange(of: "table '") {
      table = String(text[mark.upperBound...].prefix { $0 != "'" && $0 != "`" })
    }
  }

  private static func mayBegin(_ byte: UInt8) -> Bool {
    switch byte {
    // # Table `nat' is incompatible, iptables, internal:, bash:, -bash:, sudo:, sh:, nft:, netlink:, zsh:, modprobe:, Error:, Fatal:, Perhaps, ipset, doas, /usr/sbin/...
    case UInt8(ascii: "#"), UInt8(ascii: "i"), UInt8(ascii: "b"), UInt8(ascii: "-"), UInt8(ascii: "s"),
      UInt8(ascii: "n"), UInt8(ascii: "z"), UInt8(ascii: "m"), UInt8(ascii: "E"), UInt8(ascii: "F"), UInt8(ascii: "d"),
      UInt8(ascii: "/"), UInt8(ascii: "O"), UInt8(ascii: "C"):
      true
    default: false
    }
  }

  /// The words with which programs fail.
  private static let complaints = [
    "can't initialize", "Permission denied", "you must be root", "Operation not permitted", "Operation not supported",
    "ommand not found", "Could not process rule", "Could not fetch rule set", "cache initialization failed",
    "Could not receive", "can't open lock file", "is incompatible, use 'nft' tool", "No such file or directory",
    "holding the xtables lock", "Protocol not supported", "Kernel error received", "not found",
    "Resource temporarily unavailable",
  ]

  /// The words with which iptables and nft refuse a command that changes something.
  private static let refusals = [
    "No chain/target/match", "Chain already exists", "Bad rule", "Index of ", "unknown option", "Too many links",
    "Directory not empty", "does not exist", "_APPEND failed", "_INSERT failed", "_DELETE failed", "CHAIN_DEL failed",
    "Invalid argument", "invalid ", "Couldn't load", "Could not process rule", "syntax error", "File exists",
    "Bad built-in chain", "Bad policy", "host/network", "Can't use", "No such file",
  ]

  private static func program(_ text: String) -> (name: Program?, isAboutOutput: Bool)? {
    let head = text.prefix { $0 != ":" }
    let words = text.split { " :/`'".contains($0) }
    let named = words.lazy.compactMap { Self.named($0) }.first
    let isShell = ["bash", "-bash", "sh", "-sh", "dash", "zsh", "ash", "-ash", "sudo", "doas", "-su"].contains(
      String(head))
    if isShell {
      guard text.contains("not found") || text.contains("Permission denied") || text.contains("No such file") else {
        return nil
      }
      return named.map { ($0, true) }
    }
    let isProgram = head.split(separator: " ").first.flatMap { Self.named($0.split(separator: "/").last ?? "") } != nil
    let isNft = head == "Error" || head == "internal" || head == "netlink"
    let isModule = head == "modprobe" && words.contains { $0.hasPrefix("ip") || $0.hasPrefix("nf") }
    let isLock = head == "Fatal" && text.contains("xtables.lock")
    guard isProgram || isNft || isModule || isLock else { return nil }
    let name = isNft ? .nft : named ?? (isLock ? .iptables(nil) : nil)
    if complaints.contains(where: { text.contains($0) }) { return (name, true) }
    return refusals.contains { text.contains($0) } ? (name, false) : nil
  }

  private static func named(_ word: Substring) -> Program? {
    if word.hasPrefix("ip6tables") { return .iptables(.ipv6) }
    if word.hasPrefix("iptables") { return .iptables(.ipv4) }
    if word == "nft" || word == "nftables" { return .nft }
    return word == "ipset" ? .ipset : nil
  }
}
