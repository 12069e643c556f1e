import Glibc
import Subprocess
import SystemPackage

/// What came of a command.
enum CommandOutcome: Hashable, Sendable {
  /// It ended well; these bytes were its standard output.
  case printed([UInt8])
  /// The program is not installed.
  case missing
  /// It failed, was stopped, or can't be run; the text says how.
  case failed(String)
}

/// Runs programs that only read.
protocol CommandRunner: Sendable {
  /// Whether the program of a command is installed.
  func isInstalled(_ command: ReadCommand) -> Bool
  /// Runs a command to its end, or until the time limit.
  func run(_ command: ReadCommand) async -> CommandOutcome
}

/// Runs the programs of this machine, without a shell and with a time limit.
struct SubprocessRunner: CommandRunner {
  /// How long a program may take before it is stopped.
  var timeLimit: Duration = .seconds(20)

  /// What a program may print: a gigabyte is beyond any ruleset, and an endless output ends here.
  static let outputLimit = 1 << 30
  static let errorLimit = 1 << 16

  func isInstalled(_ command: ReadCommand) -> Bool { ProgramPath.find(command.program) != nil }

  func run(_ command: ReadCommand) async -> CommandOutcome {
    guard isInstalled(command) else { return .missing }
    return await withTaskGroup(of: CommandOutcome?.self) { group in
      group.addTask { await Self.run(command) }
      group.addTask { [timeLimit] in
        try? await Task.sleep(for: timeLimit)
        return nil
      }
      let first = await group.next() ?? nil
      // Cancelling stops the program that still runs.
      group.cancelAll()
      return first ?? .failed("stopped after \(timeLimit.components.seconds) seconds")
    }
  }

  private static func run(_ command: ReadCommand) async -> CommandOutcome {
    do {
      var options = PlatformOptions()
      // A group of its own, so that what a stopped program has started is stopped, too.
      options.processGroupID = 0
      options.teardownSequence = [
        .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .milliseconds(100))
      ]
      let result = try await Subprocess.run(
        executable(command), arguments: Arguments(command.arguments),
        environment: .inherit.updating([
          "LC_ALL": "C", "PATH": ProgramPath.folders.joined(separator: ":"),
        ]), platformOptions: options, input: .none, output: .sequence, error: .bytes(limit: errorLimit)
      ) { execution in
        // Gathered as it comes: room for the most that may come would be taken at once by each program.
        var output: [UInt8] = []
        for try await part in execution.standardOutput {
          unsafe part.withUnsafeBytes { unsafe output.append(contentsOf: $0) }
          if output.count > outputLimit { throw OutputTooLong() }
        }
        return output
      }
      switch result.terminationStatus {
      case .exited(0): return .printed(result.closureResult)
      case .exited(let code): return .failed(firstLine(result.standardError) ?? "it ended with status \(code)")
      case .signaled(let signal): return .failed("it was ended by signal \(signal)")
      }
    } catch {
      return .failed("\(error)")
    }
  }

  private struct OutputTooLong: Error, CustomStringConvertible {
    var description: String { "it printed more than a gigabyte" }
  }

  private static func executable(_ command: ReadCommand) -> Executable {
    command.program.hasPrefix("/") ? .path(FilePath(command.program)) : .name(command.program)
  }

  private static func firstLine(_ bytes: [UInt8]) -> String? {
    let line = bytes.prefix { $0 != UInt8(ascii: "\n") }.prefix(300)
    return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
  }
}

/// Where programs are.
enum ProgramPath {
  /// The folders of `PATH`, then those of the administrator's programs, which an ordinary user's `PATH` leaves out.
  static var folders: [String] {
    let path = ProcFiles().environment("PATH") ?? ""
    return path.split(separator: ":").map(String.init).filter { $0.hasPrefix("/") }
      + ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"]
  }

  /// The path of a program; nil when it is not installed.
  static func find(_ name: String) -> String? {
    if name.hasPrefix("/") { return name }
    return folders.lazy.map { "\($0)/\(name)" }.first { unsafe access($0, X_OK) == 0 }
  }
}
