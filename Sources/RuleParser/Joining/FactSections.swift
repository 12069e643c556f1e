import HostModel
import RuleGraph

/// What a reader of facts got out of one section.
struct FactFragment: Sendable {
  /// The facts, and nothing else.
  var facts = HostFacts()
  /// What could not be read.
  var diagnostics: [Diagnostic] = []
}

/// Hands each section about the host to its reader and joins what the readers got.
struct FactSections {
  /// What the readers could not read, and what was left out.
  private(set) var diagnostics: [Diagnostic] = []
  /// Whether any section was read.
  private(set) var hasRead = false
  /// When and where the dump was taken, as a bundle says.
  var captured: String?
  private var fragments: [(section: DumpSection, fragment: FactFragment)] = []

  /// Reads one section.
  mutating func read(_ section: DumpSection) {
    hasRead = true
  }

  /// The facts of all sections together.
  func join(hostNames: [String]) -> HostFacts {
    var facts = HostFacts()
    facts.hostName = hostNames.last
    facts.captured = captured
    return facts
  }
}
