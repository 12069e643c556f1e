import Foundation
import Testing

/// The policies of the samples hold on the pages that their dumps come from, prose, prompts and all.
@Suite struct SeedPolicyTests {
  /// The pages, which lie beside the package where the project is developed.
  static let folder: URL? = [
    Command.root.appending(path: "../shared/seeds"), Command.root.appending(path: "../../shared/seeds"),
  ]
  .first { FileManager.default.fileExists(atPath: $0.path) }

  @Test(
    .enabled(if: folder != nil, "the pages of `../shared/seeds` aren't here"),
    arguments: [("tomcat-redis", 380...830), ("empty-host", 40...140), ("own-bridges", 2600...2780)])
  func thePolicyOfASampleHoldsOnItsPage(_ sample: String, _ lines: ClosedRange<Int>) throws {
    let folder = try #require(Self.folder)
    let page = try #require(
      try FileManager.default.contentsOfDirectory(atPath: folder.path).first { $0.hasPrefix("001_") })
    let bytes = try Data(contentsOf: folder.appending(path: page))
    // The page shows several hosts; its part about one of them is that host's dump.
    let pieces = bytes.split(separator: 0x0a, omittingEmptySubsequences: false)
    try #require(pieces.count >= lines.upperBound)
    let part = pieces[(lines.lowerBound - 1)..<lines.upperBound].map { String(decoding: $0, as: UTF8.self) }
    let outcome = try Command.run(
      ["test", "samples/\(sample)/policy.yaml", "-"], input: part.joined(separator: "\n"))
    #expect(outcome.status == 0, "\(outcome.errors)\(outcome.output)")
  }
}
