import RuleGraph

/// Sentences in which people say that they left rules out of what they paste.
///
///     I removed the f2b entries from this output:
///     Relevant rules only:
///     Ausgabe gekürzt:
enum OmissionSentence {
  /// Whether a line is, or holds, such a sentence.
  static func isOne(_ bytes: ByteView, _ range: Range<Int>) -> Bool {
    guard range.count >= 10, range.count <= 400 else { return false }
    return isOne(bytes.text(range).lowercased())
  }

  /// Whether a sentence in small letters is one.
  static func isOne(_ text: String) -> Bool {
    let words = text.split { !$0.isLetter && $0 != "'" }.map(String.init)
    guard words.count >= 2, words.count <= 80 else { return false }
    let all = Set(words)
    if !all.isDisjoint(with: negations), !text.contains("not shown"),
      !text.contains("not relevant")
    {
      return false
    }
    let isOfOutput = !all.isDisjoint(with: nouns)
    if isOfOutput, !all.isDisjoint(with: ways) || phrases.contains(where: { text.contains($0) }) { return true }
    if !all.isDisjoint(with: takings), removals.contains(where: { text.contains($0) }) { return true }
    if !all.isDisjoint(with: foreignNouns), !all.isDisjoint(with: foreignWays) { return true }
    return isSelection(words, isOfOutput: isOfOutput)
  }

  private static let negations: Set<String> = [
    "not", "nothing", "none", "never", "didn't", "haven't", "nicht", "nichts", "kein", "keine", "keinen", "pas", "rien",
    "aucun", "aucune",
  ]

  /// The same in German and French.
  private static let foreignNouns: Set<String> = [
    "regel", "regeln", "ausgabe", "zeile", "zeilen", "eintrag", "einträge", "kette", "ketten", "liste", "rest",
    "restlichen", "chain", "chains", "iptables", "règle", "règles", "regle", "regles", "sortie", "ligne", "lignes",
    "entrée", "entrées", "chaîne", "chaînes", "celle", "celles", "ceux", "reste",
  ]

  /// Words of both languages for what isn't there, and for a selection of what is.
  private static let foreignWays: Set<String> = [
    "gekürzt", "gekürzte", "weggelassen", "ausgelassen", "abgeschnitten", "entfernt", "gelöscht", "rausgelöscht",
    "rausgenommen", "herausgenommen", "rausgeschnitten", "ausgeblendet", "auszug", "auszugsweise", "ausschnitt",
    "ausschnitte", "relevante", "relevanten", "wichtige", "wichtigen", "wichtigste", "wichtigsten", "interessante",
    "interessanten", "extrait", "extraits", "tronqué", "tronquée", "tronquées", "abrégé", "abrégée", "raccourci",
    "raccourcie", "coupé", "coupée", "omis", "omises", "enlevé", "enlevées", "supprimé", "supprimées", "retiré",
    "retirées", "masqué", "masquées", "principale", "principales", "pertinente", "pertinentes", "importantes",
    "intéressantes",
  ]

  /// What is pasted, and what it is made of.
  private static let nouns: Set<String> = [
    "rule", "rules", "entry", "entries", "line", "lines", "chain", "chains", "part", "parts", "stuff", "output",
    "others",
    "rest", "listing", "dump", "iptables", "table", "tables", "section", "sections",
    "block", "blocks", "ips",
  ]

  /// Words that say of themselves that something isn't there.
  private static let ways: Set<String> = [
    "omitted", "omitting", "snipped", "truncated", "abridged", "abbreviated", "trimmed", "excerpt", "excerpts",
    "shortened", "snippet", "snippets", "extract",
  ]

  private static let phrases = [
    "left out", "leaving out", "leave out", "left off", "cut out", "cut off", "cut down", "not shown", "stripped out",
    "stripped down", "rest is ", "rest are ", "rest look",
  ]

  private static let takings: Set<String> = [
    "removed", "removing", "deleted", "cut", "stripped", "hid", "hidden", "filtered", "excluded", "excluding",
    "dropped",
    "skipped", "edited", "cleaned", "trimmed", "shortened", "truncated", "snipped", "abridged",
  ]

  private static let removals = [
    "from this output", "from the output", "from this list", "from the list", "from this dump", "from the dump",
    "from this paste", "from the paste", "from this post", "from the post", "from here", "out of this",
    "out of the output",
    "for brevity", "for clarity", "for readability", "for simplicity", "for shortness", "to keep it short",
    "to keep this short", "to shorten", "to save space", "irrelevant", "unrelated", "not relevant",
  ]

  /// `Relevant rules:`, `Only the interesting parts`, `here is some of the output`.
  private static func isSelection(_ words: [String], isOfOutput: Bool) -> Bool {
    for (index, word) in words.enumerated() where ["relevant", "interesting", "important"].contains(word) {
      if words.contains("only") || words.contains("just") { return isOfOutput || words.count <= 4 }
      if words[(index + 1)...].prefix(3).contains(where: { nouns.contains($0) || $0 == "bit" || $0 == "bits" }) {
        return true
      }
    }
    if let of = words.firstIndex(of: "of"), of > 0, isOfOutput,
      ["part", "parts", "portion", "some", "few", "piece", "section"].contains(words[of - 1])
    {
      return true
    }
    let isShowing = zip(words, words.dropFirst()).contains {
      ($0 == "only" && $1 == "showing") || ($0 == "showing" && $1 == "only")
    }
    return isShowing && isOfOutput
  }
}
