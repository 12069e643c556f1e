import Foundation
import GeneratedRules

/// Which of 10,000 rules get no packets, and what a change of one of them changes: the whole program, from its start to the last line.
enum AuditFirewalls: Row {
  static let name = "audit"
  private static let rules = 10_000

  static func claims(_ lab: Lab) throws -> [Claim] {
    try OverlappingRules.allCases.flatMap { kind in
      let file = try lab.write(kind.text(rules: rules, seed: 7), to: "\(kind.rawValue).rules")
      return try claims(
        lab, ["audit", "--only", "shadowed", file], "all rules of \(kind.rawValue) that others take all packets of")
    } + changes(lab)
  }

  /// One rule does the opposite; two rules that don't overlap change places.
  private static func changes(_ lab: Lab) throws -> [Claim] {
    let text = OverlappingRules.fw.text(rules: rules, seed: 7)
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let old = try lab.write(text, to: "fw.rules")
    let places = lines.indices.filter { lines[$0].hasPrefix("-A FORWARD") }
    let middle = places[places.count / 2]
    let line = lines[middle]
    lines[middle] =
      line.hasSuffix("ACCEPT") ? line.replacing("ACCEPT", with: "DROP") : line.replacing("DROP", with: "ACCEPT")
    let changed = try lab.write(lines.joined(separator: "\n"), to: "fw-changed.rules")
    lines[middle] = line
    lines.swapAt(places[100], places[101])
    let swapped = try lab.write(lines.joined(separator: "\n"), to: "fw-swapped.rules")
    return try claims(lab, ["diff", old, changed], "the same rules but for one action")
      + claims(lab, ["diff", old, swapped], "the same rules but for the order of two")
  }

  private static func claims(_ lab: Lab, _ arguments: [String], _ what: String) throws -> [Claim] {
    let answer = lab.path("answer.txt")
    var times: [Timing] = []
    var memory = 0.0
    while times.count < 3 {
      let outcome = try Program([lab.program] + arguments, output: answer).run(expecting: [0, 1, 3])
      times.append(outcome.timing)
      memory = max(memory, Double(outcome.peak) / 1e6)
    }
    return [
      Claim(
        rules: rules, what: what, value: Spread(times.map(\.seconds)), byProcessor: Spread(times.map(\.processor)),
        unit: "s",
        goal: .atMost(1)),
      Claim(rules: rules, what: "its memory at most", value: Spread([memory]), unit: "MB", goal: nil),
    ]
  }
}
