import FlowTrace
import Foundation
import HostAnalysis
import HostModel
import Randomness
import RuleGraph
import RuleParser
import Testing

/// A difference says of every packet whether it fares otherwise, as trying it out on both sides does.
///
/// `FWTRACE_DIFF_PAIRS` sets how many pairs of rulesets are compared.
@Suite struct DifferenceOracleTests {
  static let sizes = [(6, 1), (12, 2), (25, 3), (60, 4)]

  private static var pairs: Int {
    (ProcessInfo.processInfo.environment["FWTRACE_DIFF_PAIRS"].flatMap { Int($0) } ?? 200) / sizes.count
  }

  /// What was found in the pairs of one size, so that a run that compares nothing fails.
  private struct Count {
    var equal = 0
    var different = 0
    var packets = 0
  }

  @Test(arguments: sizes)
  func everyPacketIsInTheClassThatTryingItOutSays(_ rules: Int, _ chains: Int) throws {
    var count = Count()
    for seed in 0..<UInt64(Self.pairs) {
      let old = RandomFirewall(seed: seed &* 7919 &+ UInt64(rules), rules: rules, chains: chains)
      var random = RandomNumbers(seed: seed &+ 5)
      let new = FirewallMutation(old, by: &random)
      let name = "\(rules) rules, seed \(seed), \(new.name)"
      // Every fourth pair without the shortcut: the rules alone then prove nothing.
      guard try Self.check(old, new.firewall, asksAboutEveryone: seed % 4 == 3, name: name, &count) else { return }
    }
    #expect(count.equal > 0 && count.different > 0 && count.packets > 0)
  }

  private static func difference(
    _ old: RandomFirewall, _ new: RandomFirewall, asksAboutEveryone: Bool
  ) -> (Difference, HostReading, HostReading) {
    let (before, after) = (OpenQuestionOracleTests.reading(old.text), OpenQuestionOracleTests.reading(new.text))
    let difference = Difference(
      of: (before.ruleset, before.facts), and: (after.ruleset, after.facts), asksAboutEveryone: asksAboutEveryone)
    return (difference, before, after)
  }

  private static func check(
    _ old: RandomFirewall, _ new: RandomFirewall, asksAboutEveryone: Bool, name: String, _ count: inout Count
  ) throws -> Bool {
    let (difference, before, after) = difference(old, new, asksAboutEveryone: asksAboutEveryone)
    func fail(_ text: String) -> Bool {
      Issue.record("\(name): \(text)\n\(old.text)\n\(new.text)")
      return false
    }
    if !difference.isDetermined { return fail("undetermined: \(difference.unknown.count) \(difference.gaps)") }
    let classes = PacketPlace.allCases.reduce(into: [:]) { classes, place in
      classes[place] = difference.changes.enumerated().flatMap { index, change in
        change.packets.filter { $0.place == place && !$0.isSentByHost }.map { (index, $0.boxes) }
      }
    }
    var isDifferent = false
    // Another fourth of all packets for each pair.
    for (number, usual) in RandomFirewall.atoms.enumerated() where (number &+ old.text.utf8.count) % 4 == 0 {
      var atom = usual
      if atom.proto != 47 { atom.sourcePort = (number &* 31 &+ Int(atom.source)) % 17 }
      let point = atom.point
      let expectations = Expectation.all(old, new, atom)
      for place in PacketPlace.allCases {
        guard let expected = expectations[place] else { continue }
        isDifferent = isDifferent || expected.changesVerdict
        let found = classes[place, default: []].filter { $0.1.contains { PacketSet.holds($0, point) } }.map(\.0)
        if Set(found).count != found.count || found.count > 1 { return fail("\(atom) \(place) is in several classes") }
        count.packets += 1
        guard let first = found.first else {
          if expected.changesVerdict || expected.changesRule {
            return fail("\(atom) \(place) is in no class: \(expected)")
          }
          continue
        }
        if let problem = expected.problem(with: difference.changes[first], old, before, new, after) {
          return fail("\(atom) \(place): \(problem)")
        }
      }
    }
    if isDifferent, !difference.hasChanges { return fail("nothing changed") }
    // What no packet above is of: the witness of each class is one.
    for change in difference.changes {
      guard let witness = change.witness else { return fail("a class without a packet") }
      guard let atom = RandomFirewall.Atom(witness) else { continue }
      guard let expected = Expectation.all(old, new, atom)[witness.place] else { return fail("\(witness)") }
      if let problem = expected.problem(with: change, old, before, new, after) { return fail("\(witness): \(problem)") }
    }
    if difference.hasChanges { count.different += 1 } else { count.equal += 1 }
    return true
  }

  /// The same rules in another order of tables, with empty chains and counters, change nothing, and no question is needed to know.
  @Test func anotherLayoutIsProvedEqual() {
    for seed in UInt64(0)..<20 {
      let firewall = RandomFirewall(seed: seed, rules: 30, chains: 3)
      let (before, after) = (
        OpenQuestionOracleTests.reading(firewall.text),
        OpenQuestionOracleTests.reading(
          "*mangle\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [1:2]\nCOMMIT\n"
            + firewall.text.replacing("[0:0]", with: "[7:900]"))
      )
      let difference = Difference(of: (before.ruleset, before.facts), and: (after.ruleset, after.facts))
      #expect(difference.isEqual && difference.changes.isEmpty && difference.questions == 0)
    }
  }
}

/// What should be said of a packet.
private struct Expectation {
  var old: RandomFirewall.Answer
  var new: RandomFirewall.Answer
  private let oldRule: RandomFirewall.Rule?
  private let newRule: RandomFirewall.Rule?

  private init(_ before: RandomFirewall, _ after: RandomFirewall, _ atom: RandomFirewall.Atom, isReply: Bool) {
    let (old, new) = (before.answer(atom, isReply: isReply), after.answer(atom, isReply: isReply))
    self.old = old
    self.new = new
    oldRule = old.rule.map { before.chains[old.chain][$0] }
    newRule = new.rule.map { after.chains[new.chain][$0] }
  }

  /// What should be said of a packet at each place in its connection that it can be at: no rule looks at the place, but answers have other addresses, and there are
  /// none to what does not get through.
  static func all(
    _ before: RandomFirewall, _ after: RandomFirewall, _ atom: RandomFirewall.Atom
  ) -> [PacketPlace: Expectation] {
    let first = Expectation(before, after, atom, isReply: false)
    var all: [PacketPlace: Expectation] = [.first: first, .related: first, .invalid: first]
    if atom.proto == 6 { all[.midstream] = first }
    if first.old.verdict == .accept, first.new.verdict == .accept {
      all[.later] = first
      all[.reply] = Expectation(before, after, atom, isReply: true)
    }
    return all
  }

  /// What is wrong with the class that a packet is in; nil where nothing is.
  func problem(
    with change: Change, _ before: RandomFirewall, _ old: HostReading, _ after: RandomFirewall, _ new: HostReading
  ) -> String? {
    switch change.kind {
    case .rule: if !mayChangeRule { return "another rule, not \(self)" }
    case .verdict:
      guard changesVerdict, change.old.verdict == self.old.verdict, change.new.verdict == self.new.verdict else {
        return "\(change.old.verdict) to \(change.new.verdict), not \(self)"
      }
    case .translation, .fate: return "\(change.kind)"
    }
    let isNamed =
      before.names(change.old, self.old, in: old.ruleset) && after.names(change.new, self.new, in: new.ruleset)
    return isNamed ? nil : "by \(change.old.deciders) and \(change.new.deciders), not \(self)"
  }

  var changesVerdict: Bool { old.verdict != new.verdict }

  /// Whether the deciding rule certainly is another one: of two rules with one text nobody can say which is which.
  var changesRule: Bool { !changesVerdict && (old.chain != new.chain || oldRule != newRule) && mayChangeRule }

  /// Whether it may be another one.
  var mayChangeRule: Bool {
    !changesVerdict && (old.chain != new.chain || old.rule != new.rule || oldRule != newRule)
  }
}

extension RandomFirewall {
  /// Whether an outcome names the rule of an answer.
  fileprivate func names(_ outcome: Outcome, _ answer: Answer, in ruleset: Ruleset) -> Bool {
    let rules = outcome.deciders.rules
    let deciders = rules.isEmpty ? [outcome.deciders.first] : rules.map(Decider.rule)
    return deciders.contains { decider in
      switch decider {
      case .rule(let id):
        ruleset.tables[id.table].chains[id.chain].name == Self.name(answer.chain) && id.rule == answer.rule
      case .policy, .nothing: answer.rule == nil
      case .outside: false
      }
    }
  }
}

extension PacketSet {
  /// Whether a packet is in a box.
  fileprivate static func holds(_ box: [Region.Dimension: ValueSet], _ point: [Region.Dimension: UInt128]) -> Bool {
    box.allSatisfy { dimension, values in point[dimension].map(values.contains) ?? true }
  }
}

extension RandomFirewall.Atom {
  /// The packet of a witness, also where it is outside of everything that rules name; nil where the host sends it.
  fileprivate init?(_ witness: PacketWitness) {
    func value(_ field: Field) -> UInt128? { witness.values[.field(field)] }
    guard witness.input != nil, let source = value(.header(HeaderField(.ip, .saddr))),
      let destination = value(.header(HeaderField(.ip, .daddr))), let transport = value(.meta(.l4proto))
    else { return nil }
    func place(_ address: UInt128, _ network: IPAddress) -> UInt32 {
      address >= network.bits && address < network.bits + 16 ? UInt32(address - network.bits) : 999
    }
    // An atom knows no sources among the destinations, nor the reverse, which a reply's rules would look at.
    guard place(source, RandomFirewall.destinations) == 999, place(destination, RandomFirewall.sources) == 999 else {
      return nil
    }
    func port(_ name: HeaderFieldName) -> Int { Int(value(.header(HeaderField(.th, name))) ?? 0) - 1000 }
    self.init(
      source: place(source, RandomFirewall.sources), destination: place(destination, RandomFirewall.destinations),
      proto: Int(transport), sourcePort: port(.sport), destinationPort: port(.dport))
  }
}

/// A firewall with something changed, or with rules in another order that may change nothing.
struct FirewallMutation {
  private(set) var firewall: RandomFirewall
  private(set) var name: String

  init(_ original: RandomFirewall, by random: inout RandomNumbers) {
    firewall = original
    let chain = random.number(0...original.chains.count - 1)
    let count = original.chains[chain].count
    let rule = random.number(0...count - 1)
    let other = RandomFirewall(seed: UInt64(random.number(0...1_000_000)), rules: 8, chains: original.chains.count)
    switch random.number(0...7) {
    case 0:
      name = "another action"
      firewall.chains[chain][rule].target = random.pick([.accept, .drop, .reject, .return])
    case 1:
      name = "a rule less"
      firewall.chains[chain].remove(at: rule)
    case 2:
      name = "a rule more"
      firewall.chains[chain].insert(random.pick(other.chains[chain]), at: rule)
    case 3:
      name = "another rule"
      firewall.chains[chain][rule] = random.pick(other.chains[chain])
    case 4:
      name = "another policy"
      firewall.acceptsByPolicy.toggle()
    case 5:
      name = "two rules swapped"
      firewall.chains[chain].swapAt(rule, random.number(0...count - 1))
    case 6:
      name = "neighbours swapped"
      firewall.chains[chain].swapAt(rule, min(rule + 1, count - 1))
    default:
      name = "a rule twice"
      firewall.chains[chain].insert(firewall.chains[chain][rule], at: random.number(0...rule))
    }
  }
}
