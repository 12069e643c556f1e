import RuleGraph

/// The spellings of values in a query: numbers, names, ranges and lists.
enum QueryText {
  /// Reads `80`, `0x50`, `80,443`, `8000-8999` (or with a colon, as iptables writes ranges).
  static func numbers(_ option: QueryOption, _ text: String, through maximum: UInt128) throws(QueryTextError)
    -> ValueSet
  {
    try named(option, text, [], through: maximum)
  }

  /// Reads numbers as ``numbers(_:_:through:)`` and names.
  static func named(
    _ option: QueryOption, _ text: String, _ names: [NamedValue], through maximum: UInt128
  ) throws(QueryTextError) -> ValueSet {
    do { return try list(text, names, through: maximum) } catch {
      switch error {
      case .noValue(let part): throw QueryTextError(option, text, wrong(part, names))
      case .tooHigh, .reversed:
        throw QueryTextError(option, text, "numbers go from 0 to \(maximum) here, ranges from the lower to the higher")
      }
    }
  }

  /// What is wrong with a list of numbers.
  private enum ListFault: Error {
    /// A part is neither number nor range nor a known name.
    case noValue(Substring)
    case tooHigh(UInt128)
    /// A range goes from the higher number to the lower one.
    case reversed(from: UInt128, to: UInt128)
  }

  /// Numbers, ranges and names between commas.
  private static func list(
    _ text: String, _ names: @autoclosure () -> [NamedValue], through maximum: UInt128
  ) throws(ListFault) -> ValueSet {
    // One plain number is what most questions ask for.
    if let value = decimal(text), value <= maximum { return ValueSet(value) }
    var result = ValueSet.empty
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let word = part.lowercased()
      if let name = names().first(where: { $0.name == word }) {
        result = result.union(ValueSet(name.value))
        continue
      }
      let ends = part.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == "-" || $0 == ":" }
      guard let low = ends.first.flatMap(number), let high = ends.last.flatMap(number) else {
        throw .noValue(part)
      }
      if let wrong = [low, high].first(where: { $0 > maximum }) { throw .tooHigh(wrong) }
      guard low <= high else { throw .reversed(from: low, to: high) }
      result = result.union(ValueSet(low...high))
    }
    return result
  }

  private static func wrong(_ part: Substring, _ names: [NamedValue]) -> String {
    if names.isEmpty { return "not a number, a range (8000-8999) or a list (80,443)" }
    if let near = Spelling.nearest(to: String(part).lowercased(), among: names.map(\.name)) {
      return "did you mean \(near)?"
    }
    return "neither a number nor a known name"
  }

  /// A number of at most eighteen decimal digits, and nothing else.
  private static func decimal(_ text: String) -> UInt128? {
    guard !text.isEmpty, text.utf8.count <= 18 else { return nil }
    var value: UInt64 = 0
    for byte in text.utf8 {
      guard byte.isDigit else { return nil }
      value = value * 10 + UInt64(byte - UInt8(ascii: "0"))
    }
    return UInt128(value)
  }

  private static func number(_ text: Substring) -> UInt128? {
    guard let first = text.utf8.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "-") else { return nil }
    if text.hasPrefix("0x") || text.hasPrefix("0X") { return UInt128(text.dropFirst(2), radix: 16) }
    return UInt128(text)
  }

  /// Reads ports: `80`, `80,443`, `8000-8999`, `https`.
  ///
  /// - Parameter whole: What was typed, where the ports are a part of it.
  static func ports(_ option: QueryOption, _ text: String, of whole: String? = nil) throws(QueryTextError) -> ValueSet {
    if text == "any" || text == "*" { return ValueSet(0...65535) }
    do { return try list(text, services, through: 65535) } catch {
      let typed = whole ?? text
      switch error {
      case .noValue(let part): throw QueryTextError(option, typed, noPort(part))
      case .tooHigh(let port): throw QueryTextError(option, typed, "port \(port) is out of range (0 to 65535)")
      case .reversed(let high, let low):
        throw QueryTextError(option, typed, "a range goes from the lower to the higher port: \(low)-\(high)")
      }
    }
  }

  private static func noPort(_ part: Substring) -> String {
    let near = Spelling.nearest(to: part.lowercased(), among: services.map(\.name))
    return (part.isEmpty ? "a port is missing" : "\(part) is not a port")
      + "; write a number, a range (8000-8999) or a list (80,443)"
      + (near.map { "; did you mean \($0)?" } ?? "")
  }

  private static let services = ServiceNames.all + [NamedValue(53, "dns")]

  static func transports(_ text: String) throws(QueryTextError) -> ValueSet? {
    if text == "any" || text == "all" { return nil }
    return try named(.proto, text, transportNames, through: 255)
  }

  private static let transportNames = NamedNumbers.transports + NamedNumbers.transportAliases

  static func interfaces(_ option: QueryOption, _ text: String) throws(QueryTextError) -> ValueSet {
    var text = text[...]
    let negated = text.first == "!"
    if negated { text = text.dropFirst() }
    var result = ValueSet.empty
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let wildcard = part.last == "+" || part.last == "*"
      let name = wildcard ? part.dropLast() : part
      guard !part.isEmpty, let values = InterfaceName.set(matching: name, wildcard: wildcard) else {
        throw QueryTextError(option, String(text), "an interface's name has 1 to 15 bytes")
      }
      result = result.union(values.intersection(InterfaceName.anyName))
    }
    return negated ? InterfaceName.anyName.subtracting(result) : result
  }

  static func phase(_ text: String) throws(QueryTextError) -> Query.Phase {
    let states: [(name: String, phase: Query.Phase)] = [
      ("new", .first), ("established", .established), ("related", .related), ("invalid", .invalid),
      ("untracked", .untracked),
    ]
    let names = states.map(\.name)
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let word = part.lowercased()
      if names.contains(word) || word == "first" { continue }
      let near = Spelling.nearest(to: word, among: names).map { "; did you mean \($0)?" } ?? ""
      throw QueryTextError(.state, text, "\(part) is not a state; write one of \(names.joined(separator: ", "))" + near)
    }
    let given = text.lowercased() == "first" ? "new" : text.lowercased()
    guard let state = states.first(where: { $0.name == given }) else {
      throw QueryTextError(.state, text, "a packet has one state: ask once for each")
    }
    return state.phase
  }

  static func flag(_ option: QueryOption, _ text: String) throws(QueryTextError) -> Bool {
    switch text {
    case "true", "yes", "1": return true
    case "false", "no", "0": return false
    default: throw QueryTextError(option, text, "this is true or false")
    }
  }

  static func family(_ text: String) throws(QueryTextError) -> AddressFamily {
    switch text.lowercased() {
    case "ipv4", "ip", "4", "inet": return .ipv4
    case "ipv6", "ip6", "6", "inet6": return .ipv6
    default: throw QueryTextError(.family, text, "a family is ipv4 or ipv6")
    }
  }

  /// Reads `syn,ack`, `SYN+ACK`, `0x12`, `none`, or tcpdump's `[S.]`.
  static func tcpFlags(_ text: String) throws(QueryTextError) -> ValueSet {
    if text.lowercased() == "none" || text.isEmpty { return ValueSet(0) }
    if let value = number(text[...]), value < 256 { return ValueSet(value) }
    let inside = text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : text
    if let value = tcpdumpFlags(inside) { return ValueSet(value) }
    let other: [NamedValue] = [
      NamedValue(64, "ece"), NamedValue(8, "push"), NamedValue(4, "reset"), NamedValue(255, "all"),
    ]
    var value: UInt128 = 0
    for part in text.lowercased().split(whereSeparator: { ",+| /".contains($0) }) {
      guard let flag = (NamedNumbers.tcpFlags + other).first(where: { $0.name == part }) else {
        let near = Spelling.nearest(to: String(part), among: NamedNumbers.tcpFlags.map(\.name))
        throw QueryTextError(.tcpFlags, text, "no such flag: \(part)" + (near.map { "; did you mean \($0)?" } ?? ""))
      }
      value |= flag.value
    }
    return ValueSet(value)
  }

  /// tcpdump's letters: S SYN, F FIN, R RST, P PSH, U URG, E ECE, W CWR, `.` ACK (tcpdump(1), "TCP Packets").
  private static func tcpdumpFlags(_ text: String) -> UInt128? {
    let letters: [Character: UInt128] = ["F": 1, "S": 2, "R": 4, "P": 8, ".": 16, "U": 32, "E": 64, "W": 128]
    guard !text.isEmpty, text.count <= letters.count else { return nil }
    var value: UInt128 = 0
    for letter in text {
      guard let bit = letters[letter] else { return nil }
      value |= bit
    }
    return value
  }

  /// Code points by name (RFC 2474, RFC 2597, RFC 3246).
  static let dscpNames: [NamedValue] = {
    var names = (0..<8).map { NamedValue(UInt128($0) * 8, "cs\($0)") }
    for level in 1...4 {
      for drop in 1...3 { names.append(NamedValue(UInt128(level * 8 + drop * 2), "af\(level)\(drop)")) }
    }
    return names + [NamedValue(46, "ef"), NamedValue(0, "be")]
  }()

  /// Splits a port off: `172.17.0.2:80`, `[::1]:80`, `tomcat01:8080`, `:80`. An address with several colons has none.
  static func splitPort(_ text: String) -> (address: String, port: String?) {
    if text.first == "[", let close = text.lastIndex(of: "]") {
      let address = String(text[text.index(after: text.startIndex)..<close])
      let rest = text[text.index(after: close)...]
      if rest.isEmpty { return (address, nil) }
      // `[2001:db8::]/64` keeps its length.
      if rest.first == "/" {
        let parts = rest.split(separator: ":", maxSplits: 1)
        return (address + (parts.first.map(String.init) ?? ""), parts.count == 2 ? String(parts[1]) : nil)
      }
      return rest.first == ":" ? (address, String(rest.dropFirst())) : (text, nil)
    }
    let colons = text.utf8.reduce(0) { $0 + ($1 == UInt8(ascii: ":") ? 1 : 0) }
    guard colons == 1, let colon = text.firstIndex(of: ":") else { return (text, nil) }
    return (String(text[..<colon]), String(text[text.index(after: colon)...]))
  }
}
