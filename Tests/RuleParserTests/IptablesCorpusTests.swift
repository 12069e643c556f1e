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

/// What a listing does not print, by extension, and why.
private struct ListingGap {
  var ext: String
  var reason: String
  /// The arguments that the listing hides or prints otherwise.
  var hidden: Set<String> = []
  /// Whether it hides a negation.
  var hidesNegation = false
  /// Whether it hides the whole match.
  var hidesAll = false

  static let all = [
    ListingGap(
      ext: "libxt_hashlimit",
      reason: "the listing has no name of the bucket list, and multiplies the rate by its interval",
      hidden: ["hashlimit-name", "hashlimit-upto"]),
    ListingGap(ext: "libxt_quota", reason: "the listing does not print the negation", hidesNegation: true),
    ListingGap(ext: "libip6t_eui64", reason: "the listing prints nothing for the match", hidesAll: true),
  ]

  /// A rule without what the listing hides.
  func cut(_ statements: [Statement]) -> [Statement] {
    statements.compactMap { statement in
      guard case .environment(var condition) = statement else { return statement }
      if hidesAll { return nil }
      if hidesNegation { condition.negated = false }
      condition.arguments.removeAll { hidden.contains($0.name) }
      return .environment(condition)
    }
  }
}

@Suite struct IptablesCorpusTests {
  @Test(.enabled(if: PrintedRules.isThere, "the corpus of printed rules is not there"), arguments: ["v4", "v6"])
  func bothPrintedFormsMeanTheSame(file: String) throws {
    let family: AddressFamily = file == "v4" ? .ipv4 : .ipv6
    let tableFamily: TableFamily = family == .ipv4 ? .ip : .ip6
    var equal = 0
    var excepted = 0
    var opaque = 0
    let rules = try PrintedRules.read(file)
    for rule in rules {
      let save = IptablesDump.save("*\(rule.table)\n\(rule.save)\nCOMMIT\n", family)
      let listing = IptablesDump.listing(
        "Chain \(rule.chain) (policy ACCEPT)\n\(rule.vnL)\n", family, table: rule.table)
      let parts = save.notUnderstood + listing.notUnderstood
      if !parts.isEmpty { opaque += 1 }
      #expect(parts == [], "\(rule.save)")
      #expect(save.diagnostics + listing.diagnostics == [], "\(rule.save)")
      let first = save.rules.map { $0.canonicalStatements(in: tableFamily) }
      let second = listing.rules.map { $0.canonicalStatements(in: tableFamily) }
      #expect(first.count == 1, "\(rule.save)")
      if first == second {
        equal += 1
      } else if let gap = ListingGap.all.first(where: { $0.ext == rule.ext }) {
        #expect(first.map(gap.cut) == second.map(gap.cut), "\(rule.save)")
        excepted += 1
      } else {
        #expect(first == second, "\(rule.save)")
      }
    }
    print("iptables \(file): \(rules.count) rules, \(equal) equal, \(excepted) excepted, \(opaque) opaque")
    #expect(equal + excepted == rules.count)
  }

  @Test(.enabled(if: PrintedRules.isThere, "the corpus of printed rules is not there"), arguments: ["v4", "v6"])
  func withoutCountersOnlyTheInterfacesAreMissing(file: String) throws {
    let family: AddressFamily = file == "v4" ? .ipv4 : .ipv6
    for rule in try PrintedRules.read(file) {
      let verbose = IptablesDump.listing(
        "Chain \(rule.chain) (policy ACCEPT)\n\(rule.vnL)\n", family, table: rule.table)
      let plain = IptablesDump.listing("Chain \(rule.chain) (policy ACCEPT)\n\(rule.nL)\n", family, table: rule.table)
      #expect(plain.rules.first?.statements.first == .hiddenInterfaces, "\(rule.nL)")
      let isInterface: (Statement) -> Bool = { statement in
        guard case .match(let match) = statement else { return false }
        return match.subject == .field(.meta(.iifname)) || match.subject == .field(.meta(.oifname))
      }
      #expect(
        plain.rules.map { Array($0.statements.dropFirst()) }
          == verbose.rules.map { $0.statements.filter { !isInterface($0) } },
        "\(rule.nL)")
    }
  }
}
