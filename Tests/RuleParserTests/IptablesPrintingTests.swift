import Foundation
import RuleGraph
import Testing

@testable import RuleParser

@Suite struct IptablesPrintingTests {
  /// What was read, printed and read again.
  private func printedAgain(_ fragment: RuleFragment, _ family: AddressFamily) -> (text: String, fragment: RuleFragment)
  {
    let text = IptablesSavePrinter.print(Ruleset(tables: fragment.tables))
    return (text, IptablesDump.save(text, family))
  }

  @Test(.enabled(if: PrintedRules.isThere, "the corpus of printed rules is not there"), arguments: ["v4", "v6"])
  func aRulePrintedAndReadAgainIsTheSameRule(file: String) throws {
    let family: AddressFamily = file == "v4" ? .ipv4 : .ipv6
    for rule in try PrintedRules.read(file) {
      let read = IptablesDump.save("*\(rule.table)\n\(rule.save)\nCOMMIT\n", family)
      let (text, again) = printedAgain(read, family)
      #expect(
        again.rules.map { $0.canonicalStatements(in: family == .ipv4 ? .ip : .ip6) }
          == read.rules.map { $0.canonicalStatements(in: family == .ipv4 ? .ip : .ip6) }, "\(rule.save)\n\(text)")
      #expect(again.rules.map(\.comment) == read.rules.map(\.comment))
    }
  }

  @Test(.enabled(if: SharedCorpus.isPresent, "the corpus of dumps is not there"), arguments: SharedCorpus.dockerHosts)
  func aHostPrintedAndReadAgainIsTheSameHost(host: String) throws {
    let bytes = try SharedCorpus.bytes("corpus/docker-20.10/\(host)/iptables-save.txt")
    let read = IptablesDump.save(String(decoding: bytes, as: UTF8.self))
    let (_, again) = printedAgain(read, .ipv4)
    #expect(Ruleset(tables: again.tables).canonical == Ruleset(tables: read.tables).canonical)
  }

  @Test(
    .enabled(if: PrintedRules.isThere && RealIptables.isThere, "the corpus or a namespace for iptables is not there"),
    arguments: ["v4", "v6"])
  func iptablesRestoreTakesWhatIsPrinted(file: String) throws {
    let family: AddressFamily = file == "v4" ? .ipv4 : .ipv6
    let command = family == .ipv4 ? "iptables-restore --test" : "ip6tables-restore --test"
    var texts: [String] = []
    for rule in try PrintedRules.read(file) {
      let read = IptablesDump.save("*\(rule.table)\n\(rule.save)\nCOMMIT\n", family)
      texts.append(printedAgain(read, family).text)
    }
    // One process for all of them; where it refuses something, one for each tells which.
    let whole = try RealIptables.run(command, input: texts.joined())
    if whole.status == 0 { return }
    var refused = 0
    for text in texts {
      let result = try RealIptables.run(command, input: text)
      if result.status != 0 {
        refused += 1
        print("REFUSED", text, result.output)
      }
    }
    #expect(refused == 0)
  }
}
