import HostModel
import Testing

@testable import RuleParser

/// Containers are found among others by what outputs call them.
@Suite struct ContainerIndexTests {
  private static let long = "4f1d5bb9b8a7c6e5d4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1"

  private static func joined(_ containers: [Container]...) -> [Container] {
    var joining = FactJoining()
    for (strand, list) in containers.enumerated() {
      var facts = HostFacts()
      facts.containers = list
      joining.add(facts, strand: strand)
    }
    return joining.join().containers
  }

  /// `docker ps` cuts identifiers, and some outputs have none.
  @Test(arguments: [String(long.prefix(12)), String(long.prefix(5)), ""])
  func oneContainerIsOne(_ id: String) {
    let others = (0..<30).map { Container(name: "other\($0)", id: String(repeating: "\($0 % 10)", count: 64)) }
    let whole = Container(name: "web", id: Self.long)
    for containers in [
      Self.joined(others + [Container(name: "web", id: id)], [whole]),
      Self.joined(others + [whole], [Container(name: "web", id: id)]),
    ] {
      #expect(containers.count { $0.name == "web" } == 1)
      #expect(containers.first { $0.name == "web" }?.id == Self.long)
    }
  }

  /// A container that was made anew under the same name takes the place of the old one.
  @Test func anotherIdentifierIsAnotherContainer() {
    let other = String(Self.long.reversed())
    let containers = Self.joined(
      [Container(name: "web", id: Self.long), Container(name: "db", id: String(repeating: "a", count: 64))],
      [Container(name: "web", id: other)], [Container(name: "db", id: "aaaaaaaaaaaa")])
    #expect(containers.map(\.name).sorted() == ["db", "web"])
    #expect(containers.first { $0.name == "web" }?.id == other)
  }

  /// Where only a name of hexadecimal digits is known, it may be the beginning of an identifier.
  @Test func aNameMayBeAnIdentifier() {
    let containers = Self.joined([Container(name: "web", id: Self.long)], [Container(name: "4f1d5bb9", id: "")])
    #expect(containers.map(\.name) == ["web"])
  }
}
