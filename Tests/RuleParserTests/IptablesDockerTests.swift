import Foundation
import RuleGraph
import Testing

@testable import RuleParser

/// The dumps of real Docker hosts: every printed form of a table means the same.
@Suite struct IptablesDockerTests {
  private static let folder = SharedCorpus.folder?.appending(path: "corpus/docker-20.10")

  private func text(_ host: String, _ file: String) -> String? {
    Self.folder.flatMap {
      try? String(contentsOf: $0.appendingPathComponent(host).appendingPathComponent(file), encoding: .utf8)
    }
  }

  /// The rules of each chain in canonical form; without interfaces where one of the two forms does not print them.
  private func chains(_ table: Table?, withInterfaces: Bool) -> [String: [[Statement]]] {
    var result: [String: [[Statement]]] = [:]
    for chain in table?.chains ?? [] {
      result[chain.name] = chain.rules.map { rule in
        rule.canonicalStatements(in: .ip).filter { statement in
          if withInterfaces { return true }
          guard case .match(let match) = statement, case .field(.meta(let key)) = match.subject else {
            return statement != .hiddenInterfaces
          }
          return key != .iifname && key != .oifname
        }
      }
    }
    return result
  }

  @Test(.enabled(if: SharedCorpus.isPresent, "the corpus of dumps is not there"), arguments: SharedCorpus.dockerHosts)
  func everyListingMeansWhatTheSaveSays(host: String) throws {
    let save = IptablesDump.save(try #require(text(host, "iptables-save.txt")))
    #expect(save.diagnostics.filter { $0.severity != .note } == [])
    for (table, prefix) in [("filter", "iptables"), ("nat", "iptables-t-nat")] {
      let expected = save.tables.first { $0.name == table }
      #expect(expected?.origin == (host.hasPrefix("30-legacy") ? .iptablesLegacy : .iptablesNFT))
      for form in ["vnL", "vnL-line-numbers", "vnxL", "nL", "L", "S"] {
        guard let dump = text(host, "\(prefix)-\(form).txt") else { continue }
        let read =
          form == "S" ? IptablesDump.save(dump, table: nil) : IptablesDump.listing(dump, nil, table: nil)
        #expect(read.notUnderstood == [], "\(host) \(prefix)-\(form)")
        #expect(read.tables.map(\.name) == [table], "\(host) \(prefix)-\(form)")
        let verbose = form.hasPrefix("v") || form == "S"
        #expect(
          chains(read.tables.first, withInterfaces: verbose) == chains(expected, withInterfaces: verbose),
          "\(host) \(prefix)-\(form)")
        if form.hasPrefix("v") {
          #expect(
            read.tables.first?.chains.map(\.base).filter { $0 != nil }
              == expected?.chains.map(\.base).filter { $0 != nil })
        }
      }
    }
  }
}
