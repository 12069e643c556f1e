import HostAnalysis
import RuleGraph
import RuleParser
import RuleText

/// `fwtrace audit --optimized`: the rules of a host in fewer rules, as text that their programs take.
struct SmallerRules {
  let reading: HostReading

  /// Prints the rules, and on standard error what went and whether they are proved to do the same.
  func print() -> ExitStatus {
    let old = reading.ruleset
    let smaller = SmallerRuleset(of: old) { rule, table in
      guard table.origin != .nftables else { return true }
      return IptablesSavePrinter.ruleText(rule, family: table.family == .ip6 ? .ipv6 : .ipv4) != nil
    }
    let new = smaller.ruleset
    let difference = ProgressLine.during("proving that nothing changes") {
      Difference(of: (old, reading.facts), and: (new, reading.facts))
    }
    var iptables = new
    iptables.tables.removeAll { $0.origin == .nftables }
    var nftables = new
    nftables.tables.removeAll { $0.origin != .nftables }
    nftables.ipsets = []
    var text = iptables.tables.isEmpty ? "" : IptablesSavePrinter.print(iptables)
    if !nftables.tables.isEmpty { text += NftPrinter.print(nftables) }
    Output.write(text)
    let parts = [
      (smaller.unreached, "get no packets"), (smaller.unneeded, "not needed"), (smaller.merged, "merged into others"),
    ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    let what = parts.isEmpty ? "nothing to leave out" : parts.joined(separator: ", ")
    let proof =
      difference.isEqual
      ? "proved equal: every packet is treated the same"
      : difference.hasChanges
        ? "but packets would be treated differently: do not use it" : "not proved equal, since not everything was shown"
    Output.error("fwtrace: \(old.ruleCount) rules, now \(new.ruleCount) (\(what)); \(proof)\n")
    return difference.isEqual ? .accepted : difference.hasChanges ? .notAccepted : .undetermined
  }
}
