import Randomness
import RuleGraph

/// A dump that is being damaged.
///
/// A damage is made only where a trace of it remains in the text, since nobody can honour what nothing shows. What proves what, form by form
/// (design: "What was shown, and what that proves"):
///
/// | taken away | a trace remains |
/// |---|---|
/// | a table | `-t` in the other prompts or files; outputs without any prompt; Docker's chains in filter for nat. Not: a table cut out of an `iptables-save` or `nft list ruleset` that ends as it should |
/// | a user chain | a rule that still leads there |
/// | a base chain | listings and `-S` print every built-in chain, whether the kernel has it or not (iptables 1.8.9 over nf_tables; legacy always has them). In `iptables-save` and nft only packets counted in a chain that nothing leads to: over nf_tables a base chain is there only where somebody made it |
/// | the head of a chain | its rules, or the names of columns, without it |
/// | rules of a chain | a gap in the numbers; fewer jumps than `(N references)`. Not: rules at a chain's end, or of a listing without numbers |
/// | the end of the text | no `COMMIT`, open braces, open JSON; a chain of a listing that does not come (a built-in one, or one that a rule leads to); a row without its last columns; an option without its value. Not: `-S` and listings that end with some line |
/// | the beginning | rules without their table or chain, braces that nothing opened, `-S` without `-P` |
/// | something in the middle | the mark that stands there, also a line of signs between two rules |
/// | the ends of all lines at a column | several rules without their target, or an option without its value; names of columns that break off, or half a word of a row's text |
/// | what a filter took | the prompt that names it |
struct Wound: Sendable {
  var dump: Dump
  /// The texts, once nothing but them is damaged any more.
  var texts: [PastedText] = []
  /// Tables that nothing of is left, and addresses that are masked.
  var lost: Set<String> = []
  /// What was done, in words.
  var notes: [String] = []
  /// What another host in the same paste printed.
  var foreign: [String] = []
  /// That host's own addresses: a question that names one is about it.
  var foreignAddresses: [String] = []
  /// Whether the trace of what was done is a word somewhere else (`(2 references)`), which another damage might take away.
  var isFragile = false
  /// What else there is of the same host, and other hosts.
  let whole: Whole
  let others: [Whole]

  /// Starts with a whole dump in a layout.
  init(_ whole: Whole, layout: Layout, others: [Whole], random: inout RandomNumbers) {
    self.whole = whole
    self.others = others
    dump = whole.dump
    // Without prompts nothing tells an empty chain of iptables from one of ip6tables.
    let isOfTwoFamilies =
      Set(dump.outputs.filter { $0.form?.isListing == true || $0.form == .rules }.map { $0.table.prefix(3) }).count > 1
    dump.layout = layout == .bare && isOfTwoFamilies ? .prompts : layout
    dump.prompt = random.pick([
      "root@HOST:~# ", "[root@HOST ~]# ", "admin@HOST:~$ sudo ", "root@HOST:/etc# ",
    ])
    // The chains' order of a kernel's tables is not that of the files' names.
    if layout != .files, random.happens(50) {
      let rules = dump.outputs.filter { $0.form != nil }
      dump.outputs = rules + dump.outputs.filter { $0.form == nil }
    }
  }

  /// Whether a question is about the damaged host: an address that only the other one names is the other one's.
  func isAbout(_ question: Question) -> Bool {
    if foreign.isEmpty { return true }
    return question.addresses.allSatisfy { address in
      let text = address.description
      if foreignAddresses.contains(text), !whole.addresses.contains(text) { return false }
      return !foreign.contains { $0.contains(text) }
        || whole.dump.outputs.contains { $0.lines.contains { $0.contains(text) } }
    }
  }

  mutating func note(_ words: String) { notes.append(words) }

  /// A random output of rules that fits.
  func output(_ random: inout RandomNumbers, where fits: (Output) -> Bool) -> Int? {
    let fitting = dump.ruleOutputs.filter { fits(dump.outputs[$0]) }
    return fitting.isEmpty ? nil : random.pick(fitting)
  }

  /// The tables that have rules or chains of their own, with the output that shows each.
  var shownTables: [(output: Int, table: String)] {
    dump.ruleOutputs.flatMap { index in dump.outputs[index].rows.tables.map { (index, $0) } }
  }

  /// Notes tables as lost that an output no longer shows.
  mutating func noteLost(_ before: [Row]) {
    let left = Set(shownTables.map(\.table))
    lost.formUnion(before.tables.filter { !left.contains($0) })
  }

  /// Turns the dump into the texts, which then are damaged further.
  mutating func finish() { if texts.isEmpty { texts = dump.texts } }
}
