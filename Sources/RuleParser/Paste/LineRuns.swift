/// Lines of a paste that belong together, in their order, as runs of those that follow each other.
struct LineRuns: Sendable {
  /// The runs of indexes, of which none begins where another ends.
  private(set) var runs: [Range<Int>] = []
  /// The number of lines.
  private(set) var count = 0

  /// Adds lines behind those that are there.
  mutating func append(_ run: Range<Int>) {
    if run.isEmpty { return }
    count += run.count
    if let last = runs.last, last.upperBound == run.lowerBound {
      runs[runs.count - 1] = last.lowerBound..<run.upperBound
    } else {
      runs.append(run)
    }
  }

  mutating func append(_ line: Int) { append(line..<line + 1) }

  mutating func append(_ others: LineRuns) { for run in others.runs { append(run) } }
}
