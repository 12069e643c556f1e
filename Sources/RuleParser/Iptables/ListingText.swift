/// The free text at the end of a line of `iptables -L`, where every extension prints in its own prose.
struct ListingText {
  /// The position in the line.
  var cursor: ByteCursor

  /// Whether only blanks are left.
  var isAtEnd: Bool {
    var rest = cursor
    rest.eatBlanks()
    return rest.isAtEnd
  }

  /// Takes one whole word, which may have blanks before it.
  mutating func eat(word: StaticString) -> Bool {
    let start = cursor.at
    cursor.eatBlanks()
    if cursor.eat(word), cursor.isAtEnd || cursor.peek == UInt8(ascii: " ") || cursor.peek == UInt8(ascii: "\t") {
      return true
    }
    cursor.at = start
    return false
  }

  /// Takes the beginning of a word (`dpt:`), which may have blanks before it.
  mutating func eat(prefix: StaticString) -> Bool {
    let start = cursor.at
    cursor.eatBlanks()
    if cursor.eat(prefix) { return true }
    cursor.at = start
    return false
  }

  /// Takes a `!`, glued to the next word or not.
  mutating func eatNegation() -> Bool { eat(prefix: "!") }

  /// Takes the next word, whatever it is.
  mutating func eatValue() -> Range<Int>? {
    let start = cursor.at
    cursor.eatBlanks()
    guard let word = cursor.eatWord() else {
      cursor.at = start
      return nil
    }
    return word
  }

  /// Takes what stands between quotation marks; the closing one is the last on the line that a blank or the end
  /// follows, or else the next.
  mutating func eatQuoted() -> Range<Int>? {
    let start = cursor.at
    guard eat(prefix: "\"") else { return nil }
    let from = cursor.at
    var position = from
    while position < cursor.end {
      if cursor.bytes[position] == UInt8(ascii: "\""),
        position + 1 == cursor.end || cursor.bytes[position + 1] == UInt8(ascii: " ")
      {
        cursor.at = position + 1
        return from..<position
      }
      position += 1
    }
    cursor.at = start
    return nil
  }

  /// Takes what stands between quotation marks, in which a backslash protects the next byte.
  mutating func eatEscaped() -> Range<Int>? {
    let start = cursor.at
    guard eat(prefix: "\"") else { return nil }
    let from = cursor.at
    while let byte = cursor.peek {
      cursor.at += 1
      if byte == UInt8(ascii: "\"") { return from..<cursor.at - 1 }
      if byte == UInt8(ascii: "\\"), !cursor.isAtEnd { cursor.at += 1 }
    }
    cursor.at = start
    return nil
  }

  /// Takes a label and the value glued to it (`spi:7`), with a `!` between them or before both.
  mutating func eat(label: StaticString, as name: OptionLabel, _ found: inout [ExtensionOption]) -> Bool {
    guard eat(prefix: label) else { return false }
    let negated = eatNegation()
    guard let value = eatValue() else { return false }
    found.append(ExtensionOption(name: name, negated: negated, value: value))
    return true
  }

  /// Takes a word and the value behind it (`burst 5`), with a `!` before the value.
  mutating func eat(named word: StaticString, as name: OptionLabel, _ found: inout [ExtensionOption]) -> Bool {
    let start = cursor.at
    guard eat(word: word) else { return false }
    let negated = eatNegation()
    guard let value = eatValue() else {
      cursor.at = start
      return false
    }
    found.append(ExtensionOption(name: name, negated: negated, value: value))
    return true
  }

  /// Takes a word that stands for an option without a value.
  mutating func eat(flag word: StaticString, as name: OptionLabel, _ found: inout [ExtensionOption]) -> Bool {
    guard eat(word: word) else { return false }
    found.append(ExtensionOption(name: name))
    return true
  }

  /// Takes words that are options without their dashes (`ctstate NEW ! ctproto 6`), as long as there are some.
  ///
  /// False when the value of one is missing.
  mutating func eatOptions(_ spellings: [OptionSpelling], _ found: inout [ExtensionOption]) -> Bool {
    while true {
      let start = cursor.at
      let negated = eatNegation()
      guard let word = eatValue(), let spelling = spellings.first(where: { text(word, is: $0.name) }) else {
        cursor.at = start
        return true
      }
      var option = ExtensionOption(name: spelling.name, negated: negated)
      if spelling.values == .one || spelling.values == .two {
        if eatNegation() { option.negated.toggle() }
        guard let value = eatValue() else { return false }
        option.value = value
      }
      if spelling.values == .two {
        guard let value = eatValue() else { return false }
        option.second = value
      }
      found.append(option)
    }
  }

  /// Whether a range of the line is exactly an option's name.
  func text(_ range: Range<Int>, is name: OptionLabel) -> Bool {
    cursor.bytes.isEqual(range, to: name.bytes, 0..<name.bytes.count)
  }

  /// Whether a range of the line is exactly this text.
  func text(_ range: Range<Int>, is text: String) -> Bool {
    let expected = text.utf8
    guard range.count == expected.count else { return false }
    var position = range.lowerBound
    for byte in expected {
      if cursor.bytes[position] != byte { return false }
      position += 1
    }
    return true
  }
}
