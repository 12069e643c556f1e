import FlowTrace
import HostModel
import RuleGraph
import RuleParser
import TestHosts
import Testing

/// What a paste leaves open of a host's networks, addresses and tables is open in the answer.
@Suite struct OpenHostTests {
  private func trace(_ paste: String, _ options: [(QueryOption, String)]) throws -> Trace {
    try HostReading.of(paste).trace(options)
  }

  /// A container may send to a neighbour on its bridge, where the packet spends no hop.
  @Test func theLastHopIsNotSpentOnABridgeWhoseNetworkIsUnknown() throws {
    let rules =
      "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A FORWARD -i docker0 -j ACCEPT\nCOMMIT\n"
    let question: [(QueryOption, String)] = [
      (.input, "docker0"), (.physin, "veth1"), (.src, "172.17.0.2"), (.dst, "172.17.0.6:80"), (.ttl, "1"),
    ]
    let trace = try trace(rules, question)
    #expect(trace.verdict == .undetermined)
    for one in trace.cases {
      let isNeighbour = one.conditions.contains { $0.about == .neighbour(bridge: "docker0") && $0.holds }
      #expect(isNeighbour || one.fate != .bridged)
    }
    #expect(Set(trace.cases.map(\.fate)).count > 1)
    #expect(trace.cases.contains { $0.fate == .bridged })
  }

  /// Docker without its proxy turns route_localnet on, and a rule that translates sources shows that. Where such rules
  /// may be missing, nothing tells.
  @Test func aMissingMasqueradeLeavesRouteLocalnetOpen() throws {
    func trace(_ postrouting: String) throws -> Trace {
      try self.trace(
        """
        *nat
        :PREROUTING ACCEPT [0:0]
        :INPUT ACCEPT [0:0]
        :OUTPUT ACCEPT [0:0]
        :POSTROUTING ACCEPT [0:0]
        -A OUTPUT -d 127.0.0.1/32 -p tcp -m tcp --dport 6000 -j DNAT --to-destination 172.17.0.3:6379
        \(postrouting)
        COMMIT
        *filter
        :INPUT ACCEPT [0:0]
        :FORWARD ACCEPT [0:0]
        :OUTPUT ACCEPT [0:0]
        COMMIT
        *raw
        :PREROUTING ACCEPT [0:0]
        :OUTPUT ACCEPT [0:0]
        COMMIT

        """, [(.from, "host"), (.src, "127.0.0.1"), (.dst, "127.0.0.1:6000")])
    }
    let whole = try trace("-A POSTROUTING -s 192.0.2.9/32 -j RETURN")
    #expect(whole.verdict == .drop)
    #expect(whole.cases.allSatisfy { $0.conditions.isEmpty })
    let cut = try trace("...")
    #expect(cut.verdict == .undetermined)
    let answers = cut.cases.flatMap { one in
      one.conditions.filter { if case .routeLocalnet = $0.about { true } else { false } }.map(\.holds)
    }
    #expect(Set(answers) == [true, false])
  }

  /// The addresses of an interface tell of a network whose route is masked.
  @Test func anAnswerGoesToTheNetworkOfAnAddressThoughItsRouteIsMasked() throws {
    let host = """
      # ip addr
      1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536
          inet 127.0.0.1/8 scope host lo
      2: eth1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500
          inet 10.1.0.1/24 scope global eth1
      3: docker0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500
          inet 172.17.0.1/16 scope global docker0
      4: br-f00d: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500
          inet 172.18.0.1/16 scope global br-f00d
      # ip route
      10.1.0.0/24 dev eth1 proto kernel scope link src 10.1.0.1
      172.17.0.XXX/16 dev docker0 proto kernel scope link src 172.17.0.1
      172.18.0.0/16 dev br-f00d proto kernel scope link src 172.18.0.1
      # iptables -S
      -P INPUT ACCEPT
      -P FORWARD ACCEPT
      -P OUTPUT ACCEPT
      -A FORWARD -i br-f00d -o docker0 -j DROP

      """
    let answer = try trace(
      host, [(.input, "eth1"), (.src, "172.17.0.2:48520"), (.dst, "172.18.0.3:22"), (.reply, "true")])
    #expect(answer.verdict == .drop)
  }

  /// Numbers of interfaces are no line numbers, though the output is indented.
  @Test func indentedAddressesAreRead() throws {
    let addresses = """
      # ip addr
      1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536
          inet 127.0.0.1/8 scope host lo
      2: ens33@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500
          inet <IP>/24 brd <IP> scope global ens33
      3: docker0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500
          inet <IP>/16 brd <IP> scope global docker0
      # iptables -S
      -P INPUT ACCEPT
      -P FORWARD DROP
      -P OUTPUT ACCEPT

      """
    let indented = addresses.split(separator: "\n", omittingEmptySubsequences: false).map { "    \($0)" }
      .joined(separator: "\n")
    for paste in [addresses, indented] {
      let trace = try trace(paste, [(.input, "ens33"), (.src, "192.168.100.2"), (.dst, "192.168.100.1:7777")])
      #expect(trace.verdict == .undetermined)
      #expect(Set(trace.cases.map(\.fate)) == [.discarded, .local])
    }
  }

  /// Headings say of which table the chains below are, whatever stands before each line.
  @Test(arguments: ["", "\t", "    "])
  func headingsAreReadBehindBlanks(_ blanks: String) throws {
    let paste = """
      ### iptables -t raw -S PREROUTING
      -P PREROUTING ACCEPT
      ### iptables -t mangle -S PREROUTING
      -P PREROUTING ACCEPT
      -A PREROUTING -d 192.0.2.9/32 -j DROP
      ### iptables -t nat -S PREROUTING
      -P PREROUTING ACCEPT
      ### iptables -S INPUT
      -P INPUT DROP
      """
    let reading = HostReading.of(paste.split(separator: "\n").map { blanks + $0 }.joined(separator: "\n") + "\n")
    let rules = reading.ruleset.tables.flatMap { table in
      table.chains.filter { $0.rules.contains { $0.missing == nil } }.map { _ in table.name }
    }
    #expect(rules == ["mangle"])
  }

  /// Words between the tables of nft that say so stand for others that were left out.
  @Test(arguments: ["(output truncated)", "[output truncated]", "<200 lines omitted>", "...", "[snip]"])
  func tablesOfNftThatWereLeftOutMayDoAnything(_ mark: String) throws {
    for end in ["", "table ip f { chain c { } }\n", "\tip saddr 192.0.2.9 drop\n\t}\n}\n"] {
      let paste =
        "# nft list ruleset\ntable inet filter {\n\tchain input {\n\t\ttype filter hook input priority filter; policy accept;\n\t}\n}\n\(mark)\n\(end)"
      #expect(try trace(paste, [(.dst, "192.0.2.10:80")]).verdict == .undetermined)
    }
  }

  /// What a rule that can't be read would publish is a port of the host's.
  @Test func anUnreadRuleOfNatMayPublishAnAddressThatIsAskedFor() throws {
    func trace(_ row: String) throws -> Trace {
      try self.trace(
        """
        # iptables -t nat -vnL
        Chain PREROUTING (policy ACCEPT 0 packets, 0 bytes)
         pkts bytes target     prot opt in     out     source               destination
            0     0 DOCKER     0    --  *      *       0.0.0.0/0            0.0.0.0/0            ADDRTYPE match dst-type LOCAL

        Chain INPUT (policy ACCEPT 0 packets, 0 bytes)
         pkts bytes target     prot opt in     out     source               destination

        Chain OUTPUT (policy ACCEPT 0 packets, 0 bytes)
         pkts bytes target     prot opt in     out     source               destination
            0     0 DOCKER     0    --  *      *       0.0.0.0/0            0.0.0.0/0            ADDRTYPE match dst-type LOCAL

        Chain POSTROUTING (policy ACCEPT 0 packets, 0 bytes)
         pkts bytes target     prot opt in     out     source               destination

        Chain DOCKER (2 references)
         pkts bytes target     prot opt in     out     source               destination
        \(row)

        """, [(.from, "host"), (.dst, "203.0.113.140:80")])
    }
    let row =
      "DNAT       6    --  *      *       0.0.0.0/0            0.0.0.0/0            tcp dpt:80 to:172.17.0.5:30000"
    #expect(try trace("    0     0 " + row).cases.contains { $0.packet.destinationPort == ValueSet(30_000) })
    #expect(try trace("    0       " + row).verdict == .undetermined)
  }
}
