import RuleGraph

/// Brings inputs into the one form that everything here reads: UTF-8 (or any ASCII-compatible bytes) with line feeds.
enum InputEncoding {
  /// The text as it is kept and shown: UTF-16 with a byte order mark, as PowerShell's `>` writes it, becomes UTF-8, and
  /// carriage returns that alone end the lines become line feeds. Anything else stays as it is.
  static func normalised(_ source: SourceBytes) -> SourceBytes {
    let bytes = ByteView(source)
    if bytes.count >= 2, bytes[0] == 0xff && bytes[1] == 0xfe || bytes[0] == 0xfe && bytes[1] == 0xff {
      let low = bytes[0] == 0xff ? 0 : 1
      let units = stride(from: 2, to: bytes.count - 1, by: 2).map { at in
        UInt16(bytes[at + low]) | UInt16(bytes[at + 1 - low]) << 8
      }
      return SourceBytes(Array(String(decoding: units, as: UTF16.self).utf8))
    }
    if bytes.place(of: UInt8(ascii: "\n")) == nil, bytes.place(of: UInt8(ascii: "\r")) != nil {
      return SourceBytes(bytes.map { $0 == UInt8(ascii: "\r") ? UInt8(ascii: "\n") : $0 })
    }
    return source
  }
}
