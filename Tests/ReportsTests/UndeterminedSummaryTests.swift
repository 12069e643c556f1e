import FlowTrace
import RuleParser
import TestHosts
import Testing

@testable import Reports

/// What is said of a packet whose fate is unknown: on what it depends, and what then happens.
@Suite struct UndeterminedSummaryTests {
  private func answer(_ paste: String, _ options: [(QueryOption, String)]) throws -> String {
    let reading = HostReading.of(paste)
    return TraceText(reading.ruleset, facts: reading.facts).text(of: try reading.trace(options))
  }

  @Test func packetsThatFareDifferentlyAreToldApart() throws {
    let text = try answer(
      """
      Chain FORWARD (policy ACCEPT 91463 packets, 7356K bytes)
      num   pkts bytes target     prot opt in     out     source               destination
      1    2045K 8492M FILTERS    all  --  *      *       0.0.0.0/0            0.0.0.0/0

      Chain FILTERS (1 references)
      num   pkts bytes target     prot opt in     out     source               destination
      2    32122 2217K RETURN     all  --  *      *       192.168.0.0/16       0.0.0.0/0
      3       12   720 DROP       all  --  *      *       0.0.0.0/0            0.0.0.0/0
      """, [(.input, "eth0"), (.output, "eth1"), (.dst, "198.51.100.3:8080")])
    #expect(text.contains("from any address but 192.168.0.0/16, if"))
  }

  @Test func theContainerOfAPublishedPortIsNamed() throws {
    let text = try answer(
      """
      $ sudo ufw status verbose
      Status: active
      Default: deny (incoming), allow (outgoing), deny (routed)

      $ docker ps
      CONTAINER ID   IMAGE     COMMAND                  CREATED       STATUS       PORTS                    NAMES
      3f0f2f7b7e0a   redis:7   "docker-entrypoint.s…"   2 weeks ago   Up 2 weeks   0.0.0.0:6379->6379/tcp   cache
      """, [(.input, "eth0"), (.dst, "203.0.113.5:6379"), (.hostAddress, "203.0.113.5")])
    #expect(text.contains("the nat table was not shown; the container cache publishes this port"))
    #expect(text.contains("if nat PREROUTING translates it to the container cache"))
  }

  @Test func whatDockersChainAcceptsIsAContainer() throws {
    let text = try answer(
      """
      Chain FORWARD (policy DROP)
      target     prot opt source               destination
      DOCKER     all  --  anywhere             anywhere

      Chain DOCKER (1 references)
      target     prot opt source               destination
      ACCEPT     tcp  --  anywhere             172.17.0.2           tcp dpt:8000
      """, [(.input, "eth0"), (.dst, "172.17.0.2:8000")])
    #expect(!text.contains("an address of this host"))
    #expect(text.contains("if filter DOCKER 1 is the first whose interfaces match"))
  }
}
