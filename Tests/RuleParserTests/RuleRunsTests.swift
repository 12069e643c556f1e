import RuleGraph
import Testing

@testable import RuleParser

@Suite struct RuleRunsTests {
  private static let rule = Rule([], span: SourceSpan(source: 0, line: 1, offset: 0, length: 0))

  @Test func rulesOfAChainInARowAreOneRun() {
    var runs = RuleRuns<String>()
    for chain in ["a", "a", "b", "a"] { runs.append(Self.rule, at: chain) { place, _ in place == chain } }
    #expect(runs.runs.map(\.place) == ["a", "b", "a"])
    #expect(runs.runs.map(\.rules.count) == [2, 1, 1])
  }

  /// A run grows as an array does: it lies where it lay until its room is used up. If each rule moved it, a chain of a hundred thousand would take seconds.
  @Test func aRunIsNotCopiedForEachRule() {
    var runs = RuleRuns<Int>()
    var moves = 0
    var place: UInt?
    for _ in 0..<4000 {
      runs.append(Self.rule, at: 0) { _, _ in true }
      let now = unsafe runs.runs[0].rules.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
      if now != place { moves += 1 }
      place = now
    }
    #expect(moves < 30, "4,000 rules moved \(moves) times")
  }
}
