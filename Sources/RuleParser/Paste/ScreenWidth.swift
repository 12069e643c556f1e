/// How wide the screen is that watch(1) writes on.
enum ScreenWidth {
  /// The columns, as the first line of a screen tells them: watch puts the host's name and the time at its right edge.
  /// Nil where nothing stands there.
  ///
  ///     Every 2.0s: iptables -vnL INPUT                     fw: Sun Nov 29 13:19:54 2026
  static func columns(_ bytes: ByteView, _ line: DumpLine) -> Int? {
    var end = line.end
    while end > line.start, bytes[end - 1] <= UInt8(ascii: " ") { end -= 1 }
    var words = Words(bytes, line.start..<end)
    var before = line.start
    while let word = words.next() {
      // The gap before the right half.
      if word.lowerBound > before + 1, before > line.start { return FoldWidth.columns(bytes, line.start..<end) }
      before = word.upperBound
    }
    return nil
  }
}
