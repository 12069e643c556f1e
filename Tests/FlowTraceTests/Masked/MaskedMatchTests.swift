import FlowTrace
import RuleGraph
import RuleText
import Testing

@testable import RuleParser

/// A masked value is an unknown one of the shape that is left, whichever reader reads it.
@Suite struct MaskedMatchTests {
  static let host = MeaningHost.dumps.map { MaskedRow.input($0.name, $0.text) }

  @Test(arguments: MaskedRow.all, MaskedRow.Form.allCases)
  func aMaskedValueMatchesWhatItsShapeAllows(_ row: MaskedRow, _ form: MaskedRow.Form) throws {
    let reading = DumpReader().read([row.dump(form)] + Self.host)
    let tracer = Tracer(reading.ruleset, facts: reading.facts)
    for (values, verdict) in [(row.fits, OverallVerdict.drop), (row.fails, .accept), (row.open, .undetermined)] {
      for value in values {
        let trace = tracer.trace(try row.query(value, reading))
        #expect(trace.verdict == verdict, "\(form) \(row) of \(value): \(trace.cases.map(\.decidedBy))")
      }
    }
    let notes = reading.diagnostics.filter { $0.id == "masked-value" }
    #expect(notes.count == (row.open.isEmpty && row.mask != "br-xxxxxxxxxxxx" ? 0 : 1))
    if form != .json, let note = notes.first {
      // The place is the mask's own.
      let line = Array(row.dump(form).bytes.split(separator: 0x0a, omittingEmptySubsequences: false))[
        Int(note.span?.line ?? 1) - 1]
      let column = try #require(note.column)
      #expect(String(decoding: line.dropFirst(column - 1), as: UTF8.self).hasPrefix(row.mask))
    }
  }

  @Test(arguments: MaskedRow.all, MaskedRow.Form.allCases)
  func whatIsMaskedIsPrintedBack(_ row: MaskedRow, _ form: MaskedRow.Form) throws {
    let reading = DumpReader().read([row.dump(form)])
    let rule = try #require(reading.ruleset.tables.first?.chains.flatMap(\.rules).first)
    #expect(!rule.statements.contains { if case .opaqueMatch = $0 { true } else { false } })
    let text: String
    switch form {
    case .save, .listing: text = IptablesSavePrinter.print(reading.ruleset)
    case .nft, .json: text = NftPrinter.print(reading.ruleset)
    }
    let name = form == .save || form == .listing ? "iptables-save.txt" : "nft-list-ruleset.txt"
    let family = reading.ruleset.tables[0].family == .ip6
    let again = DumpReader().read([MaskedRow.input(family ? "ip6tables-save.txt" : name, text)])
    #expect(again.ruleset.canonical == reading.ruleset.canonical, "\(text)")
  }

  @Test func aNamedMaskIsTheSameEverywhereAndXIsNot() throws {
    func verdict(_ mask: String) throws -> OverallVerdict {
      let reading = DumpReader().read([
        MaskedRow.input(
          "nft-list-ruleset.txt",
          """
          table inet t {
          \tchain c {
          \t\ttype filter hook forward priority filter; policy accept;
          \t\tip saddr \(mask) accept
          \t\tip saddr != \(mask) accept
          \t\tdrop
          \t}
          }

          """)
      ])
      let row = MaskedRow(.src, mask)
      return Tracer(reading.ruleset, facts: reading.facts).trace(try row.query("10.0.0.9", reading)).verdict
    }
    #expect(try verdict("<ADMIN>") == .accept)
    #expect(try verdict("$admin") == .accept)
    #expect(try verdict("x.x.x.x") == .undetermined)
    #expect(try verdict("<redacted>") == .undetermined)
  }

  @Test(arguments: [
    ("-m mac --mac-source XX:XX:XX:XX:XX:XX", "masked"), ("-m mac --mac-source aa:bb:xx:xx:xx:xx", "masked"),
    ("-p tcp -m multiport --dports 22,XXXX,443", "dport=22 fits"), ("-p tcp -m multiport --dports 22,XXXX", "masked"),
    ("-m iprange --src-range 10.0.0.1-10.0.0.xxx", "masked"),
    ("-m iprange --src-range 10.0.0.1-10.0.0.xxx", "src=10.0.1.1 fails"),
    ("-m iprange --src-range 10.0.0.1-10.0.0.xxx", "src=10.0.0.1 fits"),
    ("-m conntrack --ctorigdst x.x.x.x --ctstate NEW", "masked"),
    ("-m conntrack --ctorigdst 10.x.x.x", "dst=192.0.2.1 fails"),
    ("-m physdev ! --physdev-in <PORT>", "masked fits"),
  ])
  func modulesOfIptablesKnowMasks(_ rule: String, _ expected: String) throws {
    let reading = DumpReader().read(
      [MaskedRow.input("iptables-save.txt", "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD \(rule) -j DROP\nCOMMIT\n")]
        + Self.host)
    #expect(reading.diagnostics.filter { $0.severity != .note } == [])
    let words = expected.split(separator: " ")
    var query = try MaskedRow(.dport, "").query("80", reading)
    if let word = words.first(where: { $0.contains("=") }) {
      let parts = word.split(separator: "=")
      let field = try #require(MaskedRow.Field(rawValue: String(parts[0])))
      query = try MaskedRow(field, "").query(String(parts[1]), reading)
    }
    let verdict = Tracer(reading.ruleset, facts: reading.facts).trace(query).verdict
    #expect(verdict == (words.last == "fits" ? .drop : words.last == "fails" ? .accept : .undetermined))
  }
}
