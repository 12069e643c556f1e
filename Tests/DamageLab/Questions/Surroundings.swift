import RuleGraph

/// What the questions of a host are made of: read off its texts by their words, not by the reader under test.
struct Surroundings {
  /// The host's own addresses outside of its bridges, and all of them.
  var own: [String] = []
  var all: [String] = []
  var outside = "eth0"
  var interfaces: [(name: String, subnet: Prefix)] = []
  var addresses: [String] = []
  var endpoints: [String] = []
  var ports: [String] = []
  var sources: [String] = []

  init(rules: [String], facts: [String]) {
    readAddresses(facts)
    var isPort = false
    var isSource = false
    for line in rules {
      for word in line.split(whereSeparator: { " \t\"'{},[]()".contains($0) }) {
        read(word, isPort: isPort, isSource: isSource)
        isPort = ["--dport", "dport", "dports", "--dports", "right"].contains(word)
        isSource = word == "-s" || word == "saddr"
      }
    }
    addresses.removeAll { all.contains($0) || $0.hasPrefix("127.") || $0 == "0.0.0.0" || $0.hasSuffix(".0") }
    if interfaces.isEmpty, let docker = Prefix("172.17.0.0/16") { interfaces = [("docker0", docker)] }
  }

  private mutating func readAddresses(_ lines: [String]) {
    var interface = ""
    for line in lines {
      let words = line.split(separator: " ").map(String.init)
      guard words.count > 1 else { continue }
      if words[0].hasSuffix(":"), Int(words[0].dropLast()) != nil {
        interface = words[1].prefix { $0 != ":" && $0 != "@" }.description
      } else if words[0] == "inet", let address = IPAddress(words[1].prefix { $0 != "/" }), interface != "lo" {
        all.append(address.description)
        let isBridge = interface.hasPrefix("docker") || interface.hasPrefix("br-") || interface.hasPrefix("virbr")
        if !isBridge {
          if own.isEmpty { outside = interface }
          own.append(address.description)
        }
        if let prefix = Prefix(words[1]), let network = Prefix(prefix.address, length: prefix.length) {
          interfaces.append((interface, network))
        }
      }
    }
  }

  private mutating func read(_ word: Substring, isPort: Bool, isSource: Bool) {
    let text = word.hasPrefix("to:") ? word.dropFirst(3) : word
    let parts = text.split(separator: ":")
    if parts.count == 2, let address = IPAddress(parts[0]), address.isIPv4, UInt16(parts[1]) != nil {
      endpoints.append("\(address):\(parts[1])")
      addresses.append("\(address)")
    } else if let address = IPAddress(text.prefix { $0 != "/" }), address.isIPv4 {
      addresses.append("\(address)")
      if isSource { sources.append("\(address)") }
    } else if text.hasPrefix("dpt:") || isPort {
      let number = text.drop { !$0.isNumber }.prefix { $0.isNumber }
      if UInt16(number) != nil { ports.append(String(number)) }
    }
  }

  /// The interface whose network holds an address.
  func interface(of text: String) -> String? {
    guard let address = IPAddress(text) else { return nil }
    return interfaces.first { $0.subnet.contains(address) }?.name
  }
}
