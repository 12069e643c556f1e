public import FlowTrace
public import HostModel
public import RuleGraph

/// A host to check a policy on.
public struct PolicyHost: Sendable {
  /// The name to show.
  public var name: String
  /// The rules.
  public var ruleset: Ruleset
  /// The host around the rules.
  public var facts: HostFacts

  /// The paths that it was read from, for commands that ask about it again.
  public var dumps: [String]
  /// The name or number by which it was chosen, where the dumps are of several hosts (`--host`).
  public var chosen: String?
  /// What reading the dumps had to tell: what could not be read, contradicts itself, or is missing.
  public var diagnostics: [Diagnostic]

  /// Makes a host.
  public init(
    name: String, ruleset: Ruleset, facts: HostFacts, dumps: [String] = [], chosen: String? = nil,
    diagnostics: [Diagnostic] = []
  ) {
    self.name = name
    self.diagnostics = diagnostics
    self.dumps = dumps
    self.chosen = chosen
    self.ruleset = ruleset
    self.facts = facts
  }
}

/// A test on a host with everything looked up: a claim about all packets of some boxes.
public struct Check: Sendable {
  /// The name of the test, with the values of its matrix.
  public var name: String
  /// The words by which the check is chosen.
  public var tags: [String]
  /// The name of the host.
  public var host: String
  /// Where the test begins in the policy.
  public var place: PolicyPlace
  /// The index of the test in ``Policy/tests``.
  public var test: Int
  /// What becomes of the check when the dumps do not tell.
  public var undetermined: UndeterminedRule
  /// Why it is not run, where it is not.
  public var skip: String?
  /// The claims: each a set of packets and what is expected of every one of them.
  var claims: [Claim]

  /// Packets and what is expected of every one of them.
  struct Claim: Sendable {
    var box: PacketBox
    var expectation: Expectation
  }

  /// The questions that the check asks.
  public var queries: [Query] { claims.map(\.box.query) }
}

/// Which checks are run.
public struct CheckFilter: Hashable, Sendable {
  /// Tags, or parts of names; an exclamation mark takes checks out. All that has a mark and one of the others must fit.
  public var words: [String]

  /// Makes a filter; without words every check passes.
  public init(_ words: [String]) { self.words = words }

  /// Whether a check passes.
  public func accepts(name: String, tags: [String]) -> Bool {
    func fits(_ word: Substring) -> Bool {
      tags.contains(String(word)) || Wildcard.fits(name.lowercased(), "*\(word.lowercased())*")
    }
    let unwanted = words.filter { $0.hasPrefix("!") }
    let wanted = words.filter { !$0.hasPrefix("!") }
    return !unwanted.contains { fits($0.dropFirst()) } && (wanted.isEmpty || wanted.contains { fits($0[...]) })
  }
}

/// Shell wildcards: `*` is any text, `?` one character.
public enum Wildcard {
  /// Whether a text fits a pattern.
  public static func fits(_ text: some StringProtocol, _ pattern: some StringProtocol) -> Bool {
    let text = Array(text)
    let pattern = Array(pattern)
    var at = 0
    var next = 0
    var star: (pattern: Int, text: Int)?
    while at < text.count {
      if next < pattern.count, pattern[next] == "*" {
        star = (next, at)
        next += 1
      } else if next < pattern.count, pattern[next] == "?" || pattern[next] == text[at] {
        next += 1
        at += 1
      } else if let last = star {
        star = (last.pattern, last.text + 1)
        next = last.pattern + 1
        at = last.text + 1
      } else {
        return false
      }
    }
    return pattern[next...].allSatisfy { $0 == "*" }
  }
}
