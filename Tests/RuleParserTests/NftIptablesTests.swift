import RuleGraph
import Testing

@testable import RuleParser

/// The rules of iptables on nf_tables as nft prints them, against iptables' own print of the same rules.
@Suite("nft text against iptables-save")
struct NftIptablesTests {
  static let folders = [
    "03-tomcat-redis", "04-mynet", "06-link-noicc", "10-userland-proxy-false", "19-brnf-off",
  ]

  @Test(
    "Both prints of a Docker host give the same rules",
    .enabled(if: NftCorpus.exists("docker-20.10"), "the shared corpus is not here"), arguments: folders)
  func docker(_ folder: String) throws {
    let text = NftTextReader.read(dumpText(try NftCorpus.bytes("docker-20.10/\(folder)/nft-list-ruleset.txt")))
    #expect(text.diagnostics.isEmpty)
    let save = IptablesSaveReader.read(
      dumpText(try NftCorpus.bytes("docker-20.10/\(folder)/iptables-save.txt")), family: .ipv4, table: nil)
    var compared = 0
    for table in text.tables where table.family == .ip {
      #expect(table.origin == .iptablesNFT)
      let twin = try #require(save.tables.first { $0.name == table.name })
      for chain in table.chains {
        let other = try #require(twin.chains.first { $0.name == chain.name })
        #expect(chain.base == other.base)
        #expect(chain.rules.count == other.rules.count)
        for (number, (a, b)) in zip(chain.rules, other.rules).enumerated() {
          let (first, second) = (a.canonicalStatements(in: .ip), b.canonicalStatements(in: .ip))
          if first != second {
            Issue.record("\(table.name) \(chain.name) \(number + 1)\n\(first)\n\(second)")
          }
          compared += 1
        }
      }
    }
    #expect(compared > 10)
  }

  /// The blank at a line's end is all that nft prints of a target that it can't; in the widest line, too, where the next
  /// one shows that no terminal folded it.
  @Test("A target that nft does not print is hidden, however wide its line", arguments: [true, false])
  func hiddenTarget(_ isHidden: Bool) {
    let widest =
      "\t\toifname != \"docker0\" ip6 saddr 2001:db8:aa::/64 counter packets 0 bytes 0" + (isHidden ? " " : "")
    let text = NftTextReader.read(
      dumpText(
        """
        table ip6 nat {
        \tchain POSTROUTING {
        \t\ttype nat hook postrouting priority srcnat; policy accept;
        \(widest)
        \t\toifname "docker0" counter packets 0 bytes 0 return
        \t}
        }

        """))
    let rules = text.tables.flatMap(\.chains).flatMap(\.rules)
    #expect(rules.count == 2)
    #expect(rules.first?.hasUnknownPart == isHidden)
  }
}
