import Glibc

/// Writes files so that a reader sees the old content or the new, never a part.
enum OutputFile {
  /// Writes bytes to a path; `-` is standard output.
  static func write(_ bytes: [UInt8], to path: String) throws(Failure) {
    if path == "-" { return Output.write(bytes) }
    // A device or pipe can't be replaced.
    var status = stat()
    if unsafe stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG { return try fill(path, bytes) }
    let draft = "\(path).\(getpid())"
    try fill(draft, bytes)
    guard unsafe rename(draft, path) == 0 else {
      let reason = reason()
      _ = unsafe unlink(draft)
      throw Failure("\(path): \(reason)")
    }
  }

  private static func fill(_ path: String, _ bytes: [UInt8]) throws(Failure) {
    let file = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard file >= 0 else { throw Failure("\(path): \(reason())") }
    defer { _ = close(file) }
    guard Output.write(bytes[...], to: file) else { throw Failure("\(path): \(reason())") }
  }

  private static func reason() -> String { unsafe String(cString: strerror(errno)) }
}
