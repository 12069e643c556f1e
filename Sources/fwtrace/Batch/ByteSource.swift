import Glibc

/// The bytes of a file, a pipe or standard input; those of a file that gzip wrote are unpacked (RFC 1952).
final class ByteSource: @unchecked Sendable {
  /// What it is called in messages.
  let name: String
  private let descriptor: Int32
  private let unpacking: Unpacking?

  /// Opens a file; `-` is standard input.
  init(_ path: String) throws(Failure) {
    name = path == "-" ? "standard input" : path
    if path == "-" {
      descriptor = STDIN_FILENO
      unpacking = nil
      return
    }
    descriptor = try DumpFiles.open(path)
    unpacking = Self.isPacked(descriptor) ? try Unpacking(descriptor, name: path) : nil
  }

  deinit {
    // zlib closes what it was given.
    if unpacking == nil, descriptor != STDIN_FILENO { _ = close(descriptor) }
  }

  /// Reads at most so many bytes, whatever is there; none at the end.
  func read(limit: Int) throws(Failure) -> [UInt8] {
    if let unpacking { return try unpacking.read(limit: limit, name: name) }
    return try DumpFiles.read(from: descriptor, name: name, limit: limit)
  }

  /// Whether a file begins as gzip's do.
  private static func isPacked(_ descriptor: Int32) -> Bool {
    var magic: [UInt8] = [0, 0]
    return unsafe pread(descriptor, &magic, 2, 0) == 2 && magic == [0x1f, 0x8b]
  }
}

/// A file that gzip wrote, read through zlib, which is opened when it is needed.
@safe private final class Unpacking {
  private typealias Open = @convention(c) (Int32, UnsafePointer<CChar>?) -> UnsafeMutableRawPointer?
  private typealias Read = @convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, UInt32) -> Int32
  private typealias Problem =
    @convention(c) (UnsafeMutableRawPointer?, UnsafeMutablePointer<Int32>?) ->
    UnsafePointer<CChar>?
  private typealias Close = @convention(c) (UnsafeMutableRawPointer?) -> Int32

  private let file: UnsafeMutableRawPointer
  private let readFile: Read
  private let problem: Problem
  private let closeFile: Close

  init(_ descriptor: Int32, name: String) throws(Failure) {
    guard let library = unsafe dlopen("libz.so.1", RTLD_NOW), let open = unsafe dlsym(library, "gzdopen"),
      let read = unsafe dlsym(library, "gzread"), let problem = unsafe dlsym(library, "gzerror"),
      let close = unsafe dlsym(library, "gzclose")
    else {
      throw Failure(
        "\(name): compressed, and zlib (libz.so.1) is not there; unpack it first: zcat \(name) | fwtrace ...")
    }
    unsafe readFile = unsafe unsafeBitCast(read, to: Read.self)
    unsafe self.problem = unsafe unsafeBitCast(problem, to: Problem.self)
    unsafe closeFile = unsafe unsafeBitCast(close, to: Close.self)
    guard let file = unsafe unsafeBitCast(open, to: Open.self)(descriptor, "rb") else {
      throw Failure("\(name): zlib can't open it")
    }
    unsafe self.file = unsafe file
  }

  deinit { _ = unsafe closeFile(file) }

  func read(limit: Int, name: String) throws(Failure) -> [UInt8] {
    var count: Int32 = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, initialized in
      unsafe count = readFile(file, buffer.baseAddress, UInt32(limit))
      initialized = max(Int(count), 0)
    }
    // A file that ends in the middle is told of at its end only.
    var code: Int32 = 0
    if count == 0 { _ = unsafe problem(file, &code) }
    if count < 0 || code < 0 { throw Failure("\(name): the compressed file is damaged, or not whole") }
    return bytes
  }
}
