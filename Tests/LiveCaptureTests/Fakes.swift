import RuleGraph
import Synchronization

@testable import LiveCapture

/// A machine that exists only in a test: what its programs print, and what its files hold.
final class FakeHost: CommandRunner, KernelFiles, Sendable {
  let printed: [ReadCommand: CommandOutcome]
  let files: [String: String]
  let asked = Mutex<[ReadCommand]>([])

  init(printed: [ReadCommand: CommandOutcome] = [:], files: [String: String] = [:]) {
    self.printed = printed
    var files = files
    // All capabilities, as root has them.
    files["/proc/thread-self/status"] =
      files["/proc/thread-self/status"] ?? "Name:\tfwtrace\nCapEff:\t000001ffffffffff\n"
    self.files = files
  }

  func isInstalled(_ command: ReadCommand) -> Bool { printed[command].map { $0 != .missing } ?? false }

  func run(_ command: ReadCommand) async -> CommandOutcome {
    asked.withLock { $0.append(command) }
    return printed[command] ?? .missing
  }

  func content(_ path: String) -> [UInt8]? { files[path].map { Array($0.utf8) } }

  func names(in path: String) -> [String] {
    Set(
      files.keys.filter { $0.hasPrefix(path + "/") }.map { String($0.dropFirst(path.count + 1).prefix { $0 != "/" }) }
    ).sorted()
  }

  func target(ofLink path: String) -> String? { files[path] }

  func environment(_ name: String) -> String? { files["$" + name] }
}

/// A library that prints what a test says.
struct FakeNftables: NftablesReading {
  var json: Result<String, NftablesFailure>
  var text: Result<String, NftablesFailure>

  static let empty = FakeNftables(
    json: .success(#"{"nftables": [{"metainfo": {"version": "1.0.6"}}]}"#), text: .success(""))

  func ruleset(_ form: NftablesForm) throws(NftablesFailure) -> [UInt8] {
    Array(try (form == .json ? json : text).get().utf8)
  }
}

extension CommandOutcome {
  static func text(_ text: String) -> CommandOutcome { .printed(Array(text.utf8)) }
}

extension CaptureBundle {
  var text: String { String(decoding: bytes, as: UTF8.self) }
  var commands: [String] { parts.map(\.command) }
}
