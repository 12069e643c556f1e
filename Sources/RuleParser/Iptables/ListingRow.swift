import RuleGraph

/// The columns that the head line of a chain names, as far as it is there (`num pkts bytes target prot opt in out
/// source destination`).
struct ListingHeader: Hashable, Sendable {
  /// Whether rules are numbered (`--line-numbers`).
  var hasNumbers = false
  /// Whether counters and interfaces are printed (`-v`).
  var hasCounters = false
  /// The place of the target column in the line.
  var targetColumn: Int?

  /// That of `iptables -vL`.
  static let usual: ListingHeader? = {
    let line = SourceBytes(Array(PlainForm.columns.description.utf8))
    return withExtendedLifetime(line) { ListingHeader(ByteCursor(ByteView(line), 0..<line.count)) }
  }()

  /// Reads a head line; nil when the line is none.
  init?(_ cursor: ByteCursor) {
    var cursor = cursor
    let start = cursor.at
    var known = false
    while true {
      cursor.eatBlanks()
      guard let word = cursor.eatWord() else { break }
      if cursor.range(word, equals: "num") {
        hasNumbers = true
      } else if cursor.range(word, equals: "pkts") {
        hasCounters = true
      } else if cursor.range(word, equals: "target") {
        targetColumn = word.lowerBound - start
        known = true
      } else if cursor.range(word, equals: "prot") {
        if known || hasNumbers || hasCounters { return }
        return nil
      } else if !cursor.range(word, equals: "bytes") {
        return nil
      }
    }
    if !known { return nil }
  }
}

/// One rule's line of `iptables -L`, cut into its columns.
///
/// The columns are told apart by their words, not by their places: names overrun their columns, and copying a listing
/// loses blanks.
struct ListingRow {
  /// The rule's number, where `--line-numbers` printed it.
  var number: UInt64?
  /// The packet and byte counters, with their `K`, `M`, `G`, `T` multiplied out.
  var counter: (packets: UInt64, bytes: UInt64)?
  /// The target, when the rule has one.
  var target: Range<Int>?
  /// The protocol.
  var transport: Word
  /// The `opt` column: whether the rule wants (true) or excludes (false) fragments.
  var fragments: Bool?
  /// The input and output interface, where they are printed.
  var interfaces: (input: Word, output: Word)?
  /// The source.
  var source: Word
  /// The destination.
  var destination: Word
  /// Where the prose of matches and target begins.
  var prose: Int

  /// A word of the line without the `!` before it.
  struct Word {
    /// The place of the word in the source.
    var range: Range<Int>
    var isNegated: Bool
  }

  /// Cuts a line. Nil when it does not look like a rule.
  ///
  /// `words` is a buffer that is made anew.
  init?(_ cursor: ByteCursor, header: ListingHeader?, words: inout ScratchList<Word>) {
    Self.cut(cursor, into: &words)
    let bytes = cursor.bytes
    guard let option = Self.optionColumn(bytes, &words) else {
      guard let row = ListingRow(withoutOptions: cursor, header: header, words: words) else { return nil }
      self = row
      return
    }
    let before = option - 1
    var hasInterfaces = header?.hasCounters ?? false
    var lead: Int
    if let header, case let told = (header.hasNumbers ? 1 : 0) + (header.hasCounters ? 2 : 0),
      0...1 ~= before - told
    {
      lead = told
    } else {
      // The head line is missing or is of another listing: the words tell by themselves.
      hasInterfaces = !(Self.isAddress(bytes, words, option + 1) && Self.isAddress(bytes, words, option + 2))
      let numbers = Self.counts(bytes, words, before: before)
      // Interfaces are printed with counters only; without these the next words are names of hosts.
      if numbers < 2 { hasInterfaces = false }
      lead = hasInterfaces ? min(numbers, before >= 3 ? 3 : 2) : min(numbers, 1)
      if hasInterfaces, before == 3, numbers < 3 { lead = 2 }
      guard before - lead >= 0, before - lead <= 1, !hasInterfaces || lead >= 2 else { return nil }
    }
    // Without a target the words before the protocol can only be numbers; with one, a counter may be unreadable.
    if before == lead, Self.counts(bytes, words, before: before) < lead { return nil }
    let behind = option + (hasInterfaces ? 3 : 1)
    guard words.count >= behind + 2 else { return nil }
    // A lost column moves addresses to where interfaces stand, or a target to where the protocol stands.
    if hasInterfaces, Self.isNoInterface(bytes, words[option + 1]) || Self.isNoInterface(bytes, words[option + 2]) {
      return nil
    }
    if before == lead, Self.isNoProtocol(bytes, words[option - 1].range) { return nil }
    target = before > lead ? words[lead].range : nil
    transport = words[option - 1]
    fragments = bytes[words[option].range.upperBound - 1] == UInt8(ascii: "f") ? !words[option].isNegated : nil
    if hasInterfaces { interfaces = (words[option + 1], words[option + 2]) }
    source = words[behind]
    destination = words[behind + 1]
    prose = words[behind + 1].range.upperBound
    if hasInterfaces, lead >= 2 { readCounter(bytes, words[lead - 2].range, words[lead - 1].range) }
    if header?.hasNumbers ?? (lead == (hasInterfaces ? 3 : 1)), lead > 0 { readNumber(bytes, words[0].range) }
  }

  /// Reads a row whose `opt` column is empty, as older ip6tables print it.
  private init?(withoutOptions cursor: ByteCursor, header: ListingHeader?, words: borrowing ScratchList<Word>) {
    let bytes = cursor.bytes
    // The protocol stands one word (three with interfaces) before the first of two neighbouring addresses.
    guard
      let first = Self.firstAddresses(bytes, words)
    else { return nil }
    var interfacesWidth = header.map { $0.hasCounters ? 2 : 0 } ?? (first >= 5 ? 2 : 0)
    if first < interfacesWidth + 1 { interfacesWidth = 0 }
    let place = first - 1 - interfacesWidth
    guard place >= 0 else { return nil }
    var lead = header.map { ($0.hasNumbers ? 1 : 0) + ($0.hasCounters ? 2 : 0) } ?? (interfacesWidth > 0 ? 2 : 0)
    if place < lead { lead = place }
    guard place - lead <= 1, Self.counts(bytes, words, before: place) >= (place > lead ? 0 : lead),
      place > lead || !Self.isNoProtocol(bytes, words[place].range)
    else { return nil }
    target = place > lead ? words[lead].range : nil
    transport = words[place]
    if interfacesWidth > 0 { interfaces = (words[place + 1], words[place + 2]) }
    source = words[first]
    destination = words[first + 1]
    prose = words[first + 1].range.upperBound
    if lead >= 2 { readCounter(bytes, words[lead - 2].range, words[lead - 1].range) }
    if let header, header.hasNumbers, lead > 0 { readNumber(bytes, words[0].range) }
  }

  private mutating func readNumber(_ bytes: ByteView, _ range: Range<Int>) {
    var cursor = ByteCursor(bytes, range)
    if let number = cursor.eatDecimal(), cursor.isAtEnd, number > 0, number < 1 << 32 { self.number = number }
  }

  private mutating func readCounter(_ bytes: ByteView, _ packets: Range<Int>, _ octets: Range<Int>) {
    var first = ByteCursor(bytes, packets)
    var second = ByteCursor(bytes, octets)
    if let packets = first.eatScaledNumber(), let octets = second.eatScaledNumber() { counter = (packets, octets) }
  }

  /// The first words of a line: as many as the columns can be.
  private static func cut(_ cursor: ByteCursor, into words: inout ScratchList<Word>) {
    words.clear()
    var negated = false
    let bytes = cursor.bytes
    var line = Words(bytes, cursor.at..<cursor.end)
    while words.count < 11, var word = line.next() {
      if bytes[word.lowerBound] == UInt8(ascii: "!") {
        negated = true
        word = word.drop { bytes[$0] == UInt8(ascii: "!") }
        if word.isEmpty { continue }
      }
      words.append(Word(range: word, isNegated: negated))
      negated = false
    }
  }

  /// The index of the `opt` column (`--`, `-f`, `!f`), or nil. A long protocol name may run into it (`ipv6-icmp--`).
  private static func optionColumn(_ bytes: ByteView, _ words: inout ScratchList<Word>) -> Int? {
    for index in 1..<max(1, min(6, words.count)) {
      let range = words[index].range
      if range.count == 2, bytes[range.lowerBound] == UInt8(ascii: "-") {
        let second = bytes[range.lowerBound + 1]
        if second == UInt8(ascii: "-") || second == UInt8(ascii: "f") { return index }
      }
      if range.count == 1, words[index].isNegated, bytes[range.lowerBound] == UInt8(ascii: "f") { return index }
    }
    for index in 0..<min(5, words.count) {
      let range = words[index].range
      guard range.count > 3, bytes[range.upperBound - 1] == UInt8(ascii: "-"),
        bytes[range.upperBound - 2] == UInt8(ascii: "-"),
        ProtocolNames.numbers[bytes, range.lowerBound..<range.upperBound - 2] != nil
      else { continue }
      words[index].range = range.lowerBound..<range.upperBound - 2
      words.insert(Word(range: range.upperBound - 2..<range.upperBound, isNegated: false), at: index + 1)
      return index + 1
    }
    return nil
  }

  /// Whether a word can't be the name of an interface, in which no `/` stands (`dev_valid_name` in `net/core/dev.c`),
  /// or is none that anybody gives.
  private static func isNoInterface(_ bytes: ByteView, _ word: Word) -> Bool {
    bytes.contains(UInt8(ascii: "/"), in: word.range) || bytes.contains(UInt8(ascii: "\""), in: word.range)
      || ByteCursor(bytes, word.range).range(word.range, equals: "anywhere")
  }

  /// Whether a word is neither a number nor the name of a protocol.
  private static func isNoProtocol(_ bytes: ByteView, _ range: Range<Int>) -> Bool {
    ProtocolNames.numbers[bytes, range] == nil
      && !bytes[range].allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
  }

  /// How many words up to a place are counters or a rule's number.
  private static func counts(_ bytes: ByteView, _ words: borrowing ScratchList<Word>, before end: Int) -> Int {
    var count = 0
    while count < end, isCount(bytes, words[count].range) { count += 1 }
    return count
  }

  /// The first of two neighbouring words that can only be addresses.
  private static func firstAddresses(_ bytes: ByteView, _ words: borrowing ScratchList<Word>) -> Int? {
    for index in words.indices where isAddress(bytes, words, index) && isAddress(bytes, words, index + 1) {
      return index
    }
    return nil
  }

  /// Whether a word is a counter or a rule's number.
  private static func isCount(_ bytes: ByteView, _ range: Range<Int>) -> Bool {
    var cursor = ByteCursor(bytes, range)
    return cursor.eatScaledNumber() != nil && cursor.isAtEnd
  }

  /// Whether a word can only be an address.
  private static func isAddress(_ bytes: ByteView, _ words: borrowing ScratchList<Word>, _ index: Int) -> Bool {
    guard words.indices.contains(index) else { return false }
    let range = words[index].range
    var cursor = ByteCursor(bytes, range)
    if cursor.range(range, equals: "anywhere") || cursor.range(range, equals: "localhost") { return true }
    var dots = 0
    var colons = 0
    while let byte = cursor.peek {
      cursor.at += 1
      switch byte {
      case UInt8(ascii: "."): dots += 1
      case UInt8(ascii: ":"): colons += 1
      case UInt8(ascii: "/"): return dots > 0 || colons > 1 || cursor.at > range.lowerBound + 3
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "F"),
        UInt8(ascii: "a")...UInt8(ascii: "f"):
        break
      default:
        if dots == 0 || colons > 0 {
          return position(of: UInt8(ascii: "/"), bytes, range) || isMaskedAddress(bytes, range)
        }
      }
    }
    return dots == 3 || colons > 1 || dots > 0
  }

  /// `x.x.x.x`, `<MY_IP>`: also a text that may be a masked name where nothing tells.
  private static func isMaskedAddress(_ bytes: ByteView, _ range: Range<Int>) -> Bool {
    guard
      bytes[range].contains(where: {
        MaskedText.isMask($0) || $0 == UInt8(ascii: "<") || $0 == UInt8(ascii: "[")
          || $0 < UInt8(ascii: "[") && $0 > UInt8(ascii: "@")
      })
    else { return false }
    let text = Array(bytes[range])
    return text.count > 1 && (MaskedText.read(text, .address(.ipv4)) ?? MaskedText.read(text, .address(.ipv6))) != nil
  }

  private static func position(of byte: UInt8, _ bytes: ByteView, _ range: Range<Int>) -> Bool {
    bytes[range].contains(byte)
  }
}

extension ByteCursor {
  /// Takes a counter as a listing prints it: `12`, `319K`, `44M`; the letters stand for powers of a thousand.
  ///
  /// Source: `xtables_print_num` of iptables.
  mutating func eatScaledNumber() -> UInt64? {
    let start = at
    guard let number = eatDecimal() else { return nil }
    let factor: UInt64
    switch peek {
    case UInt8(ascii: "K"): factor = 1000
    case UInt8(ascii: "M"): factor = 1_000_000
    case UInt8(ascii: "G"): factor = 1_000_000_000
    case UInt8(ascii: "T"): factor = 1_000_000_000_000
    default: return number
    }
    let (product, overflow) = number.multipliedReportingOverflow(by: factor)
    guard !overflow else {
      at = start
      return nil
    }
    at += 1
    return product
  }
}
