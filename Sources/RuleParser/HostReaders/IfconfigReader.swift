import HostModel
import RuleGraph

/// Reads `ifconfig`, the old form (`inet addr:172.17.0.1  Bcast:...`) and the new one (`inet 172.17.0.1  netmask ...`).
struct IfconfigReader {
  private let text: DumpText
  private var result = FactFragment()
  private var interface: Interface?

  /// Reads a section.
  static func read(_ text: DumpText) -> FactFragment {
    var reader = IfconfigReader(text: text)
    for line in text.lines where !text.isRemark(line) { reader.read(line) }
    reader.finish()
    if reader.result.facts.interfaces.contains(where: { $0.name == "lo" }) {
      // ifconfig shows an interface's first IPv4 address only, and only interfaces that are up without `-a`; for what
      // it shows it is whole.
      reader.result.facts.addressesKnown = Set(AddressFamily.allCases)
      reader.result.facts.addressesKnown.subtract(reader.result.gaps)
    }
    return reader.result
  }

  private init(text: DumpText) { self.text = text }

  private mutating func finish() {
    guard let finished = interface else { return }
    interface = nil
    // `eth0:1` is a further address of eth0.
    let name = finished.name.split(separator: ":").first.map(String.init) ?? finished.name
    if let same = result.facts.interfaces.firstIndex(where: { $0.name == name }) {
      result.facts.interfaces[same].merge(finished)
    } else {
      var named = finished
      named.name = name
      result.facts.interfaces.append(named)
    }
  }

  private mutating func read(_ line: DumpLine) {
    let isIndented =
      line.start < line.end
      && (text.bytes[line.start] == UInt8(ascii: " ") || text.bytes[line.start] == UInt8(ascii: "\t"))
    let words = LineWords(text, line)
    if !isIndented {
      guard words[1].hasPrefix("flags=") || words[1] == "Link" else {
        result.unreadable(text, line, expected: "an interface's name, then `flags=` or `Link encap:`")
        return
      }
      finish()
      var name = words[0]
      if name.hasSuffix(":") { name.removeLast() }
      interface = Interface(name)
      interface?.span = text.span(line)
    }
    readLink(words)
    if words[0] == "inet" { readIPv4(words, line) }
    if words[0] == "inet6" { readIPv6(words, line) }
  }

  private mutating func readLink(_ words: LineWords) {
    if let ether = words.value(after: "HWaddr") { interface?.hardwareAddress = ether.lowercased() }
    if words[0] == "ether" { interface?.hardwareAddress = words[1].lowercased() }
    if let mtu = words.value(after: "mtu").flatMap({ Int($0) }) { interface?.mtu = mtu }
    for word in words.all {
      if word.hasPrefix("MTU:") { interface?.mtu = Int(word.dropFirst(4)) }
      if word.hasPrefix("flags="), let open = word.firstIndex(of: "<") {
        let flags = word[open...].dropFirst().prefix { $0 != ">" }.split(separator: ",")
        setFlags(flags.map(String.init))
      }
    }
    if words[0] == "UP" || words[0] == "BROADCAST" || words[0] == "NOARP" { setFlags(words.all) }
  }

  private mutating func setFlags(_ flags: [String]) {
    interface?.isUp = flags.contains("UP")
    interface?.hasCarrier = flags.contains("RUNNING")
    if flags.contains("LOOPBACK") { interface?.kind = "loopback" }
  }

  private mutating func readIPv4(_ words: LineWords, _ line: DumpLine) {
    // Old: `inet addr:172.17.0.1 Bcast:172.17.255.255 Mask:255.255.0.0`. New: `inet 172.17.0.1 netmask 255.255.0.0
    // broadcast ...`.
    var fields: [String: String] = [:]
    for word in words.all {
      if let colon = word.firstIndex(of: ":") {
        fields[String(word[..<colon])] = String(word[word.index(after: colon)...])
      }
    }
    let address = (fields["addr"] ?? words[1]).split(separator: "/").first.flatMap { IPAddress($0) }
    let mask = (fields["Mask"] ?? words.value(after: "netmask")).flatMap { Self.mask($0) }
    let inlineLength = words[1].split(separator: "/").dropFirst().first.flatMap { Int($0) }
    guard let address, address.isIPv4 else {
      result.gaps.insert(.ipv4)
      result.unreadable(text, line, expected: "an IPv4 address")
      return
    }
    let length = mask ?? inlineLength ?? 32
    guard length >= 0, length <= 32 else {
      result.unreadable(text, line, expected: "a netmask")
      return
    }
    interface?.addresses.append(
      InterfaceAddress(
        address, prefixLength: length,
        broadcast: (fields["Bcast"] ?? words.value(after: "broadcast")).flatMap { IPAddress($0) },
        peer: (fields["P-t-P"] ?? words.value(after: "destination")).flatMap { IPAddress($0) }, span: text.span(line)))
  }

  private static func mask(_ text: String) -> Int? {
    if let address = IPAddress(text) { return Prefix.length(ofMask: address) }
    // BSD's ifconfig prints the mask in hexadecimal.
    guard text.hasPrefix("0x"), let number = UInt32(text.dropFirst(2), radix: 16) else { return nil }
    return Prefix.length(ofMask: IPAddress(ipv4: number))
  }

  private mutating func readIPv6(_ words: LineWords, _ line: DumpLine) {
    // Old: `inet6 addr: fe80::1/64 Scope:Link`. New: `inet6 fe80::1  prefixlen 64  scopeid 0x20<link>`.
    let word = words[1] == "addr:" ? words[2] : words[1]
    let parts = word.split(separator: "/", maxSplits: 1)
    let address = parts.first.flatMap { $0.split(separator: "%").first }.flatMap { IPAddress($0) }
    let length = (parts.count > 1 ? Int(parts[1]) : nil) ?? words.value(after: "prefixlen").flatMap { Int($0) } ?? 128
    guard let address, !address.isIPv4, length >= 0, length <= 128 else {
      result.gaps.insert(.ipv6)
      result.unreadable(text, line, expected: "an IPv6 address")
      return
    }
    var scope = words.all.first { $0.hasPrefix("Scope:") }.map { $0.dropFirst(6).lowercased() }
    if scope == nil, let id = words.value(after: "scopeid"), let open = id.firstIndex(of: "<") {
      scope = String(id[open...].dropFirst().prefix { $0 != ">" })
    }
    interface?.addresses.append(
      InterfaceAddress(address, prefixLength: length, scope: scope, span: text.span(line)))
  }
}
