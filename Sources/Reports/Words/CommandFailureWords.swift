import RuleGraph
package import RuleParser

/// Why a command could not be carried out, in words.
package enum CommandFailureWords {
  /// The place of the command, what is wrong, and the command itself in a line of its own.
  ///
  ///     --with:1: iptables: No chain/target/match by that name.
  ///       iptables -A NOWHERE -j DROP
  package static func text(of failure: CommandFailure) -> String {
    // What is not a line of a text is an option, which is named already.
    if failure.line == 0 { return "\(failure.source): \(sentence(failure.problem))" }
    let place = "\(failure.source):\(failure.line)"
    let command = failure.command.split(separator: "\n").map { "\n  \($0)" }.joined()
    return "\(place): \(sentence(failure.problem))\(command)"
  }

  private static func sentence(_ problem: CommandFailure.Problem) -> String {
    switch problem {
    case .refused(let words): words
    case .failed: "the command fails"
    case .unknownProgram(let name) where ["podman", "nerdctl"].contains(name):
      "not carried out: which rules \(name) would make is not known; give them as iptables commands"
    case .unknownProgram(let name):
      "not carried out: \(name) is none of iptables, ip6tables, ipset, nft, sysctl, ufw, docker"
    case .unsupported(let part): "not carried out: fwtrace does not know what this does: \(part)"
    case .computed(let part): "not carried out: it depends on what the shell would find: \(part)"
    case .inputMissing: "not carried out: it reads a text that is not given; a here-document holds one"
    case .notShown(let gap): "not carried out: \(sentence(gap))"
    case .tooMany: "not carried out: more commands than fwtrace carries out"
    }
  }

  private static func sentence(_ gap: CommandFailure.Gap) -> String {
    switch gap {
    case .table(let family, let name): "the dumps do not show all of table \(family.rawValue) \(name)"
    case .chain(let family, let table, let chain):
      "the dumps show only a part of table \(family.rawValue) \(table), and whether chain \(chain) is there is unknown"
    case .rules(_, let table, let chain):
      "the dumps do not show every rule of \(table) \(chain), and which rule is meant depends on those that are missing"
    case .handles(let family, let table):
      "the dumps do not show the handles of table \(family.rawValue) \(table); `nft -a list ruleset` does"
    case .variant(let family, let table):
      "the host has tables of both variants of iptables; name the one that has \(table): \(program(family))-nft or \(program(family))-legacy"
    case .ipset(let name): "the dumps do not show ipset \(name); `ipset save` does"
    case .chainsOf(let program): "the dumps do not show the chains of \(program)"
    case .container(let name): "the dumps do not show container \(name); `docker inspect` does"
    case .network(let name): "the dumps do not show network \(name); `docker network inspect` does"
    }
  }

  private static func program(_ family: TableFamily) -> String { family == .ip6 ? "ip6tables" : "iptables" }
}
