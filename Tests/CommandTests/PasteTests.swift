import Foundation
import Testing

/// What people really paste: small inputs, each with a question and its right answer. Each is of a kind of fault that made an answer wrong once.
struct PasteCase: Decodable, Sendable, CustomTestStringConvertible {
  /// The name of the case, which is that of its file.
  var id: String
  /// The kind of fault that the case stands for.
  var kind: String
  var files: [String]
  var args: [String]
  /// The exit status, or those that are right.
  var exit: Exit
  var verdict: String?
  /// Words that the answer holds at 400 columns, and words that it must not hold.
  var says: [String]?
  var never: [String]?

  var testDescription: String { "\(id): \(kind)" }

  enum Exit: Decodable, Sendable {
    case one(Int32)
    case any([Int32])

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let one = try? container.decode(Int32.self) {
        self = .one(one)
      } else {
        self = .any(try container.decode([Int32].self))
      }
    }

    func allows(_ status: Int32) -> Bool {
      switch self {
      case .one(let one): one == status
      case .any(let several): several.contains(status)
      }
    }
  }

  static let folder = Command.root.appending(path: "Tests/CommandTests/Pastes")

  static let all: [PasteCase] = {
    guard let text = try? String(contentsOf: folder.appending(path: "cases.jsonl"), encoding: .utf8) else { return [] }
    return text.split(separator: "\n").compactMap { try? JSONDecoder().decode(PasteCase.self, from: Data($0.utf8)) }
  }()
}

@Suite struct PasteTests {
  @Test func everyCaseIsRead() throws {
    let text = try String(contentsOf: PasteCase.folder.appending(path: "cases.jsonl"), encoding: .utf8)
    #expect(PasteCase.all.count == text.split(separator: "\n").count)
    #expect(PasteCase.all.count >= 58)
  }

  @Test(arguments: PasteCase.all)
  func aPasteIsAnsweredRightly(_ paste: PasteCase) throws {
    let files = paste.files.map { PasteCase.folder.appending(path: $0).path }
    let outcome = try Command.run(["--width", "400"] + paste.args + files)
    #expect(paste.exit.allows(outcome.status), "\(outcome.status): \(outcome.output)\(outcome.errors)")
    for words in paste.says ?? [] { #expect(outcome.output.contains(words), "\(outcome.output)") }
    for words in paste.never ?? [] { #expect(!outcome.output.contains(words), "\(outcome.output)") }
    guard let verdict = paste.verdict else { return }
    let json = try Command.run(["--json"] + paste.args + files)
    let answer = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
    #expect(answer["verdict"] as? String == verdict)
  }
}
