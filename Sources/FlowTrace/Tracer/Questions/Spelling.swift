/// Finds what a mistyped word was meant to be.
public enum Spelling {
  /// The candidate that differs in the fewest letters (inserted, left out, exchanged, swapped), else one that the word
  /// begins or that begins the word; nil when none is near.
  public static func nearest(to word: String, among candidates: [String]) -> String? {
    let limit = max(1, word.utf8.count / 3)
    let scored = candidates.map { (name: $0, distance: distance(Array(word.utf8), Array($0.utf8), limit: limit)) }
    if let near = scored.filter({ $0.distance <= limit }).min(by: { ($0.distance, $0.name) < ($1.distance, $1.name) }) {
      return near.name
    }
    return candidates.first { $0.utf8.count >= 3 && word.hasPrefix($0) || word.utf8.count >= 3 && $0.hasPrefix(word) }
  }

  /// The number of single-letter edits between two words, or a number above the limit.
  private static func distance(_ a: [UInt8], _ b: [UInt8], limit: Int) -> Int {
    guard abs(a.count - b.count) <= limit, a.count <= 64, b.count <= 64 else { return limit + 1 }
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for (i, x) in a.enumerated() {
      var row = [i + 1]
      for (j, y) in b.enumerated() {
        var best = min(last[j + 1] + 1, row[j] + 1, last[j] + (x == y ? 0 : 1))
        if i > 0, j > 0, x == b[j - 1], a[i - 1] == y { best = min(best, beforeLast[j - 1] + 1) }
        row.append(best)
      }
      beforeLast = last
      last = row
    }
    return last[b.count]
  }
}
