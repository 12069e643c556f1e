import FlowTrace
import Foundation
import Randomness

/// A host with everything that was printed of it, whole.
struct HostSource: Sendable {
  var name: String
  /// Its rules in each form that there is.
  var rules: [Form: [Output]] = [:]
  /// What tells of the host around the rules.
  var facts: [Output] = []
  /// Sets that rules refer to; they belong to the rules of iptables in every form.
  var ipsets: [Output] = []
  /// The tables again, listed without interfaces.
  var briefListing: [Output] = []
  /// Questions that come with the host; else they are made of its texts.
  var questions: [Question] = []
  /// An address of the host, for questions to dumps of rules alone.
  var address: String?

  init(_ name: String) { self.name = name }

  /// The whole dumps to damage: one for each form, with and without the facts.
  func wholes(keeping count: Int) -> [Whole] {
    Form.allCases.filter { rules[$0] != nil }.flatMap { form in
      (facts.isEmpty ? [false] : [true, false]).compactMap { Whole(self, form, hasFacts: $0, keeping: count) }
    }
  }
}

/// A whole dump of a host in one form, with questions whose answers are definite.
public struct Whole: Sendable {
  /// The host's name.
  public let host: String
  /// The form of its rules.
  public let form: Form
  /// Whether the host around the rules is told.
  public let hasFacts: Bool
  /// The dump as files.
  let dump: Dump
  /// Questions with their answers.
  let questions: [(question: Question, answer: Answer)]
  /// The same tables in nft's form, where iptables' is damaged.
  let nft: [Output]
  /// The same tables listed without interfaces.
  let briefListing: [Output]
  /// The host's own addresses, where it tells them.
  let addresses: [String]

  /// `03-tomcat-redis as save with facts`.
  public var name: String { "\(host) as \(form.rawValue)\(hasFacts ? " with facts" : "")" }

  init?(_ source: HostSource, _ form: Form, hasFacts: Bool, keeping count: Int) {
    guard let rules = source.rules[form] else { return nil }
    host = source.name
    self.form = form
    self.hasFacts = hasFacts
    let sets = form == .nftText || form == .nftJSON ? [] : source.ipsets
    dump = Dump(outputs: (hasFacts ? source.facts : []) + sets + rules, layout: .files)
    nft = form == .nftText || form == .nftJSON ? [] : source.rules[.nftText] ?? []
    briefListing = form.isListing ? source.briefListing : []
    let place = Surroundings(
      rules: (source.rules[.save] ?? rules).flatMap(\.lines), facts: source.facts.flatMap(\.lines))
    addresses = place.own
    var candidates = source.questions
    if candidates.isEmpty {
      var maker = QuestionMaker(place, seed: source.name.utf8.reduce(UInt64(7)) { $0 &* 31 &+ UInt64($1) })
      candidates = maker.questions()
    }
    if !hasFacts, !place.all.isEmpty {
      candidates = candidates.map { Question($0.options + [.init(.hostAddress, place.all.joined(separator: ","))]) }
    } else if !hasFacts, let address = source.address {
      candidates = candidates.map { Question($0.options + [.init(.hostAddress, address)]) }
    }
    questions = Self.definite(candidates, of: dump, keeping: count)
    if questions.isEmpty { return nil }
  }

  /// The questions with a definite answer, as different ones as there are.
  private static func definite(_ candidates: [Question], of dump: Dump, keeping count: Int)
    -> [(question: Question, answer: Answer)]
  {
    let understanding = Understanding(dump.texts)
    var kinds: [Answer: [Question]] = [:]
    var order: [Answer] = []
    for question in candidates {
      let answer = understanding.answer(question)
      guard answer.isDefinite else { continue }
      if kinds[answer] == nil { order.append(answer) }
      if kinds[answer, default: []].contains(question) { continue }
      kinds[answer, default: []].append(question)
    }
    var found: [(question: Question, answer: Answer)] = []
    var round = 0
    while found.count < count, order.contains(where: { kinds[$0, default: []].count > round }) {
      for answer in order where kinds[answer, default: []].count > round && found.count < count {
        found.append((kinds[answer, default: []][round], answer))
      }
      round += 1
    }
    return found
  }
}
