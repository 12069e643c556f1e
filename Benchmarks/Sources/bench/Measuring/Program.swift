import Glibc

/// Another program, run and measured as a whole process.
struct Program {
  /// Why a program could not be run or failed.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// What a finished process took.
  struct Outcome {
    var timing: Timing
    /// The most memory that was resident, in bytes.
    var peak: Int
    /// The exit status.
    var status: Int32
  }

  var command: [String]
  /// The file that standard input is read from.
  var input = "/dev/null"
  /// The file that standard output goes to.
  var output = "/dev/null"
  /// The file that standard error goes to.
  var errors = "/dev/null"

  init(_ command: [String], input: String = "/dev/null", output: String = "/dev/null", errors: String = "/dev/null") {
    self.command = command
    self.input = input
    self.output = output
    self.errors = errors
  }

  /// Runs it and waits for its end; an exit status that is not among `expecting` is a failure.
  @discardableResult
  func run(expecting: Set<Int32> = [0]) throws -> Outcome {
    var files = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&files)
    defer { unsafe posix_spawn_file_actions_destroy(&files) }
    unsafe posix_spawn_file_actions_addopen(&files, STDIN_FILENO, input, O_RDONLY, 0)
    unsafe posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    unsafe posix_spawn_file_actions_addopen(&files, STDERR_FILENO, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    var arguments: [UnsafeMutablePointer<CChar>?] = unsafe command.map { unsafe strdup($0) }
    unsafe arguments.append(nil)
    defer { unsafe arguments.forEach { unsafe free($0) } }
    var process: pid_t = 0
    let start = Timing.clock(CLOCK_MONOTONIC)
    let problem = unsafe posix_spawnp(&process, command[0], &files, nil, arguments, environ)
    guard problem == 0 else { throw Failure(description: "\(command[0]): it can't be run") }
    var status: Int32 = 0
    var usage = rusage()
    while unsafe wait4(process, &status, 0, &usage) < 0, errno == EINTR {}
    let end = Timing.clock(CLOCK_MONOTONIC)
    let code = status & 0x7f == 0 ? status >> 8 & 0xff : -(status & 0x7f)
    guard expecting.contains(code) else {
      throw Failure(description: "\(command.joined(separator: " ")): it ended with status \(code)")
    }
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return Outcome(
      timing: Timing(seconds: end - start, processor: seconds(usage.ru_utime) + seconds(usage.ru_stime)),
      peak: usage.ru_maxrss * 1024, status: code)
  }

  /// Whether a program of this name is on the path.
  static func exists(_ name: String) -> Bool {
    guard let path = unsafe getenv("PATH") else { return false }
    return unsafe String(cString: path).split(separator: ":").contains { unsafe access("\($0)/\(name)", X_OK) == 0 }
  }
}
