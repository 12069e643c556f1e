import Foundation
import Testing

/// What the documents name is there.
@Suite struct DocumentationTests {
  static func document(_ path: String) throws -> String {
    try String(contentsOf: ImportTests.root.appending(path: path), encoding: .utf8)
  }

  /// `facts 2 to 5, 69` cites the facts 2, 3, 4, 5 and 69.
  static func citedFacts(in text: String) -> Set<Int> {
    var cited: Set<Int> = []
    for match in text.matches(of: /\bfacts? ([0-9]+(?:(?:, | and | to )[0-9]+)*)/) {
      for part in match.1.replacing(" and ", with: ", ").split(separator: ", ") {
        let ends = part.split(separator: " to ").compactMap { Int($0) }
        if let first = ends.first, let last = ends.last, first <= last { cited.formUnion(first...last) }
      }
    }
    return cited
  }

  @Test func everyCitedFactHasItsCase() throws {
    #expect(Self.citedFacts(in: "facts 2 to 5, 69 and fact 7") == [2, 3, 4, 5, 69, 7])
    let folder = ImportTests.root.appending(path: "Tests/KernelTests/Facts").path
    let known = Set(try FileManager.default.contentsOfDirectory(atPath: folder).compactMap { Int($0.prefix(2)) })
    let cited = Self.citedFacts(in: try Self.document("Documentation/WhatFwtraceModels.md"))
    #expect(cited.subtracting(known).sorted() == [])
  }

  @Test func everyPlaceInTheTableOfRoomsExists() throws {
    let text = try Self.document("ARCHITECTURE.md")
    let files = FileManager.default
    let missing = text.matches(of: /`((?:Tests|[A-Z][A-Za-z]+)\/[A-Za-z\/+]+)`/).map { String($0.1) }.filter { path in
      let place = ImportTests.root.appending(path: path.hasPrefix("Tests/") ? path : "Sources/\(path)").path
      return !files.fileExists(atPath: place) && !files.fileExists(atPath: place + ".swift")
    }
    #expect(missing == [])
  }

  @Test func everyTypeInTheGlossaryExists() throws {
    let sources = ImportTests.root.appending(path: "Sources")
    var declared: Set<String> = []
    for path in try FileManager.default.subpathsOfDirectory(atPath: sources.path) where path.hasSuffix(".swift") {
      declared.formUnion(Layers.declared(in: try String(contentsOf: sources.appending(path: path), encoding: .utf8)))
    }
    let rows = try Self.document("Documentation/Glossary.md").split(separator: "\n").filter { $0.hasPrefix("| ") }
    let named = rows.compactMap { $0.split(separator: "|").last }.flatMap { column in
      column.matches(of: /`([A-Z][A-Za-z]*)/).map { String($0.1) }
    }
    #expect(!named.isEmpty)
    #expect(named.filter { !declared.contains($0) } == [])
  }
}
