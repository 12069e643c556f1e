import Foundation
import Testing

/// Every question in a README, and in the page about differences, is asked, and the answer that stands there must be the one that fwtrace gives.
///
/// A README holds shell sessions: a command behind `$ fwtrace`, below it the parts of the output that matter, and the exit status behind `$ echo $?`. Three dots
/// stand for anything; blanks and line breaks are all alike.
@Suite struct SampleTests {
  struct Question: CustomTestStringConvertible, Sendable {
    var file: String
    var arguments: [String]
    var answer: [String]
    var status: Int32

    var testDescription: String { "fwtrace " + arguments.joined(separator: " ") }
  }

  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// The folders that hold a sample each; those in a group are called `questions/01-ufw-and-published-port`.
  static var samples: [String] {
    get throws {
      try entries("").flatMap { folder in
        let inner = try entries(folder)
        return inner.isEmpty ? [folder] : inner.map { "\(folder)/\($0)" }
      }
    }
  }

  /// The folders of samples, and the groups of such.
  private static func entries(_ folder: String) throws -> [String] {
    let path = root.appending(path: "samples").appending(path: folder)
    return try FileManager.default.contentsOfDirectory(at: path, includingPropertiesForKeys: [.isDirectoryKey])
      .filter { try $0.resourceValues(forKeys: [.isDirectoryKey]).isDirectory == true }.map(\.lastPathComponent)
      .sorted()
  }

  static var questions: [Question] {
    get throws {
      try samples.flatMap { try questions(in: "samples/\($0)/README.md") } + questions(in: "README.md")
        + questions(in: "Documentation/ComparingRulesets.md") + questions(in: "Documentation/Auditing.md")
        + questions(in: "Documentation/Replay.md")
    }
  }

  /// The words behind `$ fwtrace`; what stands in single quotation marks is one.
  private static func arguments(_ line: String) -> [String] {
    line.split(separator: "'", omittingEmptySubsequences: false).enumerated().flatMap { index, part in
      index % 2 == 1 ? [String(part)] : part.split(separator: " ").map(String.init)
    }.dropFirst(2).map { $0 }
  }

  static func questions(in file: String) throws -> [Question] {
    let text = try String(contentsOf: root.appending(path: file), encoding: .utf8)
    var questions: [Question] = []
    var open: Question?
    var expectsStatus = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
      if line.hasPrefix("$ fwtrace ") {
        open = Question(file: file, arguments: arguments(line), answer: [], status: 0)
      } else if line == "$ echo $?" {
        expectsStatus = true
      } else if expectsStatus, var question = open {
        question.status = try #require(Int32(line), "\(file): an exit status")
        questions.append(question)
        open = nil
        expectsStatus = false
      } else if line.hasPrefix("```") {
        if let question = open, !question.answer.isEmpty { questions.append(question) }
        open = nil
      } else if open != nil {
        open?.answer.append(line)
      }
    }
    return questions
  }

  @Test func everySampleAsksItsQuestions() throws {
    for sample in try Self.samples {
      // A sample of a group shows one thing.
      let least = sample.contains("/") ? 1 : 3
      #expect(try Self.questions(in: "samples/\(sample)/README.md").count >= least, "\(sample)")
    }
  }

  @Test func everySampleIsInTheTableOfItsGroup() throws {
    for sample in try Self.samples {
      let parts = sample.split(separator: "/").map(String.init)
      let folder = parts.count > 1 ? "samples/\(parts[0])" : "samples"
      let table = try String(contentsOf: Self.root.appending(path: folder + "/README.md"), encoding: .utf8)
      #expect(table.contains("(\(parts[parts.count - 1])/README.md)"), "\(folder)/README.md does not lead to \(sample)")
    }
  }

  @Test(arguments: try SampleTests.questions)
  func theAnswerIsTheOneInTheREADME(_ question: Question) throws {
    let (status, output) = try run(question)
    #expect(status == question.status)
    let printed = Self.words(output)
    var rest = printed[...]
    for line in question.answer {
      for part in line.components(separatedBy: "...") {
        let wanted = Self.words(part)
        guard !wanted.isEmpty else { continue }
        guard let found = rest.range(of: wanted) else {
          Issue.record("\(question.file): not there, or not in this order: \(wanted)\n\(output)")
          return
        }
        rest = rest[found.upperBound...]
      }
    }
  }

  /// A text with one blank between its words.
  static func words(_ text: String) -> String { text.split(whereSeparator: \.isWhitespace).joined(separator: " ") }

  private func run(_ question: Question) throws -> (Int32, String) {
    let process = Process()
    process.executableURL = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath()
      .deletingLastPathComponent()
      .appending(path: "fwtrace")
    process.arguments = question.arguments
    process.currentDirectoryURL = Self.root
    // So wide that no part of an answer is broken into two lines; the first answer in the project's README is shown whole, as it was printed.
    process.environment = ["COLUMNS": question.file == "README.md" ? "110" : "400"]
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }
}
