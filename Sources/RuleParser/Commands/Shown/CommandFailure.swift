public import RuleGraph

/// Why a command could not be carried out on a host: the program refuses it there, or what it does there is not known.
public struct CommandFailure: Error, Hashable, Sendable {
  /// What is wrong.
  public enum Problem: Hashable, Sendable {
    /// The program refuses the command, in its own words: `iptables: No chain/target/match by that name.`
    case refused(String)
    /// The command ends with an error status and says nothing, as `false` does.
    case failed
    /// A program whose commands are not carried out.
    case unknownProgram(String)
    /// A part of the command that is not carried out.
    case unsupported(String)
    /// What the command does depends on something that the shell computes.
    case computed(String)
    /// The command reads a text that was not given.
    case inputMissing
    /// What the command does depends on something that the dumps do not show.
    case notShown(Gap)
    /// More commands run than are carried out.
    case tooMany
  }

  /// What the dumps would have to show.
  public enum Gap: Hashable, Sendable {
    /// A table.
    case table(TableFamily, String)
    /// Whether a chain is there, or which rules would come before a place in it.
    case chain(TableFamily, String, String)
    /// The rules that stand before a number, or that are the same as one that is looked for.
    case rules(TableFamily, String, String)
    /// The handles of a table's rules.
    case handles(TableFamily, String)
    /// Which of the two variants of iptables has the table.
    case variant(TableFamily, String)
    /// What an ipset holds.
    case ipset(String)
    /// The layout of a program's chains.
    case chainsOf(String)
    /// A container of Docker, by its name.
    case container(String)
    /// What a network of Docker is like, by its name.
    case network(String)
  }

  /// The command as it was given.
  public var command: String
  /// The name of the text that it stands in.
  public var source: String
  /// Its line there, counted from 1; 0 where the change was asked for otherwise than by a text.
  public var line: Int
  /// What is wrong.
  public var problem: Problem

  /// Makes a failure.
  public init(command: String, source: String, line: Int, problem: Problem) {
    self.command = command
    self.source = source
    self.line = line
    self.problem = problem
  }
}
