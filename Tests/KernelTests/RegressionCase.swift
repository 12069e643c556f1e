import Foundation
import KernelLab

/// A router, its rules, a packet, and what the kernel did with it: a folder of four small files.
struct RegressionCase: Sendable, CustomStringConvertible {
  var name: String
  var topology: Topology
  var ruleset: RulesetText
  var form: Lab.DumpForm
  var probe: Probe
  /// What the kernel did, as ``Observation/summary`` says it.
  var answer: String

  var description: String { name }

  /// The folder of the kept cases.
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Cases")

  /// Reads a case from its folder.
  init(folder: URL) throws {
    func text(_ name: String) throws -> String { try String(contentsOf: folder.appending(path: name), encoding: .utf8) }
    guard let topology = Topology(try text("topology.txt")), let ruleset = RulesetText(try text("ruleset.txt")) else {
      throw CocoaError(.fileReadCorruptFile)
    }
    let lines = try text("packet.txt").split(separator: "\n")
    guard let first = lines.first, let probe = Probe(first), lines.count > 1,
      let form = Lab.DumpForm(rawValue: String(lines[1]))
    else { throw CocoaError(.fileReadCorruptFile) }
    self.init(
      name: folder.lastPathComponent, topology: topology, ruleset: ruleset, form: form, probe: probe,
      answer: try text("answer.txt").trimmingCharacters(in: .whitespacesAndNewlines))
  }

  init(name: String, topology: Topology, ruleset: RulesetText, form: Lab.DumpForm, probe: Probe, answer: String) {
    self.name = name
    self.topology = topology
    self.ruleset = ruleset
    self.form = form
    self.probe = probe
    self.answer = answer
  }

  /// All kept cases.
  static var kept: [RegressionCase] {
    let folders = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
    return folders.sorted { $0.path < $1.path }.compactMap { try? RegressionCase(folder: $0) }
  }

  /// Shrinks the case, writes it into `.build/kernel-cases` (from where it can be moved to `Tests/KernelTests/Cases`), and says where.
  func saved() -> String {
    let small = shrunk()
    let root = Self.folder.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let target = root.appending(path: ".build/kernel-cases").appending(path: name)
    do {
      try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
      let files = [
        ("topology.txt", small.topology.description), ("ruleset.txt", small.ruleset.description),
        ("packet.txt", "\(small.probe)\n\(small.form.rawValue)\n"), ("answer.txt", small.answer + "\n"),
      ]
      for (name, text) in files { try Data(text.utf8).write(to: target.appending(path: name)) }
    } catch { return "not saved: \(error)\n" }
    return "saved as \(target.path), \(small.ruleset.ruleCount) rules:\n\(small.ruleset)\n"
  }

  /// What both say of the case now.
  func outcome() throws -> (answer: String, difference: String?, words: String) {
    let trial = try Trial(topology, ruleset, form: form)
    let (_, observation, result, trace) = try trial.compare(probe)
    var difference: String?
    if case .disagreed(let text) = result { difference = text }
    if case .undetermined(let text) = result { difference = "undetermined: \(text)" }
    return (observation.summary, difference, trial.words(trace))
  }

  // MARK: Shrinking

  /// The case with as few rules as still disagree, found by leaving out runs of rules, long ones first.
  private func shrunk() -> RegressionCase {
    var small = self
    var size = max(1, small.ruleset.ruleCount / 2)
    let deadline = Date(timeIntervalSinceNow: 40)
    while size >= 1, Date() < deadline {
      var at = 0
      var changed = false
      while at < small.ruleset.ruleCount, Date() < deadline {
        var candidate = small
        candidate.ruleset = small.ruleset.removing(Set(at..<min(at + size, small.ruleset.ruleCount)))
        if let answer = candidate.disagreeingAnswer {
          small = candidate
          small.answer = answer
          changed = true
        } else {
          at += size
        }
      }
      if size == 1, !changed { break }
      size = size == 1 ? 1 : size / 2
    }
    return small
  }

  /// The kernel's answer if fwtrace's is another.
  private var disagreeingAnswer: String? {
    let copy = self
    return try? Lab.inOwnThread {
      let trial = try Trial(copy.topology, copy.ruleset, form: copy.form)
      let (_, observation, result, _) = try trial.compare(copy.probe)
      if case .disagreed = result { return observation.summary }
      return nil
    }
  }
}
