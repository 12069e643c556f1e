import FlowTrace
import Glibc
package import HostModel
package import RuleGraph
import RuleParser
import Synchronization

/// Answers the questions of a batch. A line's answer depends on no other line; where an earlier one was about the same
/// class of packets, its answer is given again with what is this question's own.
///
/// Before that, the class is proved: a trace of all its packets at once has the same cases as the trace of one
/// (``Tracer/provesAlike(_:in:)``). And the answers to questions of the class that lie far apart are the same but for
/// their values, which also shows where these stand.
package final class BatchAnswers: Sendable {
  private let tracer: Tracer
  private let facts: HostFacts
  private let diagnostics: [Diagnostic]
  private let form: any AnswerForm
  private let classes: ClassesOnDemand
  private let proves: Bool
  private let known = KnownAnswers()
  /// The number of classes that were looked at, and whether the answers of one did not agree only with the last of
  /// three.
  private let tried = Atomic<Int>(0)
  private let wasSurprised = Atomic<Bool>(false)

  /// Makes the answers for a host.
  ///
  /// - Parameters:
  ///   - ruleset: Its rules.
  ///   - facts: What is known of it.
  ///   - diagnostics: What reading the dumps had to tell.
  ///   - form: How answers are written.
  package convenience init(
    _ ruleset: Ruleset, facts: HostFacts, diagnostics: [Diagnostic], form: any AnswerForm
  ) {
    self.init(
      ruleset, facts: facts, diagnostics: diagnostics, form: form,
      classes: ClassesOnDemand { PacketClasses(ruleset, facts) })
  }

  /// Makes the answers with classes that are given, and on demand without the proof, so that tests can try each of the
  /// two by itself.
  convenience init(
    _ ruleset: Ruleset, facts: HostFacts, diagnostics: [Diagnostic], form: any AnswerForm, packets: PacketClasses,
    proves: Bool = true
  ) {
    self.init(
      ruleset, facts: facts, diagnostics: diagnostics, form: form, classes: ClassesOnDemand(known: packets),
      proves: proves)
  }

  private init(
    _ ruleset: Ruleset, facts: HostFacts, diagnostics: [Diagnostic], form: any AnswerForm, classes: ClassesOnDemand,
    proves: Bool = true
  ) {
    self.proves = proves
    tracer = Tracer(ruleset, facts: facts)
    self.facts = facts
    self.diagnostics = diagnostics
    self.classes = classes
    self.form = form
  }

  /// Answers the lines of a text in their order. A line that is no question is answered with its error.
  ///
  /// - Parameters:
  ///   - bytes: The lines; the last one may lack its end.
  ///   - firstLine: The number of the first line, for messages.
  ///   - answers: Where the answers are added.
  /// - Returns: Whether some line was no question.
  package func answer(linesIn bytes: [UInt8], firstLine: Int, to answers: inout AnswerBytes) -> Bool {
    var hadError = false
    var number = firstLine
    var key = QuestionKey()
    var recent = RecentQuestion()
    let text = bytes.span
    let packets = classes.take()
    defer { if packets == nil { classes.count(number - firstLine) } }
    var place = 0
    while place < text.count {
      let end = Self.lineEnd(text, place)
      let isAnswered =
        if let packets {
          answer(text, place..<end, number: number, packets, &key, &recent, to: &answers)
        } else {
          answer(aloneIn: text, place..<end, number: number, to: &answers)
        }
      if !isAnswered { hadError = true }
      place = end + 1
      number += 1
    }
    return hadError
  }

  private static func lineEnd(_ text: Span<UInt8>, _ start: Int) -> Int {
    unsafe text.withUnsafeBytes { text in
      guard let base = text.baseAddress,
        let end = unsafe memchr(base + start, Int32(UInt8(ascii: "\n")), text.count - start)
      else {
        return text.count
      }
      return unsafe UnsafeRawPointer(end) - base
    }
  }

  /// Answers one line; false of one that is no question.
  private func answer(
    _ text: Span<UInt8>, _ line: Range<Int>, number: Int, _ packets: PacketClasses, _ key: inout QuestionKey,
    _ recent: inout RecentQuestion, to answers: inout AnswerBytes
  ) -> Bool {
    let question = QuestionLine(text, line, packets)
    var isNew = false
    if let question {
      switch find(question, text, packets, &key, &recent, to: &answers) {
      case .answered: return true
      case .new: isNew = true
      case .alone: break
      }
    }
    if let question, let query = try? query(question, text, &recent) {
      let answer = form.bytes(of: tracer.trace(query), diagnostics: diagnostics)
      answers.append(answer)
      if isNew { keep(answer, to: question, text, key) }
      return true
    }
    return answer(aloneIn: text, line, number: number, to: &answers)
  }

  private func answer(
    aloneIn text: Span<UInt8>, _ line: Range<Int>, number: Int, to answers: inout AnswerBytes
  ) -> Bool {
    let bytes = line.map { text[$0] }
    if bytes.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\r") }) {
      return true
    }
    let (answer, isQuestion) = answer(alone: bytes, number: number)
    answers.append(answer)
    return isQuestion
  }

  /// The answer to a line by itself, or its error, and whether it is a question.
  func answer(alone line: [UInt8], number: Int) -> (answer: [UInt8], isQuestion: Bool) {
    var id: String?
    do throws(BatchProblem) {
      return (form.bytes(of: tracer.trace(try query(line, id: &id)), diagnostics: diagnostics), true)
    } catch {
      return (form.bytes(ofError: "line \(number): \(error.message)", id: id), false)
    }
  }

  /// What a plain line asks.
  private func query(
    _ question: QuestionLine, _ text: Span<UInt8>, _ recent: inout RecentQuestion
  ) throws(BatchProblem) -> Query {
    try recent.query(question, of: text) { () throws(BatchProblem) in
      var id: String?
      return try query(question.place.map { text[$0] }, id: &id)
    }
  }

  /// The number of classes with an answer for all their questions.
  var sharedAnswers: Int { known.sharedAnswers }

  // MARK: - Known answers

  /// What came of looking for a known answer.
  private enum Search {
    /// It is written.
    case answered
    /// There is none for the key, which then is that of the question's class.
    case new
    /// There is none, and the answer is not to be kept.
    case alone
  }

  private func find(
    _ question: QuestionLine, _ text: Span<UInt8>, _ packets: PacketClasses, _ key: inout QuestionKey,
    _ recent: inout RecentQuestion, to answers: inout AnswerBytes
  ) -> Search {
    var last: UInt8 = .max
    for number in 0..<ClassSteps.count {
      let fields = ClassSteps.open(number) & question.open
      if fields == last { continue }
      last = fields
      key.take(question, of: text, fields)
      switch known.find(key, question, of: text, to: &answers) {
      case .answered: return .answered
      case .nothing: return .new
      case .divided: continue
      case .first(let rest, let values):
        guard let query = try? query(question, text, &recent) else { return .alone }
        let shared = template(question, query, packets, fields, rest, values)
        known.keep(shared: shared, to: question, for: key)
        if shared != nil, case .answered = known.find(key, question, of: text, to: &answers) { return .answered }
      }
    }
    return .alone
  }

  private func keep(_ answer: [UInt8], to question: QuestionLine, _ text: Span<UInt8>, _ key: QuestionKey) {
    let beginning = question.hasName ? form.beginning : nil
    let name = question.hasName ? question.place(ofKind: QuestionLine.name).map { text[$0] } : []
    guard let rest = AnswerTemplate.rest(of: answer[...], behind: beginning, name[...]) else { return }
    known.keep(first: AnswerTemplate(rest, beginning: beginning), to: question, for: key)
  }

  // MARK: - Classes

  /// The answer to all questions of a class; nil where it is none.
  ///
  /// - Parameters:
  ///   - question: A question of the class.
  ///   - query: What it asks.
  ///   - packets: The classes of values.
  ///   - fields: The fields that are open in the class.
  ///   - first: The answer to an earlier question of the class, from behind its name on.
  ///   - values: The earlier question's values.
  private func template(
    _ question: QuestionLine, _ query: Query, _ packets: PacketClasses, _ fields: UInt8, _ first: [UInt8],
    _ values: InlineArray<5, UInt32>
  ) -> AnswerTemplate? {
    var box: [PacketClasses.Field: ValueSet] = [:]
    for field in PacketClasses.Field.allCases where fields & 1 << UInt8(field.rawValue) != 0 {
      guard let classes = packets[field] else { return nil }
      box[field] = classes.values(ofClass: question.classes[field.rawValue])
    }
    var asked: [PacketClasses.Field: UInt128] = [:]
    var far = asked
    var other = asked
    for (field, all) in box {
      let value = UInt128(values[field.rawValue]) | (field.isAddress ? IPAddress.ipv4Base : 0)
      let (low, high) = Self.ends(of: all, field)
      asked[field] = value
      let isLow = value < low || value < high && value - low < high - value
      (far[field], other[field]) = isLow ? (high, low) : (low, high)
    }
    var samples = [AnswerTemplate.Sample(rest: first[...], texts: Self.texts(asked))]
    var query = query
    query.id = question.hasName ? "" : nil
    // Fields that nothing looks at, and single values, leave nothing to prove.
    let isOpen = box.contains { !packets.isUnseen($0.key) && $0.value.count > 1 }
    guard let one = sample(query, far, proving: isOpen ? box : nil) else { return nil }
    samples.append(one)
    guard let template = AnswerTemplate(samples, beginning: question.hasName ? form.beginning : nil) else { return nil }
    guard isThorough() else { return template }
    guard let last = sample(query, other, proving: nil) else { return nil }
    samples.append(last)
    let thorough = AnswerTemplate(samples, beginning: question.hasName ? form.beginning : nil)
    if thorough == nil { wasSurprised.store(true, ordering: .relaxed) }
    return thorough
  }

  /// Whether a class is to be tried at a third place. That finds out nothing where the constants are known and the
  /// class is proved; so it is done for the first classes and for some of the later ones, and for all as soon as it did
  /// find something out.
  private func isThorough() -> Bool {
    let number = tried.add(1, ordering: .relaxed).oldValue
    return number < 64 || number % 8 == 0 || wasSurprised.load(ordering: .relaxed)
  }

  /// The answer to the question with some values; nil where these, or the class whose packets are proved to be alike,
  /// do not give one.
  private func sample(
    _ query: Query, _ values: [PacketClasses.Field: UInt128], proving box: [PacketClasses.Field: ValueSet]?
  ) -> AnswerTemplate.Sample? {
    var query = query
    for (field, value) in values { query[field] = ValueSet(value) }
    let trace = tracer.trace(query)
    if proves, let box, !tracer.provesAlike(trace, in: box) { return nil }
    let answer = form.bytes(of: trace, diagnostics: diagnostics)
    let beginning = query.id == nil ? nil : form.beginning
    guard let rest = AnswerTemplate.rest(of: answer[...], behind: beginning, []) else { return nil }
    return AnswerTemplate.Sample(rest: rest, texts: Self.texts(values))
  }

  /// Two values from the ends of a class. Fields of one class get different ones, so that a number of an answer tells
  /// which field it is of.
  private static func ends(of values: ValueSet, _ field: PacketClasses.Field) -> (low: UInt128, high: UInt128) {
    let order: UInt128 =
      switch field {
      case .source, .sourcePort: 0
      case .destination, .destinationPort: 1
      case .length: 2
      }
    let count = values.count
    let place = count < 2 ? 0 : min(order, (count - 2) / 2)
    func value(_ intervals: some Sequence<ClosedRange<UInt128>>, _ value: (ClosedRange<UInt128>, UInt128) -> UInt128)
      -> UInt128
    {
      var left = place
      for interval in intervals {
        let width = interval.upperBound - interval.lowerBound + 1
        if left < width { return value(interval, left) }
        left -= width
      }
      return values.first ?? 0
    }
    return (
      value(values.intervals) { $0.lowerBound + $1 }, value(values.intervals.reversed()) { $0.upperBound - $1 }
    )
  }

  /// Values as answers print them, in the order of the fields.
  private static func texts(_ values: [PacketClasses.Field: UInt128]) -> [(PacketClasses.Field, [UInt8])] {
    PacketClasses.Field.allCases.compactMap { field in
      values[field].map {
        (field, Array((field.isAddress ? IPAddress(bits: $0).description : String(UInt32($0))).utf8))
      }
    }
  }

  // MARK: - Questions

  /// Reads one question; `id` is set as soon as it is known, so that an error can carry it.
  private func query(_ line: [UInt8], id: inout String?) throws(BatchProblem) -> Query {
    let object = JSONLine(line)
    id = object.members.first { $0.key == "id" }?.text
    if let problem = object.problem { throw BatchProblem(message: problem) }
    var given: [QueryOption: String?] = [:]
    for member in object.members where member.key != "id" {
      guard let option = QueryOption(rawValue: member.key) else {
        let near = Spelling.nearest(to: member.key, among: QueryOption.allCases.map(\.rawValue))
        throw BatchProblem(message: "unknown key \(member.key)" + (near.map { "; did you mean \($0)?" } ?? ""))
      }
      given[option] = .some(member.text)
    }
    do {
      var builder = QueryBuilder(facts: facts)
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
      throw BatchProblem(message: "\(error)")
    }
  }
}

/// Why a line is no question.
struct BatchProblem: Error {
  var message: String
}
