import Glibc
import PolicyCheck

/// Runs a policy again and again, whenever its file or one of its dumps has changed.
struct PolicyWatch {
  let command: TestCommand

  init(_ command: TestCommand) { self.command = command }

  /// Runs until the program is ended from outside.
  func run() -> Never {
    while true {
      let paths = paths()
      let before = state(of: paths)
      runOnce()
      Output.error("fwtrace: watching \(before.count) files\n")
      repeat { usleep(300_000) } while state(of: paths) == before
      Output.write("\n")
    }
  }

  private func runOnce() {
    do {
      try command.runOnce()
    } catch let failure as Failure {
      Output.error("fwtrace: \(failure.message)\n")
    } catch {
      // The report has said what failed.
    }
  }

  /// The policy and the dumps.
  private func paths() -> [String] {
    guard command.dumps.dumps.isEmpty else { return [command.policy] + command.dumps.dumps.filter { $0 != "-" } }
    guard let file = try? PolicyFile(command.policy) else { return [command.policy] }
    return [command.policy] + PolicyHosts.find(file.policy.hosts, from: file.folder).hosts.flatMap(\.dumps)
  }

  /// When each file was changed last, and how large it is.
  private func state(of paths: [String]) -> [String: [Int]] {
    var state: [String: [Int]] = [:]
    var folders = VisitedFolders()
    for path in paths { add(path, depth: 0, &folders, to: &state) }
    return state
  }

  private func add(
    _ path: String, depth: Int, _ folders: inout VisitedFolders, to state: inout [String: [Int]]
  ) {
    var status = stat()
    guard depth < DumpFiles.maximumDepth, unsafe stat(path, &status) == 0 else { return }
    state[path] = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec, Int(status.st_size), Int(status.st_ino)]
    guard status.st_mode & S_IFMT == S_IFDIR, folders.enter(path), let names = try? DumpFiles.names(in: path) else {
      return
    }
    for name in names where !name.hasPrefix(".") {
      add(path.hasSuffix("/") ? path + name : "\(path)/\(name)", depth: depth + 1, &folders, to: &state)
    }
  }
}
