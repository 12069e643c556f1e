/// The bytes of a text that was read. They never change, and lie in one piece.
///
/// Copies share the bytes, which go when the last copy does.
///
///     let bytes = SourceBytes(Array("*nat\n".utf8))
///     bytes.count                                  // 5
///     String(decoding: bytes[0..<4], as: UTF8.self)   // *nat
public struct SourceBytes: RandomAccessCollection, Sendable {
  private let memory: Memory

  /// Makes a copy of bytes.
  public init(_ bytes: [UInt8]) {
    let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
    _ = unsafe buffer.initialize(fromContentsOf: bytes)
    memory = unsafe Memory(UnsafeBufferPointer(buffer)) { unsafe $0.deallocate() }
  }

  /// Takes over memory that holds bytes and stays as it is until it is given back.
  ///
  /// - Parameter giveBack: What is done with the memory once nobody looks at it any more, such as munmap(2).
  @unsafe public init(
    memory: UnsafeBufferPointer<UInt8>, giveBack: @escaping @Sendable (UnsafeBufferPointer<UInt8>) -> Void
  ) {
    self.memory = unsafe Memory(memory, giveBack)
  }

  /// Zero.
  public var startIndex: Int { 0 }

  /// The number of bytes.
  public var endIndex: Int { unsafe memory.buffer.count }

  /// The byte at a place.
  public subscript(place: Int) -> UInt8 {
    precondition(place >= 0 && place < endIndex, "there is no such byte")
    return unsafe memory.buffer[place]
  }

  /// Calls a function with the bytes as they lie in memory.
  public func withContiguousStorageIfAvailable<Result>(
    _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
  ) rethrows -> Result? {
    try unsafe body(memory.buffer)
  }

  /// The bytes as they lie in memory, for as long as this value is there.
  @unsafe package var buffer: UnsafeBufferPointer<UInt8> { unsafe memory.buffer }
}

extension SourceBytes: Hashable {
  /// Whether the bytes are the same.
  public static func == (a: SourceBytes, b: SourceBytes) -> Bool { a.memory === b.memory || a.elementsEqual(b) }

  /// Feeds the bytes into a hasher.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(count)
    unsafe hasher.combine(bytes: UnsafeRawBufferPointer(memory.buffer))
  }
}

/// Memory that nobody writes to, so that several threads may look at it.
@safe private final class Memory: @unchecked Sendable {
  let buffer: UnsafeBufferPointer<UInt8>
  private let giveBack: @Sendable (UnsafeBufferPointer<UInt8>) -> Void

  init(_ buffer: UnsafeBufferPointer<UInt8>, _ giveBack: @escaping @Sendable (UnsafeBufferPointer<UInt8>) -> Void) {
    unsafe self.buffer = buffer
    unsafe self.giveBack = giveBack
  }

  deinit { unsafe giveBack(buffer) }
}
