public import PolicyCheck

/// What came of a policy as the Test Anything Protocol, version 13: one line for each check, the reasons of a failure in a YAML block.
///
/// Source: the specification at testanything.org, "TAP version 13".
public enum TAP {
  /// The text.
  public static func text(of hosts: [HostResult], policy: String) -> String {
    let count = hosts.reduce(0) { $0 + $1.results.count }
    var text = "TAP version 13\n1..\(count)\n"
    var number = 0
    for host in hosts {
      for result in host.results {
        number += 1
        let name = description("\(host.host.name): \(result.check.name)")
        switch result.outcome {
        case .passed: text += "ok \(number) - \(name)\n"
        case .skipped(let why): text += "ok \(number) - \(name) # SKIP \(description(why))\n"
        case .failed(let failure):
          text += "not ok \(number) - \(name)\n  ---\n"
          text += "  at: \(quoted("\(policy):\(result.check.place.line)"))\n  reasons:\n"
          for line in FailureWords(host.host).lines(failure) { text += "    - \(quoted(line))\n" }
          text += "  ...\n"
        }
      }
    }
    return text
  }

  /// A description stays on its line, and a number sign would begin a directive.
  private static func description(_ text: String) -> String {
    text.map { $0 == "#" ? "\\#" : $0.isNewline ? " " : String($0) }.joined()
  }

  /// A double-quoted scalar (YAML 1.2, 7.3.1).
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for character in text {
      switch character {
      case "\"", "\\": result += "\\\(character)"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      default: result.append(character)
      }
    }
    return result + "\""
  }
}
