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

  /// One dump of each form damaged in each way, and some in two ways.
  public func round(_ number: UInt64) -> Tally {
    var tally = Tally()
    for kind in Damage.allCases.indices {
      for form in byForm.indices { add(number &* 0x1_0000 &+ UInt64(kind * 16 + form), to: &tally) }
    }
    for pair in 0..<24 { add(number &* 0x1_0000 &+ 0x8000 &+ UInt64(pair), to: &tally) }
    return tally
  }

  /// The trial of a seed, which is the same one each time.
  private func trial(_ seed: UInt64) -> (damages: [Damage], whole: Whole, wound: Wound)? {
    var random = RandomNumbers(seed: seed)
    let number = Int(seed & 0xffff)
    var damages: [Damage]
    let form: Int
    if number < 0x8000 {
      damages = [Damage.allCases[min(number / 16, Damage.allCases.count - 1)]]
      form = number % 16
    } else {
      damages = [random.pick(Damage.allCases), random.pick(Damage.allCases)]
      if damages[0] == damages[1] || damages.contains(.undamaged) { return nil }
      form = random.number(0...byForm.count - 1)
    }
    guard byForm.indices.contains(form) else { return nil }
    let whole = random.pick(byForm[form])
    return wound(damages, whole, &random).map { (damages, whole, $0) }
  }

  /// A trial as a lie would be shown, before anything is asked: its first question stands for all.
  public func example(_ seed: UInt64) -> Lie? {
    guard let (_, whole, wound) = trial(seed), let (_, truth) = whole.questions.first else { return nil }
    return Lie(
      whole: whole.name, notes: wound.notes, seed: seed,
      question: whole.questions.map(\.question.description).joined(separator: "\n"),
      truth: truth, answer: .undetermined, texts: wound.texts, wholeTexts: whole.dump.texts)
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
    // Chains that were listed one by one are whole before anything is lost of what the commands printed; and what is
    // done to the outputs comes before what is done to the finished text.
    let ordered =
      damages.filter(\.isListing) + damages.filter { !$0.isListing && !$0.isOfText } + damages.filter(\.isOfText)
    for (number, damage) in ordered.enumerated() {
      if damage.isOfText { wound.finish() }
      // A second damage to the outputs could take away the only trace of the first.
      if number > 0, !damage.isOfText, wound.isFragile || ordered[0].canMatter && damage.canMatter { return nil }
      guard damage.isDone(to: &wound, by: &random) else { return nil }
    }
    wound.finish()
    return wound
  }

  private func add(_ seed: UInt64, to tally: inout Tally) {
    guard let (damages, whole, wound) = trial(seed) else { return }
    let name = damages.count == 1 ? damages[0].rawValue : damages.map(\.rawValue).joined(separator: " + ")
    let key = Tally.Key(damage: name, form: whole.form.rawValue)
    tally.countText(key)
    announce("\(whole.name), seed \(seed), \(name): \(wound.notes.joined(separator: "; "))")
    let understanding = Understanding(wound.texts)
    let isHarmless = !damages.contains(where: \.canMatter)
    for (question, truth) in whole.questions where wound.isAbout(question) {
      let start = ContinuousClock.now
      let answer = understanding.answer(question)
      let duration = ContinuousClock.now - start
      let outcome = Outcome(answer, to: question, truth: truth, lost: wound.lost)
      func example() -> Lie {
        Lie(
          whole: whole.name, notes: ["layout \(wound.dump.layout.rawValue)"] + wound.notes, seed: seed,
          question: question.description, truth: truth, answer: answer, texts: wound.texts,
          wholeTexts: whole.dump.texts)
      }
      tally.count(outcome, key, isHarmless: isHarmless, example)
      tally.time(duration, example)
    }
  }
}
