import RuleGraph

/// What iptables says of values that it can't read. Measured with iptables 1.8.9.
enum IptablesValues {
  /// Why the program refuses a value of an option that every rule has, or a port; nil where it takes them all, and of a
  /// name that the host would look up.
  static func refusal(_ words: [CommandWord], _ family: AddressFamily) -> String? {
    for (index, word) in words.enumerated() where word.text.hasPrefix("-") && !word.isQuoted {
      var next = index + 1
      if next < words.count, words[next].text == "!" { next += 1 }
      let value = next < words.count ? words[next].text : nil
      switch word.text {
      case "-j", "-g", "-s", "-d", "-p", "-i", "-o", "-m":
        guard let value else { return "option \"\(word.text)\" requires an argument" }
        if let message = refusal(value, of: word.text, family) { return message }
      case "--dport", "--sport", "--dports", "--sports", "--destination-port", "--source-port":
        if let message = value.flatMap(refusal(ports:)) { return message }
      default: continue
      }
    }
    return nil
  }

  private static func refusal(_ value: String, of option: String, _ family: AddressFamily) -> String? {
    switch option {
    case "-s", "-d": value.split(separator: ",").lazy.compactMap { refusal(address: $0, family) }.first
    case "-i", "-o":
      value.utf8.count > 15 ? "interface name `\(value)' must be shorter than IFNAMSIZ (15)" : nil
    case "-p": isTransport(value) ? nil : "unknown protocol \"\(value)\" specified"
    default: nil
    }
  }

  /// Whether a name or number is that of a protocol. The host's /etc/protocols may know more; what it knows is an open
  /// question then, and not refused.
  private static func isTransport(_ text: String) -> Bool {
    if let number = Int(text) { return (0...255).contains(number) }
    let names = NamedNumbers.transports + NamedNumbers.transportAliases
    return text == "all" || ProtocolNames.isKnown(text) || names.contains { $0.name == text }
  }

  private static func refusal(address text: Substring, _ family: AddressFamily) -> String? {
    let parts = text.split(separator: "/", maxSplits: 1)
    guard let address = parts.first, parts.count < 2 || !parts[1].isEmpty else { return nil }
    let isNumeric =
      address.contains(":")
      || address.utf8.allSatisfy { $0 == UInt8(ascii: ".") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard isNumeric else { return nil }
    guard let read = IPAddress(String(address)) else {
      // `10.1` is 10.0.0.1 to some and 10.1.0.0 to others.
      return address.contains(":") || address.count(where: { $0 == "." }) == 3 ? notFound(address) : nil
    }
    if read.family != family { return notFound(address) }
    guard parts.count == 2, let length = Int(parts[1]) else { return nil }
    return (0...family.addressBits).contains(length) ? nil : "invalid mask `\(parts[1])' specified"
  }

  private static func notFound(_ address: Substring) -> String { "host/network `\(address)' not found" }

  private static func refusal(ports text: String) -> String? {
    for port in text.split(separator: ",", omittingEmptySubsequences: false) {
      for end in port.split(separator: ":", omittingEmptySubsequences: false) {
        if end.isEmpty, port.contains(":") { continue }
        if let number = Int(end), (0...65535).contains(number) { continue }
        if !end.isEmpty, Int(end) == nil, ServiceNames.all.contains(where: { $0.name == end }) { continue }
        return "invalid port/service `\(end)' specified"
      }
    }
    return nil
  }
}
