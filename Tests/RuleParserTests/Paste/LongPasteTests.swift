import RuleGraph
import Testing

@testable import RuleParser

/// A long text is cut into lines in parts, on all processors: the lines must be those of the same text cut in one piece.
@Suite struct LongPasteTests {
  /// Enough lines for several parts, on a machine with several processors.
  private static let count = 60_000

  private func text(_ line: (Int) -> String) -> [UInt8] {
    Array((0..<Self.count).map { line($0) }.joined(separator: "\n").utf8)
  }

  private func paste(_ text: [UInt8]) -> (paste: PasteLines, words: [String]) {
    let paste = PasteLines(SourceBytes(text))
    return (paste, paste.lines.map { paste.bytes.text($0.range) })
  }

  @Test func linesAreNumberedThroughAllParts() {
    let (paste, words) = paste(text { "line \($0)" + ($0 % 3 == 0 ? "\r" : "") })
    #expect(paste.lines.map(\.number) == (1...Int32(Self.count)).map { $0 })
    #expect(words == (0..<Self.count).map { "line \($0)" })
    #expect(paste.lines.indices.allSatisfy { paste.fence(at: $0) == 0 && !paste.isFence(at: $0) })
  }

  @Test func emptyLinesAndLongOnesAreKept() {
    let long = String(repeating: "x", count: 500_000)
    let (paste, words) = paste(text { $0 % 2 == 0 ? "" : $0 == 30_001 ? long : "y" })
    #expect(paste.lines.count == Self.count)
    #expect(words.enumerated().allSatisfy { $1 == ($0 % 2 == 0 ? "" : $0 == 30_001 ? long : "y") })
    #expect(paste.lines.allSatisfy { ($0.form == .empty) == $0.range.isEmpty })
  }

  @Test func fencesAndQuotationMarksReachThroughAllParts() {
    let text = text { $0 == 10 || $0 == Self.count - 10 ? "> ```" : "> -A INPUT -s 10.0.0.\($0 % 256) -j DROP" }
    let (paste, words) = paste(text)
    #expect(paste.isFence(at: 10) && paste.isFence(at: Self.count - 10))
    #expect(paste.fence(at: 11) == 1 && paste.fence(at: Self.count - 11) == 1 && paste.fence(at: Self.count - 9) == 0)
    #expect(words[12] == "-A INPUT -s 10.0.0.12 -j DROP")
    #expect(paste.lines.indices.allSatisfy { paste.isFence(at: $0) || paste.lines[$0].form == .rule })
  }

  @Test func lineNumbersOfAnEditorAreTakenOffInAllParts() {
    let (paste, words) = paste(text { "\($0 + 1)\t-A INPUT -j DROP" })
    #expect(words.allSatisfy { $0 == "-A INPUT -j DROP" })
    #expect(paste.lines.allSatisfy { $0.form == .rule })
  }

  @Test(arguments: [
    ("-A INPUT -j DROP", PlainForm.rule), ("-P INPUT DROP", .other), ("-A", .other), ("-A  INPUT -j DROP", .other),
    (":KUBE-SVC-ERIFXISQEP7F7OF4 - [0:0]", .head), (":INPUT ACCEPT [0:0]", .other), ("", .empty),
    ("Chain DOCKER (2 references)", .chainHead), ("Chain of events (sorry)", .other),
    (" pkts bytes target     prot opt in     out     source               destination", .columnHead),
    ("    0     0 ACCEPT     tcp  --  *      docker0  0.0.0.0/0            172.17.0.2           tcp dpt:80", .row),
    ("   12  319K            all  --  br-+   *       10.0.0.0/8           0.0.0.0/0", .row),
    ("    1 root      20   0 something else", .other), (" 12 34", .other),
  ])
  func aPlainLineIsToldByItsBytes(_ line: String, _ form: PlainForm) {
    let memory = SourceBytes(Array(line.utf8))
    #expect(PlainForm(ByteView(memory), DumpLine(start: 0, end: memory.count, number: 1)) == form)
    withExtendedLifetime(memory) {}
  }
}
