import Glibc
import LiveCapture
import Reports
import RuleParser
import Traffic

/// Answers questions line by line, in order, on all processors.
struct Batch: Sendable {
  private let answers: BatchAnswers
  /// Where answers are counted instead of written.
  private let counts: AnswerCounts?

  /// - Parameters:
  ///   - reading: The host.
  ///   - form: What is told of each answer.
  init(reading: HostReading, _ form: BatchForm = BatchForm()) {
    counts = form.isSummary ? AnswerCounts(isTable: form.isTable) : nil
    answers =
      form.fields.map {
        BatchAnswers(reading.ruleset, facts: reading.facts, fields: $0, isTable: form.isTable)
      } ?? BatchAnswers(reading.ruleset, facts: reading.facts, diagnostics: reading.diagnostics)
  }

  /// Answers every line of a file. A line that is no question is answered with its error; the exit status then says so
  /// at the end.
  ///
  /// Only a few blocks of lines and answers are held at a time, however long the file is.
  func answer(questionsIn path: String) throws {
    let input = try BatchInput(path)
    let processors = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    let outcome = Waiting.run { await answers(to: input, on: processors) }
    counts?.write()
    if try outcome.get() { throw ExitStatus.badInput }
  }

  /// Answers block by block; whether some line was no question.
  private func answers(to start: BatchInput, on processors: Int) async -> Result<Bool, Failure> {
    var input = start
    let output = BatchOutput()
    var progress = ProgressLine(isBesideAnswers: true)
    defer { progress.clear() }
    return await withTaskGroup(of: Bool.self) { group in
      var hadError = false
      var open = 0
      do throws(Failure) {
        while let block = try input.next() {
          // Each processor has one block to work on and one to go on with; answers that nobody takes yet hold up the
          // rest.
          while open >= 2 * processors || output.waiting > 4 * processors, let isBad = await group.next() {
            hadError = hadError || isBad
            open -= 1
          }
          progress.show("\(block.firstLine - 1) questions")
          open += 1
          group.addTask {
            var bytes = output.takeRoom()
            let hadError = answers.answer(linesIn: block.bytes, firstLine: block.firstLine, to: &bytes)
            if let counts {
              counts.add(bytes, ofBlock: block.number)
              bytes.removeAll()
            }
            output.add(bytes, ofBlock: block.number)
            return hadError
          }
        }
      } catch {
        await group.waitForAll()
        return .failure(error)
      }
      for await isBad in group { hadError = hadError || isBad }
      return .success(hadError)
    }
  }
}

/// How the answers of a batch are told.
struct BatchForm {
  /// What is told of each; nil for everything (`fwtrace.trace/1`).
  var fields: [ShortAnswers.Field]?
  /// Whether answers are rows of a table instead of objects.
  var isTable = false
  /// Whether only the number of equal answers is told.
  var isSummary = false
}

extension BatchForm {
  /// What is told where a summary or a table is asked for, and no fields are.
  private static let usual: [ShortAnswers.Field] = [.verdict, .rule, .line]

  /// The form that options ask for.
  ///
  /// - Parameter fields: `verdict,rule`; nil where not given.
  init(fields: String?, isTable: Bool, isSummary: Bool) throws(Failure) {
    self.isTable = isTable
    self.isSummary = isSummary
    guard let fields else {
      self.fields = isTable || isSummary ? Self.usual : nil
      return
    }
    var chosen: [ShortAnswers.Field] = []
    for name in fields.split(separator: ",", omittingEmptySubsequences: false) where name != "id" {
      guard let field = ShortAnswers.Field(rawValue: String(name)) else {
        let all = ShortAnswers.Field.allCases.map(\.rawValue)
        throw Failure(
          "--fields: \(name.isEmpty ? "a name is missing" : "no field \(name)"); there are \(all.joined(separator: ", "))"
        )
      }
      chosen.append(field)
    }
    self.fields = chosen
  }
}
