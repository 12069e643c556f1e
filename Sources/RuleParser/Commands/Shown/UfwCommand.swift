import RuleGraph

/// A command of ufw that adds, replaces or deletes a rule of a user's, taken apart (ufw(8), "RULE SYNTAX"), and the
/// rules of iptables that ufw makes of it. Measured with ufw 0.36.2.
///
///     allow 22/tcp                  // -p tcp --dport 22 -j ACCEPT, IPv4 and IPv6
///     deny from 203.0.113.9         // -s 203.0.113.9 -j DROP, IPv4
struct UfwCommand {
  /// What becomes of the rule.
  enum Operation: Equatable {
    case add, prepend, delete
    /// Before the rule with this number.
    case insert(Int)
    /// The rule with this number is deleted.
    case deleteNumber(Int)
  }

  /// What ufw does with a packet that fits.
  enum Action: String, CaseIterable {
    case allow, deny, reject, limit
  }

  /// One end of a connection.
  struct End {
    var address: String?
    /// Ports as ufw takes them: `22`, `80,443`, `8000:8100`.
    var ports: String?
    var hasManyPorts: Bool { ports?.contains { $0 == "," || $0 == ":" } ?? false }
  }

  /// Why ufw refuses a command, or why it is not carried out.
  struct Refusal: Error {
    /// ufw's words; nil where it would take the command.
    var message: String?
    /// What is not carried out.
    var part = ""
  }

  private(set) var operation = Operation.add
  private(set) var action = Action.allow
  /// Whether it is about packets that are forwarded.
  private(set) var isRoute = false
  /// Whether it is about packets that the host sends.
  private(set) var isOut = false
  private(set) var inInterface: String?
  private(set) var outInterface: String?
  private(set) var transport: String?
  private(set) var source = End()
  private(set) var destination = End()

  /// The services whose only protocol is TCP in the usual /etc/services; of others the host's file decides.
  private static let services: Set<String> = ["ssh", "http", "smtp", "telnet", "ftp"]

  /// Takes the words behind the program's name apart.
  init(_ words: [String]) throws(Refusal) {
    var rest = words.filter { $0 != "--force" }[...]
    if rest.first == "rule" { rest.removeFirst() }
    if rest.first == "route" { takeRoute(&rest) }
    switch rest.first {
    case "delete":
      rest.removeFirst()
      operation = .delete
      if let number = rest.first.flatMap({ Int($0) }), rest.count == 1 {
        operation = .deleteNumber(number)
        return
      }
    case "insert":
      rest.removeFirst()
      guard let number = rest.popFirst() else { throw Refusal(message: "Invalid syntax") }
      guard let number = Int(number), number > 0 else {
        throw Refusal(message: "Cannot insert rule at position '\(number)'")
      }
      operation = .insert(number)
    case "prepend":
      rest.removeFirst()
      operation = .prepend
    default: break
    }
    if rest.first == "route" { takeRoute(&rest) }
    guard let verb = rest.popFirst(), let action = Action(rawValue: verb) else {
      throw Refusal(message: "Invalid syntax")
    }
    self.action = action
    try takeDirection(&rest)
    guard let first = rest.first else { throw Refusal(message: "Wrong number of arguments") }
    if rest.count == 1 || rest.dropFirst().first == "comment", !["from", "to", "proto", "port"].contains(first) {
      try takeSimple(first)
    } else {
      try takeFull(&rest)
    }
    try check()
  }

  private mutating func takeRoute(_ rest: inout ArraySlice<String>) {
    rest.removeFirst()
    isRoute = true
  }

  /// `in`, `out`, `in on eth0`, `in on eth0 out on eth1`.
  private mutating func takeDirection(_ rest: inout ArraySlice<String>) throws(Refusal) {
    while let word = rest.first, word == "in" || word == "out" {
      rest.removeFirst()
      if word == "out", !isRoute { isOut = true }
      guard rest.first == "on" else { continue }
      rest.removeFirst()
      guard let name = rest.popFirst() else { throw Refusal(message: "Invalid interface clause") }
      if word == "in" { inInterface = name } else { outInterface = name }
    }
    if rest.first == "log" || rest.first == "log-all" { throw Refusal(part: "ufw \(rest.first ?? "")") }
  }

  /// `22`, `22/tcp`, `ssh`.
  private mutating func takeSimple(_ word: String) throws(Refusal) {
    let service = ServiceNames.all.first { $0.name == word }
    if let service, Self.services.contains(word) {
      destination.ports = "\(service.value)"
      transport = "tcp"
      return
    }
    let parts = word.split(separator: "/", maxSplits: 1).map(String.init)
    guard let ports = parts.first,
      ports.utf8.first.map({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) == true
    else {
      if service != nil { throw Refusal(part: word) }
      throw Refusal(message: "Could not find a profile matching '\(word)'")
    }
    destination.ports = ports
    if parts.count > 1 { transport = parts[1] }
  }

  private mutating func takeFull(_ rest: inout ArraySlice<String>) throws(Refusal) {
    /// Whether the last end that was named is the source; nil where none was.
    var ofSource: Bool?
    while let word = rest.popFirst() {
      guard let value = rest.popFirst() else { throw Refusal(message: "Invalid syntax") }
      switch word {
      case "proto": transport = value == "any" ? nil : value
      case "from":
        ofSource = true
        source.address = try Self.address(value, "source")
      case "to":
        ofSource = false
        destination.address = try Self.address(value, "destination")
      case "port":
        guard value.utf8.first.map({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) == true else {
          throw Refusal(part: "port \(value)")
        }
        if ofSource == true { source.ports = value } else { destination.ports = value }
      case "comment": continue
      case "app": throw Refusal(part: "app \(value)")
      default: throw Refusal(message: "Invalid token '\(word)'")
      }
    }
  }

  private static func address(_ text: String, _ what: String) throws(Refusal) -> String? {
    if text == "any" { return nil }
    guard IPAddress(String(text.split(separator: "/").first ?? "")) != nil else {
      throw Refusal(message: "Bad \(what) address")
    }
    return text
  }

  private func check() throws(Refusal) {
    for end in [source, destination] {
      guard let ports = end.ports else { continue }
      for number in ports.split(whereSeparator: { $0 == "," || $0 == ":" }) {
        guard let number = Int(number), (1...65535).contains(number) else { throw Refusal(message: "Bad port") }
      }
      if end.hasManyPorts, transport == nil {
        throw Refusal(message: "Must specify 'tcp' or 'udp' with multiple ports")
      }
    }
    if let transport, transport != "tcp", transport != "udp" { throw Refusal(part: "proto \(transport)") }
    let families = Set([source.address, destination.address].compactMap { Self.family($0) })
    if families.count > 1 { throw Refusal(message: "Mixed IP versions for 'from' and 'to'") }
  }

  private static func family(_ address: String?) -> AddressFamily? {
    address.map { $0.contains(":") ? .ipv6 : .ipv4 }
  }

  /// The versions of IP that the rule is for.
  var families: [AddressFamily] {
    (Self.family(source.address) ?? Self.family(destination.address)).map { [$0] } ?? AddressFamily.allCases
  }

  /// The chain that holds such rules.
  func chain(_ family: AddressFamily) -> String {
    "\(Self.prefix(family))-user-\(isRoute ? "forward" : isOut ? "output" : "input")"
  }

  /// What the names of ufw's chains begin with.
  static func prefix(_ family: AddressFamily) -> String { family == .ipv4 ? "ufw" : "ufw6" }

  // MARK: - Rules

  /// The rules, each as the options that iptables gets, in order.
  func rules(_ family: AddressFamily) -> [[String]] {
    let hasPorts = source.ports != nil || destination.ports != nil
    let transports: [String?] = transport.map { [$0] } ?? (hasPorts ? ["tcp", "udp"] : [nil])
    return transports.flatMap { transport in
      let tests = tests(transport)
      switch action {
      case .allow: return [tests + ["-j", "ACCEPT"]]
      case .deny: return [tests + ["-j", "DROP"]]
      case .reject: return [tests + ["-j", "REJECT"] + (transport == "tcp" ? ["--reject-with", "tcp-reset"] : [])]
      case .limit:
        let isNew = ["-m", "conntrack", "--ctstate", "NEW", "-m", "recent"]
        let name = Self.prefix(family) + "-user-limit"
        return [
          tests + isNew + ["--set"],
          tests + isNew + ["--update", "--seconds", "30", "--hitcount", "6", "-j", name],
          tests + ["-j", name + "-accept"],
        ]
      }
    }
  }

  private func tests(_ transport: String?) -> [String] {
    var words: [String] = []
    if let inInterface { words += ["-i", inInterface] }
    if let outInterface { words += ["-o", outInterface] }
    if let transport { words += ["-p", transport] }
    for (end, letter, name) in [(destination, "-d", "--dport"), (source, "-s", "--sport")] {
      if end.hasManyPorts, let ports = end.ports { words += ["-m", "multiport", name + "s", ports] }
      if let address = end.address { words += [letter, address] }
      if !end.hasManyPorts, let ports = end.ports { words += [name, ports] }
    }
    return words
  }

  /// The command with every action that the same rule may have: ufw keeps one rule for the same packets.
  var withEveryAction: [UfwCommand] {
    Action.allCases.map { action in
      var copy = self
      copy.action = action
      return copy
    }
  }
}
