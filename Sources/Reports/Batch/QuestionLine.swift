/// A line of a batch cut into what makes a difference for the answer and what the answer merely gives back: the name of the question and, where
/// no rule looks at it, the source port.
///
/// Only plain lines are cut: one object of texts and numbers without escapes. All others are read as they are.
package struct QuestionLine {
  /// The line without the two.
  package private(set) var pattern: [UInt8] = []
  /// The name of the question as it stands in the line.
  package private(set) var id: [UInt8]?
  /// The digits of the source port, where it makes no difference.
  package private(set) var sourcePort: [UInt8]?

  /// Cuts a line; nil of one that is not plain.
  ///
  /// - Parameters:
  ///   - line: The line without its end.
  ///   - keepsSourcePort: Whether the source port makes a difference.
  package init?(_ line: ArraySlice<UInt8>, keepsSourcePort: Bool) {
    var reading = Reading(line)
    guard reading.takeObject(), let cut = reading.cut(keepsSourcePort: keepsSourcePort) else { return nil }
    var from = line.startIndex
    pattern.reserveCapacity(line.count)
    for (key, place) in cut {
      pattern += line[from..<place.lowerBound]
      from = place.upperBound
      if key == .id { id = Array(line[place]) } else { sourcePort = Array(line[place]) }
    }
    pattern += line[from...]
  }

  private enum Key { case id, sourcePort, connection, other }

  /// Finds the members of a line.
  private struct Reading {
    private let line: ArraySlice<UInt8>
    private var place: Int
    private var id: Range<Int>?
    private var sourcePort: Range<Int>?
    /// Whether the question is about a later packet of a connection: of an answer, the destination port is the first packet's source port.
    private var isOfConnection = false

    init(_ line: ArraySlice<UInt8>) {
      self.line = line
      place = line.startIndex
    }

    /// What is cut out, in the order of the line; nil where it is not as plain as it must be.
    func cut(keepsSourcePort: Bool) -> [(Key, Range<Int>)]? {
      var cut: [(Key, Range<Int>)] = []
      if let id {
        guard isPlainID(line[id]) else { return nil }
        cut.append((.id, id))
      }
      if let sourcePort, !keepsSourcePort, !isOfConnection {
        guard isPort(line[sourcePort]) else { return nil }
        let isFirst = id.map { sourcePort.lowerBound < $0.lowerBound } ?? true
        cut.insert((.sourcePort, sourcePort), at: isFirst ? 0 : 1)
      }
      return cut
    }

    /// A text that is printed as it stands, or a number without sign or fraction.
    private func isPlainID(_ text: ArraySlice<UInt8>) -> Bool {
      if text.startIndex > line.startIndex, line[text.startIndex - 1] == 0x22 { return text.allSatisfy { $0 < 0x7f } }
      return isNumber(text)
    }

    private func isPort(_ digits: ArraySlice<UInt8>) -> Bool {
      digits.count <= 5 && isNumber(digits) && digits.reduce(0) { $0 * 10 + Int($1 - 0x30) } <= 65535
    }

    /// Whether a text is a whole number without zeros before it.
    private func isNumber(_ digits: ArraySlice<UInt8>) -> Bool {
      guard let first = digits.first, first != 0x30 || digits.count == 1 else { return false }
      return digits.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
    }

    /// Goes through an object and what may stand behind it; false where it is not plain.
    mutating func takeObject() -> Bool {
      guard take(0x7b) else { return false }
      repeat {
        guard take(0x22), let name = takeText(), take(0x3a), let value = takeValue() else { return false }
        switch key(line[name]) {
        case .id:
          if id != nil { return false }
          id = value
        case .sourcePort:
          if sourcePort != nil { return false }
          sourcePort = value
        case .connection: isOfConnection = true
        case .other: break
        }
      } while take(0x2c)
      guard take(0x7d) else { return false }
      skipSpace()
      return place == line.endIndex
    }

    private func key(_ name: ArraySlice<UInt8>) -> Key {
      switch name.count {
      case 2 where name.elementsEqual("id".utf8): .id
      case 5 where name.elementsEqual("sport".utf8): .sourcePort
      case 5 where name.elementsEqual("state".utf8) || name.elementsEqual("reply".utf8): .connection
      default: .other
      }
    }

    private mutating func skipSpace() {
      while place < line.endIndex, line[place] == 0x20 || line[place] == 0x09 || line[place] == 0x0d { place += 1 }
    }

    /// Takes a byte and the space before it.
    private mutating func take(_ byte: UInt8) -> Bool {
      skipSpace()
      guard place < line.endIndex, line[place] == byte else { return false }
      place += 1
      return true
    }

    /// Takes a text up to its closing quotation mark; nil of one with escapes.
    private mutating func takeText() -> Range<Int>? {
      let start = place
      while place < line.endIndex {
        let byte = line[place]
        if byte == 0x22 {
          place += 1
          return start..<(place - 1)
        }
        if byte == 0x5c || byte < 0x20 { return nil }
        place += 1
      }
      return nil
    }

    /// Takes a text, a number or a word.
    private mutating func takeValue() -> Range<Int>? {
      if take(0x22) { return takeText() }
      let start = place
      while place < line.endIndex {
        switch line[place] {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2b, 0x2d, 0x2e: place += 1
        default: return place > start ? start..<place : nil
        }
      }
      return nil
    }
  }
}
