import FlowTrace
import Glibc
import LiveCapture
import Reports
import RuleGraph
import RuleParser

/// Answers questions line by line, in order, on all processors. A line's answer depends on no other line; that of an earlier line that asks the same
/// is given again.
struct Batch: Sendable {
  private let reading: HostReading
  private let tracer: Tracer
  private let form: TraceJSON
  private let known: KnownAnswers

  init(reading: HostReading) {
    self.reading = reading
    tracer = Tracer(reading.ruleset, facts: reading.facts)
    form = TraceJSON(reading.ruleset, indented: false)
    known = KnownAnswers(keepsSourcePort: Tracer.looksAtSourcePorts(reading.ruleset, reading.facts))
  }

  /// Answers every line of a file. A line that is no question is answered with its error; the exit status then says so at the end.
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
    var progress = BatchProgress()
    defer { progress.end() }
    return await withTaskGroup(of: Bool.self) { group in
      var hadError = false
      var open = 0
      do throws(Failure) {
        while let block = try input.next() {
          // Each processor has one block to work on and one to go on with; answers that nobody takes yet hold up the rest.
          while open >= 2 * processors || output.waiting > 4 * processors, let isBad = await group.next() {
            hadError = hadError || isBad
            open -= 1
          }
          progress.tell(block.firstLine - 1)
          open += 1
          group.addTask {
            let answers = answers(to: block)
            output.add(answers.bytes, ofBlock: block.number)
            return answers.hadError
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

  /// The answers to the lines of a block, and whether some line was no question.
  private func answers(to block: BatchInput.Block) -> (bytes: [UInt8], hadError: Bool) {
    var answers: [UInt8] = []
    // An answer is about sixteen times as long as its question.
    answers.reserveCapacity(16 * block.bytes.count)
    var hadError = false
    var number = block.firstLine
    var place = 0
    while place < block.bytes.count {
      let end = block.bytes[place...].firstIndex(of: 0x0a) ?? block.bytes.count
      let line = block.bytes[place..<end]
      let plain = known.question(block.bytes, place..<end)
      place = end + 1
      defer { number += 1 }
      if let plain, known.answer(plain, to: &answers) { continue }
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }) { continue }
      let start = answers.count
      var id: String?
      do throws(Failure) {
        answers += form.bytes(of: tracer.trace(try question(Array(line), id: &id)), diagnostics: reading.diagnostics)
        if let plain { known.keep(answers[start...], to: plain) }
      } catch {
        hadError = true
        answers += form.bytes(ofError: "line \(number): \(error.message)", id: id)
      }
    }
    return (answers, hadError)
  }

  /// Reads one question; `id` is set as soon as it is known, so that an error can carry it.
  private func question(_ line: [UInt8], id: inout String?) throws(Failure) -> Query {
    let object = JSONLine(line)
    id = object.members.first { $0.key == "id" }?.text
    if let problem = object.problem { throw Failure(problem) }
    var given: [QueryOption: String?] = [:]
    for member in object.members where member.key != "id" {
      guard let option = QueryOption(rawValue: member.key) else {
        let near = Spelling.nearest(to: member.key, among: QueryOption.allCases.map(\.rawValue))
        throw Failure("unknown key \(member.key)" + (near.map { "; did you mean \($0)?" } ?? ""))
      }
      given[option] = .some(member.text)
    }
    do {
      var builder = QueryBuilder(facts: reading.facts)
      builder.id = id
      for option in QueryOption.allCases {
        guard let value = given[option] else { continue }
        if let text = value {
          try builder.set(option, text)
        } else if option == .input {
          builder.setSentByHost()
        }
      }
      return try builder.query()
    } catch {
      throw Failure("\(error)")
    }
  }
}
