import FlowTrace
import Reports
import RuleGraph
import RuleParser

/// Answers questions line by line, in order. A line depends on no other line.
struct Batch {
  let reading: HostReading

  /// Answers every line of a file. A line that is no question is answered with its error; the exit status then says so at the end.
  func answer(questionsIn path: String) throws {
    let bytes = try DumpFiles.read([path]).flatMap(\.bytes)
    let tracer = Tracer(reading.ruleset, facts: reading.facts)
    let form = TraceJSON(reading.ruleset, indented: false)
    var hadError = false
    var start = 0
    var number = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0a) ?? bytes.count
      let line = Array(bytes[start..<end])
      start = end + 1
      number += 1
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }) { continue }
      var id: String?
      do throws(Failure) {
        Output.write(form.bytes(of: tracer.trace(try question(line, id: &id)), diagnostics: reading.diagnostics))
      } catch {
        hadError = true
        Output.write(form.bytes(ofError: "line \(number): \(error.message)", id: id))
      }
    }
    if hadError { throw ExitStatus.badInput }
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
