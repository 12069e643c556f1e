import HostModel
import RuleGraph

/// Who wrote a chain, by its name: a person, or a program that writes it anew and leaves rules in it that do nothing
/// here.
enum RuleWriter {
  case person, program

  init(_ table: Table, _ chain: Chain) {
    let author = RuleAuthor.isForOwnRules(chain.name) ? nil : RuleAuthor(chain: chain.name, table: table.name)
    // What fail2ban bans is what a person told it to.
    self = author == nil || author == .fail2ban ? .person : .program
  }
}
