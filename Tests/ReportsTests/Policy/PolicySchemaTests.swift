import Foundation
import PolicyCheck
import PolicyYAML
import Testing

/// Editors complete policies from the schema, so it accepts what the reader accepts.
@Suite struct PolicySchemaTests {
  static let schema = Samples.root.appending(path: "Schemas/policy.schema.json")

  static let policies: [String] = {
    let folder = Samples.root.appending(path: "samples")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.map { "samples/\($0)/policy.yaml" }
      .filter { FileManager.default.fileExists(atPath: Samples.root.appending(path: $0).path) }.sorted()
  }()

  /// A node as an editor's JSON value.
  private func value(_ node: PolicyNode) -> Any {
    switch node.content {
    case .scalar("", isQuoted: false), .scalar("null", isQuoted: false), .scalar("~", isQuoted: false): NSNull()
    case .scalar(let text, let isQuoted): isQuoted ? text : Int(text) ?? text as Any
    case .list(let elements): elements.map { value($0) }
    case .mapping(let members):
      Dictionary(
        members.map { member -> (String, Any) in
          guard case .scalar(let key, _) = member.key.content else { return ("", NSNull()) }
          return (key, value(member.value))
        }, uniquingKeysWith: { $1 })
    }
  }

  private func problems(_ text: String) throws -> [String] {
    try JSONSchema(contentsOf: Self.schema).problems(of: value(try PolicyYAML.read(Array(text.utf8)).get()))
  }

  @Test(arguments: policies)
  func thePoliciesOfTheSamplesFit(_ path: String) throws {
    #expect(try problems(String(contentsOf: Samples.root.appending(path: path), encoding: .utf8)) == [])
  }

  @Test func thePoliciesOfTheGuideFit() throws {
    let guide = try String(
      contentsOf: Samples.root.appending(path: "Documentation/PolicyTests.md"), encoding: .utf8)
    let blocks = guide.split(separator: "```yaml\n").dropFirst().map { $0.split(separator: "```")[0] }
    try #require(blocks.count >= 3)
    #expect(try problems(String(blocks[0])) == [])
    for block in blocks[1...2] { #expect(try problems("tests:\n" + block) == []) }
  }

  @Test(arguments: [
    "test: []", "tests: [{ expects: drop }]", "tests: [{ expect: acept }]", "tests: [{ packet: { dts: 192.0.2.1 } }]",
    "tests: [{ one-of: [{ expect: drop }] }]", "tests: [{ only: [{ source: x }] }]", "undetermined: maybe\ntests: []",
    "tests: [{ matrix: { src: office } }]", "hosts: { a: { b: c } }\ntests: []",
  ])
  func mistakesAreSeenByTheEditorToo(_ text: String) throws {
    #expect(try !problems(text).isEmpty)
    #expect(!PolicyReader.read(try PolicyYAML.read(Array(text.utf8)).get()).mistakes.isEmpty)
  }
}
