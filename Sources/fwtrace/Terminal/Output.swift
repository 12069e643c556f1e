import Glibc

/// Standard output and standard error, and the terminal behind them.
enum Output {
  /// Writes bytes to standard output; ends the program quietly when nobody reads any more (`| head`).
  static func write(_ bytes: [UInt8]) { write(bytes[...]) }

  /// Writes a part of some bytes to standard output, as all of them are written. Output that is lost, on a full disk,
  /// is no answer.
  static func write(_ bytes: ArraySlice<UInt8>) {
    if write(bytes, to: STDOUT_FILENO) { return }
    if errno == EPIPE { exit(.accepted) }
    error("fwtrace: standard output: \(unsafe String(cString: strerror(errno)))\n")
    exit(.badInput)
  }

  /// Writes text to standard output.
  static func write(_ text: String) { write(Array(text.utf8)) }

  /// Writes text to standard error.
  static func error(_ text: String) { _ = write(Array(text.utf8)[...], to: STDERR_FILENO) }

  /// Ends the program.
  static func exit(_ status: ExitStatus) -> Never { Glibc.exit(status.rawValue) }

  /// Whether standard output is a terminal.
  static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

  /// The number of columns: of the terminal, else of `COLUMNS`, else 100.
  static var width: Int {
    var size = winsize()
    if unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
    return environment("COLUMNS").flatMap { Int($0) } ?? 100
  }

  /// The value of an environment variable; nil when it is not set or empty.
  static func environment(_ name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    let text = unsafe String(cString: value)
    return text.isEmpty ? nil : text
  }

  /// Writes bytes to an open file; false when it takes no more.
  static func write(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Bool {
    var done = 0
    while done < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe Glibc.write(descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      done += count
    }
    return true
  }
}
