import RuleGraph

/// Writes JSON text (RFC 8259) piece by piece, on one line or indented.
///
///     var json = JSONWriter(indented: false)
///     json.object { json in json.member("rule", 4) }
///     String(decoding: json.bytes, as: UTF8.self)   // {"rule": 4}
struct JSONWriter: Sendable {
  /// The text so far.
  private(set) var bytes: [UInt8] = []
  private let indented: Bool
  private var depth = 0
  private var isFirst = true
  private var isBehindKey = false
  private var flatDepth = 0

  /// Makes a writer; `indented` puts members on lines of their own.
  init(indented: Bool) { self.indented = indented }

  /// Writes an object; `flat` keeps it on one line.
  mutating func object(flat: Bool = false, _ content: (inout JSONWriter) -> Void) {
    container(UInt8(ascii: "{"), UInt8(ascii: "}"), flat: flat, content)
  }

  /// Writes an array; `flat` keeps it on one line.
  mutating func array(flat: Bool = false, _ content: (inout JSONWriter) -> Void) {
    container(UInt8(ascii: "["), UInt8(ascii: "]"), flat: flat, content)
  }

  private mutating func container(_ open: UInt8, _ close: UInt8, flat: Bool, _ content: (inout JSONWriter) -> Void) {
    beginValue()
    bytes.append(open)
    depth += 1
    if flat { flatDepth += 1 }
    isFirst = true
    content(&self)
    depth -= 1
    if !isFirst { breakLine() }
    if flat { flatDepth -= 1 }
    bytes.append(close)
    isFirst = false
  }

  /// Writes the key of the next value.
  mutating func key(_ name: String) {
    beginValue()
    quoted(name)
    bytes.append(UInt8(ascii: ":"))
    bytes.append(UInt8(ascii: " "))
    isBehindKey = true
  }

  /// Writes a text, or null.
  mutating func value(_ text: String?) {
    beginValue()
    if let text { quoted(text) } else { bytes += "null".utf8 }
  }

  /// Writes a whole number, or null.
  mutating func value(_ number: (some BinaryInteger)?) {
    beginValue()
    // Small numbers are printed several times faster as such.
    bytes += (number.map { UInt64(exactly: $0).map { String($0) } ?? String($0) } ?? "null").utf8
  }

  /// Writes true or false, or null.
  mutating func value(_ flag: Bool?) {
    beginValue()
    bytes += (flag.map { $0 ? "true" : "false" } ?? "null").utf8
  }

  /// Writes a key and its text.
  mutating func member(_ name: String, _ text: String?) {
    key(name)
    value(text)
  }

  /// Writes a key and its number.
  mutating func member(_ name: String, _ number: (some BinaryInteger)?) {
    key(name)
    value(number)
  }

  /// Writes a key and its flag.
  mutating func member(_ name: String, _ flag: Bool?) {
    key(name)
    value(flag)
  }

  /// Writes a key and a list of texts on one line.
  mutating func member(_ name: String, _ texts: [String]) {
    key(name)
    array(flat: true) { json in for text in texts { json.value(text) } }
  }

  /// Ends the line, between the objects of a list of lines.
  mutating func endLine() {
    bytes.append(UInt8(ascii: "\n"))
    isFirst = true
  }

  private mutating func beginValue() {
    if isBehindKey {
      isBehindKey = false
      return
    }
    guard depth > 0 else { return }
    if !isFirst {
      bytes.append(UInt8(ascii: ","))
      if flatDepth > 0 || !indented { bytes.append(UInt8(ascii: " ")) }
    }
    isFirst = false
    breakLine()
  }

  private mutating func breakLine() {
    guard indented, flatDepth == 0 else { return }
    bytes.append(UInt8(ascii: "\n"))
    bytes += repeatElement(UInt8(ascii: " "), count: 2 * depth)
  }

  private mutating func quoted(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    if appendPlain(text) {
      bytes.append(UInt8(ascii: "\""))
      return
    }
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\":
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(UInt8(ascii: scalar))
      case "\n": bytes += "\\n".utf8
      case "\r": bytes += "\\r".utf8
      case "\t": bytes += "\\t".utf8
      default:
        if scalar.steersDisplay { escape(scalar) } else { bytes += String(scalar).utf8 }
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// Writes a character by its number: JSON is looked at on terminals, too.
  private mutating func escape(_ scalar: Unicode.Scalar) {
    for unit in String(scalar).utf16 {
      let digits = String(unit, radix: 16)
      bytes += ("\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits).utf8
    }
  }

  /// Appends a text in which nothing needs a backslash, as nearly all are; false, and nothing is done, of another one.
  private mutating func appendPlain(_ text: String) -> Bool {
    let letters = text.utf8.span
    var special: UInt8 = 0
    for index in letters.indices {
      let byte = letters[index]
      special |= byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte >= 0x7f ? 1 : 0
    }
    guard special == 0 else { return false }
    bytes.append(contentsOf: text.utf8)
    return true
  }
}
