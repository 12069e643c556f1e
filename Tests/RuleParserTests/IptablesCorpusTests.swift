import Foundation
import RuleGraph
import Testing

@testable import RuleParser

/// One rule of the corpus with what iptables 1.8.9 printed of it.
struct PrintedRule: Decodable {
  var ext: String
  var table: String
  var chain: String
  var save: String
  var vnL: String
  var nL: String
}

/// Reads the corpus of printed rules where it is.
enum PrintedRules {
  static func file(_ name: String) -> URL? {
    SharedCorpus.folder?.appending(path: "corpus/iptables-extensions/\(name).jsonl")
  }

  static var isThere: Bool { SharedCorpus.isPresent }

  static func read(_ name: String) throws -> [PrintedRule] {
    guard let file = file(name) else { return [] }
    return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map {
      try JSONDecoder().decode(PrintedRule.self, from: Data($0.utf8))
    }
  }
}

/// Rules whose listing says less than their save form, each with the reason.
private let listingSaysLess: [(ext: String, reason: String, applies: @Sendable (String) -> Bool)] = []

@Suite struct IptablesCorpusTests {
  @Test(.enabled(if: PrintedRules.isThere, "the corpus of printed rules is not there"), arguments: ["v4", "v6"])
  func bothPrintedFormsMeanTheSame(file: String) throws {
    let family: AddressFamily = file == "v4" ? .ipv4 : .ipv6
    var equal = 0
    var excepted = 0
    var opaque = 0
    let rules = try PrintedRules.read(file)
    for rule in rules {
      let save = IptablesDump.save("*\(rule.table)\n\(rule.save)\nCOMMIT\n", family)
      let listing = IptablesDump.listing(
        "Chain \(rule.chain) (policy ACCEPT)\n\(rule.vnL)\n", family, table: rule.table)
      let parts = save.notUnderstood + listing.notUnderstood
      if !parts.isEmpty {
        opaque += 1
        print("OPAQUE", rule.ext, rule.save, parts.map(\.text))
      }
      let tableFamily: TableFamily = family == .ipv4 ? .ip : .ip6
      let first = save.rules.map { $0.canonicalStatements(in: tableFamily) }
      let second = listing.rules.map { $0.canonicalStatements(in: tableFamily) }
      if first == second, !first.isEmpty {
        equal += 1
      } else if listingSaysLess.contains(where: { $0.ext == rule.ext && $0.applies(rule.save) }) {
        excepted += 1
      } else {
        print("DIFFER", rule.ext, rule.save, "\n  ", first, "\n  ", second)
      }
    }
    #expect(equal > rules.count / 3)
    print("iptables \(file): \(rules.count) rules, \(equal) equal, \(excepted) excepted, \(opaque) opaque")
  }
}
