import Foundation
import Testing

/// Compares a text with a file beside the tests. A missing file is recorded, and recording fails the run: look at the file and run again.
/// To record a changed text, delete its file.
func expectSnapshot(
  _ text: String, named name: String, filePath: String = #filePath, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let folder = URL(filePath: filePath).deletingLastPathComponent().appending(path: "Snapshots")
  let file = folder.appending(path: name + ".txt")
  guard let expected = try? String(contentsOf: file, encoding: .utf8) else {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try text.write(to: file, atomically: true, encoding: .utf8)
    Issue.record("recorded \(name).txt; look at it and run again", sourceLocation: sourceLocation)
    return
  }
  guard text != expected else { return }
  let got = text.split(separator: "\n", omittingEmptySubsequences: false)
  let wanted = expected.split(separator: "\n", omittingEmptySubsequences: false)
  let line =
    zip(got, wanted).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? min(got.count, wanted.count)
  let gotLine = line < got.count ? got[line] : "(end)"
  let wantedLine = line < wanted.count ? wanted[line] : "(end)"
  Issue.record(
    "\(name).txt differs in line \(line + 1):\n  was  \(wantedLine)\n  now  \(gotLine)", sourceLocation: sourceLocation)
}
