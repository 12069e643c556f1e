/// Outcomes by the kind of damage and the form of the rules.
public struct Tally: Sendable {
  /// What was counted together.
  struct Key: Hashable, Sendable, Comparable {
    var damage: String
    var form: String

    static func < (a: Key, b: Key) -> Bool { (a.damage, a.form) < (b.damage, b.form) }
  }

  /// How often each outcome came.
  struct Counts: Sendable {
    var texts = 0
    var same = 0
    var open = 0
    var assumed = 0
    var lies = 0

    var questions: Int { same + open + assumed + lies }
    /// The share of answers that stayed definite, in percent.
    var definite: Int { questions == 0 ? 100 : 100 * (same + assumed) / questions }

    mutating func add(_ other: Counts) {
      texts += other.texts
      same += other.same
      open += other.open
      assumed += other.assumed
      lies += other.lies
    }
  }

  private(set) var counts: [Key: Counts] = [:]
  private(set) var worst: [Key: Lie] = [:]
  /// Harmless damages after which an answer was open, the smallest of each kind.
  private(set) var opened: [Key: Lie] = [:]
  private var harmless = Counts()
  /// The question that took longest.
  private(set) var slowest: (duration: Duration, example: Lie)?

  /// Nothing yet.
  public init() {}

  /// The answers that were compared.
  public var questions: Int { counts.values.reduce(0) { $0 + $1.questions } }
  /// The lies among them.
  public var lies: Int { counts.values.reduce(0) { $0 + $1.lies } }
  /// One lie of each kind and form, the one with the smallest text.
  public var examples: [Lie] { worst.sorted { $0.key < $1.key }.map(\.value) }
  /// The share of answers that stayed definite where nothing was lost, of 1.
  public var definiteShare: Double {
    harmless.questions == 0 ? 1 : Double(harmless.same + harmless.assumed) / Double(harmless.questions)
  }

  mutating func count(_ outcome: Outcome, _ key: Key, isHarmless: Bool, _ lie: () -> Lie) {
    switch outcome {
    case .same: counts[key, default: Counts()].same += 1
    case .open: counts[key, default: Counts()].open += 1
    case .assumed: counts[key, default: Counts()].assumed += 1
    case .lie: counts[key, default: Counts()].lies += 1
    }
    if outcome == .lie {
      let lie = lie()
      if worst[key].map({ lie.size < $0.size }) ?? true { worst[key] = lie }
    }
    guard isHarmless else { return }
    switch outcome {
    case .same: harmless.same += 1
    case .open:
      harmless.open += 1
      guard Damage(rawValue: key.damage) != nil else { return }
      let answer = lie()
      if opened[key].map({ answer.size < $0.size }) ?? true { opened[key] = answer }
    case .assumed: harmless.assumed += 1
    case .lie: harmless.lies += 1
    }
  }

  mutating func time(_ duration: Duration, _ example: () -> Lie) {
    if slowest.map({ $0.duration < duration }) ?? true { slowest = (duration, example()) }
  }

  mutating func countText(_ key: Key) { counts[key, default: Counts()].texts += 1 }

  /// Adds what another part of the campaign found.
  public mutating func merge(_ other: Tally) {
    for (key, value) in other.counts { counts[key, default: Counts()].add(value) }
    for (key, lie) in other.worst where worst[key].map({ lie.size < $0.size }) ?? true { worst[key] = lie }
    for (key, lie) in other.opened where opened[key].map({ lie.size < $0.size }) ?? true { opened[key] = lie }
    harmless.add(other.harmless)
    if let theirs = other.slowest { time(theirs.duration) { theirs.example } }
  }

  // MARK: Words

  /// A table of all kinds, and in it the forms that lied.
  public var description: String {
    var lines = ["damage                          form        texts  questions   same   open assumed   LIES  definite"]
    func line(_ name: String, _ form: String, _ counts: Counts) -> String {
      func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
      }
      func left(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
      }
      return left(name, 32) + left(form, 10) + right("\(counts.texts)", 7) + right("\(counts.questions)", 11)
        + right("\(counts.same)", 7) + right("\(counts.open)", 7) + right("\(counts.assumed)", 8)
        + right("\(counts.lies)", 7) + right("\(counts.definite) %", 10)
    }
    for damage in Damage.allCases.map(\.rawValue) {
      let forms = counts.filter { $0.key.damage == damage }.sorted { $0.key < $1.key }
      var sum = Counts()
      for (_, value) in forms { sum.add(value) }
      lines.append(line(damage, "all", sum))
      for (key, value) in forms where value.lies > 0 { lines.append(line("", key.form, value)) }
    }
    let pairs = counts.filter { Damage(rawValue: $0.key.damage) == nil }
    lines.append(line("two of these", "all", pairs.values.reduce(into: Counts()) { $0.add($1) }))
    let percent = Double(Int(definiteShare * 10000)) / 100
    if let slowest { lines.append("the slowest answer took \(slowest.duration)") }
    lines.append("\(questions) questions, \(lies) lies; where nothing was lost, \(percent) % stayed definite")
    return lines.joined(separator: "\n")
  }
}
