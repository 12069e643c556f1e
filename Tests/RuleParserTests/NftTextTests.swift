import Foundation
import RuleGraph
import Testing

@testable import RuleParser

/// Listings that nftables 1.0.6 printed of one ruleset that holds nearly the whole language.
enum NftFixture {
  static func bytes(_ name: String) throws -> [UInt8] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/nft-language")
    return [UInt8](try Data(contentsOf: folder.appending(path: name)))
  }
}

extension RuleFragment {
  /// The tables without what differs between two prints of one ruleset: places, handles, the order of remarks.
  func comparable(
    keepCounters: Bool = true, ignoring ignored: Set<String> = []
  ) -> [Table] {
    let nowhere = SourceSpan(source: 0, line: 0, offset: 0, length: 0)
    return tables.map { table in
      var table = table
      table.span = nil
      table.handle = nil
      table.chains = table.chains.map { chain in
        var chain = chain
        chain.span = nil
        chain.handle = nil
        chain.rules = chain.rules.map { rule in
          var rule = rule
          rule.span = nowhere
          rule.handle = nil
          if !keepCounters {
            rule.counter = nil
            rule.statements.removeAll { if case .effect(let effect) = $0 { effect.kind == .counter } else { false } }
          }
          return rule
        }
        return chain
      }
      table.sets = table.sets.map { set in
        var set = set
        set.span = nil
        set.handle = nil
        set.flags.removeAll { ignored.contains($0) }
        set.arguments.removeAll { ignored.contains($0.name) || $0.name == "typeof" }
        set.arguments.sort { $0.name < $1.name }
        set.elements = set.elements.map { element in
          var element = element
          element.arguments.removeAll { ignored.contains($0.name) }
          return element
        }
        return set
      }
      table.objects = table.objects.map { object in
        var object = object
        object.span = nil
        object.handle = nil
        object.arguments.removeAll { ignored.contains($0.name) }
        object.arguments.sort { ($0.name, $0.value) < ($1.name, $1.value) }
        return object
      }
      table.objects.sort { ($0.kind, $0.name) < ($1.kind, $1.name) }
      return table
    }
  }
}

/// Compares two readings chain by chain and rule by rule, so that a failure names the rule.
func expectEqual(_ text: [Table], _ json: [Table], _ textBytes: [UInt8], _ original: [Table]) {
  #expect(text.map(\.name) == json.map(\.name))
  for (a, b) in zip(text, json) {
    #expect(a.chains.map(\.name) == b.chains.map(\.name))
    #expect(a.sets == b.sets)
    #expect(a.objects == b.objects)
    #expect(a.flags == b.flags)
    #expect(a.comment == b.comment)
    #expect(a.origin == b.origin)
    for (chain, other) in zip(a.chains, b.chains) {
      // nft 1.0.6 leaves the device of a netdev chain out of its JSON.
      if other.base?.hook != .ingress { #expect(chain.base == other.base) }
      #expect(chain.comment == other.comment)
      #expect(chain.rules.count == other.rules.count)
      for (number, (rule, twin)) in zip(chain.rules, other.rules).enumerated() where rule != twin {
        Issue.record("\(a.name) \(chain.name) rule \(number + 1):\n  \(rule)\n  \(twin)")
      }
    }
  }
}

@Suite("nft text")
struct NftTextTests {
  /// What one of the two forms of a ruleset leaves out.
  static let exceptions: [String: Set<String>] = [
    // The text does not print the flag that a time-out implies.
    "maps--typeof_maps_update_0": ["timeout"],
    // The JSON has no place for a flow table's counter.
    "flowtable--0012flowtable_variable_0": ["counter"],
    // The JSON prints only the first statement of an element.
    "sets--0060set_multistmt_0": ["counter", "counter packets", "counter bytes"],
  ]

  @Test(
    "The text of every ruleset of nftables' own tests says what its JSON says",
    .enabled(if: NftCorpus.exists("nftables-upstream"), "the shared corpus is not here"),
    arguments: NftCorpus.names("nftables-upstream", ext: "nft"))
  func upstream(_ name: String) throws {
    let bytes = try NftCorpus.bytes("nftables-upstream/\(name).nft")
    let text = NftTextReader.read(dumpText(bytes))
    #expect(text.diagnostics.isEmpty)
    #expect(text.opaque.isEmpty)
    let json = NftJSONReader.read(dumpText(try NftCorpus.bytes("nftables-upstream/\(name).json")))
    let lost = Self.exceptions[name] ?? []
    expectEqual(text.comparable(ignoring: lost), json.comparable(ignoring: lost), bytes, text.tables)
  }

  @Test
  func nearlyTheWholeLanguageReadsTheSameFromTextNumbersAndJSON() throws {
    // nft 1.0.6 leaves `dynamic`, `auto-merge` and a flow table's counter out of its JSON.
    let lost: Set<String> = ["dynamic", "auto-merge", "expires", "used"]
    let json = NftJSONReader.read(dumpText(try NftFixture.bytes("listing.json")))
    #expect(json.diagnostics.isEmpty)
    #expect(json.opaque.isEmpty)
    #expect(json.statements.count > 400)
    for name in ["listing.nft", "listing-numeric-handles.nft"] {
      let bytes = try NftFixture.bytes(name)
      let text = NftTextReader.read(dumpText(bytes))
      #expect(text.diagnostics.isEmpty)
      #expect(text.opaque.isEmpty)
      expectEqual(text.comparable(ignoring: lost), json.comparable(ignoring: lost), bytes, text.tables)
    }
  }

  @Test func anExclamationMarkStandsBeforeFlagsOnly() throws {
    let rules = ["tcp dport ! { 22, 23 } drop", "tcp dport ! 22 drop", "tcp flags ! syn drop", "ct state ! new drop"]
    let lines = ["table ip t {", "\tchain c {"] + rules.map { "\t\t" + $0 } + ["\t}", "}", ""]
    let read = NftTextReader.read(dumpText(Array(lines.joined(separator: "\n").utf8)))
    let unknown = try #require(read.tables.first?.chains.first).rules.map(\.hasUnknownPart)
    #expect(unknown == [true, true, false, false])
  }
}
