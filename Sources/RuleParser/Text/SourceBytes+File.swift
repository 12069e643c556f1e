import Glibc
public import RuleGraph

extension SourceBytes {
  /// Reads the bytes of an open file; nil where that fails, and `errno` then tells why.
  ///
  /// Whoever writes the dump anew meanwhile can't change or shorten what is looked at, as in a file that is mapped.
  ///
  /// - Parameters:
  ///   - descriptor: A regular file at its beginning; it may be closed afterwards.
  ///   - count: How many bytes at most.
  package init?(reading descriptor: Int32, count: Int) {
    let memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: count)
    var done = 0
    while done < count {
      let read = unsafe read(descriptor, memory.baseAddress?.advanced(by: done), count - done)
      if read < 0, errno == EINTR { continue }
      if read < 0 {
        unsafe memory.deallocate()
        return nil
      }
      if read == 0 { break }
      done += read
    }
    unsafe self.init(memory: UnsafeBufferPointer(rebasing: memory[..<done])) { bytes in unsafe bytes.deallocate() }
  }

  /// The bytes of a file.
  ///
  ///     let rules = DumpInput(name: path, bytes: try #require(SourceBytes(ofFile: path)))
  ///
  /// Nil when it can't be opened or is no regular file; `errno` then tells why.
  public init?(ofFile path: String) {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { _ = close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    self.init(reading: descriptor, count: Int(status.st_size))
  }
}

extension DumpInput {
  /// Makes an input of a file, by the path that it is opened with.
  ///
  /// Nil when it can't be opened or is no regular file, as the bytes of a file are.
  public init?(file path: String) {
    guard let bytes = SourceBytes(ofFile: path) else { return nil }
    self.init(name: path, bytes: bytes)
  }
}
