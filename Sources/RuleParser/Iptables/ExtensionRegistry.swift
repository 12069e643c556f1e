/// Every extension of iptables that the readers know, found by name or by the words of its prose.
final class ExtensionRegistry: Sendable {
  /// The registry.
  static let shared = ExtensionRegistry(all)

  /// The extensions.
  let extensions: [any IptablesExtension]
  /// For each extension its options by name.
  let options: [WordTable<OptionName>]
  /// The match extensions by the name behind `-m`.
  let matches: WordTable<Int>
  /// The target extensions by the name behind `-j`.
  let targets: WordTable<Int>
  /// The match extensions by the words that their prose begins with.
  let prose: WordTable<[Int]>
  /// For each extension the words that its prose begins with.
  let words: [WordTable<Bool>]

  /// Makes a registry.
  init(_ extensions: [any IptablesExtension]) {
    self.extensions = extensions
    options = extensions.map { one in
      WordTable(
        one.options.flatMap { spelling in
          ([spelling.name] + spelling.aliases).map { ($0, OptionName(name: spelling.name, values: spelling.values)) }
        })
    }
    func names(_ kind: ExtensionKind) -> WordTable<Int> {
      WordTable(
        extensions.indices.filter { extensions[$0].kind == kind }.flatMap { index in
          extensions[index].names.map { ($0, index) }
        })
    }
    matches = names(.match)
    targets = names(.target)
    var byWord: [String: [Int]] = [:]
    for index in extensions.indices where extensions[index].kind == .match {
      for word in extensions[index].listingWords { byWord[word, default: []].append(index) }
    }
    prose = WordTable(byWord.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    words = extensions.map { one in WordTable(one.listingWords.map { ($0, true) }) }
  }

  /// The match that `-p` loads by itself when its options stand in a rule without `-m`.
  func impliedMatch(of transport: UInt8) -> Int? {
    switch transport {
    case 6: matches["tcp"]
    case 17: matches["udp"]
    case 1: matches["icmp"]
    case 58: matches["icmp6"]
    case 132: matches["sctp"]
    case 33: matches["dccp"]
    case 50: matches["esp"]
    case 51: matches["ah"]
    case 135: matches["mh"]
    default: nil
    }
  }
}
