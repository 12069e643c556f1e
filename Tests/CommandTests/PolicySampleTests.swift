import Foundation
import Testing

/// The policies beside the samples, and those of the documentation.
@Suite struct PolicySampleTests {
  /// The samples that stand alone, and those of a group that keep a policy.
  static let samples: [String] = {
    let folder = Command.root.appending(path: "samples")
    func holds(_ file: String, _ name: String) -> Bool {
      FileManager.default.fileExists(atPath: folder.appending(path: "\(name)/\(file)").path)
    }
    func entries(_ name: String) -> [String] {
      (try? FileManager.default.contentsOfDirectory(atPath: folder.appending(path: name).path)) ?? []
    }
    return entries("").flatMap { name -> [String] in
      let inner = entries(name).map { "\(name)/\($0)" }.filter { holds("README.md", $0) }
      if !inner.isEmpty { return inner.filter { holds("policy.yaml", $0) } }
      return holds("README.md", name) ? [name] : []
    }.sorted()
  }()

  @Test(arguments: samples)
  func everySampleKeepsItsPolicy(_ sample: String) throws {
    let outcome = try Command.run(["test", "samples/\(sample)/policy.yaml"])
    #expect(outcome.status == 0, "\(outcome.errors)\(outcome.output)")
    #expect(!outcome.output.contains("\n0 passed"))
  }

  @Test func aPolicyBesideTheDumpsIsNoDump() throws {
    let question = ["--dst", "172.17.0.2:8080", "--explain", "all", "--json"]
    let folder = try Command.run(question + ["samples/tomcat-redis"])
    #expect(!folder.output.contains("policy.yaml"))
  }

  static let guide = Command.root.appending(path: "Documentation/PolicyTests.md")

  /// The block of code of the guide that begins with a line.
  static func block(_ beginning: String) throws -> String {
    let text = try String(contentsOf: guide, encoding: .utf8)
    let start = try #require(text.range(of: beginning)?.lowerBound)
    let end = try #require(text[start...].range(of: "\n```")?.lowerBound)
    return text[start..<end] + "\n"
  }

  @Test func theShellExampleOfTheGuideTellsACIWhatHappened() throws {
    let script = try Self.block("#!/bin/sh")
    for (verdict, status, line) in [
      ("drop", Int32(0), "the firewall does what policy.yaml says"), ("accept", 1, "the firewall breaks policy.yaml"),
      ("maybe", 2, "policy.yaml or its dumps are unusable"),
    ] {
      let space = try PolicyCommandTests.Workspace([
        "rules.txt": PolicyCommandTests.dump, "policy.yaml": PolicyCommandTests.policy(verdict), "ci.sh": script,
      ])
      let process = Process()
      process.executableURL = URL(filePath: "/bin/sh")
      process.arguments = ["ci.sh"]
      process.currentDirectoryURL = space.folder
      process.environment = ["PATH": Command.program.deletingLastPathComponent().path + ":/usr/bin:/bin"]
      let output = Pipe()
      process.standardOutput = output
      process.standardError = output
      try process.run()
      let printed = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == status)
      #expect(printed.contains(line), "\(printed)")
      let report = FileManager.default.fileExists(atPath: space.path("reports/firewall.xml"))
      #expect(report == (status < 2))
    }
  }
}
