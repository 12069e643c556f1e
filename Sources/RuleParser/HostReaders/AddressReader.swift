import HostModel
import RuleGraph

/// Reads `ip addr`, `ip link` (with `-d` and `-s` too), `ip -o addr`, `ip -br addr` and `bridge link` (ip-address(8),
/// ip-link(8), bridge(8)).
///
/// An interface may lack its index, as people cut it off: `docker0: <BROADCAST,MULTICAST,UP> mtu 1500`.
struct AddressReader {
  private let text: DumpText
  private var result = FactFragment()
  private var interface: Interface?
  private var seesLoopback = false
  /// Whether the output's lines are addresses alone, without the lines of their interfaces.
  private var isCutOut = false
  /// Whether the name of an interface is masked, so that its addresses are on one that the dump does not name.
  private var hasMaskedNames = false
  private var families: Set<AddressFamily> = []
  /// The addresses that are masked, and the families of which others could not be read.
  private var masked: [AddressFamily: [MaskedValue]] = [:]
  private var unread: Set<AddressFamily> = []

  /// Reads a section of one of these kinds.
  static func read(_ text: DumpText, kind: OutputKind, output: CommandOutput) -> FactFragment {
    let text = FoldedRecords.ofInterfaces(text).flatMap { FoldedRecords.unfolded(text, begins: $0) } ?? text
    var reader = AddressReader(text)
    for line in text.lines where !text.isRemark(line) { reader.read(line) }
    reader.finish()
    // Only a whole list says that there is nothing else; one that shows `lo` and addresses is whole.
    if reader.seesLoopback, !reader.families.isEmpty, kind != .bridgeLink, !output.isFiltered {
      let known = (output.family.map { [$0] } ?? Set(AddressFamily.allCases)).subtracting(reader.result.gaps)
      if reader.hasMaskedNames {
        reader.result.facts.ownAddressesKnown = known
      } else {
        reader.result.facts.addressesKnown = known
      }
      for (family, masked) in reader.masked where !reader.unread.contains(family) {
        reader.result.facts.maskedAddresses[family] = masked
      }
    }
    return reader.result
  }

  /// Where each interface is in the result.
  private var places: [String: Int] = [:]

  private init(_ text: DumpText) { self.text = text }

  private mutating func finish() {
    guard let finished = interface else { return }
    interface = nil
    if let same = places[finished.name] {
      result.facts.interfaces[same].merge(finished)
    } else {
      places[finished.name] = result.facts.interfaces.count
      result.facts.interfaces.append(finished)
    }
  }

  private mutating func read(_ line: DumpLine) {
    var cursor = text.cursor(line)
    cursor.eatBlanks()
    let words = LineWords(text, line)
    switch words[0] {
    case "inet", "inet6":
      readAddress(words, from: 0, line)
      return
    case "link/ether", "link/loopback", "link/none", "link/ipip", "link/sit", "link/tunnel6", "link/gre", "link/ppp",
      "link/infiniband", "link/void":
      if words[0] == "link/ether" { interface?.hardwareAddress = words[1].lowercased() }
      return
    default: break
    }
    if let start = head(cursor, line) {
      readHead(start, words, line)
    } else if isMaskedHead(words) {
      beginMasked(words, line)
    } else if words[0].hasPrefix("link/") || Self.isDetail(words[0]) {
      readDetail(words)
    } else if interface == nil && !hasMaskedNames || !isIndented(line) {
      result.unreadable(text, line, at: cursor.at, expected: "an interface, `link/...`, `inet` or `inet6`")
    } else {
      readDetail(words)
    }
  }

  private func isIndented(_ line: DumpLine) -> Bool {
    line.start < line.end
      && (text.bytes[line.start] == UInt8(ascii: " ") || text.bytes[line.start] == UInt8(ascii: "\t"))
  }

  private static func isDetail(_ word: String) -> Bool {
    [
      "valid_lft", "altname", "RX:", "TX:", "bridge", "veth", "bridge_slave", "tun", "vlan", "macvlan", "ipvlan",
      "vxlan", "dummy", "bond", "bond_slave", "wireguard", "hairpin", "alias", "RX", "TX", "promiscuity", "vf",
    ].contains(word)
  }

  // MARK: - The head of an interface

  private struct Head {
    var index: Int?
    var name: String
    var parent: String?
    /// Where the flags or addresses begin.
    var rest: Int
    var isOneLine: Bool
  }

  /// `2: eth0@if5: <FLAGS> ...`, `eth0: <FLAGS> ...`, `2: eth0    inet 10.0.0.1/8 ...`, `eth0@if5  UP  10.0.0.1/8 ...`.
  private func head(_ start: ByteCursor, _ line: DumpLine) -> Head? {
    var cursor = start
    var index: Int?
    let beginning = cursor.at
    if let number = cursor.eatDecimal(), cursor.eat(": ") {
      index = Int(exactly: number)
      cursor.eatBlanks()
    } else {
      cursor.at = beginning
    }
    let word = cursor.eat { $0 > UInt8(ascii: " ") && $0 < 0x7f && $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "<") }
    guard !word.isEmpty, word.count <= 40 else { return nil }
    let parts = cursor.text(word).split(separator: "@", maxSplits: 1).map(String.init)
    guard let name = parts.first, !Self.isMasked(name) else { return nil }
    let parent = parts.count > 1 ? parts[1] : nil
    if cursor.eat(UInt8(ascii: ":")) {
      cursor.eatBlanks()
      guard cursor.peek == UInt8(ascii: "<") else { return nil }
      return Head(index: index, name: name, parent: parent, rest: cursor.at, isOneLine: false)
    }
    guard cursor.eatBlanks() > 0 else { return nil }
    if index != nil, cursor.eat("inet") {
      return Head(index: index, name: name, parent: parent, rest: cursor.at - 4, isOneLine: true)
    }
    if index == nil, let state = cursor.eatWord(),
      ["UP", "DOWN", "UNKNOWN", "LOWERLAYERDOWN"].contains(cursor.text(state))
    {
      return Head(index: nil, name: name, parent: parent, rest: state.lowerBound, isOneLine: true)
    }
    return nil
  }

  /// `3: <IF>: <BROADCAST,UP> mtu 1500`, `3: [REDACTED]: ...`: what follows is of an interface whose name is masked.
  private func isMaskedHead(_ words: LineWords) -> Bool {
    let number = words[0].hasSuffix(":") && Int(words[0].dropLast()) != nil
    return number && Self.isMasked(words[1].hasSuffix(":") ? String(words[1].dropLast()) : words[1])
  }

  private static func isMasked(_ name: String) -> Bool {
    if case .masked? = MaskedText.read(name.split(separator: "@").first.map(String.init) ?? name, .interface) {
      return true
    }
    return false
  }

  private mutating func beginMasked(_ words: LineWords, _ line: DumpLine) {
    finish()
    hasMaskedNames = true
    result.noteMask(words[1].filter { $0 != ":" }, text, line, at: words.ranges[1].lowerBound)
    let rest = LineWords(text, DumpLine(start: words.ranges[1].upperBound, end: line.end, number: line.number))
    guard let place = rest.all.firstIndex(where: { $0 == "inet" || $0 == "inet6" }) else { return }
    readAddress(rest, from: place, line)
  }

  private mutating func readHead(_ head: Head, _ words: LineWords, _ line: DumpLine) {
    isCutOut = false
    if interface?.name != head.name || !head.isOneLine {
      finish()
      interface = Interface(head.name)
      interface?.span = text.span(line)
    }
    if let index = head.index { interface?.index = index }
    if let parent = head.parent { interface?.parent = parent }
    if head.name == "lo" { seesLoopback = true }
    let rest = LineWords(text, DumpLine(start: head.rest, end: line.end, number: line.number))
    guard head.isOneLine else {
      readFlags(rest[0])
      readProperties(rest)
      // `ip -o link` puts the second line behind a backslash.
      if let ether = rest.value(after: "link/ether") { interface?.hardwareAddress = ether.lowercased() }
      return
    }
    if rest[0] == "inet" || rest[0] == "inet6" {
      readAddress(rest, from: 0, line)
      return
    }
    // `ip -br`: the state, then the addresses, or the hardware address and the flags.
    interface?.isUp = rest[0] == "UP" ? true : nil
    families = Set(AddressFamily.allCases)
    for word in rest.all.dropFirst() {
      if word.hasPrefix("<") {
        readFlags(word)
      } else if let slash = word.firstIndex(of: "/"), let address = IPAddress(word[..<slash]),
        let length = Int(word[word.index(after: slash)...]), length >= 0, length <= address.family.addressBits
      {
        interface?.addresses.append(InterfaceAddress(address, prefixLength: length, span: text.span(line)))
      } else if word.utf8.count == 17, word.contains(":") {
        interface?.hardwareAddress = word.lowercased()
      } else if let address = word.split(separator: "/").first.map(String.init), word.contains("/") {
        let family: AddressFamily = address.contains(":") ? .ipv6 : .ipv4
        result.gaps.insert(family)
        if take(masked: word.split(separator: "/", maxSplits: 1), family, on: head.name) {
          result.noteMask(address, text, line, at: head.rest)
        } else {
          unread.insert(family)
        }
      }
    }
  }

  private mutating func readFlags(_ word: String) {
    let flags = word.trimmingPrefix("<").prefix { $0 != ">" }.split(separator: ",")
    interface?.isUp = flags.contains("UP")
    interface?.hasCarrier = flags.contains("LOWER_UP") ? true : flags.contains("NO-CARRIER") ? false : nil
    if flags.contains("LOOPBACK") { interface?.kind = "loopback" }
  }

  private mutating func readProperties(_ words: LineWords) {
    if let mtu = words.value(after: "mtu").flatMap({ Int($0) }) { interface?.mtu = mtu }
    if let master = words.value(after: "master") { interface?.master = master }
    if let group = words.value(after: "group") { interface?.group = group }
  }

  // MARK: - Addresses

  /// `inet 172.17.0.1/16 brd 172.17.255.255 scope global secondary docker0`, `inet 10.0.0.1 peer 10.0.0.2/32 scope
  /// global tun0`.
  private mutating func readAddress(_ words: LineWords, from start: Int, _ line: DumpLine) {
    guard interface != nil, !isCutOut else {
      readCutOut(words, line)
      return
    }
    families.insert(words[start] == "inet6" ? .ipv6 : .ipv4)
    let parts = words[start + 1].split(separator: "/", maxSplits: 1)
    guard let first = parts.first, let address = IPAddress(first) else {
      readHidden(words, from: start, line, on: interface?.name)
      return
    }
    var length = parts.count > 1 ? Int(parts[1]) : nil
    var peer: IPAddress?
    if let other = words.value(after: "peer") {
      let peerParts = other.split(separator: "/", maxSplits: 1)
      peer = peerParts.first.flatMap { IPAddress($0) }
      if length == nil, peerParts.count > 1 { length = Int(peerParts[1]) }
    }
    let bits = length ?? address.family.addressBits
    guard bits >= 0, bits <= address.family.addressBits else {
      result.unreadable(text, line, at: words.ranges[start + 1].lowerBound, expected: "a length of 0 to 128")
      return
    }
    let all = words.all
    interface?.addresses.append(
      InterfaceAddress(
        address, prefixLength: bits, scope: words.value(after: "scope"),
        broadcast: words.value(after: "brd").flatMap { IPAddress($0) }, peer: peer,
        isSecondary: all.contains("secondary") || all.contains("temporary"),
        isDeprecated: all.contains("deprecated") || all.contains("tentative") || all.contains("dadfailed"),
        span: text.span(line)))
  }

  /// An address that is masked, or no address at all: the host has it, and what is told of its addresses is not all.
  private mutating func readHidden(_ words: LineWords, from start: Int, _ line: DumpLine, on interface: String?) {
    let family: AddressFamily = words[start] == "inet6" ? .ipv6 : .ipv4
    let parts = words[start + 1].split(separator: "/", maxSplits: 1)
    result.gaps.insert(family)
    if let first = parts.first, take(masked: parts, family, on: interface) {
      result.noteMask(String(first), text, line, at: words.ranges[start + 1].lowerBound)
      return
    }
    unread.insert(family)
    result.unreadable(
      text, line, at: words.ranges.indices.contains(start + 1) ? words.ranges[start + 1].lowerBound : nil,
      expected: "an address and the length of its prefix")
  }

  /// Takes in a masked address, and the network that comes with it; false where the text is no mask. The interface is
  /// nil where its name is hidden too.
  private mutating func take(masked parts: [Substring], _ family: AddressFamily, on interface: String?) -> Bool {
    guard let text = parts.first, let values = MaskedText.addresses(String(text), family) else { return false }
    masked[family, default: []].append(values)
    if parts.count > 1, let length = Int(parts[1]), (0..<family.addressBits).contains(length) {
      let hop = Route.NextHop(gateway: nil, interface: interface)
      result.facts.maskedRoutes.append(
        MaskedRoute(to: values, length: length, family, nextHops: [hop], isConnected: true))
    }
    return true
  }

  /// An address whose interface stands in another line, which grep left out or where its name is masked. IPv4's lines
  /// name it themselves, as the address's label at the end.
  private mutating func readCutOut(_ words: LineWords, _ line: DumpLine) {
    isCutOut = true
    let name = Self.label(words)?.split(separator: ":").first.map(String.init)
    guard let prefix = words[1].split(separator: "/").first, let address = IPAddress(prefix) else {
      readHidden(words, from: 0, line, on: name)
      return
    }
    guard let name else {
      result.facts.unplacedAddresses.append(address)
      return
    }
    finish()
    interface = Interface(name)
    interface?.span = text.span(line)
    isCutOut = false
    readAddress(words, from: 0, line)
    finish()
    isCutOut = true
  }

  /// The label at the end of an address's line: `inet 192.0.2.10/24 brd 192.0.2.255 scope global dynamic eth0`
  /// (`print_addrinfo` in iproute2's `ip/ipaddress.c`).
  private static func label(_ words: LineWords) -> String? {
    let all = words.all
    guard all.first == "inet", let scope = all.firstIndex(of: "scope"), let last = all.last, all.count > scope + 2,
      !flags.contains(last), last.utf8.count <= 15, !last.utf8.contains(UInt8(ascii: "/")), !isMasked(last)
    else { return nil }
    return last
  }

  private static let flags: Set<String> = [
    "secondary", "temporary", "dynamic", "deprecated", "tentative", "dadfailed", "noprefixroute", "mngtmpaddr", "home",
    "nodad", "permanent", "optimistic", "autojoin", "stable-privacy", "managetempaddr",
  ]

  // MARK: - Details

  /// What `ip -d link` and `bridge -d link` print below: the kind, and a bridge port's settings.
  private mutating func readDetail(_ words: LineWords) {
    let kinds: Set<String> = [
      "bridge", "veth", "vlan", "macvlan", "ipvlan", "vxlan", "dummy", "tun", "bond", "wireguard", "vrf", "macvtap",
      "ipvtap", "geneve", "gre", "gretap", "sit", "ipip", "ifb", "team",
    ]
    if kinds.contains(words[0]) { interface?.kind = words[0] }
    if let hairpin = words.value(after: "hairpin") { interface?.hairpin = hairpin == "on" }
    if let isolated = words.value(after: "isolated") { interface?.isIsolated = isolated == "on" }
  }
}

extension Interface {
  /// Takes what another printing of the interface adds; what is told already stays.
  mutating func merge(_ other: Interface) {
    if index == nil { index = other.index }
    for address in other.addresses {
      if let known = addresses.firstIndex(where: { $0.address == address.address }) {
        if addresses[known].scope == nil { addresses[known].scope = address.scope }
        if addresses[known].broadcast == nil { addresses[known].broadcast = address.broadcast }
        if addresses[known].peer == nil { addresses[known].peer = address.peer }
        addresses[known].isSecondary = addresses[known].isSecondary || address.isSecondary
        addresses[known].isDeprecated = addresses[known].isDeprecated || address.isDeprecated
      } else {
        addresses.append(address)
      }
    }
    if isUp == nil { isUp = other.isUp }
    if hasCarrier == nil { hasCarrier = other.hasCarrier }
    if master == nil { master = other.master }
    if kind == nil { kind = other.kind }
    if parent == nil { parent = other.parent }
    if hardwareAddress == nil { hardwareAddress = other.hardwareAddress }
    if mtu == nil { mtu = other.mtu }
    if hairpin == nil { hairpin = other.hairpin }
    if isIsolated == nil { isIsolated = other.isIsolated }
    if group == nil { group = other.group }
    if span == nil { span = other.span }
  }
}
