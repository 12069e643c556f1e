public import HostModel
public import RuleGraph

/// One text to read: a file, standard input, or the output of a command.
public struct DumpInput: Sendable {
  /// The name to show in diagnostics and explanations.
  public var name: String
  /// The text's bytes.
  public var bytes: SourceBytes

  /// Makes an input.
  public init(name: String, bytes: SourceBytes) {
    self.name = name
    self.bytes = bytes
  }

  /// Makes an input of a copy of bytes.
  public init(name: String, bytes: [UInt8]) { self.init(name: name, bytes: SourceBytes(bytes)) }

  /// Makes an input of text, such as a paste.
  public init(name: String, text: String) { self.init(name: name, bytes: Array(text.utf8)) }
}

/// Everything that was read of one host.
public struct HostReading: Sendable {
  /// The rules.
  public var ruleset: Ruleset
  /// The host around the rules.
  public var facts: HostFacts
  /// What could not be read, contradicts itself, or was inferred about the input.
  public var diagnostics: [Diagnostic]
  /// What the host is called where the inputs name it: in prompts, in a bundle, in a heading.
  public var name: String?
  /// How many moments the input shows (a table printed again with other content starts a new one); at least 1.
  public var snapshotCount: Int

  /// Which tables the dumps told: what is absent from the ruleset is unknown where it was not.
  public var coverage: RuleCoverage { ruleset.coverage }

  /// Makes a reading.
  public init(
    ruleset: Ruleset = Ruleset(), facts: HostFacts = HostFacts(), diagnostics: [Diagnostic] = [], snapshotCount: Int = 1
  ) {
    self.ruleset = ruleset
    self.facts = facts
    self.diagnostics = diagnostics
    self.snapshotCount = snapshotCount
  }
}
