/// Everything an answer about a host needs, as one readable text: each command and what it printed.
///
/// The text begins with a line of when and where, and each part with the command it is the output of:
///
///     #### fwtrace capture 1 date=2026-11-21T03:27:29Z host=web1 kernel=6.18.0 fwtrace=0.1.0
///     #### fwtrace: iptables-nft-save
///     *filter
///     ...
///
/// It is what `DumpReader` reads back. A live answer is read from the same text in memory, so that live answers and
/// answers from a bundle are equal by construction.
public struct CaptureBundle: Hashable, Sendable {
  /// The output of one command.
  public struct Part: Hashable, Sendable {
    /// The command line.
    public var command: String
    /// What it printed on standard output.
    public var output: [UInt8]

    /// Makes a part.
    public init(command: String, output: [UInt8]) {
      self.command = command
      self.output = output
    }
  }

  /// A word of the first line: `date=2026-11-21T03:27:29Z`.
  public struct Heading: Hashable, Sendable {
    /// The word before the equals sign.
    public var key: String
    /// The word behind it.
    public var value: String

    /// Makes a heading.
    public init(_ key: String, _ value: String) {
      self.key = key
      self.value = value
    }
  }

  /// When and where it was taken.
  public var headings: [Heading]
  /// The outputs, in the order in which they are written.
  public var parts: [Part] = []
  /// What should be here and could not be read, a sentence each.
  public var unread: [String] = []

  /// Makes an empty bundle.
  public init(headings: [Heading] = []) { self.headings = headings }

  /// The bundle's text.
  public var bytes: [UInt8] {
    var text = Array("#### fwtrace capture 1".utf8)
    for heading in headings {
      // A value is one word: what would end it becomes a question mark.
      text +=
        Array(" \(heading.key)=".utf8) + heading.value.utf8.map { $0 <= 0x20 || $0 == 0x7f ? UInt8(ascii: "?") : $0 }
    }
    text.append(UInt8(ascii: "\n"))
    for sentence in unread {
      text +=
        Array("#### fwtrace could not read: ".utf8) + sentence.utf8.map { $0 < 0x20 ? UInt8(ascii: " ") : $0 } + [
          UInt8(ascii: "\n")
        ]
    }
    for part in parts {
      text += Array("#### fwtrace: \(part.command)\n".utf8)
      Self.append(part.output, to: &text)
    }
    // A bundle without its last line was cut: what would stand behind is unknown.
    text += Array("#### fwtrace capture ends\n".utf8)
    return text
  }

  /// Appends an output. A line in it that looks like one that parts a bundle (process names and comments can be
  /// anybody's) is moved by one blank, so that no output can pass for another's.
  private static func append(_ output: [UInt8], to text: inout [UInt8]) {
    let marks: (UInt8) -> Bool = {
      $0 == UInt8(ascii: "#") || $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "*")
    }
    var start = output.startIndex
    while start < output.endIndex {
      let end = output[start...].firstIndex(of: UInt8(ascii: "\n")) ?? output.endIndex
      let line = output[start..<end]
      if line.count > 3, line.prefix(3).allSatisfy(marks) { text.append(UInt8(ascii: " ")) }
      text += line
      text.append(UInt8(ascii: "\n"))
      start = end + 1
    }
  }
}
