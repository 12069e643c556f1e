import Foundation
import Testing

/// Each module imports only those below it, and the modules behind the answer never meet Foundation.
@Suite struct ImportTests {
  /// The house: what each module may import of its own package.
  static let below: [String: Set<String>] = [
    "RuleGraph": [],
    "CNFTables": [],
    "HostModel": ["RuleGraph"],
    "RuleText": ["RuleGraph"],
    "RuleParser": ["RuleGraph", "HostModel", "RuleText"],
    "LiveCapture": ["RuleParser", "CNFTables", "RuleGraph", "HostModel"],
    "FlowTrace": ["RuleGraph", "HostModel", "RuleText"],
    "PolicyCheck": ["FlowTrace", "RuleGraph", "HostModel"],
    "HostAnalysis": ["FlowTrace", "RuleGraph", "HostModel"],
    "Traffic": ["FlowTrace", "RuleParser", "RuleGraph", "HostModel"],
    "PolicyYAML": ["PolicyCheck"],
    "fwtrace-yaml": ["PolicyYAML", "PolicyCheck"],
    "Reports": [
      "PolicyCheck", "Traffic", "HostAnalysis", "FlowTrace", "RuleParser", "RuleText", "RuleGraph", "HostModel",
    ],
    "fwtrace": [
      "Reports", "Traffic", "PolicyCheck", "HostAnalysis", "FlowTrace", "LiveCapture", "RuleParser", "RuleText",
      "RuleGraph", "HostModel",
    ],
  ]

  /// What a module may import of others.
  static let foreign: [String: Set<String>] = [
    "fwtrace": ["ArgumentParser", "Glibc"], "PolicyYAML": ["Yams"], "LiveCapture": ["Subprocess", "SystemPackage"],
  ]

  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  static var modules: [String] {
    get throws {
      try FileManager.default.contentsOfDirectory(atPath: root.appending(path: "Sources").path).sorted()
    }
  }

  @Test func everyModuleHasItsPlaceInTheHouse() throws {
    let homeless = try Self.modules.filter { Self.below[$0] == nil }
    #expect(homeless == [], "a new module belongs in the house of ARCHITECTURE.md and in this test")
  }

  @Test(arguments: try ImportTests.modules)
  func importsRunDownwards(_ module: String) throws {
    let folder = Self.root.appending(path: "Sources/\(module)")
    let allowed = Self.below[module, default: []].union(Self.foreign[module, default: []]).union([
      "Glibc", "Synchronization",
    ])
    let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
    for case let file as URL in files where file.pathExtension == "swift" {
      let text = try String(contentsOf: file, encoding: .utf8)
      for line in text.split(separator: "\n") {
        let words = line.split(separator: " ")
        guard let at = words.firstIndex(of: "import"), at <= 2, words.count > at + 1, line.first != " " else {
          continue
        }
        let name = String(words[at + 1].prefix { $0 != "." })
        #expect(allowed.contains(name), "\(file.lastPathComponent) of \(module) imports \(name)")
      }
    }
  }
}
