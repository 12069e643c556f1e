package import PolicyCheck
import RuleGraph

/// The coverage of a policy as a trace file of lcov: the lines of the dumps that hold rules, with the number of tests
/// that met each.
///
/// Chains are the functions of the file. Source: geninfo(1), "FILES".
package enum LCOV {
  /// The trace file for some hosts.
  package static func text(of hosts: [PolicyCoverage]) -> String {
    var files: [String: File] = [:]
    for coverage in hosts {
      let ruleset = coverage.host.ruleset
      for chain in coverage.chains {
        if let span = ruleset[chain.chain].span {
          // A chain's name may stand in several tables; a comma would end it.
          let name = ruleset.place(of: chain.chain).onOneLine.replacing(",", with: "_")
          let hits = max(chain.policyTests ?? 0, chain.rules.map(\.tests).max() ?? 0)
          files[ruleset.sources.name(of: span), default: File()].chains[name, default: (Int(span.line), 0)]
            .hits += hits
        }
        for rule in chain.rules {
          let span = ruleset[rule.rule].span
          files[ruleset.sources.name(of: span), default: File()].lines[Int(span.line), default: 0] += rule.tests
        }
      }
    }
    return files.sorted { $0.key < $1.key }.map { $0.value.text(named: $0.key) }.joined()
  }

  private struct File {
    var chains: [String: (line: Int, hits: Int)] = [:]
    var lines: [Int: Int] = [:]

    func text(named name: String) -> String {
      let chains = chains.sorted { ($0.value.line, $0.key) < ($1.value.line, $1.key) }
      var text = "TN:\nSF:\(name.onOneLine)\n"
      for (chain, use) in chains { text += "FN:\(use.line),\(chain)\n" }
      for (chain, use) in chains { text += "FNDA:\(use.hits),\(chain)\n" }
      text += "FNF:\(chains.count)\nFNH:\(chains.count { $0.value.hits > 0 })\n"
      for (line, hits) in lines.sorted(by: { $0.key < $1.key }) { text += "DA:\(line),\(hits)\n" }
      return text + "LF:\(lines.count)\nLH:\(lines.values.count { $0 > 0 })\nend_of_record\n"
    }
  }
}
