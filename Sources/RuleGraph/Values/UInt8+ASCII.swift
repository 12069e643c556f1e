extension UInt8 {
  /// Whether the byte is one of the digits of ASCII.
  package var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }

  /// Whether the byte is one of the letters of ASCII.
  package var isLetter: Bool {
    // Capital and small letters differ in one bit.
    self | 0x20 >= UInt8(ascii: "a") && self | 0x20 <= UInt8(ascii: "z")
  }

  /// Whether the byte is a hexadecimal digit in ASCII.
  package var isHexDigit: Bool { isDigit || (self | 0x20 >= UInt8(ascii: "a") && self | 0x20 <= UInt8(ascii: "f")) }
}
