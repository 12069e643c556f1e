import Foundation
import Glibc

/// A run of the program with what it took.
struct MeasuredRun {
  /// The exit status; 128 and the signal's number where one ended it.
  var status: Int32
  /// Seconds of all processors.
  var seconds: Double
  /// The most memory at one time, in bytes.
  var memory: Int
  /// What it printed, and said.
  var output: [UInt8]
  var errors: [UInt8]

  /// Runs a line of a shell, in which `$program` is the program, to its end: also one that a limit ends.
  init(_ line: String, in scratch: ScratchFolder, environment: [String: String] = [:]) throws {
    let folder = scratch.url
    let printed = folder.appending(path: "printed-\(UInt64.random(in: 0 ... .max))")
    let said = folder.appending(path: "said-\(UInt64.random(in: 0 ... .max))")
    defer {
      for file in [printed, said] { try? FileManager.default.removeItem(at: file) }
      // It is gone with its last user.
      withExtendedLifetime(scratch) {}
    }
    let variables = [
      "PATH": "/usr/bin:/bin", "COLUMNS": "100", "program": Command.program.path, "folder": folder.path,
    ].merging(environment) { $1 }
    let whole = "cd \"$folder\" && { \(line)\n} >\"\(printed.path)\" 2>\"\(said.path)\" </dev/null"
    let arguments = unsafe Self.strings(["sh", "-c", whole])
    let words = unsafe Self.strings(variables.map { "\($0)=\($1)" })
    defer { unsafe (arguments + words).forEach { unsafe free($0) } }
    var process: pid_t = 0
    guard unsafe posix_spawn(&process, "/bin/sh", nil, nil, arguments, words) == 0 else { throw Failure() }
    var code: Int32 = 0
    var usage = rusage()
    var most = 0
    while true {
      let done = unsafe wait4(process, &code, WNOHANG, &usage)
      if done == process { break }
      guard done == 0 || errno == EINTR else { throw Failure() }
      most = max(most, Self.memory(of: process))
      usleep(2000)
    }
    status = code & 0x7f == 0 ? code >> 8 & 0xff : 128 + code & 0x7f
    seconds = [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
    memory = most
    output = (try? Array(Data(contentsOf: printed))) ?? []
    errors = (try? Array(Data(contentsOf: said))) ?? []
  }

  struct Failure: Error {}

  /// The most memory that a process has had since its program began, in bytes; 0 when it is over.
  ///
  /// What `wait4` tells counts the memory of the process that it was made from (`exec_mmap` in `fs/exec.c`).
  private static func memory(of process: pid_t) -> Int {
    guard let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8) else { return 0 }
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0) * 1024
  }

  /// What C takes as a list of strings.
  private static func strings(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
    var strings: [UnsafeMutablePointer<CChar>?] = unsafe []
    for text in texts { unsafe strings.append(strdup(text)) }
    unsafe strings.append(nil)
    return unsafe strings
  }

  var text: String { String(decoding: output, as: UTF8.self) }
  var message: String { String(decoding: errors, as: UTF8.self) }
}

/// A folder that is gone with the value.
final class ScratchFolder {
  let url = FileManager.default.temporaryDirectory.appending(path: "fwtrace-test-\(UInt64.random(in: 0 ... .max))")

  init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// Writes a file into it.
  func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: url.appending(path: name))
  }

  func content(of name: String) throws -> String {
    String(decoding: try Data(contentsOf: url.appending(path: name)), as: UTF8.self)
  }
}
