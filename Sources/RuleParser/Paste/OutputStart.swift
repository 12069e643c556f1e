import HostModel
import RuleGraph
import RuleText

/// Recognises outputs by the line that they begin with.
enum OutputStart {
  /// The kind of output that a line begins, or nil.
  ///
  /// Only lines count that hardly anything else prints: prose and other outputs are passed over.
  static func kind(_ bytes: ByteView, _ line: DumpLine) -> OutputKind? {
    // What tells stands at the beginning; a ruleset in JSON is one line of megabytes.
    var cursor = ByteCursor(bytes, line.start..<min(line.end, line.start + 600))
    cursor.eatBlanks()
    guard let first = cursor.peek else { return nil }
    switch first {
    case UInt8(ascii: "C"):
      if isChainHead(cursor) { return .listing }
      if starts(cursor, "CONTAINER ID") { return .dockerContainers }
      if starts(cursor, "Client:") { return .dockerVersion }
    case UInt8(ascii: "*"):
      cursor.at += 1
      let name = cursor.eat { $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z") }
      cursor.eatBlanks()
      if !name.isEmpty, cursor.isAtEnd, isBuiltInTable(cursor.text(name)) { return .save }
    case UInt8(ascii: ":"), UInt8(ascii: "-"), UInt8(ascii: "#"), UInt8(ascii: "["):
      if first == UInt8(ascii: "["), let json = jsonKind(bytes, line, from: cursor.at) { return json }
      return isSaveStart(cursor) ? .save : nil
    case UInt8(ascii: "{"), UInt8(ascii: "\""):
      return jsonKind(bytes, line, from: cursor.at)
    case UInt8(ascii: "p"):  // pkts
      if starts(cursor, "pkts bytes target") { return .listing }
      if PublishedServices.isComposeStart(cursor, next: nextLine(bytes, line)) { return .composePorts }
    case UInt8(ascii: "t"):  // table, target
      if beginsNftTable(cursor) { return .nftText }
      if starts(cursor, "target ") && contains(cursor, "prot opt") { return .listing }
    case UInt8(ascii: "c"):  // create
      if isNftChain(cursor) { return .nftText }
      if cursor.eat("create "), cursor.eatWord() != nil, cursor.eat(" "), isSetType(cursor) { return .ipset }
    case UInt8(ascii: "f"):  // family
      if TableInventory.beginsHooks(cursor) { return .inventory }
    case UInt8(ascii: "I"):  // ID
      if starts(cursor, "ID ") && contains(cursor, " REPLICAS ") && contains(cursor, " PORTS") {
        return .dockerServices
      }
    case UInt8(ascii: "N"):  // NETWORK, Netid, Name, NAME, NAMESPACE
      if starts(cursor, "NAME") && contains(cursor, " CLUSTER-IP ") { return .clusterServices }
      if starts(cursor, "NETWORK ID") { return .dockerNetworks }
      if starts(cursor, "Netid") { return .sockets }
      if starts(cursor, "Name: ") && isSetHead(bytes, line) { return .ipset }
    case UInt8(ascii: "S"):  // State, Status, Server
      if starts(cursor, "State ") && contains(cursor, "Local Address:Port") { return .sockets }
      if starts(cursor, "Status: active") || starts(cursor, "Status: inactive") || starts(cursor, "Status: Aktiv")
        || starts(cursor, "Status: Inaktiv")
      {
        return .ufwStatus
      }
    case UInt8(ascii: "A"):  // Active
      if starts(cursor, "Active Internet connections") { return .netstat }
    case UInt8(ascii: "P"):  // Proto
      if starts(cursor, "Proto ") && contains(cursor, "Local Address") { return .netstat }
    case UInt8(ascii: "K"):  // Kernel
      if starts(cursor, "Kernel IP routing table") || starts(cursor, "Kernel IPv6 routing table") { return .routeTable }
    case UInt8(ascii: "D"):  // Destination, Docker
      if starts(cursor, "Destination ") && contains(cursor, "Iface") { return .routeTable }
      if starts(cursor, "Docker version ") { return .dockerVersion }
    case UInt8(ascii: "b"):  // bridge name
      if starts(cursor, "bridge name") && contains(cursor, "interfaces") { return .brctl }
    case UInt8(ascii: "i"), UInt8(ascii: "n"), UInt8(ascii: "k"):  // iptables v, net., nftables v, kernel.
      if isVersion(cursor) { return .toolVersion }
      if isSysctl(cursor) { return .sysctl }
    default: break
    }
    if let kind = addressKind(cursor) ?? routeKind(cursor) ?? rowKind(cursor) { return kind }
    return FirewallStatusReader.beginsFirewalld(cursor, next: nextLine(bytes, line)) ? .firewalld : nil
  }

  /// The beginning of the line below, of which a mail's quotation marks were taken.
  private static func nextLine(_ bytes: ByteView, _ line: DumpLine) -> ByteCursor? {
    guard line.end < bytes.count else { return nil }
    var cursor = ByteCursor(bytes, line.end..<min(bytes.count, line.end + 100))
    _ = cursor.eat { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: ">") }
    return cursor
  }

  private static func starts(_ cursor: ByteCursor, _ text: StaticString) -> Bool {
    var attempt = cursor
    return attempt.eat(text)
  }

  private static func contains(_ cursor: ByteCursor, _ text: StaticString) -> Bool {
    var attempt = cursor
    while !attempt.isAtEnd {
      if starts(attempt, text) { return true }
      attempt.at += 1
    }
    return false
  }

  static func isBuiltInTable(_ name: String) -> Bool {
    ["filter", "nat", "mangle", "raw", "security", "broute"].contains(name)
  }

  private static func isBuiltInChain(_ name: String) -> Bool {
    ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"].contains(name)
  }

  /// `Chain INPUT (policy ACCEPT`, `Chain DOCKER (1 references)`.
  static func isChainHead(_ cursor: ByteCursor) -> Bool {
    var cursor = cursor
    guard eatChainName(&cursor) != nil else { return false }
    cursor.eatBlanks()
    guard cursor.eat(UInt8(ascii: "(")) else { return false }
    if cursor.eat("policy ") { return true }
    guard cursor.eatDecimal() != nil else { return false }
    cursor.eatBlanks()
    return cursor.eat("references")
  }

  /// Takes `Chain INPUT` and gives the name; `column -t` puts more than one blank between the two.
  static func eatChainName(_ cursor: inout ByteCursor) -> Range<Int>? {
    guard cursor.eat("Chain ") else { return nil }
    cursor.eatBlanks()
    return cursor.eatWord()
  }

  /// Whether a line of a save begins here, as far as its first words tell.
  static func isSaveLine(_ cursor: ByteCursor) -> Bool {
    isSaveStart(cursor) || starts(cursor, "iptables ") || starts(cursor, "ip6tables ")
  }

  /// Whether a line that begins as the head of a chain does is the end of a rule, folded away from it: `:6379`,
  /// `:8080-8090 --random`.
  static func isEndOfPort(_ start: ByteCursor) -> Bool {
    var cursor = start
    guard cursor.eat(UInt8(ascii: ":")), let port = cursor.eatWord(), !port.isEmpty,
      cursor.bytes[port].allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") || $0 == UInt8(ascii: "-") })
    else { return false }
    // A head goes on with its policy.
    cursor.eatBlanks()
    return cursor.isAtEnd || cursor.peek == UInt8(ascii: "\r")
      || cursor.peek == UInt8(ascii: "-") && cursor.peek(ahead: 1) == UInt8(ascii: "-")
  }

  /// Whether a rule of a save stands in a line behind a mark that nobody takes for prose: `NEW: -A INPUT ...`, `{red}-A
  /// INPUT ...`, or lacks its hyphen: `A INPUT -p tcp ...`.
  static func holdsRule(_ start: ByteCursor) -> Bool {
    let bytes = start.bytes
    var at = start.at
    let limit = min(start.end, start.at + 60)
    if at < limit, bytes[at] == UInt8(ascii: "A"), at + 1 < limit, bytes[at + 1] == UInt8(ascii: " ") {
      return isRuleOfChain(ByteCursor(bytes, at + 2..<start.end))
    }
    var words = 0
    var hasLetter = false
    var last = UInt8(ascii: " ")
    while at + 3 < limit {
      let byte = bytes[at]
      if byte == UInt8(ascii: "-"), bytes[at + 1] == UInt8(ascii: "A"), bytes[at + 2] == UInt8(ascii: " "),
        !isLetter(last), words < 2 || !hasLetter,
        isRuleOfChain(ByteCursor(bytes, at + 3..<start.end))
      {
        return true
      }
      if byte <= UInt8(ascii: " ") {
        // A word of prose: `use -A INPUT ...`.
        if isLetter(last), bytes[start.at..<at].allSatisfy({ isLetter($0) || $0 <= UInt8(ascii: " ") }) { return false }
      } else {
        if last <= UInt8(ascii: " ") { words += 1 }
        hasLetter = hasLetter || isLetter(byte)
      }
      last = byte
      at += 1
    }
    return false
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")
  }

  /// A chain's name and an option.
  private static func isRuleOfChain(_ start: ByteCursor) -> Bool {
    var cursor = start
    cursor.eatBlanks()
    guard let name = cursor.eatWord(), name.count < 32, cursor.eatBlanks() > 0 else { return false }
    return cursor.peek == UInt8(ascii: "-") || cursor.peek == UInt8(ascii: "!")
  }

  /// Whether all of a line is the head of a chain in a save: `:INPUT ACCEPT [0:0]`, `-P INPUT ACCEPT`, `-N DOCKER`.
  static func isSaveHead(_ cursor: ByteCursor) -> Bool {
    guard isSaveStart(cursor) else { return false }
    if starts(cursor, ":") { return cursor.end > cursor.at && cursor.bytes[cursor.end - 1] == UInt8(ascii: "]") }
    return starts(cursor, "-P ") || starts(cursor, "-N ")
  }

  private static func isSaveStart(_ cursor: ByteCursor) -> Bool {
    var cursor = cursor
    if cursor.eat(UInt8(ascii: ":")) {
      guard cursor.eatWord() != nil, cursor.eat(UInt8(ascii: " ")), let policy = cursor.eatWord() else { return false }
      cursor.eatBlanks()
      if cursor.peek == UInt8(ascii: "[") { return true }
      return cursor.isAtEnd && ["ACCEPT", "DROP", "QUEUE", "RETURN", "-"].contains(cursor.text(policy))
    }
    if cursor.eat("# Generated by ") {
      return contains(cursor, "tables-") || contains(cursor, "tables_save")
    }
    if cursor.eat(UInt8(ascii: "[")) {
      guard cursor.eatDecimal() != nil, cursor.eat(UInt8(ascii: ":")), cursor.eatDecimal() != nil, cursor.eat("] ")
      else {
        return false
      }
    }
    guard cursor.eat(UInt8(ascii: "-")), let letter = cursor.peek,
      letter == UInt8(ascii: "A") || letter == UInt8(ascii: "P") || letter == UInt8(ascii: "N")
    else {
      return false
    }
    cursor.at += 1
    guard cursor.eat(UInt8(ascii: " ")), let name = cursor.eatWord(), name.count < 32 else { return false }
    cursor.eatBlanks()
    switch letter {
    case UInt8(ascii: "N"): return cursor.isAtEnd
    case UInt8(ascii: "P"):
      guard let policy = cursor.eatWord() else { return isBuiltInChain(cursor.text(name)) }
      // Also one that is misspelled, which the reader tells of.
      return cursor.bytes[policy].allSatisfy { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") }
    default: return cursor.isAtEnd || cursor.peek == UInt8(ascii: "-") || cursor.peek == UInt8(ascii: "!")
    }
  }

  /// `chain input {`, copied without its table.
  private static func isNftChain(_ cursor: ByteCursor) -> Bool {
    var cursor = cursor
    guard cursor.eat("chain "), cursor.eatWord() != nil else { return false }
    cursor.eatBlanks()
    guard cursor.eat(UInt8(ascii: "{")) else { return false }
    cursor.eatBlanks()
    return cursor.isAtEnd || cursor.peek == UInt8(ascii: "#") || starts(cursor, "type ")
  }

  /// `table inet filter {`
  static func beginsNftTable(_ cursor: ByteCursor) -> Bool {
    var cursor = cursor
    guard cursor.eat("table "), let family = cursor.eatWord(), TableFamily(rawValue: cursor.text(family)) != nil else {
      return false
    }
    cursor.eatBlanks()
    guard cursor.eatWord() != nil else { return false }
    cursor.eatBlanks()
    return cursor.peek == UInt8(ascii: "{")
  }

  private static func isSetType(_ cursor: ByteCursor) -> Bool {
    starts(cursor, "hash:") || starts(cursor, "bitmap:") || starts(cursor, "list:set")
  }

  /// `ipset list` prints a set's type right below its name; other tools have a `Name:` too.
  private static func isSetHead(_ bytes: ByteView, _ line: DumpLine) -> Bool {
    var cursor = ByteCursor(bytes, line.end..<min(bytes.count, line.end + 100))
    _ = cursor.eat {
      $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t")
        || $0 == UInt8(ascii: ">")
    }
    return cursor.eat("Type: ")
  }

  private static func isVersion(_ cursor: ByteCursor) -> Bool {
    var cursor = cursor
    guard cursor.eat("iptables v") || cursor.eat("ip6tables v") || cursor.eat("nftables v") else { return false }
    return cursor.eatDecimal() != nil
  }

  private static func isSysctl(_ cursor: ByteCursor) -> Bool {
    var cursor = cursor
    guard cursor.eat("net.") || cursor.eat("kernel.") else { return false }
    let name = cursor.eat { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "=") && $0 < 0x80 }
    cursor.eatBlanks()
    return !name.isEmpty && cursor.eat(UInt8(ascii: "="))
  }

  /// `{"nftables": ...`, or JSON about the host: an array or object, or a cut out `"Networks": {`.
  private static func jsonKind(_ bytes: ByteView, _ line: DumpLine, from start: Int) -> OutputKind? {
    var cursor = ByteCursor(bytes, start..<min(bytes.count, start + 400))
    func blanks() {
      _ = cursor.eat {
        $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r")
          || $0 == UInt8(ascii: ">")
      }
    }
    if cursor.peek == UInt8(ascii: "\"") {
      for key: StaticString in [
        "\"Networks\"", "\"Containers\"", "\"IPAM\"", "\"NetworkSettings\"", "\"HostConfig\"", "\"Ports\"",
      ] where cursor.eat(key) {
        blanks()
        return cursor.eat(UInt8(ascii: ":")) ? .json : nil
      }
      return nil
    }
    if cursor.eat(UInt8(ascii: "[")) {
      blanks()
      if cursor.eat(UInt8(ascii: "]")) { return .json }
      guard cursor.peek == UInt8(ascii: "{") else { return nil }
    }
    guard cursor.eat(UInt8(ascii: "{")) else { return nil }
    blanks()
    if cursor.eat("\"nftables\"") { return .nftJSON }
    if beginsNftObject(cursor) { return .nftJSON }
    if cursor.eat(UInt8(ascii: "\"")) {
      _ = cursor.eat { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\n") }
      guard cursor.eat(UInt8(ascii: "\"")) else { return nil }
      blanks()
      return cursor.eat(UInt8(ascii: ":")) ? .json : nil
    }
    return cursor.peek == UInt8(ascii: "}") ? .json : nil
  }

  /// Whether an object of nft's JSON begins in a line without the list that holds them all, or a list of such objects:
  /// what `jq` cuts out.
  static func isNftObject(_ bytes: ByteView, _ line: DumpLine) -> Bool {
    var cursor = ByteCursor(bytes, line.start..<min(bytes.count, line.start + 400))
    func blanks() {
      _ = cursor.eat {
        $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r")
          || $0 == UInt8(ascii: ">")
      }
    }
    blanks()
    if cursor.eat(UInt8(ascii: "[")) { blanks() }
    guard cursor.eat(UInt8(ascii: "{")) else { return false }
    blanks()
    return beginsNftObject(cursor)
  }

  /// `"rule": {"family":`, `"metainfo": {"version":`, or what stands in a rule: `"family": "inet", "table":`.
  private static func beginsNftObject(_ start: ByteCursor) -> Bool {
    var cursor = start
    func blanks() {
      _ = cursor.eat {
        $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r")
          || $0 == UInt8(ascii: ">")
      }
    }
    guard cursor.eat(UInt8(ascii: "\"")) else { return false }
    let key = cursor.text(cursor.eat { $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z") || $0 == UInt8(ascii: " ") })
    guard cursor.eat(UInt8(ascii: "\"")) else { return false }
    blanks()
    guard cursor.eat(UInt8(ascii: ":")) else { return false }
    blanks()
    if key == "family" {
      guard cursor.eat(UInt8(ascii: "\"")) else { return false }
      let family = cursor.text(cursor.eat { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\n") })
      guard TableFamily(rawValue: family) != nil, cursor.eat("\",") else { return false }
      blanks()
      return cursor.eat("\"table\"") || cursor.eat("\"name\"")
    }
    guard cursor.eat(UInt8(ascii: "{")) else { return false }
    blanks()
    if key == "metainfo" { return cursor.eat("\"version\"") || cursor.eat("\"json_schema_version\"") }
    return cursor.eat("\"family\"")
      && (NftType.objectKinds.contains(key)
        || ["table", "chain", "rule", "set", "map", "element", "flowtable"].contains(key))
  }

  /// Whether a line is an address of an interface without the interface: `inet 192.0.2.10/24 scope global eth0`.
  static func isAddressAlone(_ bytes: ByteView, _ line: DumpLine) -> Bool {
    var cursor = ByteCursor(bytes, line.range)
    cursor.eatBlanks()
    return cursor.eat("inet ") || cursor.eat("inet6 ")
  }

  /// `2: eth0: <...> mtu`, `docker0: <...> mtu`, `eth0 Link encap:`, `1: lo inet 127.0.0.1/8`, `lo UNKNOWN
  /// 127.0.0.1/8`.
  private static func addressKind(_ start: ByteCursor) -> OutputKind? {
    var cursor = start
    var hasIndex = false
    if cursor.eatDecimal() != nil {
      guard cursor.eat(": ") else { return nil }
      hasIndex = true
    }
    let name = cursor.eat { $0 > UInt8(ascii: " ") && $0 != UInt8(ascii: ":") && $0 < 0x7f && $0 != UInt8(ascii: "<") }
    guard !name.isEmpty, name.count <= 40 else { return nil }
    if cursor.eat(UInt8(ascii: ":")) {
      if cursor.eat(" flags=") { return .ifconfig }
      cursor.eatBlanks()
      guard cursor.peek == UInt8(ascii: "<"), contains(cursor, "> mtu ") else { return nil }
      if contains(cursor, "\\    ") { return .ipAddressOneLine }
      return contains(cursor, " state forwarding priority ") || contains(cursor, " state disabled priority ")
        || contains(cursor, " state learning priority ") || contains(cursor, " state blocking priority ")
        ? .bridgeLink : .ipAddress
    }
    let gap = cursor.eatBlanks()
    guard gap > 0 else { return nil }
    if cursor.eat("Link encap:") { return .ifconfig }
    if hasIndex { return starts(cursor, "inet ") || starts(cursor, "inet6 ") ? .ipAddressOneLine : nil }
    guard let state = cursor.eatWord(), gap > 1, ["UP", "DOWN", "UNKNOWN"].contains(cursor.text(state)) else {
      return nil
    }
    return .ipAddressBrief
  }

  /// `default via 10.0.0.1 dev eth0`, `172.17.0.0/16 dev docker0`, `0: from all lookup local`, `10.0.0.2 dev eth0
  /// lladdr ...`.
  private static func routeKind(_ start: ByteCursor) -> OutputKind? {
    var cursor = start
    if cursor.eatDecimal() != nil, cursor.eat(UInt8(ascii: ":")) {
      cursor.eatBlanks()
      if starts(cursor, "from ") || starts(cursor, "not from ") { return .ipRule }
    }
    cursor = start
    guard var word = cursor.eatWord() else { return nil }
    var text = cursor.text(word)
    let type = Route.Kind(rawValue: text)
    if type != nil {
      cursor.eatBlanks()
      guard let next = cursor.eatWord() else { return nil }
      word = next
      text = cursor.text(word)
    }
    guard text == "default" || (word.count <= 43 && (Prefix(text) != nil || isMaskedPrefix(text))) else { return nil }
    cursor.eatBlanks()
    // `blackhole 10.9.0.0/16`: where it leads to needs no further words.
    if cursor.isAtEnd { return type == nil || type == .unicast ? nil : .ipRoute }
    if starts(cursor, "dev ") {
      return contains(cursor, " lladdr ") || contains(cursor, " FAILED") || contains(cursor, " INCOMPLETE")
        ? .neighbours : .ipRoute
    }
    if starts(cursor, "via ") || starts(cursor, "proto ") || starts(cursor, "nhid ") || starts(cursor, "scope ")
      || starts(cursor, "table ") || starts(cursor, "metric ") || starts(cursor, "encap ")
    {
      return .ipRoute
    }
    return nil
  }

  /// `x.x.x.x`, `[REDACTED]/24`.
  private static func isMaskedPrefix(_ text: String) -> Bool {
    let address = text.utf8.firstIndex(of: UInt8(ascii: "/")).map { String(text[..<$0]) } ?? text
    return AddressFamily.allCases.contains { MaskedText.addresses(address, $0) != nil }
  }

  /// A row of `docker ps`: `e0841aa13c5b nginx "/docker-entrypoint…" 2 days ago Up 2 days 0.0.0.0:80->80/tcp web`.
  static func isContainerRow(_ start: ByteCursor) -> Bool {
    var cursor = start
    let id = cursor.eat { $0.hexDigitValue != nil }
    guard id.count == 12 || id.count == 64, cursor.eatBlanks() > 0 else { return false }
    return contains(cursor, " \"") && contains(cursor, " ago ")
  }

  /// `tcp      6 431999 ESTABLISHED src=`, docker-proxy's command line, ` Server Version: `.
  private static func rowKind(_ start: ByteCursor) -> OutputKind? {
    if starts(start, "Server Version: ") { return .dockerInfo }
    if contains(start, "docker-proxy -proto ") { return .dockerProxy }
    if isContainerRow(start) { return .dockerContainers }
    var cursor = start
    if cursor.eat("ipv4 ") || cursor.eat("ipv6 ") {
      cursor.eatBlanks()
      _ = cursor.eatDecimal()
      cursor.eatBlanks()
    }
    guard let word = cursor.eatWord(), word.count <= 8 else { return nil }
    cursor.eatBlanks()
    guard cursor.eatDecimal() != nil, cursor.eatBlanks() > 0 else { return nil }
    if contains(cursor, "src=") && contains(cursor, " dst=") { return .conntrack }
    // netstat: `tcp  0  0 0.0.0.0:22  0.0.0.0:*  LISTEN`.
    guard ["tcp", "tcp6", "udp", "udp6"].contains(cursor.text(word)), cursor.eatDecimal() != nil else { return nil }
    cursor.eatBlanks()
    guard let local = cursor.eatWord() else { return nil }
    return cursor.bytes[local].contains(UInt8(ascii: ":")) ? .netstat : nil
  }
}
