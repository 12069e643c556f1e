import RuleGraph
import Testing

@testable import RuleParser

@Suite struct IptablesIpsetTests {
  private func read(_ text: String) -> RuleFragment { IpsetReader.read(IptablesDump.text(text)) }

  /// A member as `ipset save` prints it, and the key that it stands for.
  private static let members: [(type: String, member: String, key: [ValueSet])] = [
    ("hash:ip family inet", "1.2.3.4", [ValueSet(0xffff_0102_0304)]),
    ("hash:ip family inet netmask 24", "10.1.2.0", [ValueSet(0xffff_0a01_0200...0xffff_0a01_02ff)]),
    ("hash:ip family inet6", "::1", [ValueSet(1)]),
    ("hash:net family inet", "10.0.0.0/8", [ValueSet(0xffff_0a00_0000...0xffff_0aff_ffff)]),
    ("bitmap:ip range 10.0.0.0-10.0.0.255", "10.0.0.1", [ValueSet(0xffff_0a00_0001)]),
    (
      "bitmap:ip,mac range 10.0.0.0-10.0.0.255", "10.0.0.1,00:11:22:33:44:55",
      [ValueSet(0xffff_0a00_0001), ValueSet(0x0011_2233_4455)]
    ),
    ("bitmap:ip,mac range 10.0.0.0-10.0.0.255", "10.0.0.2", [ValueSet(0xffff_0a00_0002), .bits(48)]),
    ("bitmap:port range 0-1023", "22", [[6, 17], [22]]),
    ("hash:mac", "00:11:22:33:44:55", [ValueSet(0x0011_2233_4455)]),
    ("hash:ip,port family inet", "1.1.1.1,tcp:80", [ValueSet(0xffff_0101_0101), [6], [80]]),
    ("hash:ip,port family inet", "1.1.1.1,udp:53-54", [ValueSet(0xffff_0101_0101), [17], [53, 54]]),
    ("hash:ip,port family inet", "1.1.1.1,icmp:echo-request", [ValueSet(0xffff_0101_0101), [1], [0x0800]]),
    ("hash:ip,port family inet", "1.1.1.1,icmp:3/1", [ValueSet(0xffff_0101_0101), [1], [0x0301]]),
    ("hash:ip,port family inet", "1.1.1.1,esp:0", [ValueSet(0xffff_0101_0101), [50], .bits(16)]),
    (
      "hash:ip,port,net family inet", "1.1.1.1,sctp:22,0.0.0.0/0",
      [ValueSet(0xffff_0101_0101), [132], [22], AddressFamily.ipv4.allAddresses]
    ),
    (
      "hash:net,net family inet", "1.0.0.0/8,2.0.0.0/8",
      [ValueSet(0xffff_0100_0000...0xffff_01ff_ffff), ValueSet(0xffff_0200_0000...0xffff_02ff_ffff)]
    ),
    ("hash:ip,mark family inet", "1.1.1.1,0x00000010", [ValueSet(0xffff_0101_0101), [16]]),
  ]

  @Test(arguments: members.indices)
  func aMemberIsAKey(index: Int) throws {
    let (type, member, key) = Self.members[index]
    let saved = read("create s \(type) hashsize 1024 maxelem 65536\nadd s \(member) timeout 299\n")
    #expect(saved.diagnostics == [])
    let set = try #require(saved.ipsets.first)
    #expect(set.elements.map(\.key) == [key])
    #expect(set.elements.first?.arguments == [Argument("timeout", "299")])
    #expect(set.keyTypes.count == key.count)
    let words = type.split(separator: " ", maxSplits: 1)
    let listed = read(
      """
      Name: s
      Type: \(words[0])
      Revision: 6
      Header: \(words.count > 1 ? words[1] : "") hashsize 1024 maxelem 65536
      Size in memory: 256
      References: 1
      Number of entries: 1
      Members:
      \(member) timeout 299

      """)
    #expect(listed.diagnostics == [])
    #expect(listed.ipsets.first?.elements == set.elements)
  }

  @Test func everythingBesideTheKeyIsKept() throws {
    let read = read(
      """
      create b hash:net,port family inet hashsize 1024 maxelem 65536 timeout 300 counters comment
      add b 10.1.0.0/16,tcp:80 timeout 299 nomatch packets 4 bytes 240 comment "a word, and more"
      create c list:set size 8
      add c b

      """)
    #expect(read.diagnostics == [])
    let element = try #require(read.ipsets.first?.elements.first)
    #expect(element.nomatch)
    #expect(element.comment == "a word, and more")
    #expect(element.arguments == [Argument("timeout", "299"), Argument("packets", "4"), Argument("bytes", "240")])
    #expect(read.ipsets.last?.elements.first?.member == "b")
  }

  @Test(arguments: [
    ("hash:net", ["203.0.113.0/24", "192.0.2.7"]), ("hash:ip", ["2001:db8::7", "fe80::1"]),
    ("hash:net", ["203.0.113.xxx", "192.0.2.7 nomatch"]), ("bitmap:port", ["22", "80"]),
    ("hash:ip,port", ["192.0.2.7,tcp:22", "192.0.2.7,udp:53"]), ("list:set", ["admins", "guests"]),
    ("hash:mac", ["02:00:00:00:00:07", "02:00:00:00:00:08"]),
  ])
  func theMembersOfTheLastListedSetBelongToIt(type: String, members: [String]) throws {
    let list = """
      root@gw:~# ipset list
      Name: first
      Type: hash:ip
      Revision: 6
      Header: family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x6bed83ef
      Size in memory: 552
      References: 1
      Number of entries: 1
      Members:
      192.0.2.1

      Name: s
      Type: \(type)
      Revision: 7
      Header: hashsize 1024 maxelem 65536 bucketsize 12 initval 0x6bed83ef
      Size in memory: 552
      References: 1
      Number of entries: 2
      Members:
      \(members.joined(separator: "\n"))

      """
    for behind in ["", "\nThanks. 2 of them are ours.\n", "root@gw:~# iptables -S\n-P INPUT ACCEPT\n"] {
      let reading = DumpReader().read([DumpInput(name: "-", bytes: Array((list + behind).utf8))])
      let set = try #require(reading.ruleset.ipsets.first { $0.name == "s" })
      #expect(set.elements.count == 2 && !set.elements.contains { $0.isElision })
      #expect(!reading.diagnostics.contains { ["incomplete-set", "unreadable-line"].contains($0.id) })
    }
  }

  @Test func aSetListedWithoutMembersHasUnknownMembers() throws {
    let read = read("Name: a\nType: hash:ip\nRevision: 6\nHeader: family inet\nNumber of entries: 3\n")
    #expect(read.ipsets.first?.elementsKnown == false)
  }

  @Test func aMemberThatCantBeReadMayBeAny() throws {
    let read = read("create e hash:net,iface family inet\nadd e 10.0.0.0/8,physdev:eth0\nadd e 0.0.0.0/0,eth1\n")
    #expect(read.ipsets.first?.isShownWhole == false)
    #expect(read.ipsets.first?.elements.map(\.isElision) == [true, false])
    #expect(read.diagnostics.map(\.id) == ["ipset-element-not-read"])
  }

  @Test func theSetsTypeSaysWhatAFlagMeans() throws {
    let set = NamedSet("s", keyTypes: ["ip", "proto", "port"], ipsetType: "hash:ip,port")
    let rule = try #require(
      IptablesDump.save("*filter\n-A INPUT -m set --match-set s src,dst -j DROP\nCOMMIT\n").rules.first)
    guard case .match(let match) = rule.statements[0] else {
      Issue.record("no match")
      return
    }
    #expect(match.values == .ipset("s"))
    #expect(
      set.ipsetKey(match.subject, family: .ipv4) == [
        .field(.header(HeaderField(.ip, .saddr))), .field(.meta(.l4proto)), .field(.header(HeaderField(.th, .dport))),
      ])
    #expect(set.ipsetKey(.field(.header(HeaderField(.ip, .saddr))), family: .ipv4) == nil)
  }
}
