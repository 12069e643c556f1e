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
    ("redis", "no container named redis"), ("70000", "70000 is not a port"), ("53/sctp", "write tcp or udp"),
    ("203.0.113.9:80", "203.0.113.9 is neither an address of this host nor of a container"),
  ])
  func aTargetThatIsNoneIsNamed(_ target: String, _ words: String) throws {
    let run = try Command.run(["who", target, Self.ufw])
    #expect(run.status == 2)
    #expect(run.errors.contains(words), "\(run.errors)")
  }
}

/// `fwtrace diff`: what it prints and how it ends.
@Suite struct DiffCommandTests {
  private static let before = """
    *filter
    :INPUT DROP [0:0]
    :FORWARD DROP [0:0]
    :OUTPUT ACCEPT [0:0]
    -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
    -A INPUT -s 198.51.100.0/24 -p tcp -m tcp --dport 5432 -j ACCEPT
    COMMIT

    """
  /// The same as `nft list ruleset` prints it.
  private static let asNft = """
    table ip filter {
    \tchain INPUT {
    \t\ttype filter hook input priority filter; policy drop;
    \t\ttcp dport 22 counter packets 3 bytes 180 accept
    \t\tip saddr 198.51.100.0/24 tcp dport 5432 counter packets 0 bytes 0 accept
    \t}

    \tchain FORWARD {
    \t\ttype filter hook forward priority filter; policy drop;
    \t}

    \tchain OUTPUT {
    \t\ttype filter hook output priority filter; policy accept;
    \t}
    }

    """

  private static func run(_ old: String, _ new: String, _ options: [String] = []) throws -> Command.Outcome {
    let space = try PolicyCommandTests.Workspace(["old.txt": old, "new.txt": new])
    return try Command.run(["diff", space.path("old.txt"), space.path("new.txt")] + options)
  }

  @Test func anotherFormOfTheSameRulesIsProvedEqual() throws {
    let run = try Self.run(Self.before, Self.asNft)
    #expect(run.status == 0, "\(run.output)\(run.errors)")
    #expect(run.output.hasPrefix("proved equal: every packet is treated the same"))
  }

  @Test func aChangeEndsWithOne() throws {
    let after = Self.before.replacing("-s 198.51.100.0/24 ", with: "")
    let run = try Self.run(Self.before, after)
    #expect(run.status == 1)
    #expect(
      run.output.contains("ACCEPTED, was dropped  tcp to this host port 5432 from any address but 198.51.100.0/24"))
    #expect(run.output.contains("old  dropped by policy of filter INPUT  old.txt:2"), "\(run.output)")
    #expect(run.output.contains("new  accepted by filter INPUT 2  new.txt:6"))
    let markdown = try Self.run(Self.before, after, ["--markdown"])
    #expect(markdown.status == 1 && markdown.output.hasPrefix("### Firewall: 1 change, all else proved equal"))
    let json = try Self.run(Self.before, after, ["--json"])
    let value = try #require(JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
    #expect(json.status == 1 && value["schema"] as? String == "fwtrace.diff/1" && value["equal"] as? Bool == false)
  }

  @Test func anotherRuleForTheSameFateIsNoChange() throws {
    let run = try Self.run(
      Self.before, Self.before.replacing("COMMIT", with: "-A INPUT -p udp -m udp --dport 53 -j DROP\nCOMMIT"))
    #expect(run.status == 0)
    #expect(
      run.output.contains("proved equal: every packet is treated the same, some by another rule"), "\(run.output)")
  }

  @Test func whatOneSideHidesEndsWithThree() throws {
    let run = try Command.run([
      "diff", "samples/questions/03-a-paste-without-the-raw-table", "samples/questions/03-routed-access-docker-28",
    ])
    #expect(run.status == 3, "\(run.output)")
    #expect(run.output.contains("OLD does not show table raw"))
  }

  @Test(arguments: [
    (["diff", "-", "-"], "standard input can be one of the two dumps only"),
    (["diff", "README.md", "samples/one-tomcat"], "no firewall rules found"),
    (["diff", "samples/one-tomcat", "nowhere.txt"], "nowhere.txt"),
    (["diff", "samples/one-tomcat", "samples/one-tomcat", "--json", "--markdown"], "--markdown"),
    (["diff", "samples/one-tomcat", "samples/one-tomcat", "--netns", "x"], "--netns"),
  ])
  func whatCannotBeComparedEndsWithTwo(_ arguments: [String], _ words: String) throws {
    let run = try Command.run(arguments)
    #expect(run.status == 2)
    #expect(run.errors.contains(words), "\(run.errors)")
  }

  @Test func standardInputIsOneSide() throws {
    let space = try PolicyCommandTests.Workspace(["new.txt": Self.before])
    #expect(try Command.run(["diff", "-", space.path("new.txt")], input: Self.before).status == 0)
  }
}
