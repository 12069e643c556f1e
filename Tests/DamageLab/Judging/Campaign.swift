import Randomness

/// Damages whole dumps and asks them again.
public struct Campaign: Sendable {
  /// The whole dumps.
  public let wholes: [Whole]
  private let byForm: [[Whole]]
  /// Called with each trial before it is made, to know the one that doesn't end.
  private let announce: @Sendable (_ trial: String) -> Void

  /// Makes a campaign over some dumps.
  public init(_ wholes: [Whole], announce: @escaping @Sendable (_ trial: String) -> Void = { _ in }) {
    self.wholes = wholes
    self.announce = announce
    byForm = Form.allCases.map { form in wholes.filter { $0.form == form } }.filter { !$0.isEmpty }
  }

  /// One dump of each form damaged in each way, and some in two ways. A seed names the same trial each time.
  public func round(_ seed: UInt64) -> Tally {
    var tally = Tally()
    for (kind, damage) in Damage.allCases.enumerated() {
      for (form, wholes) in byForm.enumerated() {
        let own = seed &* 0x1_0000 &+ UInt64(kind * 16 + form)
        var random = RandomNumbers(seed: own)
        trial([damage], random.pick(wholes), own, &random, &tally)
      }
    }
    for pair in 0..<24 {
      let own = seed &* 0x1_0000 &+ 0x8000 &+ UInt64(pair)
      var random = RandomNumbers(seed: own)
      let first = random.pick(Damage.allCases)
      let second = random.pick(Damage.allCases)
      guard first != second, first != .undamaged, second != .undamaged else { continue }
      trial([first, second], random.pick(random.pick(byForm)), own, &random, &tally)
    }
    return tally
  }

  /// Some dump damaged in one way, as texts; nil where there is nothing in it that the damage could be done to.
  public func texts(of damage: Damage, seed: UInt64) -> [String]? {
    var random = RandomNumbers(seed: seed)
    guard let whole = wholes.isEmpty ? nil : random.pick(wholes) else { return nil }
    return wound([damage], whole, &random)?.texts.map(\.text)
  }

  /// A dump after some damages; nil where one of them can't be done.
  private func wound(_ damages: [Damage], _ whole: Whole, _ random: inout RandomNumbers) -> Wound? {
    let layout = random.pick(weighted: [(3, Layout.files), (5, .prompts), (2, .bare)])
    var wound = Wound(whole, layout: layout, others: wholes, random: &random)
    // What is done to the outputs comes before what is done to the finished text.
    let ordered = damages.filter { !$0.isOfText } + damages.filter(\.isOfText)
    for (number, damage) in ordered.enumerated() {
      if damage.isOfText { wound.finish() }
      // A second damage to the outputs could take away the only trace of the first.
      if number > 0, !damage.isOfText, wound.isFragile || ordered[0].canMatter && damage.canMatter { return nil }
      guard damage.isDone(to: &wound, by: &random) else { return nil }
    }
    wound.finish()
    return wound
  }

  private func trial(
    _ damages: [Damage], _ whole: Whole, _ seed: UInt64, _ random: inout RandomNumbers, _ tally: inout Tally
  ) {
    guard let wound = wound(damages, whole, &random) else { return }
    let name = damages.count == 1 ? damages[0].rawValue : damages.map(\.rawValue).joined(separator: " + ")
    let key = Tally.Key(damage: name, form: whole.form.rawValue)
    tally.countText(key)
    announce("\(whole.name), seed \(seed), \(name): \(wound.notes.joined(separator: "; "))")
    let understanding = Understanding(wound.texts)
    let isHarmless = !damages.contains(where: \.canMatter)
    for (question, truth) in whole.questions {
      let start = ContinuousClock.now
      let answer = understanding.answer(question)
      let duration = ContinuousClock.now - start
      let outcome = Outcome(answer, to: question, truth: truth, lost: wound.lost)
      func example() -> Lie {
        Lie(
          whole: whole.name, notes: ["layout \(wound.dump.layout.rawValue)"] + wound.notes, seed: seed,
          question: question.description, truth: truth, answer: answer, texts: wound.texts)
      }
      tally.count(outcome, key, isHarmless: isHarmless, example)
      tally.time(duration, example)
    }
  }
}
