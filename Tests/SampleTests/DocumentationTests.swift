import Foundation
import Testing

/// What the documentation shows in Swift is what its sample package holds, which is built and run with the other tests.
@Suite struct DocumentationTests {
  static let article = "Sources/FlowTrace/FlowTrace.docc/TestingAFirewall.md"
  static let package = [
    "Documentation/swift-testing/Package.swift", "Documentation/swift-testing/Tests/FirewallTests/FirewallTests.swift",
  ]

  static var snippets: [String] {
    get throws {
      let text = try String(contentsOf: SampleTests.root.appending(path: article), encoding: .utf8)
      return text.components(separatedBy: "```").filter { $0.hasPrefix("swift\n") }.map { String($0.dropFirst(6)) }
    }
  }

  @Test func everySnippetIsThereToTest() throws { #expect(try Self.snippets.count >= 4) }

  @Test(arguments: try DocumentationTests.snippets)
  func theSnippetStandsInTheSamplePackage(_ snippet: String) throws {
    let code = try Self.package.map {
      SampleTests.words(try String(contentsOf: SampleTests.root.appending(path: $0), encoding: .utf8))
    }
    // Definitions that the article shows together stand apart in the package.
    for part in snippet.components(separatedBy: "\n\n") {
      #expect(code.contains { $0.contains(SampleTests.words(part)) }, "not in the sample package: \(part)")
    }
  }
}
