import Glibc
import LiveCapture
import Reports
import RuleParser
import Traffic

/// Answers questions line by line, in order, on all processors.
struct Batch: Sendable {
  private let answers: BatchAnswers

  init(reading: HostReading) {
    answers = BatchAnswers(reading.ruleset, facts: reading.facts, diagnostics: reading.diagnostics)
  }

  /// Answers every line of a file. A line that is no question is answered with its error; the exit status then says so
  /// at the end.
  ///
  /// Only a few blocks of lines and answers are held at a time, however long the file is.
  func answer(questionsIn path: String) throws {
    let input = try BatchInput(path)
    let processors = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    let outcome = Waiting.run { await answers(to: input, on: processors) }
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
