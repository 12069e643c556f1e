/// Options of matches and targets that are cut short: getopt_long(3) takes any beginning that only one of the options
/// has that are known so far.
///
///     -j DNAT --to 192.0.2.20    // --to-destination
///     -m state --st NEW          // --state
enum OptionAbbreviations {
  /// The options of each match and target by their full names, without dashes.
  private static let matches = options(of: .match)
  private static let targets = options(of: .target)

  private static func options(of kind: ExtensionKind) -> [String: [[String]]] {
    var found: [String: [[String]]] = [:]
    for one in ExtensionRegistry.all where one.kind == kind {
      let options = one.options.map { ([$0.name] + $0.aliases).map(\.text) }
      for name in one.names { found[name] = options }
    }
    return found
  }

  /// The words with the options written out.
  static func writtenOut(_ words: [CommandWord]) -> [CommandWord] {
    guard words.contains(where: { $0.text.hasPrefix("--") }) else { return words }
    var known: [[String]] = []
    var result = words
    for (index, word) in words.enumerated() {
      let next = index + 1 < words.count ? words[index + 1].text : ""
      switch word.text {
      case "-m": known += matches[next] ?? []
      case "-j": known += targets[next] ?? []
      case "-p": known += matches[module(of: next)] ?? []
      default:
        guard word.text.hasPrefix("--"), !word.isQuoted else { continue }
        let name = word.text.dropFirst(2)
        if known.contains(where: { $0.contains(String(name)) }) { continue }
        let fitting = known.filter { $0.contains { $0.hasPrefix(name) } }
        // One option may be known twice, by `-p` and by `-m`.
        guard let first = fitting.first, fitting.allSatisfy({ $0 == first }),
          let whole = first.first(where: { $0.hasPrefix(name) })
        else { continue }
        result[index].text = "--" + whole
      }
    }
    return result
  }

  /// The match that a protocol loads.
  private static func module(of transport: String) -> String {
    switch transport {
    case "6": "tcp"
    case "17": "udp"
    case "1": "icmp"
    case "icmpv6", "ipv6-icmp", "58": "icmp6"
    default: transport
    }
  }
}
