/// A line of a batch cut into what makes a difference for the answer and what the answer merely gives back: the name of the question and, where
/// no rule looks at it, the source port.
///
/// Only plain lines are cut: one object of texts and numbers without escapes. All others are read as they are.
package struct QuestionLine {
  /// The line without the two.
  let pattern: [UInt8]
  /// The name of the question as it stands in the line.
  var id: ArraySlice<UInt8>? { name.map { bytes[$0] } }
  /// The digits of the source port, where it makes no difference.
  var sourcePort: ArraySlice<UInt8>? { port.map { bytes[$0] } }

  /// A number that lines with the same pattern share.
  let hash: Int

  private let bytes: [UInt8]
  private let name: Range<Int>?
  private let port: Range<Int>?

  /// Cuts a line; nil of one that is not plain.
  ///
  /// - Parameters:
  ///   - bytes: A text.
  ///   - line: The place of the line in it, without its end.
  ///   - keepsSourcePort: Whether the source port makes a difference.
  package init?(_ bytes: [UInt8], _ line: Range<Int>, keepsSourcePort: Bool) {
    var members = PlainMembers(bytes, line)
    guard let (name, port) = members.cut(keepsSourcePort: keepsSourcePort) else { return nil }
    self.bytes = bytes
    self.name = name
    self.port = port
    var gaps = (name, port)
    if let name, let port, port.lowerBound < name.lowerBound { gaps = (port, name) }
    var pattern: [UInt8] = []
    pattern.reserveCapacity(line.count)
    var from = line.lowerBound
    func take(upTo gap: Range<Int>?) {
      guard let gap else { return }
      pattern.append(contentsOf: bytes[from..<gap.lowerBound])
      from = gap.upperBound
    }
    take(upTo: gaps.0)
    take(upTo: gaps.1)
    take(upTo: line.upperBound..<line.upperBound)
    self.pattern = pattern
    var hasher = Hasher()
    unsafe pattern.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    hash = hasher.finalize()
  }
}

extension QuestionLine {
  /// Writes what stands in a gap of an answer.
  func write(_ gap: AnswerTemplate.Gap, to answer: inout [UInt8]) {
    guard let place = gap.isID ? name : port else { return }
    unsafe bytes.withUnsafeBufferPointer { bytes in
      unsafe answer.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[place]))
    }
  }
}

/// Finds the members of a line that is one plain object.
private struct PlainMembers {
  private let bytes: [UInt8]
  private var place: Int
  private let end: Int
  private var name: Range<Int>?
  private var port: Range<Int>?
  /// Whether the question is about a later packet of a connection: of an answer, the destination port is the first packet's source port.
  private var isOfConnection = false

  init(_ bytes: [UInt8], _ line: Range<Int>) {
    self.bytes = bytes
    place = line.lowerBound
    end = line.upperBound
  }

  /// The name and the source port, as far as they are to be cut out; nil where the line is not as plain as it must be.
  mutating func cut(keepsSourcePort: Bool) -> (name: Range<Int>?, port: Range<Int>?)? {
    guard takeObject() else { return nil }
    if let name, !isPlainName(name) { return nil }
    guard let port, !keepsSourcePort && !isOfConnection else { return (name, nil) }
    return isPort(port) ? (name, port) : nil
  }

  /// A text that is printed as it stands, or a whole number.
  private func isPlainName(_ text: Range<Int>) -> Bool {
    if bytes[text.lowerBound - 1] == 0x22 {
      for at in text where bytes[at] >= 0x7f { return false }
      return true
    }
    return isNumber(text)
  }

  private func isPort(_ digits: Range<Int>) -> Bool {
    guard digits.count <= 5, isNumber(digits) else { return false }
    var number = 0
    for at in digits { number = number * 10 + Int(bytes[at] - 0x30) }
    return number <= 65535
  }

  /// Whether a text is a whole number without zeros before it.
  private func isNumber(_ digits: Range<Int>) -> Bool {
    if digits.isEmpty { return false }
    if bytes[digits.lowerBound] == 0x30, digits.count > 1 { return false }
    for at in digits where bytes[at] < 0x30 || bytes[at] > 0x39 { return false }
    return true
  }

  /// Goes through an object and what may stand behind it; false where it is not plain.
  private mutating func takeObject() -> Bool {
    guard take(0x7b) else { return false }
    repeat {
      guard take(0x22), let key = takeText(), take(0x3a), let value = takeValue() else {
        return false
      }
      if isKey(key, "id") {
        if name != nil { return false }
        name = value
      } else if isKey(key, "sport") {
        if port != nil { return false }
        port = value
      } else if isKey(key, "state") || isKey(key, "reply") {
        isOfConnection = true
      }
    } while take(0x2c)
    guard take(0x7d) else { return false }
    skipSpace()
    return place == end
  }

  private func isKey(_ key: Range<Int>, _ name: StaticString) -> Bool {
    guard key.count == name.utf8CodeUnitCount else { return false }
    return name.withUTF8Buffer { letters in
      for offset in 0..<key.count where unsafe bytes[key.lowerBound + offset] != letters[offset] { return false }
      return true
    }
  }

  private mutating func skipSpace() {
    while place < end, bytes[place] == 0x20 || bytes[place] == 0x09 || bytes[place] == 0x0d {
      place += 1
    }
  }

  /// Takes a byte and the space before it.
  private mutating func take(_ byte: UInt8) -> Bool {
    skipSpace()
    guard place < end, bytes[place] == byte else { return false }
    place += 1
    return true
  }

  /// Takes a text up to its closing quotation mark; nil of one with escapes.
  private mutating func takeText() -> Range<Int>? {
    let start = place
    while place < end {
      let byte = bytes[place]
      place += 1
      if byte == 0x22 { return start..<place - 1 }
      if byte == 0x5c || byte < 0x20 { return nil }
    }
    return nil
  }

  /// Takes a text, a number or a word.
  private mutating func takeValue() -> Range<Int>? {
    if take(0x22) { return takeText() }
    let start = place
    while place < end {
      switch bytes[place] {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2b, 0x2d, 0x2e: place += 1
      default: return place > start ? start..<place : nil
      }
    }
    return nil
  }
}
