import Foundation

/// The corpus of real dumps, which lies beside the package where the project is developed; tests that need it are skipped elsewhere.
enum SharedCorpus {
  private static let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// `shared` beside the package, or, for a worktree in a folder of its own, one level up.
  static let folder: URL? = [
    package.deletingLastPathComponent(), package.deletingLastPathComponent().deletingLastPathComponent(),
  ]
  .map { $0.appending(path: "shared") }
  .first { FileManager.default.fileExists(atPath: $0.appending(path: "corpus").path) }

  static var isPresent: Bool { folder != nil }
  static let absence: String = "the corpus `../shared` isn't here"

  /// The bytes of a file.
  static func bytes(_ path: String) throws -> [UInt8] {
    guard let folder else { throw CocoaError(.fileNoSuchFile) }
    return Array(try Data(contentsOf: folder.appending(path: path)))
  }

  /// The paths of all files below a folder, in order, relative to that folder.
  static func files(below path: String) -> [String] {
    guard let folder else { return [] }
    let base = folder.appending(path: path).path
    return (FileManager.default.subpaths(atPath: base) ?? []).filter { file in
      (try? FileManager.default.attributesOfItem(atPath: base + "/" + file)[.type] as? FileAttributeType)
        == .typeRegular
    }.sorted()
  }

  static let seeds: [String] = files(below: "seeds")
  static let dockerHosts: [String] = {
    guard let folder else { return [] }
    let names =
      (try? FileManager.default.contentsOfDirectory(atPath: folder.appending(path: "corpus/docker-20.10").path))
    return (names ?? []).filter { !$0.hasSuffix(".md") }.sorted()
  }()
}
