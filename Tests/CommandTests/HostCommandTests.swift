import Foundation
import Testing

/// The commands about a whole host: what they print and how they end.
@Suite struct HostCommandTests {
  private static let ufw = "samples/questions/01-ufw-and-published-port"

  @Test func whatIsMarkedEndsWithOne() throws {
    let run = try Command.run(["exposure", Self.ufw])
    #expect(run.status == 1)
    #expect(run.output.contains("! denied in vain by filter ufw-user-input 2"))
    #expect(run.output.contains("From docker0"))
  }

  @Test func whatIsUnknownEndsWithThree() throws {
    let run = try Command.run(["exposure", "samples/one-tomcat"])
    #expect(run.status == 3)
    #expect(run.output.contains("iptables -t nat -vnL"))
  }

  @Test func withoutAPacketTheOutsideIsShown() throws {
    let run = try Command.run([Self.ufw])
    #expect(run.status == 1)
    #expect(run.output.contains("Open from eth0"))
    #expect(!run.output.contains("From docker0"))
  }

  @Test func everyHostOfTheDumpsIsShown() throws {
    let text = """
      root@alpha:~# iptables -S
      -P INPUT ACCEPT
      -P FORWARD ACCEPT
      -P OUTPUT ACCEPT
      root@beta:~# iptables -S
      -P INPUT DROP
      -P FORWARD DROP
      -P OUTPUT ACCEPT

      """
    let run = try Command.run(["exposure", "-"], input: text)
    #expect(run.output.contains("alpha: "))
    #expect(run.output.contains("beta: "))
  }

  @Test(arguments: [
    ("8080", 0, "reached from outside"), ("172.17.0.2:5432", 0, "reached by containers, not from outside"),
    ("192.0.2.10:9", 1, "reached by this host alone"),
  ])
  func whoReachesATarget(_ target: String, _ status: Int32, _ words: String) throws {
    let run = try Command.run(["who", target, Self.ufw])
    #expect(run.status == status, "\(run.output)")
    #expect(run.output.contains(words), "\(run.output)")
  }

  @Test(arguments: [
    ("redis", "the dumps name no container redis"), ("70000", "70000 is no port"), ("53/sctp", "tcp and udp are"),
    ("203.0.113.9:80", "203.0.113.9 is neither an address of this host nor of a container"),
  ])
  func aTargetThatIsNoneIsNamed(_ target: String, _ words: String) throws {
    let run = try Command.run(["who", target, Self.ufw])
    #expect(run.status == 2)
    #expect(run.errors.contains(words), "\(run.errors)")
  }
}
