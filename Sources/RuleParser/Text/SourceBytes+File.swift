import Glibc
public import RuleGraph

extension SourceBytes {
  /// Maps the first bytes of an open file into memory, where they are the kernel's own copy; nil where that can't be
  /// done (mmap(2)).
  ///
  /// The file must not get shorter while it is looked at: what is gone of it can't be read (SIGBUS).
  ///
  /// - Parameters:
  ///   - descriptor: A regular file; it may be closed afterwards.
  ///   - count: How many bytes; at most as many as the file has.
  package init?(mapping descriptor: Int32, count: Int) {
    guard count > 0,
      let start = unsafe mmap(nil, count, PROT_READ, MAP_PRIVATE | MAP_POPULATE, descriptor, 0),
      unsafe start != MAP_FAILED
    else { return nil }
    let bytes = unsafe UnsafeRawBufferPointer(start: start, count: count).bindMemory(to: UInt8.self)
    unsafe self.init(memory: bytes) { bytes in
      _ = unsafe munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    }
  }

  /// The bytes of a file, which is mapped.
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
    if status.st_size == 0 {
      self.init([])
    } else {
      self.init(mapping: descriptor, count: Int(status.st_size))
    }
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
