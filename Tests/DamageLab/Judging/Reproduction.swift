import Foundation

/// Lies on disk, to be asked again with `fwtrace`.
public enum Reproduction {
  /// Writes an example of each kind into a folder of its own, and a ranked list beside them.
  public static func write(_ tally: Tally, to folder: String) throws {
    let root = URL(filePath: folder)
    try? FileManager.default.removeItem(at: root)
    var report = "# Lies under damage\n\n```\n\(tally.description)\n```\n\n"
    let ranked = tally.worst.sorted { a, b in
      (tally.counts[a.key]?.lies ?? 0, b.key) > (tally.counts[b.key]?.lies ?? 0, a.key)
    }
    for (key, lie) in ranked {
      let place = root.appending(path: name(key))
      try write(lie, to: place)
      report +=
        "## \(key.damage), \(key.form): \(tally.counts[key]?.lies ?? 0) lies of \(tally.counts[key]?.questions ?? 0)\n\n"
      report += words(lie, in: place)
    }
    if let (duration, lie) = tally.slowest {
      let place = root.appending(path: "slowest")
      try write(lie, to: place)
      report += "\n# The slowest answer: \(duration)\n\n" + words(lie, in: place)
    }
    report += "\n# Harmless damages that opened an answer\n\n"
    for (key, lie) in tally.opened.sorted(by: { tally.counts[$0.key]?.open ?? 0 > tally.counts[$1.key]?.open ?? 0 }) {
      let place = root.appending(path: "open-" + name(key))
      try write(lie, to: place)
      report +=
        "## \(key.damage), \(key.form): \(tally.counts[key]?.open ?? 0) of \(tally.counts[key]?.questions ?? 0)\n\n"
      report += words(lie, in: place)
    }
    try report.write(to: root.appending(path: "report.md"), atomically: true, encoding: .utf8)
  }

  /// Writes one example.
  public static func write(_ example: Lie, to folder: String) throws { try write(example, to: URL(filePath: folder)) }

  private static func name(_ key: Tally.Key) -> String {
    "\(key.damage) \(key.form)".split { !$0.isLetter && !$0.isNumber }.joined(separator: "-")
  }

  private static func words(_ lie: Lie, in place: URL) -> String {
    "\(lie.whole), seed \(lie.seed): \(lie.notes.joined(separator: "; "))\n\n    fwtrace \(lie.question) \(place.path)/dump\n\n"
      + "whole: \(lie.truth)\ndamaged: \(lie.answer)\n\n"
  }

  private static func write(_ lie: Lie, to place: URL) throws {
    let dump = place.appending(path: "dump")
    try FileManager.default.createDirectory(at: dump, withIntermediateDirectories: true)
    let whole = place.appending(path: "whole")
    try FileManager.default.createDirectory(at: whole, withIntermediateDirectories: true)
    for (folder, texts) in [(dump, lie.texts), (whole, lie.wholeTexts)] {
      for text in texts {
        try text.text.write(to: folder.appending(path: text.name), atomically: true, encoding: .utf8)
      }
    }
    try words(lie, in: place).write(to: place.appending(path: "answers.txt"), atomically: true, encoding: .utf8)
  }
}
