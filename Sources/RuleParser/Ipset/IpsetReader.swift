import RuleGraph

/// Reads what `ipset save` and `ipset list` print (ipset(8)): the members of the sets that iptables' `-m set` names.
enum IpsetReader {
  /// Reads one output of either form; `ipset list -t` leaves the members unknown.
  static func read(_ text: DumpText) -> RuleFragment {
    var reading = IpsetReading(text)
    if reading.hasStrangers,
      let unfolded = FoldedRecords.unfolded(text, begins: { FoldedRecords.beginsSetCommand(text, $0) })
    {
      reading = IpsetReading(unfolded)
    }
    return RuleFragment(ipsets: reading.sets, diagnostics: reading.diagnostics)
  }

  /// Reads a member as a command gives it, of a set that is there; nil where it can't be read.
  static func element(_ text: DumpText, of set: NamedSet) -> SetElement? {
    let reading = IpsetReading(text, sets: [set])
    guard reading.diagnostics.isEmpty, let element = reading.sets.first?.elements.last else { return nil }
    return element.masks.isEmpty ? element : nil
  }
}

/// The state between the lines.
private struct IpsetReading: ~Copyable {
  let text: DumpText
  var sets: [NamedSet] = []
  var indexes: [String: Int] = [:]
  var diagnostics: [Diagnostic] = []
  /// The set whose lines of a listing are read, and whether its members have begun.
  var listed: Int?
  var inMembers = false
  /// How many members the head of each listed set says it has.
  var announced: [Int: (count: UInt64, line: DumpLine)] = [:]
  var elements: IpsetElementReader
  /// The set of the last line, since a save has the members of one set in a row.
  var last: (name: ArraySlice<UInt8>, index: Int)?

  /// Whether there are lines of a save that are no command, as the rest of a folded line is none.
  var hasStrangers = false

  init(_ text: DumpText, sets: [NamedSet] = []) {
    self.text = text
    self.sets = sets
    indexes = Dictionary(sets.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    elements = IpsetElementReader(bytes: text.bytes)
    for line in text.lines { read(line) }
    finish()
  }

  mutating func read(_ line: DumpLine) {
    var cursor = text.cursor(line)
    cursor.eatBlanks()
    if let listed, inMembers, MaskedText.isElision(text.bytes[cursor.at..<trimmedEnd(cursor)]) {
      elide(cursor.text(cursor.at..<trimmedEnd(cursor)), listed, line, at: cursor.at)
      return
    }
    if cursor.isAtEnd || cursor.peek == UInt8(ascii: "\r") || cursor.peek == UInt8(ascii: "#") {
      inMembers = false
      return
    }
    if cursor.eat("Name: ") {
      beginListedSet(&cursor, line)
    } else if let listed, inMembers {
      add(&cursor, to: listed, line)
    } else if let listed, readHead(&cursor, listed, line) {
      return
    } else {
      readCommand(&cursor, line)
    }
  }

  // MARK: ipset list

  mutating func beginListedSet(_ cursor: inout ByteCursor, _ line: DumpLine) {
    cursor.eatBlanks()
    guard let word = cursor.eatWord() else { return unreadable(line, at: cursor.at) }
    var set = NamedSet(cursor.text(word), keyTypes: [], span: text.span(line))
    set.elementsKnown = false
    listed = add(set)
    inMembers = false
  }

  /// Reads the lines between `Name:` and `Members:`. False when the line is none of them.
  mutating func readHead(_ cursor: inout ByteCursor, _ index: Int, _ line: DumpLine) -> Bool {
    if cursor.eat("Type: ") {
      cursor.eatBlanks()
      guard let word = cursor.eatWord() else { return false }
      setType(cursor.text(word), of: index)
    } else if cursor.eat("Header: ") {
      readOptions(&cursor, index)
    } else if cursor.eat("Members:") {
      inMembers = true
      sets[index].elementsKnown = true
    } else if cursor.eat("Number of entries:") {
      cursor.eatBlanks()
      if let count = cursor.eatDecimal() { announced[index] = (count, line) }
    } else {
      return cursor.eat("Revision:") || cursor.eat("Size in memory:") || cursor.eat("References:")
    }
    return true
  }

  /// The end of a line without blanks behind its last word.
  private func trimmedEnd(_ cursor: ByteCursor) -> Int {
    var end = cursor.end
    while end > cursor.at, cursor.bytes[end - 1] <= UInt8(ascii: " ") { end -= 1 }
    return end
  }

  /// Members that the paste leaves out.
  private mutating func elide(_ words: String, _ index: Int, _ line: DumpLine, at offset: Int) {
    sets[index].elements.append(.elided(words))
    diagnostics.append(.masked(words, span: text.span(line), column: offset - line.start + 1))
  }

  /// Compares what the heads of listed sets say with what was listed.
  mutating func finish() {
    for (index, (count, line)) in announced.sorted(by: { $0.key < $1.key }) {
      let set = sets[index]
      guard set.elementsKnown, UInt64(set.elements.count) < count, !set.elements.contains(where: \.isElision) else {
        continue
      }
      sets[index].elements.append(.elided("..."))
      diagnostics.append(
        Diagnostic(
          "incomplete-set", .warning,
          "set '\(set.name)' has \(count) members, and the dump shows \(set.elements.count): what else it holds is unknown",
          span: text.span(line)))
    }
  }

  // MARK: ipset save

  mutating func readCommand(_ cursor: inout ByteCursor, _ line: DumpLine) {
    listed = nil
    if cursor.eat("ipset ") { cursor.eatBlanks() }
    if cursor.eat("create ") || cursor.eat("-N ") {
      cursor.eatBlanks()
      guard let name = cursor.eatWord(), cursor.eatBlanks() > 0, let type = cursor.eatWord() else {
        return unreadable(line, at: cursor.at)
      }
      let index = add(NamedSet(cursor.text(name), keyTypes: [], span: text.span(line)))
      setType(cursor.text(type), of: index)
      readOptions(&cursor, index)
    } else if cursor.eat("add ") || cursor.eat("-A ") {
      cursor.eatBlanks()
      guard let name = cursor.eatWord() else { return unreadable(line, at: cursor.at) }
      guard let index = index(name) else {
        diagnostics.append(
          Diagnostic(
            "ipset-unknown-set", .warning, "an element of set '\(cursor.text(name))', which the dump does not create",
            span: text.span(line), column: name.lowerBound - line.start + 1))
        return
      }
      cursor.eatBlanks()
      add(&cursor, to: index, line)
    } else if let last = sets.indices.last, MaskedText.isElision(text.bytes[cursor.at..<trimmedEnd(cursor)]) {
      elide(cursor.text(cursor.at..<trimmedEnd(cursor)), last, line, at: cursor.at)
    } else if !cursor.eat("COMMIT"), !readChange(&cursor) {
      unreadable(line, at: cursor.at)
    }
  }

  // MARK: Commands

  /// `del`, `flush`, `destroy`, `rename` and `swap`, as people type them. False when the line is none of them.
  mutating func readChange(_ cursor: inout ByteCursor) -> Bool {
    guard let word = cursor.eatWord() else { return false }
    let verb = cursor.text(word)
    guard ["del", "flush", "destroy", "rename", "swap"].contains(verb) else { return false }
    cursor.eatBlanks()
    let name = cursor.eatWord()
    let index = name.map { indexes[cursor.text($0)] } ?? nil
    cursor.eatBlanks()
    switch verb {
    case "del":
      guard let index else { return true }
      if let element = elements.read(&cursor, of: sets[index]) {
        sets[index].elements.removeAll { $0.key == element.key && $0.member == element.member }
      } else {
        sets[index].elements = []
        sets[index].elementsKnown = false
      }
    case "flush":
      for at in sets.indices where name == nil || at == index {
        sets[at].elements = []
        sets[at].elementsKnown = true
      }
    case "destroy":
      if let index { sets.remove(at: index) } else if name == nil { sets = [] }
    default:
      guard let index, let second = cursor.eatWord() else { return true }
      let other = cursor.text(second)
      if verb == "swap", let second = indexes[other] { sets[second].name = sets[index].name }
      sets[index].name = other
    }
    last = nil
    indexes = Dictionary(sets.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    return true
  }

  func index(_ name: Range<Int>) -> Int? {
    if let last, last.name.elementsEqual(text.bytes[name]) { return last.index }
    return indexes[String(decoding: text.bytes[name], as: UTF8.self)]
  }

  // MARK: Both

  /// Adds a set; a second set of the same name takes the place of the first.
  mutating func add(_ set: NamedSet) -> Int {
    last = nil
    if let index = indexes[set.name] {
      sets[index] = set
      return index
    }
    sets.append(set)
    indexes[set.name] = sets.count - 1
    return sets.count - 1
  }

  mutating func setType(_ type: String, of index: Int) {
    sets[index].ipsetType = type
    sets[index].keyTypes = IpsetType.keyTypes(type)
    if type.hasPrefix("bitmap:"), type != "bitmap:port" { sets[index].family = .ipv4 }
    if sets[index].keyTypes.isEmpty {
      sets[index].elementsKnown = false
      diagnostics.append(
        Diagnostic(
          "ipset-unknown-type", .warning,
          "set '\(sets[index].name)' has the unknown type '\(type)': its members are unknown",
          span: sets[index].span))
    }
  }

  /// `family inet hashsize 1024 maxelem 65536 timeout 300 counters`
  mutating func readOptions(_ cursor: inout ByteCursor, _ index: Int) {
    while cursor.eatBlanks() >= 0, let word = cursor.eatWord() {
      let name = cursor.text(word)
      switch name {
      case "counters", "comment", "skbinfo", "forceadd", "wildcard":
        sets[index].flags.append(name)
      default:
        cursor.eatBlanks()
        guard let range = cursor.eatWord() else { return }
        let value = cursor.text(range)
        if name == "family" {
          sets[index].family = value == "inet6" ? .ipv6 : .ipv4
        } else if name == "timeout" {
          sets[index].flags.append(name)
          sets[index].arguments.append(Argument(name, value))
        } else if name != "initval" {
          sets[index].arguments.append(Argument(name, value))
        }
        if name == "bitmask", Prefix.length(ofMask: IPAddress(value) ?? IPAddress(ipv4: 0)) == nil {
          sets[index].elementsKnown = false
        }
      }
    }
  }

  mutating func add(_ cursor: inout ByteCursor, to index: Int, _ line: DumpLine) {
    guard !sets[index].keyTypes.isEmpty else { return }
    let start = cursor.at
    if let element = elements.read(&cursor, of: sets[index]) {
      sets[index].elements.append(element)
      guard !element.masks.isEmpty else { return }
      for value in element.maskedValues {
        diagnostics.append(.masked(value.text, span: text.span(line), column: start - line.start + 1))
      }
    } else {
      // A set with a member that nobody can read can't be said not to hold an address.
      sets[index].elements.append(.elided("..."))
      diagnostics.append(
        Diagnostic(
          "ipset-element-not-read", .warning,
          "this member was not understood: whether set '\(sets[index].name)' holds a packet is unknown",
          span: text.span(line), column: cursor.at - line.start + 1))
    }
  }

  mutating func unreadable(_ line: DumpLine, at offset: Int) {
    hasStrangers = true
    diagnostics.append(
      Diagnostic(
        "unreadable-line", .warning, "this line is not part of an ipset dump and was skipped", span: text.span(line),
        column: offset - line.start + 1, expected: "create, add, or Name:"))
  }
}

/// The types of sets (ipset(8), "SET TYPES").
enum IpsetType {
  /// The parts of a type's key, a port as protocol and port; empty when the type is unknown.
  static func keyTypes(_ type: String) -> [String] {
    guard known.contains(type), let colon = type.firstIndex(of: ":") else { return [] }
    return type[type.index(after: colon)...].split(separator: ",").flatMap { part in
      part == "port" ? ["proto", "port"] : [String(part)]
    }
  }

  private static let known: Set<String> = [
    "bitmap:ip", "bitmap:ip,mac", "bitmap:port", "hash:ip", "hash:mac", "hash:ip,mac", "hash:net", "hash:net,net",
    "hash:ip,port", "hash:net,port", "hash:ip,port,ip", "hash:ip,port,net", "hash:net,port,net", "hash:ip,mark",
    "hash:net,iface", "list:set",
  ]
}
