import RuleGraph
import Testing

@Suite struct ValueTests {
  @Test(arguments: [
    "0.0.0.0", "172.17.0.2", "255.255.255.255", "::", "::1", "2001:db8::1", "fe80::42:54ff:fe68:91f7", "1:0:0:2::3",
    "2001:db8:0:1:1:1:1:1",
  ])
  func anAddressPrintsBack(_ text: String) throws {
    #expect(try #require(IPAddress(text)).description == text)
  }

  @Test(arguments: [
    "", "1.2.3", "1.2.3.256", "1.2.3.4.5", "1.2.3.4 ", ":", ":::", "1::2::3", "12345::", "g::", "1:2:3:4:5:6:7:8:9",
  ])
  func whatIsNoAddressIsRefused(_ text: String) {
    #expect(IPAddress(text) == nil)
  }

  @Test(arguments: [
    ("10.0.0.0/8", "10.0.0.0/8"), ("10.1.2.3/8", "10.0.0.0/8"), ("10.0.0.0/255.0.0.0", "10.0.0.0/8"),
    ("1.2.3.4/32", "1.2.3.4"),
    ("2001:db8::/32", "2001:db8::/32"), ("0.0.0.0/0", "0.0.0.0/0"), ("::/0", "::/0"),
  ])
  func aPrefixPrintsBack(_ text: String, _ printed: String) throws {
    #expect(try #require(Prefix(text)).description == printed)
  }

  @Test(arguments: ["10.0.0.0/33", "10.0.0.0/255.0.255.0", "10.0.0.0/", "/8", "10.0.0.0/-1", "10.0.0.0/+8", "::/129"])
  func whatIsNoPrefixIsRefused(_ text: String) {
    #expect(Prefix(text) == nil)
  }

  @Test func theAlgebraOfSetsAgreesWithMembership() {
    let sets: [ValueSet] = [
      .empty, ValueSet(0), ValueSet(3...7), ValueSet([1...2, 5...9]), ValueSet([0...0, 2...2, 4...4, 6...6]),
      ValueSet(8...UInt128.max),
      .all,
    ]
    let values: [UInt128] = Array(0...12) + [.max - 1, .max]
    for a in sets {
      for b in sets {
        for value in values {
          #expect(a.union(b).contains(value) == (a.contains(value) || b.contains(value)))
          #expect(a.intersection(b).contains(value) == (a.contains(value) && b.contains(value)))
          #expect(a.subtracting(b).contains(value) == (a.contains(value) && !b.contains(value)))
          #expect(a.complement.contains(value) == !a.contains(value))
        }
        #expect(a.isSubset(of: b) == a.subtracting(b).isEmpty)
        #expect(a.isDisjoint(with: b) == a.intersection(b).isEmpty)
      }
    }
  }

  @Test func literalsAreWhatTheySay() throws {
    let address = try #require(IPAddress("172.17.0.2"))
    #expect(("172.17.0.2" as ValueSet) == ValueSet(address.bits))
    #expect(("172.17.0.0/16" as ValueSet) == Prefix("172.17.0.0/16")?.values)
    #expect(("10.0.0.1-10.0.0.9, 2001:db8::1" as ValueSet).count == 10)
    #expect((8080 as ValueSet) == ValueSet(UInt128(8080)))
    #expect(ValueSet.tcp == ValueSet(6))
    #expect(ValueSet.interface("br-*").contains(try #require(InterfaceName("br-lan")).value))
    #expect(ValueSet.interface("docker0").single == InterfaceName("docker0")?.value)
  }

  @Test(arguments: [
    "", "172.17.0", "172.17.0.0/33", "10.0.0.9-10.0.0.1", "10.0.0.1-2001:db8::1", "10.0.0.1,", "docker0",
  ])
  func whatIsNoAddressesIsRefused(_ text: String) {
    #expect(ValueSet(addresses: text) == nil)
  }

  @Test func touchingIntervalsBecomeOne() {
    #expect(ValueSet([5...9, 1...2, 3...4]).intervals == [1...9])
    #expect(ValueSet([0...UInt128.max, 3...4]).intervals == [0...UInt128.max])
  }

  @Test func aWildcardIsAnInterval() throws {
    let bridges = try #require(InterfaceName.set(matching: "br-", wildcard: true))
    #expect(bridges.contains(try #require(InterfaceName("br-1234")).value))
    #expect(bridges.contains(try #require(InterfaceName("br-")).value))
    #expect(!bridges.contains(try #require(InterfaceName("br0")).value))
    #expect(try #require(InterfaceName.set(matching: "", wildcard: true)) == .all)
    #expect(InterfaceName("sixteen-bytes-xx") == nil)
    #expect(try #require(InterfaceName("docker0")).description == "docker0")
  }
}
