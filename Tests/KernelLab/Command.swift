import CLabCalls
import Glibc

/// What a finished program left behind.
public struct CommandResult: Sendable {
  /// The exit status, or 128 and the signal number.
  public let status: Int32
  /// Everything that it wrote to its standard output.
  public let output: String
  /// Everything that it wrote to its standard error.
  public let errors: String
}

/// Runs a program in the namespaces of the calling thread and waits for it.
///
/// Input and output are anonymous files, not pipes, so that no amount of either can block the two.
///
/// - Throws: ``SystemCallError`` when the program can't be started.
public func runCommand(_ arguments: [String], input: String = "") throws -> CommandResult {
  let files = try (0..<3).map { _ in
    let file = lab_anonymous_file()
    guard file >= 0 else { throw SystemCallError("memfd_create") }
    return file
  }
  defer { for file in files { close(file) } }
  var text = Array(input.utf8)
  var written = 0
  while written < text.count {
    let count = unsafe text.withUnsafeMutableBytes { bytes in
      unsafe write(files[0], bytes.baseAddress.map { unsafe $0 + written }, bytes.count - written)
    }
    guard count > 0 else { throw SystemCallError("write") }
    written += count
  }
  lseek(files[0], 0, SEEK_SET)

  var actions = unsafe posix_spawn_file_actions_t()
  unsafe posix_spawn_file_actions_init(&actions)
  defer { unsafe posix_spawn_file_actions_destroy(&actions) }
  for (index, file) in files.enumerated() { unsafe posix_spawn_file_actions_adddup2(&actions, file, Int32(index)) }
  var process: pid_t = 0
  var words: [UnsafeMutablePointer<CChar>?] = unsafe arguments.map { unsafe strdup($0) }
  unsafe words.append(nil)
  defer { unsafe words.forEach { unsafe free($0) } }
  let failure = unsafe posix_spawnp(&process, arguments[0], &actions, nil, words, environ)
  guard failure == 0 else {
    errno = failure
    throw SystemCallError("posix_spawn \(arguments[0])")
  }
  var status: Int32 = 0
  while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
  let code = status & 0x7f == 0 ? status >> 8 & 0xff : 128 + (status & 0x7f)
  return CommandResult(status: code, output: content(of: files[1]), errors: content(of: files[2]))
}

private func content(of file: Int32) -> String {
  let size = lseek(file, 0, SEEK_END)
  guard size > 0 else { return "" }
  var bytes = [UInt8](repeating: 0, count: size)
  let count = unsafe bytes.withUnsafeMutableBytes { unsafe pread(file, $0.baseAddress, $0.count, 0) }
  return String(decoding: bytes[..<max(count, 0)], as: UTF8.self)
}
