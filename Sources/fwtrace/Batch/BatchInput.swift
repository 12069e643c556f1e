import Glibc

/// The questions of a batch, read a block of whole lines at a time: a file of any size, or a pipe whose other end waits
/// for each answer.
struct BatchInput {
  /// Some whole lines.
  struct Block: Sendable {
    /// The place of the block in the input.
    var number: Int
    /// The lines with their ends; the last one may lack it.
    var bytes: [UInt8]
    /// The number of the first line, counted from 1.
    var firstLine: Int
  }

  private let descriptor: Int32
  private let name: String
  /// The beginning of a line whose end was not read yet.
  private var rest: [UInt8] = []
  private var isAtEnd = false
  private var blocks = 0
  private var lines = 0

  /// Large enough that the work on a block outweighs handing it over, small enough that all cores get some of a short
  /// file.
  private static let blockSize = 1 << 14
  /// A longer line is no question.
  private static let longestLine = 1 << 26

  /// Opens the questions; `-` is standard input.
  init(_ path: String) throws(Failure) {
    name = path == "-" ? "standard input" : path
    descriptor = path == "-" ? STDIN_FILENO : try DumpFiles.open(path)
  }

  /// The next lines, as soon as there are some; nil at the end.
  mutating func next() throws(Failure) -> Block? {
    while !isAtEnd {
      let read = try DumpFiles.read(from: descriptor, name: name, limit: Self.blockSize)
      if read.isEmpty {
        isAtEnd = true
        if descriptor != STDIN_FILENO { _ = close(descriptor) }
        break
      }
      guard let end = read.lastIndex(of: UInt8(ascii: "\n")) else {
        rest += read
        if rest.count > Self.longestLine { throw Failure("\(name): line \(lines + 1) is longer than 64 megabytes") }
        continue
      }
      let bytes = rest + read[...end]
      rest = Array(read[(end + 1)...])
      return block(bytes)
    }
    if rest.isEmpty { return nil }
    defer { rest = [] }
    return block(rest)
  }

  private mutating func block(_ bytes: [UInt8]) -> Block {
    let block = Block(number: blocks, bytes: bytes, firstLine: lines + 1)
    blocks += 1
    lines += Self.lineEnds(bytes)
    return block
  }

  private static func lineEnds(_ bytes: [UInt8]) -> Int {
    unsafe bytes.withUnsafeBytes { bytes in
      guard var place = bytes.baseAddress else { return 0 }
      let end = unsafe place + bytes.count
      var count = 0
      while let found = unsafe memchr(place, Int32(UInt8(ascii: "\n")), end - place) {
        count += 1
        unsafe place = UnsafeRawPointer(found) + 1
      }
      return count
    }
  }
}
