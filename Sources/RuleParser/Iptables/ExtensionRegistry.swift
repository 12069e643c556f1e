/// Every extension of iptables that the readers know, found by name or by the words of its prose.
///
/// It is made once and stays as long as the program.
struct ExtensionRegistry: Sendable {
  /// The registry.
  static let shared = ExtensionRegistry(all)

  /// The extensions.
  let extensions: PermanentList<RegisteredExtension>
  /// For each extension its options by name.
  let options: PermanentList<WordTable<OptionName>>
  /// The match extensions by the name behind `-m`.
  let matches: WordTable<Int>
  /// The target extensions by the name behind `-j`.
  let targets: WordTable<Int>
  /// The match extensions by the words that their prose begins with.
  let prose: WordTable<PermanentList<Int>>
  /// For each extension the words that its prose begins with.
  let words: PermanentList<WordTable<Bool>>

  /// For each transport protocol the match that `-p` loads by itself.
  private let implied: PermanentList<Int?>

  /// Makes a registry.
  init(_ extensions: [any IptablesExtension]) {
    self.extensions = PermanentList(extensions.map { RegisteredExtension($0) })
    options = PermanentList(
      extensions.map { one in
        WordTable(
          one.options.flatMap { spelling in
            ([spelling.name] + spelling.aliases).map {
              ($0.text, OptionName(name: spelling.name, values: spelling.values))
            }
          })
      })
    func names(_ kind: ExtensionKind) -> WordTable<Int> {
      WordTable(
        extensions.indices.filter { extensions[$0].kind == kind }.flatMap { index in
          extensions[index].names.map { ($0, index) }
        })
    }
    matches = names(.match)
    targets = names(.target)
    let known = matches
    implied = PermanentList(
      (0...UInt8.max).map { transport in
        switch transport {
        case 6: known["tcp"]
        case 17: known["udp"]
        case 1: known["icmp"]
        case 58: known["icmp6"]
        case 132: known["sctp"]
        case 33: known["dccp"]
        case 50: known["esp"]
        case 51: known["ah"]
        case 135: known["mh"]
        default: nil
        }
      })
    var byWord: [String: [Int]] = [:]
    for index in extensions.indices where extensions[index].kind == .match {
      for word in extensions[index].listingWords { byWord[word, default: []].append(index) }
    }
    prose = WordTable(byWord.sorted { $0.key < $1.key }.map { ($0.key, PermanentList($0.value)) })
    words = PermanentList(extensions.map { one in WordTable(one.listingWords.map { ($0, true) }) })
  }

  /// The match that `-p` loads by itself when its options stand in a rule without `-m`.
  func impliedMatch(of transport: UInt8) -> Int? {
    implied[Int(transport)]
  }
}
