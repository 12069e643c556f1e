import FlowTrace
import HostAnalysis
import Reports
import RuleGraph
import RuleParser

/// Findings that somebody looked at and left as they are, from a file: a line for each with its reason.
///
///     # what we know of edge1
///     shadowed@filter/DOCKER-USER/5   the ban moves to the provider in May
///     redundant                       we keep rules that only document
struct KnownFindings {
  private struct Line {
    var key: String
    var kind: Finding.ID
    var number: Int
  }

  private let name: String
  private var lines: [Line] = []

  /// Reads a file.
  init(_ path: String) throws(Failure) {
    name = path
    for input in try DumpFiles.read([path]) {
      for (index, line) in String(decoding: input.bytes, as: UTF8.self).split(
        separator: "\n", omittingEmptySubsequences: false
      ).enumerated() {
        let words = line.split(whereSeparator: \.isWhitespace)
        guard let key = words.first.map(String.init), !key.hasPrefix("#") else { continue }
        let kind = try Finding.ID.named(String(key.prefix { $0 != "@" }), in: "\(path):\(index + 1): \(key)")
        guard words.count > 1 else {
          throw Failure("\(path):\(index + 1): \(key): expected a reason after it, for whoever reads this later")
        }
        lines.append(Line(key: key, kind: kind, number: index + 1))
      }
    }
  }

  /// Whether a finding is known: by its key, by that of its chain, or by its kind.
  func contains(_ finding: Finding, in ruleset: Ruleset) -> Bool {
    let key = finding.key(in: ruleset)
    return lines.contains { Self.covers($0.key, key) }
  }

  /// The lines that no finding is known by any more: `known.txt:3: shadowed@filter/INPUT/4`.
  ///
  /// - Parameters:
  ///   - findings: All that were found.
  ///   - kinds: The kinds that were looked for; nil for all.
  ///   - ruleset: The rules.
  func stale(_ findings: [Finding], of kinds: Set<Finding.ID>?, in ruleset: Ruleset) -> [String] {
    let keys = findings.map { $0.key(in: ruleset) }
    return lines.filter { line in
      kinds?.contains(line.kind) ?? true && !keys.contains { Self.covers(line.key, $0) }
    }.map { "\(name):\($0.number): \($0.key)" }
  }

  private static func covers(_ line: String, _ key: String) -> Bool {
    key == line || key.hasPrefix(line + (line.contains("@") ? "/" : "@"))
  }
}
