import Glibc

/// The lines of a batch or a log, read a block of whole lines at a time: a file of any size, or a pipe whose other end
/// waits for each answer.
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

  private let source: ByteSource
  private let blockSize: Int
  /// The beginning of a line whose end was not read yet.
  private var rest: [UInt8] = []
  private var isAtEnd = false
  private var blocks = 0
  private var lines = 0

  /// A longer line is no question.
  private static let longestLine = 1 << 26

  /// Opens a file; `-` is standard input.
  ///
  /// - Parameters:
  ///   - path: Its path.
  ///   - blockSize: How many bytes are read at a time: so many that the work on a block outweighs handing it over, and
  ///     so few that all cores get some of a short file.
  init(_ path: String, blockSize: Int = 1 << 14) throws(Failure) {
    source = try ByteSource(path)
    self.blockSize = blockSize
  }

  /// The next lines, as soon as there are some; nil at the end.
  mutating func next() throws(Failure) -> Block? {
    while !isAtEnd {
      let read = try source.read(limit: blockSize)
      if read.isEmpty {
        isAtEnd = true
        break
      }
      guard let end = read.lastIndex(of: UInt8(ascii: "\n")) else {
        rest += read
        if rest.count > Self.longestLine {
          throw Failure("\(source.name): line \(lines + 1) is longer than 64 megabytes")
        }
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
