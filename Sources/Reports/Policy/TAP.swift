package import PolicyCheck

/// What came of a policy as the Test Anything Protocol, version 13: one line for each check, the reasons of a failure
/// in a YAML block.
///
/// Source: the specification at testanything.org, "TAP version 13".
package enum TAP {
  /// The text.
  package static func text(of hosts: [HostResult], policy: String) -> String {
    let count = hosts.reduce(0) { $0 + $1.results.count }
    var text = "TAP version 13\n1..\(count)\n"
    var number = 0
    for host in hosts {
      for result in host.results {
        number += 1
        let name = description("\(host.host.name): \(result.check.name)")
        switch result.outcome {
        case .passed: text += "ok \(number) - \(name)\n"
        case .skipped(let why):
          text += "ok \(number) - \(name) # SKIP \(description(why.text(in: host.host.ruleset)))\n"
        case .failed(let failure):
          text += "not ok \(number) - \(name)\n  ---\n"
          // A literal block is the one form that every reader of TAP understands for any text.
          text += "  message: |\n    \("\(policy):\(result.check.place.line)".onOneLine)\n"
          for line in FailureWords(host.host).lines(failure) { text += "    \(line.onOneLine)\n" }
          text += "  ...\n"
        }
      }
    }
    return text
  }

  /// A description stays on its line, and a number sign would begin a directive.
  private static func description(_ text: String) -> String {
    text.onOneLine.replacing("\\", with: "\\\\").replacing("#", with: "\\#")
  }
}
