import FlowTrace
import RuleGraph
import RuleParser
import Testing

/// What a set of which the dump masks elements, or leaves some out, shows is in it; anything else that may be in it is unknown.
@Suite struct MaskedSetTests {
  private func verdict(_ dumps: [(String, String)], _ field: MaskedRow.Field, _ value: String) throws -> OverallVerdict
  {
    let reading = DumpReader().read(dumps.map { MaskedRow.input($0.0, $0.1) } + MaskedMatchTests.host)
    let query = try MaskedRow(field, "").query(value, reading)
    return Tracer(reading.ruleset, facts: reading.facts).trace(query).verdict
  }

  private static func nft(_ elements: String) -> [(String, String)] {
    [
      (
        "nft-list-ruleset.txt",
        """
        table inet t {
        \tset bad {
        \t\ttype ipv4_addr
        \t\tflags interval
        \t\telements = \(elements)
        \t}
        \tchain c {
        \t\ttype filter hook forward priority filter; policy accept;
        \t\tip saddr @bad drop
        \t}
        }

        """
      )
    ]
  }

  @Test(arguments: [
    ("{ 192.0.2.0/24, ... }", ["192.0.2.7"], [String](), ["198.51.100.1"]),
    ("{ 192.0.2.0/24,\n\t\t\t     ... }", ["192.0.2.7"], [], ["198.51.100.1"]),
    ("{ 192.0.2.0/24, ..., 198.51.100.0/24 }", ["192.0.2.7", "198.51.100.1"], [], ["203.0.113.1"]),
    ("{ 192.0.2.0/24, [snip] }", ["192.0.2.7"], [], ["198.51.100.1"]),
    ("{ 192.0.2.0/24 ... and 20 more }", ["192.0.2.7"], [], ["198.51.100.1"]),
    ("{ 192.0.2.4, 192.0.2.x, 198.51.100.3 }", ["192.0.2.4", "198.51.100.3"], ["203.0.113.1"], ["192.0.2.9"]),
    ("{ 192.0.2.4, <MY_IP> }", ["192.0.2.4"], [], ["203.0.113.1"]),
    ("{ 192.0.2.4, [redacted] }", ["192.0.2.4"], [], ["203.0.113.1"]),
    ("{ 192.0.2.4, 198.51.x.x-198.51.x.x }", ["192.0.2.4"], ["203.0.113.1"], ["198.51.9.9"]),
    ("{ 192.0.2.4, 203.0.113.xxx/24 }", ["192.0.2.4", "203.0.113.1"], ["198.51.100.1"], []),
    ("$blocked", [], [], ["192.0.2.4"]), ("{ 192.0.2.4, some words that nothing reads }", [], [], ["192.0.2.9"]),
  ])
  func aSetOfNftHoldsWhatItShows(_ elements: String, fits: [String], fails: [String], open: [String]) throws {
    for (values, expected) in [(fits, OverallVerdict.drop), (fails, .accept), (open, .undetermined)] {
      for value in values { #expect(try verdict(Self.nft(elements), .src, value) == expected, "\(elements) \(value)") }
    }
  }

  @Test(arguments: [
    ("192.0.2.4\n192.0.2.x\n", 2, ["192.0.2.4"], ["203.0.113.1"], ["192.0.2.9"]),
    ("192.0.2.4\n...\n", 1, ["192.0.2.4"], [], ["203.0.113.1"]),
    ("192.0.2.4\n<MY_IP>\n", 2, ["192.0.2.4"], [], ["203.0.113.1"]),
    ("192.0.2.4\n192.0.2.5\n", 5, ["192.0.2.4"], [], ["203.0.113.1"]),
    ("192.0.2.4\n192.0.2.5\n", 2, ["192.0.2.4"], ["203.0.113.1"], []),
    ("192.0.2.0/24\n192.0.2.4 nomatch\n192.0.2.x\n", 3, [], [], ["192.0.2.9"]),
  ])
  func anIpsetHoldsWhatItShows(
    _ members: String, _ count: Int, fits: [String], fails: [String], open: [String]
  ) throws {
    let dumps = [
      ("iptables-save.txt", "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m set --match-set bad src -j DROP\nCOMMIT\n"),
      (
        "ipset-list.txt",
        """
        Name: bad
        Type: hash:net
        Revision: 6
        Header: family inet hashsize 1024 maxelem 65536
        Size in memory: 600
        References: 1
        Number of entries: \(count)
        Members:
        \(members)
        """
      ),
    ]
    for (values, expected) in [(fits, OverallVerdict.drop), (fails, .accept), (open, .undetermined)] {
      for value in values { #expect(try verdict(dumps, .src, value) == expected, "\(members) \(value)") }
    }
  }

  @Test(arguments: [
    ("80", OverallVerdict.drop), ("22", .undetermined), ("443", .undetermined), ("81", .undetermined),
  ])
  func aVerdictMapDecidesWhatItShows(_ port: String, _ expected: OverallVerdict) throws {
    let rule = [
      (
        "nft-list-ruleset.txt",
        """
        table inet t {
        \tchain c {
        \t\ttype filter hook forward priority filter; policy accept;
        \t\ttcp dport vmap { 80 : drop, 44x : drop, 22xx : drop, ... }
        \t}
        }

        """
      )
    ]
    #expect(try verdict(rule, .dport, port) == expected)
  }

  @Test func keysOfSeveralPartsAreMaskedByPart() throws {
    let dump = [
      (
        "nft-list-ruleset.txt",
        """
        table inet t {
        \tchain c {
        \t\ttype filter hook forward priority filter; policy accept;
        \t\tip saddr . tcp dport { 203.0.113.x . 80, 10.0.0.9 . 22 } drop
        \t}
        }

        """
      )
    ]
    #expect(try verdict(dump, .src, "203.0.113.1") == .undetermined)
    #expect(try verdict(dump, .src, "198.51.100.1") == .accept)
    #expect(try verdict(dump, .dport, "22") == .drop)
    #expect(try verdict(dump, .dport, "80") == .accept)
  }
}
