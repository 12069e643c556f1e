import FlowTrace
import HostModel
import RuleGraph
import RuleParser
import TestHosts
import Testing

/// What a paste tells of the host in passing decides answers: addresses in routes, routing tables, policy rules, devices.
@Suite struct HostFromPastesTests {
  private func trace(_ paste: String, _ options: [(QueryOption, String)]) throws -> Trace {
    try HostReading.of(paste).trace(options)
  }

  private static let filter = """
    # nft list ruleset
    table inet filter {
      chain input { type filter hook input priority filter; policy drop; tcp dport 22 accept; }
      chain forward { type filter hook forward priority filter; policy accept; }
    }
    """

  /// Each tells that 192.0.2.10 is the host's, so that port 23 meets the policy of input.
  @Test(arguments: [
    "# ip route\ndefault via 192.0.2.254 dev eth0\n192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.10\n",
    "# ip route show table local\nlocal 192.0.2.10 dev eth0 proto kernel scope host src 192.0.2.10\n",
    "# ip -4 addr | grep inet\n    inet 127.0.0.1/8 scope host lo\n    inet 192.0.2.10/24 brd 192.0.2.255 scope global dynamic eth0\n",
    "# hostname -I\n192.0.2.10 172.17.0.1 2001:db8::10\n",
    "# ip route\ndefault via 192.0.2.254 dev eth0 src 192.0.2.10\n",
  ])
  func whatTellsOfAnAddressIsUsed(_ output: String) throws {
    let trace = try trace(
      output + Self.filter,
      [(.input, "eth0"), (.src, "203.0.113.9"), (.dst, "192.0.2.10:23")])
    #expect(trace.verdict == .drop)
    #expect(trace.cases.allSatisfy { $0.decidedBy != .nothing && $0.conditions.isEmpty })
  }

  @Test func hostnameTellsAllAddresses() throws {
    let trace = try trace(
      "# hostname -I\n192.0.2.10 172.17.0.1\n" + Self.filter,
      [(.input, "eth0"), (.src, "203.0.113.9"), (.dst, "10.9.9.9:23")])
    #expect(trace.verdict == .accept)
    #expect(trace.cases.map(\.fate) == [.forward])
  }

  /// An address on a link that is not the route's source may be a second one of the host.
  @Test func anotherAddressOfTheLinkStaysOpen() throws {
    let trace = try trace(
      "# ip route\n192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.10\n" + Self.filter,
      [(.input, "eth0"), (.src, "203.0.113.9"), (.dst, "192.0.2.11:23")])
    #expect(trace.verdict == .undetermined)
    #expect(Set(trace.cases.map(\.fate)) == [.discarded, .forward])
  }

  private static let tables = """
    $ ip rule
    0:	from all lookup local
    100:	from all fwmark 0x1 lookup 100
    32766:	from all lookup main
    $ ip route
    default via 192.0.2.254 dev wan0
    192.0.2.0/24 dev wan0 proto kernel scope link src 192.0.2.2
    198.51.100.0/24 dev lan0 proto kernel scope link src 198.51.100.1
    """
  private static let marks = """
    $ nft list ruleset
    table ip f {
      chain pre { type filter hook prerouting priority mangle; policy accept; udp dport 53 meta mark set 0x1; }
      chain in { type filter hook input priority filter; policy drop; }
    }
    """
  private static let question: [(QueryOption, String)] = [
    (.input, "lan0"), (.src, "198.51.100.7"), (.proto, "udp"),
  ]

  @Test(arguments: [true, false])
  func aTableOfRoutesReplacesOnlyItself(_ isFirst: Bool) throws {
    let table = "\n$ ip route show table 100\ndefault via 198.51.100.9 dev lan0\n"
    let paste = isFirst ? table + Self.tables + "\n" + Self.marks : Self.tables + table + Self.marks
    let marked = try trace(paste, Self.question + [(.dst, "203.0.113.1:53")])
    #expect(marked.cases.compactMap { $0.output?.single } == [InterfaceName("lan0")?.value])
    let other = try trace(paste, Self.question + [(.dst, "203.0.113.1:54")])
    #expect(other.cases.compactMap { $0.output?.single } == [InterfaceName("wan0")?.value])
  }

  @Test func localRoutesOfATableCountWhereTheLookUpGetsThere() throws {
    let paste = Self.tables + "\n$ ip route show table 100\nlocal default dev lo scope host\n" + Self.marks
    #expect(try trace(paste, Self.question + [(.dst, "203.0.113.1:53")]).verdict == .drop)
    #expect(try trace(paste, Self.question + [(.dst, "203.0.113.1:54")]).verdict == .accept)
  }

  /// What is in table 100 decides for marked packets alone.
  @Test func aTableThatNoDumpShowsIsUnknown() throws {
    let paste = Self.tables + "\n" + Self.marks
    let marked = try trace(paste, Self.question + [(.dst, "203.0.113.1:53")])
    #expect(marked.verdict == .undetermined)
    #expect(marked.cases.flatMap(\.conditions).contains { $0.settledBy == "ip route show table 100" })
    #expect(try trace(paste, Self.question + [(.dst, "203.0.113.1:54")]).verdict == .accept)
  }

  @Test(arguments: [
    ("from all uidrange 0-0", "53", "wan1"), ("from all uidrange 1-9", "53", "wan0"),
    ("from all ipproto udp dport 53", "53", "wan1"), ("from all ipproto udp dport 53", "54", "wan0"),
    ("from all ipproto tcp", "53", "wan0"), ("not from all ipproto tcp", "53", "wan1"),
    ("from all oif wan7", "53", "wan0"), ("from all sport 1-9", "53", "wan0"),
    ("from all to 203.0.113.0/24", "9", "wan1"),
  ])
  func selectorsThatThePacketTellsAreEvaluated(_ selector: String, _ port: String, _ output: String) throws {
    let trace = try trace(
      Self.policy(selector),
      [
        (.input, "lan0"), (.src, "198.51.100.7:4000"), (.proto, "udp"), (.dst, "203.0.113.1:\(port)"),
      ])
    #expect(trace.verdict == .accept)
    #expect(trace.cases.compactMap { $0.output?.single } == [InterfaceName(output)?.value])
  }

  /// The lookup divides where it depends on what can't be read.
  @Test func aSelectorThatCantBeReadIsUnknown() throws {
    let asked: [(QueryOption, String)] = [(.input, "lan0"), (.src, "198.51.100.7"), (.proto, "udp")]
    let unknown = try trace(Self.policy("from all tun_id 7"), asked + [(.dst, "203.0.113.1:53")])
    #expect(unknown.cases.count == 2)
    #expect(
      Set(unknown.cases.compactMap { $0.output?.single }) == [
        InterfaceName("wan0")?.value, InterfaceName("wan1")?.value,
      ])
    // Both ways are accepted, so the verdict is definite.
    #expect(unknown.verdict == .accept)
    let elsewhere = try trace(Self.policy("from 10.0.0.0/8 tun_id 7"), asked + [(.dst, "203.0.113.1:53")])
    #expect(elsewhere.cases.compactMap { $0.output?.single } == [InterfaceName("wan0")?.value])
  }

  /// A table that is there has a rule that leads to it: without `ip rule` nothing tells whom.
  @Test func aTableWhoseRuleIsNotShownIsUnknown() throws {
    let routes = """
      $ ip route show table all
      default via 192.0.2.254 dev wan0
      192.0.2.0/24 dev wan0 proto kernel scope link src 192.0.2.2
      198.51.100.0/24 dev lan0 proto kernel scope link src 198.51.100.1
      local default dev lo table 100 scope host

      """
    let asked = Self.question + [(.dst, "203.0.113.1:54")]
    let unknown = try trace(routes + Self.marks, asked)
    #expect(unknown.verdict == .undetermined)
    #expect(unknown.cases.flatMap(\.conditions).contains { $0.settledBy == "ip rule" })
    let rules =
      "$ ip rule\n0:\tfrom all lookup local\n9:\tfrom all fwmark 0x1 lookup 100\n32766:\tfrom all lookup main\n"
    #expect(try trace(routes + rules + Self.marks, asked).verdict == .accept)
    // A grep leaves the rule for main out.
    let cut = "$ ip rule | grep fwmark\n9:\tfrom all fwmark 0x1 lookup 100\n"
    #expect(try trace(routes + cut + Self.marks, asked).verdict == .accept)
  }

  /// Routes that were pasted without their command, or chosen for one destination, are not the whole table.
  @Test(arguments: [
    "198.51.100.0/24 dev lan0 proto kernel scope link src 198.51.100.1\n",
    "$ ip route get 198.51.100.9\n198.51.100.9 dev lan0 src 198.51.100.1 uid 0\n    cache\n",
    "$ ip route | grep lan0\n198.51.100.0/24 dev lan0 proto kernel scope link src 198.51.100.1\n",
    "$ ip route show dev lan0\n198.51.100.0/24 proto kernel scope link src 198.51.100.1\n",
  ])
  func aFewRoutesAreNotTheTable(_ routes: String) throws {
    let trace = try trace(routes + Self.marks, Self.question + [(.dst, "203.0.113.1:54"), (.output, "wan0")])
    #expect(trace.verdict == .accept)
    let own = try self.trace(routes + Self.marks, Self.question + [(.dst, "198.51.100.1:54")])
    #expect(own.verdict == .drop)
  }

  private static func policy(_ selector: String) -> String {
    """
    $ ip rule
    0:	from all lookup local
    100:	\(selector) lookup 100
    32766:	from all lookup main
    $ ip route
    default via 192.0.2.254 dev wan0
    192.0.2.0/24 dev wan0 proto kernel scope link src 192.0.2.2
    198.51.100.0/24 dev lan0 proto kernel scope link src 198.51.100.1
    $ ip route show table 100
    default dev wan1 scope link
    $ nft list ruleset
    table ip f {
      chain forward { type filter hook forward priority filter; policy accept; }
    }
    """
  }

  @Test func aPacketThatIsSaidToLeaveIsNotTheHosts() throws {
    let paste = """
      table inet f {
        chain input { type filter hook input priority filter; policy drop; }
        chain forward { type filter hook forward priority filter; policy drop; oifname "wan0" accept; }
      }
      """
    let asked: [(QueryOption, String)] = [(.input, "br-lan"), (.src, "192.168.1.5"), (.dst, "203.0.113.7:443")]
    #expect(try trace(paste, asked + [(.output, "wan0")]).verdict == .accept)
    #expect(try trace(paste, asked).verdict == .undetermined)
  }

  @Test func redirectEndsAtTheHost() throws {
    let paste = """
      table inet nat {
        chain prerouting { type nat hook prerouting priority dstnat; policy accept; tcp dport 80 redirect to :8080; }
      }
      table inet filter {
        chain input { type filter hook input priority filter; policy drop; tcp dport 8080 accept; }
        chain forward { type filter hook forward priority filter; policy drop; }
      }
      """
    let trace = try trace(paste, [(.input, "eth0"), (.src, "203.0.113.9"), (.dst, "198.51.100.1:80")])
    #expect(trace.verdict == .accept)
    #expect(trace.cases.map(\.fate) == [.local])
  }

  @Test func targetsOfMapsAreTargets() throws {
    for target in ["tcp dport map { 80 : 10.0.0.10, 443 : 10.0.0.11 }", "tcp dport map @m"] {
      let paste = """
        table ip nat {
          map m { type inet_service : ipv4_addr; elements = { 80 : 10.0.0.10 }; }
          chain pre { type nat hook prerouting priority dstnat; policy accept; iifname "eth0" dnat to \(target); }
        }
        table ip filter {
          chain forward { type filter hook forward priority filter; policy drop; }
        }
        """
      let trace = try trace(paste, [(.input, "eth0"), (.src, "203.0.113.9"), (.dst, "198.51.100.1:80")])
      #expect(trace.verdict == .drop)
      #expect(trace.cases.map(\.packet.destination) == [ValueSet(try #require(IPAddress("10.0.0.10")).bits)])
    }
  }

  private func verdicts(ofNumgen map: String) throws -> [Case.Verdict] {
    let paste = """
      table inet f {
        chain in { type filter hook input priority filter; policy drop; tcp dport 80 \(map); }
      }
      """
    return try trace(
      paste,
      [(.input, "eth0"), (.src, "203.0.113.9"), (.dst, "198.51.100.1:80"), (.hostAddress, "198.51.100.1")]
    ).cases.map(\.verdict)
  }

  @Test func eachNumberOfChanceIsACase() throws {
    #expect(
      try verdicts(ofNumgen: "numgen inc mod 2 vmap { 0 : accept, 1 : drop }").sorted { $0.rawValue < $1.rawValue } == [
        .accept, .drop,
      ])
    #expect(try verdicts(ofNumgen: "numgen inc mod 2 vmap { 0 : accept, 1 : accept }") == [.accept])
    // 2 has no element: the rule does not match, and the policy drops.
    #expect(
      try verdicts(ofNumgen: "numgen random mod 3 vmap { 0 : accept, 1 : accept }").sorted { $0.rawValue < $1.rawValue }
        == [.accept, .drop])
    #expect(try verdicts(ofNumgen: "symhash mod 2 vmap { 0-1 : accept }") == [.accept])
    #expect(try verdicts(ofNumgen: "jhash ip saddr mod 4 vmap { 0 : accept, * : accept }") == [.accept])
  }

  @Test func aRuleThatOnlyLogsDividesNothing() throws {
    let rules = (1...5).map { "limit rate \($0)/minute log prefix \"\($0)\";" }.joined(separator: " ")
    let paste = """
      table inet f {
        chain in { type filter hook input priority filter; policy drop; \(rules) tcp dport 80 accept; }
      }
      """
    let trace = try trace(
      paste,
      [(.input, "eth0"), (.src, "203.0.113.9"), (.dst, "198.51.100.1:80"), (.hostAddress, "198.51.100.1")])
    #expect(trace.cases.map(\.verdict) == [.accept])
  }

  // MARK: - Devices

  private func verdict(_ chain: String, _ port: Int, input: String = "eth0", before: String = "") throws
    -> OverallVerdict
  {
    let paste =
      before
      + "$ nft list ruleset\ntable netdev t {\n\tchain c {\n\t\ttype filter hook \(chain)\n\t\tudp dport 99 drop\n\t}\n}\n"
    return try trace(
      paste,
      [
        (.input, input), (.src, "203.0.113.9"), (.proto, "udp"), (.dst, "198.51.100.1:\(port)"),
        (.hostAddress, "198.51.100.1"),
      ]
    ).verdict
  }

  @Test func ingressRunsOnTheDeviceOfTheFrame() throws {
    let chain = "ingress device \"eth0\" priority 0; policy accept;"
    #expect(try verdict(chain, 99) == .drop)
    #expect(try verdict(chain, 98) == .accept)
    #expect(try verdict(chain, 99, input: "eth1") == .accept)
    // A VLAN's frames pass its parent, a bridge's frames its port.
    #expect(try verdict(chain, 99, input: "eth0.10") == .drop)
    let port =
      "$ bridge link\n2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master br0 state forwarding priority 32 cost 2\n"
    #expect(try verdict(chain, 98, input: "br0", before: port) == .accept)
  }

  @Test func aChainWithoutItsDeviceIsUnknown() throws {
    #expect(try verdict("ingress priority 0; policy accept;", 99) == .undetermined)
    #expect(try verdict("ingress priority 0; policy accept;", 98) == .accept)
  }

  @Test func egressRunsBehindPostrouting() throws {
    let paste = """
      table netdev t {
        chain c {
          type filter hook egress device "eth1" priority 0; policy accept;
          ip saddr 203.0.113.5 udp dport 99 drop
        }
      }
      table ip n {
        chain post { type nat hook postrouting priority srcnat; policy accept; oifname "eth1" snat to 203.0.113.5; }
      }
      """
    for (port, verdict): (Int, OverallVerdict) in [(99, .drop), (98, .accept)] {
      let trace = try trace(
        paste,
        [(.input, "eth0"), (.output, "eth1"), (.src, "10.0.0.9"), (.proto, "udp"), (.dst, "198.51.100.1:\(port)")])
      #expect(trace.verdict == verdict)
    }
  }

  // MARK: - Bridges

  private static let bridge = """
    $ bridge -d link
    2: vA: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master br0 state forwarding priority 32 cost 2
        hairpin on guard off root_block off fastleave off learning on flood on
    3: vB: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master br0 state forwarding priority 32 cost 2
        hairpin off guard off root_block off fastleave off learning on flood on
    $ ip addr
    1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 state UNKNOWN
        inet 127.0.0.1/8 scope host lo
    2: vA@if9: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master br0 state UP
    3: vB@if8: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master br0 state UP
    4: br0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP
        inet 10.0.0.1/24 brd 10.0.0.255 scope global br0
    5: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP
        inet 192.0.2.1/24 brd 192.0.2.255 scope global eth0
    $ sysctl -a
    net.bridge.bridge-nf-call-iptables = 1
    net.ipv4.ip_forward = 1
    $ iptables-save

    """

  @Test func onlyTheModeOfTheFramesOwnPortCounts() throws {
    let paste =
      Self.bridge
      + "*nat\n-A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 10.0.0.2:80\n-A POSTROUTING -s 10.0.0.2/32 -d 10.0.0.2/32 -j MASQUERADE\nCOMMIT\n"
    let asked: [(QueryOption, String)] = [(.input, "br0"), (.src, "10.0.0.2"), (.dst, "192.0.2.1:8080")]
    #expect(try trace(paste, asked + [(.physin, "vA")]).verdict == .accept)
    #expect(try trace(paste, asked + [(.physin, "vA"), (.reply, "true")]).verdict == .accept)
    #expect(try trace(paste, asked + [(.physin, "vB")]).verdict == .drop)
    #expect(try trace(paste, asked).verdict == .mixed)
  }

  /// The pair's ends name each other by number, so that the container's port and its mode are known.
  @Test func aContainersPortIsTheOtherEndOfItsPair() throws {
    let paste =
      Self.bridge.replacing("vB@if8", with: "vB@if6")
      .replacing(
        "$ sysctl",
        with:
          "$ docker exec web ip addr\n6: eth0@if3: <BROADCAST,UP,LOWER_UP> mtu 1500\n    inet 10.0.0.2/24 scope global eth0\n$ sysctl"
      )
      + "*nat\n-A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 10.0.0.2:80\nCOMMIT\n"
    let trace = try trace(paste, [(.input, "br0"), (.src, "10.0.0.2"), (.dst, "192.0.2.1:8080")])
    #expect(trace.cases.map(\.decidedBy) == [.outside(.bridgeHairpin)])
  }

  @Test func masqueradeTakesTheSourceOfTheLinksRoute() throws {
    let paste = """
      $ ip route
      default via 192.0.2.254 dev wan0
      192.0.2.0/24 dev wan0 proto kernel scope link src 192.0.2.2
      198.51.100.0/24 dev lan0 proto kernel scope link src 198.51.100.1
      $ nft list ruleset
      table ip n {
        chain post { type nat hook postrouting priority srcnat; policy accept; oifname "wan0" masquerade; }
      }
      """
    let trace = try trace(paste, [(.input, "lan0"), (.src, "198.51.100.7"), (.dst, "203.0.113.1:80")])
    #expect(trace.cases.map(\.packet.source) == [ValueSet(try #require(IPAddress("192.0.2.2")).bits)])
  }

  @Test func groupsAreFloodedThroughForward() throws {
    let paste = Self.bridge + "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -d 239.1.1.2/32 -j DROP\nCOMMIT\n"
    for (group, verdict): (String, OverallVerdict) in [("239.1.1.1", .accept), ("239.1.1.2", .drop)] {
      let trace = try trace(paste, [(.input, "br0"), (.src, "10.0.0.2"), (.proto, "udp"), (.dst, "\(group):99")])
      #expect(trace.verdict == verdict)
    }
  }

  @Test(arguments: [
    ("br-lan", BridgeOwner.openwrt, false), ("br-0123456789ab", .docker, true), ("docker0", .docker, true),
    ("lxdbr0", .lxd, true), ("incusbr0", .incus, true), ("virbr0", .libvirt, false), ("podman1", .podman, true),
    ("cni0", .cni, true), ("cni-podman0", .podman, true), ("vmbr1", .proxmox, false),
  ])
  func aBridgesNameTellsWhoseItIs(_ name: String, _ owner: BridgeOwner, _ hasContainers: Bool) {
    #expect(BridgeOwner.named(name) == owner)
    #expect(BridgeOwner.named(name)?.hasContainers == hasContainers)
  }

  @Test(
    arguments: ["br-1", "br-dmz", "br0", "virbr0-nic", "eth0", "podman", "br-0123456789AB"].filter { $0 != "podman" })
  func otherNamesAreNobodys(_ name: String) { #expect(BridgeOwner.named(name) == nil) }

  /// `fib_validate_source` is not asked about 0.0.0.0 (`ip_route_input_slow` in `net/ipv4/route.c`, `brd_input`).
  @Test func aHostThatHasNoAddressYetIsHeardWhateverTheRouteBack() throws {
    let host = """
      $ ip addr
      1: lo: <LOOPBACK,UP> mtu 65536
          inet 127.0.0.1/8 scope host lo
      2: eth0: <BROADCAST,UP> mtu 1500
          inet 192.0.2.1/24 brd 192.0.2.255 scope global eth0
      3: eth1: <BROADCAST,UP> mtu 1500
          inet 198.51.100.1/24 brd 198.51.100.255 scope global eth1
      $ ip route
      default via 192.0.2.254 dev eth0
      192.0.2.0/24 dev eth0 scope link src 192.0.2.1
      198.51.100.0/24 dev eth1 scope link src 198.51.100.1
      $ sysctl -a
      net.ipv4.conf.all.rp_filter = 1
      $ iptables-save
      *filter
      :INPUT ACCEPT [0:0]
      :FORWARD ACCEPT [0:0]
      :OUTPUT ACCEPT [0:0]
      COMMIT

      """
    func verdict(_ source: String, _ destination: String) throws -> OverallVerdict {
      try trace(host, [(.input, "eth1"), (.proto, "udp"), (.src, source), (.dst, destination)]).verdict
    }
    #expect(try verdict("0.0.0.0:68", "255.255.255.255:67") == .accept)
    #expect(try verdict("203.0.113.9:68", "255.255.255.255:67") == .drop)
  }
}
