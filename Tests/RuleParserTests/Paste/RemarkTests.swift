import RuleGraph
import Testing

@testable import RuleParser

/// What people write behind a rule when they show it is no part of it; what iptables printed is, whatever it looks like.
@Suite struct RemarkTests {
  private static let remarks = [
    " <- here", "   <-- this one should let me in!!", " <---- it's \"this\" one", "  <== why?", " <=== HERE",
    " \u{2190} mine",
    "    # default drop", " #", " ## -j ACCEPT",
  ]

  private static let columns = " pkts bytes target     prot opt in     out     source               destination"

  private func save(_ rule: String) -> RuleFragment {
    IptablesDump.save("*filter\n:INPUT DROP [0:0]\n\(rule)\nCOMMIT\n")
  }

  private func listing(_ row: String) -> RuleFragment {
    IptablesDump.listing("Chain INPUT (policy DROP 0 packets, 0 bytes)\n\(Self.columns)\n\(row)\n")
  }

  @Test(arguments: remarks)
  func aRemarkBehindARuleOfASaveIsNoPartOfIt(_ remark: String) {
    for rule in [
      "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT", "-A INPUT -p tcp -j REJECT --reject-with tcp-reset",
      "-A INPUT -m comment --comment \"a <- b # c\" -j DROP", "-A INPUT -j LOG --log-prefix \"<-- \"",
    ] {
      let read = save(rule + remark)
      #expect(read.diagnostics.isEmpty && read.rules.map(\.statements) == save(rule).rules.map(\.statements))
    }
    #expect(save("-A INPUT -j ACCEPT").tables.first?.chains.first?.base?.policy == .drop)
    let policy = IptablesDump.save("-P INPUT DROP\(remark)\n-A INPUT -i lo -j ACCEPT\n")
    #expect(policy.diagnostics.allSatisfy { $0.id != "unknown-policy" })
    #expect(policy.tables.first?.chains.first?.base?.policy == .drop)
  }

  @Test(arguments: remarks)
  func aRemarkBehindARowIsNoPartOfIt(_ remark: String) {
    for row in [
      "    0     0 ACCEPT     tcp  --  *      *       0.0.0.0/0            0.0.0.0/0            tcp dpt:80",
      "    0     0 DROP       all  --  *      *       0.0.0.0/0            0.0.0.0/0           ",
      "    0     0 REJECT     tcp  --  *      *       0.0.0.0/0            0.0.0.0/0            reject-with tcp-reset",
      "    0     0 DROP       all  --  *      *       0.0.0.0/0            0.0.0.0/0            /* a <- b # c */",
    ] {
      let (read, plain) = (listing(row + remark), listing(row))
      #expect(read.diagnostics.map(\.id) == plain.diagnostics.map(\.id))
      #expect(read.rules.map(\.statements) == plain.rules.map(\.statements))
    }
  }

  @Test func whatIptablesPrintsIsNoRemark() throws {
    let comment = try #require(save("-A INPUT -m comment --comment \"in <-- out\" -j DROP").rules.first)
    #expect(comment.comment == "in <-- out" && comment.statements == [.verdict(.drop)])
    let row = try #require(
      listing(
        "    0     0 DROP       all  --  *      *       0.0.0.0/0            0.0.0.0/0            /* <-- a # b */"
      )
      .rules.first)
    #expect(row.comment == "<-- a # b" && row.statements == [.verdict(.drop)])
  }

  @Test(arguments: ["-A INPUT -p tcp <-- here", "-A INPUT -p tcp -m tcp --dport <-- 22"])
  func anArrowBeforeTheTargetLeavesItUnknown(_ rule: String) throws {
    #expect(try #require(save(rule).rules.first).isUnseen)
  }
}
