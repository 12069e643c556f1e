import FlowTrace
import Foundation
import HostModel
import Reports
import RuleParser

/// The samples of the project, read as a user would give them.
enum Samples {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// The folders that hold a sample each, not those of a group: `tomcat-redis`, `questions/01-ufw-and-published-port`.
  static var names: [String] {
    get throws {
      let paths = try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: "samples").path)
      let folders = paths.filter { $0.hasSuffix("/README.md") }.map { String($0.dropLast("/README.md".count)) }
      return folders.filter { folder in !folders.contains { $0.hasPrefix(folder + "/") } }.sorted()
    }
  }

  static func inputs(_ name: String) throws -> [DumpInput] {
    let folder = root.appending(path: "samples/\(name)")
    return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { file in
      DumpInput(name: "samples/\(name)/\(file)", bytes: Array(try Data(contentsOf: folder.appending(path: file))))
    }
  }

  static func read(_ name: String) throws -> HostReading { DumpReader().read(try inputs(name)) }

  static func query(_ options: KeyValuePairs<QueryOption, String>, facts: HostFacts) throws -> Query {
    try query(options.map { ($0.key, $0.value) }, facts: facts)
  }

  static func query(_ options: [(QueryOption, String)], facts: HostFacts) throws -> Query {
    var builder = QueryBuilder(facts: facts)
    for (option, text) in options { try builder.set(option, text) }
    return try builder.query()
  }
}
