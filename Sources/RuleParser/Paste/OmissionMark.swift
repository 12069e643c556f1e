import RuleGraph

/// Lines that stand for others that were left out: `...`, `[snip]`, `<200 lines omitted>`, `--More--`, and the `--`
/// that grep prints between lines that were apart.
enum OmissionMark {
  /// How one knows that lines are missing where a line stands; nil of a line that is no such mark.
  static func evidence(_ bytes: ByteView, _ range: Range<Int>) -> MissingRules.Evidence? {
    var (start, end) = (range.lowerBound, min(range.upperBound, bytes.count))
    while start < end, bytes[start] <= UInt8(ascii: " ") { start += 1 }
    while end > start, bytes[end - 1] <= UInt8(ascii: " ") { end -= 1 }
    // A colon or dot alone, or three dots one above the other.
    if end - start == 1, bytes[start] == UInt8(ascii: ":") || bytes[start] == UInt8(ascii: ".") { return .elided }
    if end - start == 3, bytes.has("\u{22ee}", at: start) { return .elided }
    guard end - start >= 2, end - start <= 80 else { return nil }
    if isHunk(bytes, start..<end) { return .elided }
    if end - start == 2, bytes[start] == UInt8(ascii: "-"), bytes[start + 1] == UInt8(ascii: "-") { return .filtered }
    return isMark(bytes, start..<end) ? .elided : nil
  }

  /// How one knows that lines are missing where a comment stands in what a program printed, which prints none: `# more
  /// rules here`.
  static func evidence(ofComment line: ByteCursor) -> MissingRules.Evidence? {
    var cursor = line
    _ = cursor.eat { $0 == UInt8(ascii: "#") }
    return evidence(cursor.bytes, cursor.at..<cursor.end)
  }

  /// Whether a line is the head of a piece of a diff, before which lines are not shown: `@@ -3,6 +3,7 @@`, `12a13`.
  static func isHunk(_ bytes: ByteView, _ range: Range<Int>) -> Bool {
    guard range.count <= 200 else { return false }
    var cursor = ByteCursor(bytes, range)
    if cursor.eat("@@ -") { return cursor.eatDecimal() != nil }
    func eatLines() -> Bool {
      guard cursor.eatDecimal() != nil else { return false }
      return !cursor.eat(UInt8(ascii: ",")) || cursor.eatDecimal() != nil
    }
    guard eatLines(), cursor.eat(UInt8(ascii: "a")) || cursor.eat(UInt8(ascii: "c")) || cursor.eat(UInt8(ascii: "d")),
      eatLines()
    else { return false }
    return cursor.isAtEnd
  }

  /// Whether a line between two rules stands in their place though it is no mark elsewhere: scissors, or nothing but
  /// signs (`-----`, `~`, `########`, blocks).
  ///
  /// Before and behind an output such lines only frame it.
  static func isMask(_ bytes: ByteView, _ range: Range<Int>) -> Bool {
    guard range.count <= 400 else { return false }
    let signs = bytes.text(range).filter { $0 > " " }
    // The end of a quotation or comment was folded off a rule.
    guard let first = signs.first, signs != "*/", signs != "/", !signs.contains(where: { "\"'\\".contains($0) }) else {
      return false
    }
    if first == "#" { return signs.count >= 4 && signs.allSatisfy { $0 == "#" } }
    let rest = signs.filter { !"-=_~.*+ ".contains($0) }
    if ["8<", ">8", "8<8<", ">8>8"].contains(rest) { return true }
    return signs.allSatisfy { !$0.isLetter && !$0.isNumber }
  }

  private static func isMark(_ bytes: ByteView, _ range: Range<Int>) -> Bool {
    var (start, end) = (range.lowerBound, range.upperBound)
    var dots = 0
    var isFramed = false
    // Comment signs, brackets and ornaments around it.
    while start < end, let mark = Ornament(bytes, start) {
      if mark.isDot { dots += mark.length }
      isFramed = isFramed || mark.isFrame
      start += mark.length
    }
    while end > start, bytes[end - 1] < 0x80, let mark = Ornament(bytes, end - 1) {
      if mark.isDot { dots += 1 }
      isFramed = isFramed || mark.isFrame
      end -= 1
    }
    while end - start >= 3, bytes.has("\u{2026}", at: end - 3) {
      dots += 3
      end -= 3
    }
    if start >= end { return dots >= 2 }
    let text = bytes.text(start..<end).lowercased()
    let words = text.split { !$0.isLetter }
    guard let first = words.first, words.count <= 8 else { return false }
    if words.allSatisfy({ ["etc", "usw", "usf"].contains($0) })
      || words.count == 1 && first.count > 2 && first.allSatisfy({ $0 == "x" })
    {
      return true
    }
    // `(x200)`: so many like the one above.
    if isFramed, words.count == 1, first == "x", text.dropFirst().allSatisfy(\.isNumber) { return true }
    if isOthers(text, words, isFramed: isFramed || dots >= 2) { return true }
    if words.count == 1 {
      return ["snip", "snipped", "truncated", "omitted", "skipped", "redacted", "censored"].contains(first)
        || (isFramed || dots >= 2)
          && ["cut", "more", "clip", "clipped", "removed", "trimmed", "shortened"].contains(first)
    }
    if first == "and", words.count > 1, words[1] == "more", text.contains(where: \.isNumber) { return true }
    if andSoOn.contains(words.joined(separator: " ")) { return true }
    let isComment = bytes[range.lowerBound] == UInt8(ascii: "#") || bytes[range.lowerBound] == UInt8(ascii: "/")
    // `**Rules of web1**:` is a heading.
    let isHeading = bytes[range.upperBound - 1] == UInt8(ascii: ":")
    if !isComment, !isHeading, isInWords(text, words) { return true }
    guard isFramed || dots >= 2 || words.count <= 5 else { return false }
    return words.contains { ["snip", "snipped", "omitted", "truncated", "skipped"].contains($0) }
      || (isFramed || dots >= 2) && (!isHeading || dots >= 2)
        && words.contains { ["more", "cut", "removed", "similar", "lines", "rules", "etc", "rest"].contains($0) }
  }

  /// What there are more of: `more of the same`, `the same rule for 30 more addresses`.
  private static let moreOf: Set<Substring> = [
    "rule", "rules", "line", "lines", "entries", "chains", "of", "similar", "like", "such", "addresses", "ips",
  ]

  private static let andSoOn: Set<String> = [
    "and so on", "and so forth", "and more", "and others", "und so weiter", "und weitere", "und andere", "et cetera",
    "et ainsi de suite", "et d autres", "et autres",
  ]

  /// Whether words say in German or French that others stand there: `(... 200 weitere ...)`, `et 30 autres`.
  private static func isOthers(_ text: String, _ words: [Substring], isFramed: Bool) -> Bool {
    guard words.contains(where: { others.contains($0) }) else { return false }
    return isFramed
      || text.utf8.first.map { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") || $0 == UInt8(ascii: "+") } ?? false
      || ["und", "noch", "viele", "plus", "sowie", "et", "encore"].contains(words[0])
  }

  private static let others: Set<Substring> = [
    "weitere", "weiteren", "andere", "anderen", "ähnliche", "autre", "autres", "similaires", "restliche", "restlichen",
  ]

  /// Whether words between rules stand for others: `and 40 more like that`, `the rest is the same`, `same for 81-90`,
  /// `I left out some rules here`.
  private static func isInWords(_ text: String, _ words: [Substring]) -> Bool {
    let isCounted =
      text.utf8.first { $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: " ") }.map {
        $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9")
      } ?? false
    if words.contains("more") {
      return isCounted && words.first == "more"
        || zip(words, words.dropFirst()).contains { $0 == "more" && moreOf.contains($1) }
        || ["and", "plus", "many", "lots", "dozens", "hundreds", "several", "another"].contains(words[0])
    }
    if ["rest", "remaining", "others"].contains(where: { words.prefix(2).contains($0) }) {
      return words.contains {
        ["is", "are", "same", "similar", "of", "omitted", "removed", "cut", "like"].contains($0)
      }
    }
    if words[0] == "same" || words[0] == "similar" || words[0] == "likewise" {
      return words.contains { ["for", "again", "rules", "lines", "entries", "with"].contains($0) }
    }
    return OmissionSentence.isOne(text)
  }

  /// A byte, or an ellipsis, that stands around the words of a mark, or for them.
  private struct Ornament {
    var length = 1
    var isDot = false
    var isFrame = false

    init?(_ bytes: ByteView, _ place: Int) {
      if bytes.has("\u{2026}", at: place) {
        (length, isDot, isFrame) = (3, true, true)
        return
      }
      switch bytes[place] {
      case UInt8(ascii: "."): isDot = true
      case UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "("),
        UInt8(ascii: ")"),
        UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "-"), UInt8(ascii: "="), UInt8(ascii: "*"),
        UInt8(ascii: "~"):
        isFrame = true
      case UInt8(ascii: "#"), UInt8(ascii: "/"), UInt8(ascii: ";"), UInt8(ascii: ":"), UInt8(ascii: " "),
        UInt8(ascii: "\t"):
        break
      default: return nil
      }
    }
  }
}
