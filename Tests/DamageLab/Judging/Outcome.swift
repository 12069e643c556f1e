/// What became of an answer.
public enum Outcome: Sendable {
  /// It is the same.
  case same
  /// It is open now.
  case open
  /// It is another one, and says that it takes for empty the very table that was left out, or for somebody else's the very address that was masked.
  case assumed
  /// It is another one, as if nothing had happened.
  case lie

  init(_ answer: Answer, to question: Question, truth: Answer, lost: Set<String>) {
    if !answer.isDefinite {
      self = .open
    } else if answer.agrees(with: truth) {
      self = .same
    } else if answer.allows(truth, isOfOnePacket: question.isOfOnePacket) {
      self = .open
    } else if lost.contains(where: { Self.says(answer, of: $0) }) {
      self = .assumed
    } else {
      self = .lie
    }
  }

  /// Whether an answer says that a table was not shown: `the raw and nat tables of iptables, which no dump shows, hold no rules`. Of an address, whether
  /// it says that packets from there come in from outside.
  private static func says(_ answer: Answer, of lost: String) -> Bool {
    if answer.takenForOthers.contains(lost) { return true }
    let words = lost.split(separator: " ").map(String.init)
    guard words.count == 2 else { return false }
    let tool = words[0] == "ip" ? "iptables" : words[0] == "ip6" ? "ip6tables" : ""
    return answer.untold.contains { text in
      let all = text.split { !$0.isLetter && !$0.isNumber && $0 != "-" && $0 != "_" }.map(String.init)
      if text.contains(lost) || text.contains("other tables") { return true }
      return all.contains(words[1]) && all.contains(tool)
    }
  }
}

/// A definite answer that damage turned into another definite one.
public struct Lie: Sendable, CustomStringConvertible {
  /// Which whole dump.
  public var whole: String
  /// What was done to it, in words.
  public var notes: [String]
  /// The seed of the trial.
  public var seed: UInt64
  /// The options of the question.
  public var question: String
  /// The answer of the whole dump.
  public var truth: Answer
  /// The answer of the damaged one.
  public var answer: Answer
  /// The damaged texts.
  var texts: [PastedText]
  /// The texts as they were.
  var wholeTexts: [PastedText]

  /// The trial, the question and both answers, in words.
  public var description: String {
    """
    \(whole), seed \(seed): \(notes.joined(separator: "; "))
    fwtrace \(question)
    whole:   \(truth)
    damaged: \(answer)
    """
  }

  /// The size of what has to be looked at.
  var size: Int { texts.reduce(0) { $0 + $1.text.utf8.count } }
}
