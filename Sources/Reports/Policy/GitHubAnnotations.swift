package import PolicyCheck
import RuleGraph

/// The failures of a policy as workflow commands of GitHub Actions, which shows them at the test's line in the policy.
///
/// Source: GitHub's documentation, "Workflow commands for GitHub Actions", "Setting an error message".
package enum GitHubAnnotations {
  /// A line for each failure, and a notice for each check that was skipped.
  package static func text(of hosts: [HostResult], policy: String) -> String {
    var text = ""
    for host in hosts {
      for result in host.results {
        let title = "\(host.host.name): \(result.check.name)"
        let message: String
        let command: String
        switch result.outcome {
        case .passed: continue
        case .skipped(let why): (command, message) = ("notice", "skipped: \(why.text(in: host.host.ruleset))")
        case .failed(let failure):
          (command, message) = ("error", FailureWords(host.host).lines(failure).joined(separator: "\n"))
        }
        text += "::\(command) file=\(property(policy)),line=\(result.check.place.line)"
        text += ",title=\(property(title))::\(data(message))\n"
      }
    }
    return text
  }

  private static func data(_ text: String) -> String {
    text.harmlessLines.replacing("%", with: "%25").replacing("\n", with: "%0A")
  }

  private static func property(_ text: String) -> String {
    data(text).replacing(":", with: "%3A").replacing(",", with: "%2C")
  }
}
