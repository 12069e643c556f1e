import Foundation
import RuleGraph
import RuleParser
import Testing

/// Docker's rules as another version of it lays them out.
@Suite struct DockerLayoutTests {
  /// A host with two networks, one of them without connections between its containers, an internal one, a port on all addresses and one on loopback, and rules of others.
  private static let host = """
    *filter
    :INPUT ACCEPT [0:0]
    :FORWARD DROP [0:0]
    :OUTPUT ACCEPT [0:0]
    :DOCKER - [0:0]
    :DOCKER-ISOLATION-STAGE-1 - [0:0]
    :DOCKER-ISOLATION-STAGE-2 - [0:0]
    :DOCKER-USER - [0:0]
    -A FORWARD -j DOCKER-USER
    -A FORWARD -j DOCKER-ISOLATION-STAGE-1
    -A FORWARD -i br-inner -o br-inner -j ACCEPT
    -A FORWARD -o br-quiet -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    -A FORWARD -o br-quiet -j DOCKER
    -A FORWARD -i br-quiet ! -o br-quiet -j ACCEPT
    -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    -A FORWARD -o docker0 -j DOCKER
    -A FORWARD -i docker0 ! -o docker0 -j ACCEPT
    -A FORWARD -i docker0 -o docker0 -j ACCEPT
    -A FORWARD -i wg0 -o docker0 -j ACCEPT
    -A FORWARD -i br-quiet -o br-quiet -j DROP
    -A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
    -A DOCKER -d 172.18.0.2/32 ! -i br-quiet -o br-quiet -p tcp -m tcp --dport 5432 -j ACCEPT
    -A DOCKER -s 172.18.0.3/32 -d 172.18.0.2/32 -i br-quiet -o br-quiet -p tcp -m tcp --dport 5432 -j ACCEPT
    -A DOCKER-ISOLATION-STAGE-1 ! -s 172.19.0.0/16 -o br-inner -j DROP
    -A DOCKER-ISOLATION-STAGE-1 ! -d 172.19.0.0/16 -i br-inner -j DROP
    -A DOCKER-ISOLATION-STAGE-1 -i br-quiet ! -o br-quiet -j DOCKER-ISOLATION-STAGE-2
    -A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
    -A DOCKER-ISOLATION-STAGE-1 -j RETURN
    -A DOCKER-ISOLATION-STAGE-2 -o br-quiet -j DROP
    -A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
    -A DOCKER-ISOLATION-STAGE-2 -j RETURN
    -A DOCKER-USER -s 203.0.113.0/24 -j DROP
    -A DOCKER-USER -j RETURN
    COMMIT
    *nat
    :PREROUTING ACCEPT [0:0]
    :INPUT ACCEPT [0:0]
    :OUTPUT ACCEPT [0:0]
    :POSTROUTING ACCEPT [0:0]
    :DOCKER - [0:0]
    -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
    -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
    -A POSTROUTING -s 172.18.0.0/16 ! -o br-quiet -j MASQUERADE
    -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
    -A POSTROUTING -s 172.17.0.2/32 -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j MASQUERADE
    -A POSTROUTING -s 172.18.0.2/32 -d 172.18.0.2/32 -p tcp -m tcp --dport 5432 -j MASQUERADE
    -A DOCKER -i br-quiet -j RETURN
    -A DOCKER -i docker0 -j RETURN
    -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
    -A DOCKER -d 127.0.0.1/32 ! -i br-quiet -p tcp -m tcp --dport 5432 -j DNAT --to-destination 172.18.0.2:5432
    COMMIT

    """

  /// The rules of each chain, as the canonical graph has them.
  private static func rules(_ reading: HostReading) -> [String: [[Statement]]] {
    var rules: [String: [[Statement]]] = [:]
    for table in reading.ruleset.tables where table.name != "mangle" && table.name != "security" {
      for chain in table.chains where !chain.rules.isEmpty {
        rules["\(table.name) \(chain.name)"] = chain.rules.map { $0.canonicalStatements(in: table.family) }
      }
    }
    return rules
  }

  private static func laidOut(_ reading: HostReading, as version: String) throws -> HostReading {
    var after = reading
    try after.layOutDocker(as: #require(DockerVersion(version)))
    return after
  }

  private static func saved(_ lines: String, _ table: String) -> [[Statement]] {
    let chain = lines.split(separator: " ")[1]
    let targets = ["DOCKER-USER", "DOCKER-FORWARD"].map { ":\($0) - [0:0]\n" }.joined()
    let dump = "*\(table)\n:\(chain) - [0:0]\n\(targets)\(lines)\nCOMMIT\n"
    return rules(ShownCommandTests.reading(dump))["\(table) \(chain)"] ?? []
  }

  @Test("A host laid out as the version that it has is the same host") func same() throws {
    let reading = ShownCommandTests.reading(Self.host)
    #expect(Self.rules(try Self.laidOut(reading, as: "20.10")) == Self.rules(reading))
  }

  @Test("There and back is the same host", arguments: ["28.1", "28.5.2", "29"]) func back(version: String) throws {
    let reading = ShownCommandTests.reading(Self.host)
    let back = try Self.laidOut(Self.laidOut(reading, as: version), as: "20.10")
    #expect(Self.rules(back) == Self.rules(reading))
  }

  @Test("Rules of others stay, and so do links between containers") func others() throws {
    let after = try Self.laidOut(ShownCommandTests.reading(Self.host), as: "29")
    let rules = Self.rules(after)
    let lines = """
      -A FORWARD -j DOCKER-USER
      -A FORWARD -j DOCKER-FORWARD
      -A FORWARD -i wg0 -o docker0 -j ACCEPT
      """
    #expect(rules["filter FORWARD"] == Self.saved(lines, "filter"))
    #expect(rules["filter DOCKER-USER"]?.count == 2)
    #expect(rules["filter DOCKER"]?.count == 5)
  }

  @Test("A port published on loopback is guarded in raw, containers are by port or as a whole")
  func raw() throws {
    let reading = ShownCommandTests.reading(Self.host)
    #expect(
      Self.rules(try Self.laidOut(reading, as: "29"))["raw PREROUTING"]
        == Self.saved(
          """
          -A PREROUTING -d 172.17.0.2/32 ! -i docker0 -j DROP
          -A PREROUTING -d 172.18.0.2/32 ! -i br-quiet -j DROP
          -A PREROUTING -d 127.0.0.1/32 ! -i lo -p tcp -m tcp --dport 5432 -j DROP
          """, "raw"))
    #expect(
      Self.rules(try Self.laidOut(reading, as: "28.0.4"))["raw PREROUTING"]
        == Self.saved(
          """
          -A PREROUTING -d 172.17.0.2/32 ! -i docker0 -p tcp -m tcp --dport 80 -j DROP
          -A PREROUTING -d 172.18.0.2/32 ! -i br-quiet -p tcp -m tcp --dport 5432 -j DROP
          -A PREROUTING -d 127.0.0.1/32 ! -i lo -p tcp -m tcp --dport 5432 -j DROP
          """, "raw"))
  }

  @Test(
    "Without connections between its containers a network has a rule that drops them",
    arguments: ["28", "29"])
  func withoutConnections(version: String) throws {
    let rules = Self.rules(try Self.laidOut(ShownCommandTests.reading(Self.host), as: version))
    let lines = """
      -A DOCKER -i docker0 -j ACCEPT
      -A DOCKER -i br-quiet -o br-quiet -j DROP
      -A DOCKER -i br-quiet ! -o br-quiet -j ACCEPT
      -A DOCKER -i br-inner -o br-inner -j ACCEPT
      """
    #expect(rules["filter DOCKER-FORWARD"].map { Array($0.dropFirst(3)) } == Self.saved(lines, "filter"))
  }

  @Test(
    "What is no version, or one whose layout is not known, is refused",
    arguments: ["", "x", "17.06", "28.0.0", "28.x", "1.2.3.4"])
  func unknown(version: String) { #expect(DockerVersion(version) == nil) }

  @Test("A host without Docker's rules, or in swarm mode, can't be laid out anew") func refused() throws {
    var plain = ShownCommandTests.reading("*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n")
    let version = try #require(DockerVersion("29"))
    #expect(throws: CommandFailure.self) { try plain.layOutDocker(as: version) }
    var swarm = ShownCommandTests.reading(
      Self.host.replacing(":DOCKER-USER", with: ":DOCKER-INGRESS - [0:0]\n:DOCKER-USER"))
    #expect(throws: CommandFailure.self) { try swarm.layOutDocker(as: version) }
    #expect(Self.rules(swarm) == Self.rules(ShownCommandTests.reading(Self.host)))
  }

  @Test("Where rules that depend on the version were not shown, nothing is laid out anew") func notShown() throws {
    let masquerade = "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE"
    for line in [masquerade, "-A FORWARD -o docker0 -j DOCKER", "-A DOCKER -i docker0 -j RETURN"] {
      #expect(Self.host.contains(line))
      #expect(try Self.isRefused(Self.host.replacing(line, with: "..."), as: "29"), "without \(line)")
    }
    // What Docker 28 has in the raw table, filter and nat do not tell.
    let newer = IptablesSavePrinter.print(try Self.laidOut(ShownCommandTests.reading(Self.host), as: "28").ruleset)
    let tables = newer.split(separator: "*").dropFirst().map { (name: $0.prefix { $0 != "\n" }, text: "*\($0)") }
    func printed(_ names: Set<Substring>) -> String {
      tables.filter { names.contains($0.name) }.map { "$ iptables-save -t \($0.name)\n\($0.text)" }.joined()
    }
    #expect(try Self.isRefused(printed(["filter", "nat"]), as: "27"))
    #expect(try !Self.isRefused(printed(["filter", "nat", "raw"]), as: "27"))
  }

  private static func isRefused(_ dump: String, as version: String) throws -> Bool {
    do {
      _ = try laidOut(ShownCommandTests.reading(dump), as: version)
      return false
    } catch let failure as CommandFailure {
      return failure.problem == .notShown(.chainsOf("Docker"))
    }
  }

  @Test(
    "Real hosts laid out as the version that they have are the same",
    .enabled(if: SharedCorpus.isPresent, "needs ../shared/corpus"), arguments: SharedCorpus.dockerHosts)
  func realHosts(name: String) throws {
    let bytes = try SharedCorpus.bytes("corpus/docker-20.10/\(name)/iptables-save.txt")
    let reading = DumpReader().read([DumpInput(name: "iptables-save.txt", bytes: bytes)])
    #expect(Self.rules(try Self.laidOut(reading, as: "20.10")) == Self.rules(reading))
    let back = try Self.laidOut(Self.laidOut(reading, as: "29"), as: "20.10")
    #expect(Self.rules(back) == Self.rules(reading))
  }

  @Test(
    "A host of Docker 29 laid out as an older version and back is the same",
    .enabled(if: SharedCorpus.isPresent, "needs ../shared/corpus"),
    arguments: ["iptables-new-daemon", "iptables-usernet-portmap"], ["27", "28.0.2", "28.5"])
  func realHost29(name: String, version: String) throws {
    let files = SharedCorpus.files(below: "corpus/docker-29/\(name)").filter { $0.hasSuffix("-S.txt") }
    let inputs = try files.map {
      DumpInput(
        name: $0,
        bytes: Array("# iptables -t \($0.dropLast(6)) -S\n".utf8)
          + (try SharedCorpus.bytes("corpus/docker-29/\(name)/\($0)")))
    }
    let reading = DumpReader().read(inputs)
    let back = try Self.laidOut(Self.laidOut(reading, as: version), as: "29")
    #expect(Self.rules(back) == Self.rules(reading))
  }
}
