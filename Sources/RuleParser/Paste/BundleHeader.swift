/// The lines that part a capture bundle.
///
/// A bundle is a text that `fwtrace capture` prints, readable and safe to edit. It begins with `#### fwtrace capture 1`
/// and words about when and where (`date=2026-11-21T03:27:29Z host=web1 kernel=6.18.0`); each part begins with `####
/// fwtrace: ` and the command line, and all lines up to the next such line are what the command printed, also when that
/// is nothing. For text that other tools collected, `===== command: iptables -t nat -vnL` and the like (three or more
/// of `=`, `#`, `-` or `*` before, any number behind) part as well.
///
/// `#### fwtrace could not read: ` and a sentence say what is missing from the bundle, and `#### fwtrace capture ends`
/// is its last line.
enum BundleHeader {
  case capture(String)
  case end
  case unread(String)
  /// A command line, and whether `fwtrace capture` wrote it: in Markdown, fences stand around the output.
  case command(String, isOwn: Bool)

  /// Whether a line begins as such a line does: with two of its marks.
  static func mayBegin(_ bytes: ByteView, _ line: DumpLine) -> Bool {
    guard line.end - line.start > 3 else { return false }
    let mark = bytes[line.start]
    return
      (mark == UInt8(ascii: "#") || mark == UInt8(ascii: "=") || mark == UInt8(ascii: "-") || mark == UInt8(ascii: "*"))
      && bytes[line.start + 1] == mark
  }

  init?(_ bytes: ByteView, _ line: DumpLine) {
    guard Self.mayBegin(bytes, line) else { return nil }
    let mark = bytes[line.start]
    var cursor = ByteCursor(bytes, line.start..<min(line.end, line.start + 1000))
    let marks = cursor.eat { $0 == mark }
    guard marks.count >= 3, cursor.eatBlanks() > 0 else { return nil }
    if cursor.eat("fwtrace capture ends") {
      self = .end
      return
    }
    if cursor.eat("fwtrace capture 1") {
      self = .capture(cursor.text(cursor.at..<cursor.end).trimmedBlanks)
      return
    }
    if cursor.eat("fwtrace could not read: ") {
      self = .unread(cursor.text(cursor.at..<cursor.end).trimmedBlanks)
      return
    }
    let isOwn = cursor.eat("fwtrace: ")
    guard isOwn || cursor.eat("command: ") || cursor.eat("cmd: ") || cursor.eat("$ ") else {
      return nil
    }
    var end = cursor.end
    while end > cursor.at, bytes[end - 1] == mark || bytes[end - 1] == UInt8(ascii: " ") { end -= 1 }
    let command = cursor.text(cursor.at..<end)
    guard !command.isEmpty else { return nil }
    self = .command(command, isOwn: isOwn)
  }
}
