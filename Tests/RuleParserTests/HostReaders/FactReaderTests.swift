import Foundation
import HostModel
import RuleGraph
import Testing

@testable import RuleParser

/// Outputs about the host in the shapes that the corpus does not have.
@Suite struct FactReaderTests {
  private func facts(_ text: String, name: String = "-") -> HostFacts {
    DumpReader().read([DumpInput(name: name, text: text)]).facts
  }

  @Test func addressesOnOneLineEach() throws {
    let facts = facts(
      """
      $ ip -o addr
      1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever
      1: lo    inet6 ::1/128 scope host \\       valid_lft forever preferred_lft forever
      2: eth0    inet 192.168.1.5/24 brd 192.168.1.255 scope global dynamic eth0\\       valid_lft 80sec preferred_lft 80sec
      2: eth0    inet 192.168.1.6/24 brd 192.168.1.255 scope global secondary eth0\\       valid_lft forever
      """)
    #expect(facts.interfaces.map(\.name) == ["lo", "eth0"])
    #expect(facts.interface("eth0")?.addresses.map(\.words) == ["192.168.1.5/24 global", "192.168.1.6/24 global"])
    #expect(facts.interface("eth0")?.addresses.map(\.isSecondary) == [false, true])
    #expect(facts.addressesKnown == [.ipv4, .ipv6])
  }

  @Test func addressesInBrief() throws {
    let facts = facts(
      """
      root@web1:~# ip -br a
      lo               UNKNOWN        127.0.0.1/8 ::1/128
      eth0@if7         UP             10.0.0.5/24 fe80::1/64
      docker0          DOWN           172.17.0.1/16
      """)
    #expect(facts.interfaces.map(\.name) == ["lo", "eth0", "docker0"])
    #expect(facts.interface("eth0")?.addresses.count == 2)
    #expect(facts.interface("eth0")?.parent == "if7")
    #expect(facts.hostName == "web1")
  }

  @Test func aPointToPointAddress() throws {
    let facts = facts(
      "5: tun0: <POINTOPOINT,UP,LOWER_UP> mtu 1420 qdisc noqueue state UNKNOWN\n    inet 10.8.0.1 peer 10.8.0.2/32 scope global tun0\n"
    )
    let address = try #require(facts.interface("tun0")?.addresses.first)
    #expect(address.peer?.description == "10.8.0.2")
    #expect(address.prefixLength == 32)
    // One interface is not the whole list.
    #expect(facts.addressesKnown.isEmpty)
  }

  @Test func theOldIfconfig() throws {
    let facts = facts(
      """
      eth0      Link encap:Ethernet  HWaddr 00:0C:29:68:24:B7
                inet addr:192.168.253.140  Bcast:192.168.253.255  Mask:255.255.255.0
                inet6 addr: fe80::20c:29ff:fe68:24b7/64 Scope:Link
                UP BROADCAST RUNNING MULTICAST  MTU:1500  Metric:1

      eth0:1    Link encap:Ethernet  HWaddr 00:0C:29:68:24:B7
                inet addr:192.168.253.150  Bcast:192.168.253.255  Mask:255.255.255.0

      lo        Link encap:Local Loopback
                inet addr:127.0.0.1  Mask:255.0.0.0
                UP LOOPBACK RUNNING  MTU:65536  Metric:1
      """)
    #expect(facts.interfaces.map(\.name) == ["eth0", "lo"])
    let interface = try #require(facts.interface("eth0"))
    #expect(
      interface.addresses.map { "\($0.address)/\($0.prefixLength)" } == [
        "192.168.253.140/24", "fe80::20c:29ff:fe68:24b7/64", "192.168.253.150/24",
      ])
    #expect(interface.hardwareAddress == "00:0c:29:68:24:b7")
    #expect(interface.mtu == 1500)
  }

  @Test func routesOfEveryKind() throws {
    let facts = facts(
      """
      $ ip route show table all
      default via 10.0.0.1 dev eth0 proto dhcp src 10.0.0.5 metric 100
      default proto static metric 200
      	nexthop via 10.0.1.1 dev eth1 weight 2
      	nexthop via 10.0.2.1 dev eth2 weight 1
      10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.5 linkdown
      blackhole 192.0.2.0/24
      unreachable 198.51.100.0/24 metric 5
      default via 10.9.0.1 dev wg0 table 100
      local 10.0.0.5 dev eth0 table local proto kernel scope host src 10.0.0.5
      default via fe80::1 dev eth0 proto ra metric 1024 pref medium
      2001:db8::/64 dev eth0 proto kernel metric 256 pref medium
      10.7.0.0/24 dev eth7 proto kernel scope link src 10.7.0.5 dead linkdown
      """)
    #expect(facts.routes.count == 10)
    #expect(facts.routes[0].metric == 100)
    #expect(facts.routes[0].source?.description == "10.0.0.5")
    #expect(facts.routes[1].nextHops.map(\.weight) == [2, 1])
    // A route without carrier is used all the same.
    #expect(!facts.routes[2].isDead)
    #expect(facts.routes[9].isDead)
    #expect(facts.routes[3].kind == .blackhole)
    #expect(facts.routes[4].kind == .unreachable)
    #expect(facts.routes[5].table == "100")
    #expect(facts.routes[7].destination.description == "::/0")
    #expect(facts.routesKnown == [.ipv4, .ipv6])
  }

  @Test func theTableThatWasAskedForIsTheRoutesTable() throws {
    let facts = facts("$ ip route show table vpn\ndefault via 10.9.0.1 dev wg0\n")
    #expect(facts.routes.map(\.table) == ["vpn"])
    #expect(facts.routesKnown.isEmpty)
  }

  @Test func rulesOfEveryKind() throws {
    let facts = facts(
      """
      $ ip rule
      0:	from all lookup local
      99:	not from all fwmark 0xca6c lookup 51820
      100:	from 10.0.0.0/8 to 192.0.2.1 iif eth1 lookup vpn
      101:	from all fwmark 0x10/0xf0 ipproto tcp dport 80-90 uidrange 0-999 lookup 7
      102:	from all to 198.51.100.0/24 blackhole
      103:	from all lookup main suppress_prefixlength 0
      104:	from all strange thing lookup main
      32766:	from all lookup main
      """)
    let rules = facts.routingRules
    #expect(rules.map(\.priority) == [0, 99, 100, 101, 102, 103, 104, 32766])
    #expect(rules[1].negated)
    #expect(rules[1].mark?.value == 0xca6c)
    #expect(rules[2].source?.description == "10.0.0.0/8")
    #expect(rules[2].destination?.description == "192.0.2.1")
    #expect(rules[2].inputInterface == "eth1")
    #expect(rules[2].action == .lookup("vpn"))
    #expect(rules[3].mark?.mask == 0xf0)
    #expect(rules[3].destinationPorts == 80...90)
    #expect(rules[3].transport == 6)
    #expect(rules[3].users == 0...999)
    #expect(rules[4].action == .blackhole)
    #expect(rules[5].suppressPrefixLength == 0)
    #expect(rules[6].unknownSelector != nil)
    #expect(rules[7].unknownSelector == nil)
  }

  @Test func settingsByNameAndByFile() throws {
    let facts = facts(
      """
      $ sysctl net.ipv4.ip_forward
      net.ipv4.ip_forward = 1
      $ cat /proc/sys/net/ipv4/conf/eth0.1/rp_filter
      2
      $ sysctl -n net.bridge.bridge-nf-call-iptables
      0
      """)
    #expect(facts.sysctls["net.ipv4.ip_forward"]?.value == "1")
    #expect(facts.sysctls["net.ipv4.conf.eth0/1.rp_filter"]?.value == "2")
    #expect(facts.sysctls["net.bridge.bridge-nf-call-iptables"]?.value == "0")
  }

  @Test func socketsOfBothTools() throws {
    let facts = facts(
      """
      $ ss -tln
      State   Recv-Q   Send-Q     Local Address:Port     Peer Address:Port  Process
      LISTEN  0        4096       127.0.0.53%lo:53            0.0.0.0:*
      LISTEN  0        128                    *:22                  *:*
      LISTEN  0        128                [::1]:631              [::]:*
      ESTAB   0        0              10.0.0.5:22            10.0.0.9:50123
      """)
    #expect(facts.sockets.map(\.port) == [53, 22, 631])
    #expect(facts.sockets.map(\.interface) == ["lo", nil, nil])
    #expect(facts.sockets[1].families == [.ipv4, .ipv6])
    // UDP was not asked for.
    #expect(!facts.socketsKnown)
    let old = self.facts(
      """
      $ netstat -antl
      Active Internet connections (servers and established)
      Proto Recv-Q Send-Q Local Address           Foreign Address         State
      tcp        0      0 :::80                   :::*                    LISTEN
      tcp        0      0 10.0.0.5:22             10.0.0.9:50123          ESTABLISHED
      """)
    #expect(old.sockets.map(\.port) == [80])
  }

  @Test func publishedPortsOfEveryShape() {
    let ports = DockerContainersReader.ports(
      "0.0.0.0:8000-8002->9000-9002/tcp, [::]:53->53/udp, 127.0.0.1:5432->5432/tcp, 9999/tcp, :::80->80/tcp")
    #expect(ports.map(\.hostPort) == [8000, 8001, 8002, 53, 5432, 80])
    #expect(ports.map(\.containerPort) == [9000, 9001, 9002, 53, 5432, 80])
    #expect(ports.map(\.transport) == [6, 6, 6, 17, 6, 6])
    #expect(ports[4].hostAddress?.description == "127.0.0.1")
  }

  @Test func containersWithoutPortsAndWithStrangeNames() throws {
    let facts = facts(
      """
      $ docker ps -a
      CONTAINER ID   IMAGE     COMMAND                  CREATED        STATUS                    PORTS                    NAMES
      c1eab2e3b0b1   busybox   "sh -c 'while true; …"   18 hours ago   Up 17 hours                                        my-box
      d1eab2e3b0b2   nginx     "nginx"                  2 days ago     Exited (0) 1 hour ago                              old
      e1eab2e3b0b3   nginx     "nginx"                  2 days ago     Up 2 days                 192.0.2.1:80->80/tcp     web,proxy/web
      """)
    #expect(facts.containers.map(\.name) == ["my-box", "old", "web"])
    #expect(facts.containers.map(\.isRunning) == [true, false, true])
    #expect(facts.containers.map(\.ports.count) == [0, 0, 1])
  }

  @Test func theDaemonsSettings() throws {
    let facts = facts(#"{ "icc": false, "userland-proxy": false, "bip": "192.168.88.8/24" }"#, name: "daemon.json")
    #expect(facts.daemonSettings == ["icc": "false", "userland-proxy": "false", "bip": "\"192.168.88.8/24\""])
  }

  @Test func aContainerOfAnyNetworkMode() throws {
    let facts = facts(
      """
      [{"Id": "abcdefabcdef0123", "Name": "/web", "State": {"Running": true, "Pid": 12},
        "HostConfig": {"NetworkMode": "container:0123", "Links": ["/redis01:/web/cache"]}, "Config": {},
        "NetworkSettings": {"Ports": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}], "443/tcp": null},
          "Networks": {"a": {"IPAddress": "10.1.0.2", "GlobalIPv6Address": "2001:db8::2", "Aliases": ["w"]},
            "b": {"IPAddress": ""}}}}]
      """, name: "docker-inspect.json")
    let container = try #require(facts.container("w"))
    #expect(container.name == "web")
    #expect(container.networkMode == "container:0123")
    #expect(container.links == ["redis01"])
    #expect(container.endpoints.map(\.addresses.count) == [2, 0])
    #expect(
      container.ports == [.init(transport: 6, hostAddress: IPAddress("127.0.0.1"), hostPort: 8080, containerPort: 80)])
  }

  @Test func aTrackedConnection() throws {
    let facts = facts(
      "ipv4     2 tcp      6 431999 ESTABLISHED src=10.0.0.9 dst=10.0.0.5 sport=5000 dport=80 src=172.17.0.2 dst=10.0.0.9 sport=8080 dport=5000 [ASSURED] mark=7 zone=0 use=2\n"
        + "udp      17 29 src=10.0.0.9 dst=10.0.0.5 sport=5000 dport=53 [UNREPLIED] src=10.0.0.5 dst=10.0.0.9 sport=53 dport=5000 mark=0 use=1\n"
    )
    #expect(facts.connections.count == 2)
    #expect(facts.connections[0].state == "ESTABLISHED")
    #expect(facts.connections[0].reply.source.address.description == "172.17.0.2")
    #expect(facts.connections[0].mark == 7)
    #expect(facts.connections[1].flags == ["UNREPLIED"])
    #expect(facts.connections[1].state == nil)
  }

  @Test func neighbours() throws {
    let facts = facts("172.17.0.2 dev docker0 lladdr 02:42:AC:11:00:02 REACHABLE\n10.0.0.9 dev eth0  FAILED\n")
    #expect(facts.neighbours.map(\.state) == ["REACHABLE", "FAILED"])
    #expect(facts.neighbours.first?.hardwareAddress == "02:42:ac:11:00:02")
  }

  @Test func versions() {
    let facts = facts(
      """
      $ iptables -V
      iptables v1.4.21
      $ nft --version
      nftables v1.0.6 (Lester Gooch #5)
      $ docker --version
      Docker version 28.0.1, build 068a01e
      """)
    #expect(facts.versions == ["iptables": "1.4.21", "nft": "1.0.6", "docker": "28.0.1"])
  }

  @Test func dockersOwnTellsOfTheServersVersion() {
    let facts = facts(
      """
      $ docker version
      Client: Docker Engine - Community
       Version:           27.1.1
       API version:       1.46

      Server: Docker Engine - Community
       Engine:
        Version:          26.0.0
        API version:      1.45 (minimum version 1.24)
       containerd:
        Version:          1.7.0
      """)
    #expect(facts.versions["docker"] == "26.0.0")
  }

  @Test func whatAContainerPrintsBelongsToIt() throws {
    let reading = DumpReader().read([
      DumpInput(
        name: "-",
        bytes: Array(
          """
          root@host:~# docker exec -it tomcat01 ip addr
          1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536
              inet 127.0.0.1/8 scope host lo
          7: eth0@if8: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500
              inet 172.17.0.2/16 scope global eth0
          """.utf8))
    ])
    #expect(reading.facts.interfaces.isEmpty)
    #expect(reading.facts.container("tomcat01")?.endpoints.first?.addresses.map(\.description) == ["172.17.0.2"])
    #expect(reading.diagnostics.map(\.id) == ["facts-of-another-place"])
  }
}
