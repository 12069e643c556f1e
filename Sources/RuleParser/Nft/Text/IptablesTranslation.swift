import RuleGraph

/// What nft prints of rules that iptables wrote, in words that say less than iptables did.
///
/// `--ctstate NEW,DNAT`, `--ctstate DNAT` and `! --ctstate DNAT` are all `ct status dnat` there (`_conntrack3_mt_xlate`
/// in iptables' `libxt_conntrack.c`; measured with nft 1.0.6), and no other option of iptables becomes such words. So a
/// rule of iptables that nft prints with them has a match that is not shown.
enum IptablesTranslation {
  /// Makes such matches of a table hidden ones.
  static func hideLosses(in table: inout Table) {
    guard table.origin == .iptablesNFT else { return }
    for chain in table.chains.indices {
      for rule in table.chains[chain].rules.indices {
        // iptables counts in each rule; one without a counter was written by nft itself.
        guard table.chains[chain].rules[rule].counter != nil else { continue }
        for index in table.chains[chain].rules[rule].statements.indices {
          guard let words = lossyMatches[table.chains[chain].rules[rule].statements[index]] else { continue }
          table.chains[chain].rules[rule].statements[index] = .opaqueMatch(
            Opaque(name: "xt match conntrack", text: words, settledBy: "iptables-save"))
        }
      }
    }
  }

  private static let lossyMatches: [Statement: String] = {
    var matches: [Statement: String] = [:]
    let status = Field.conntrack(ConntrackField(.status))
    for (word, bit) in [("snat", ConntrackStatus.snat), ("dnat", ConntrackStatus.dnat)] {
      matches[.match(Match(status, anyBitOf: bit))] = "ct status \(word)"
      // Later versions print the inversion as well.
      matches[.match(Match(status, in: ValueSet(bit), negated: true))] = "ct status != \(word)"
    }
    return matches
  }()
}
