import Glibc
import RuleGraph

/// Standard output and standard error, and the terminal behind them.
enum Output {
  /// Gives the numbers of standard input, output and error to nothing where they are closed: a file that is opened
  /// later would get one, and what is printed would end in it.
  static func reserveDescriptors() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
      // Writing to it fails, as writing to a closed one does.
      _ = unsafe open("/dev/null", O_RDONLY)
    }
  }

  /// Writes bytes to standard output.
  static func write(_ bytes: [UInt8]) { write(bytes[...]) }

  /// Writes a part of some bytes to standard output, as all of them are written. Output that is lost, on a full disk or
  /// because nobody reads any more, is no answer. (`| head` ends the program by the signal SIGPIPE before that.)
  static func write(_ bytes: ArraySlice<UInt8>) {
    if !write(bytes, to: STDOUT_FILENO) { refuse() }
  }

  /// Writes lines that may hold anybody's words to standard output.
  static func say(_ text: String) { write(text.harmlessLines) }

  private static func refuse() -> Never {
    error("fwtrace: standard output: \(unsafe String(cString: strerror(errno)))\n")
    Glibc.exit(ExitStatus.badInput.rawValue)
  }

  /// Writes text to standard output.
  static func write(_ text: String) { write(Array(text.utf8)) }

  /// Writes lines that may hold anybody's words to standard error.
  static func error(_ text: String) { steer(text.harmlessLines) }

  /// Writes to standard error what moves the cursor.
  static func steer(_ text: String) { _ = write(Array(text.utf8)[...], to: STDERR_FILENO) }

  /// Ends the program. Some file systems tell that a disk is full only when a file is closed.
  static func exit(_ status: ExitStatus) -> Never {
    if close(STDOUT_FILENO) != 0, errno != EBADF { refuse() }
    Glibc.exit(status.rawValue)
  }

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
