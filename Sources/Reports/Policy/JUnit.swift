package import PolicyCheck
import RuleGraph

/// What came of a policy in the XML that CI servers read from JUnit: a suite for each host, a case for each check.
///
/// Source: the schema of Jenkins' xUnit plugin, `junit-10.xsd`.
package enum JUnit {
  /// The document.
  package static func text(of hosts: [HostResult], policy: String) -> String {
    let total = Tally(hosts.flatMap(\.results))
    var xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    // The schema has no count of skipped cases over all suites.
    let tests = total.passed + total.failed + total.skipped
    xml += "<testsuites name=\"\(escaped(policy))\" tests=\"\(tests)\" failures=\"\(total.failed)\" errors=\"0\">\n"
    for host in hosts {
      xml += "  <testsuite name=\"\(escaped(host.host.name))\" \(counts(Tally(host.results)))>\n"
      for result in host.results { xml += testcase(result, of: host.host, policy: policy) }
      xml += "  </testsuite>\n"
    }
    return xml + "</testsuites>\n"
  }

  private static func counts(_ tally: Tally) -> String {
    let tests = tally.passed + tally.failed + tally.skipped
    return "tests=\"\(tests)\" failures=\"\(tally.failed)\" errors=\"0\" skipped=\"\(tally.skipped)\""
  }

  private static func testcase(_ result: CheckResult, of host: PolicyHost, policy: String) -> String {
    let head =
      "    <testcase name=\"\(escaped(result.check.name))\" classname=\"\(escaped(policy)).\(escaped(host.name))\""
    switch result.outcome {
    case .passed: return head + "/>\n"
    case .skipped(let why):
      return head + ">\n      <skipped message=\"\(escaped(why.text(in: host.ruleset)))\"/>\n    </testcase>\n"
    case .failed(let failure):
      let lines = ["\(policy):\(result.check.place.line)"] + FailureWords(host).lines(failure)
      let message = escaped(failure.reasons.map { $0.text(in: host.ruleset) }.joined(separator: "; "))
      let type = failure.isUndetermined ? "undetermined" : "broken"
      return head + ">\n      <failure message=\"\(message)\" type=\"\(type)\">"
        + escaped(lines.joined(separator: "\n")) + "</failure>\n    </testcase>\n"
    }
  }

  /// A text in XML (XML 1.0, 2.2 and 2.4): characters that XML can't hold, or that steer a display, become U+FFFD.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\n", "\t": result.unicodeScalars.append(scalar)
      case _ where scalar.steersDisplay: result += "\u{fffd}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
