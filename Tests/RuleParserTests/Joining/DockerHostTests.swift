import Foundation
import HostModel
import RuleGraph
import Testing

@testable import RuleParser

/// Folders of dumps of real Docker hosts, each read as a whole.
@Suite(.enabled(if: SharedCorpus.isPresent, "the corpus isn't here")) struct DockerHostTests {
  static func reading(_ host: String, _ filter: (String) -> Bool = { _ in true }) throws -> HostReading {
    let folder = "corpus/docker-20.10/" + host
    let inputs = try SharedCorpus.files(below: folder).filter(filter).map { file in
      DumpInput(name: file, bytes: try SharedCorpus.bytes(folder + "/" + file))
    }
    return DumpReader().read(inputs)
  }

  /// What a host consists of, in numbers.
  struct Expected: Sendable, CustomTestStringConvertible {
    var host: String
    var tables: [String]
    var interfaces: Int
    var routes: Int
    var sockets: Int
    var networks: Int
    var containers: Int
    var testDescription: String { host }
  }

  static let hosts = [
    Expected(
      host: "03-tomcat-redis",
      tables: [
        "ip filter iptables-nft 13", "ip mangle iptables-nft 0", "ip nat iptables-nft 8", "ip raw iptables-nft 0",
        "ip6 filter iptables-nft 0",
      ], interfaces: 5, routes: 21, sockets: 7, networks: 3, containers: 2),
    Expected(
      host: "04-mynet",
      tables: [
        "ip filter iptables-nft 20", "ip mangle iptables-nft 0", "ip nat iptables-nft 12", "ip raw iptables-nft 0",
        "ip6 filter iptables-nft 0",
      ], interfaces: 8, routes: 33, sockets: 9, networks: 4, containers: 4),
    Expected(
      host: "06-link-noicc",
      tables: [
        "ip filter iptables-nft 14", "ip mangle iptables-nft 0", "ip nat iptables-nft 6", "ip raw iptables-nft 0",
        "ip6 filter iptables-nft 0",
      ], interfaces: 6, routes: 25, sockets: 5, networks: 3, containers: 3),
    Expected(
      host: "10-userland-proxy-false",
      tables: [
        "ip filter iptables-nft 21", "ip mangle iptables-nft 0", "ip nat iptables-nft 15", "ip raw iptables-nft 0",
        "ip6 filter iptables-nft 0",
      ], interfaces: 8, routes: 34, sockets: 8, networks: 4, containers: 4),
    Expected(
      host: "19-brnf-off",
      tables: [
        "ip filter iptables-nft 13", "ip mangle iptables-nft 0", "ip nat iptables-nft 8", "ip raw iptables-nft 0",
        "ip6 filter iptables-nft 0",
      ], interfaces: 5, routes: 22, sockets: 7, networks: 3, containers: 2),
    Expected(
      host: "30-legacy-tomcat-redis",
      tables: [
        "ip filter iptables-legacy 13", "ip filter iptables-nft 0", "ip mangle iptables-legacy 0",
        "ip nat iptables-legacy 8", "ip raw iptables-legacy 0", "ip6 filter iptables-legacy 0",
      ], interfaces: 5, routes: 21, sockets: 7, networks: 3, containers: 2),
  ]

  @Test(arguments: hosts)
  func aFolderIsOneHost(_ expected: Expected) throws {
    let reading = try Self.reading(expected.host)
    let tables = reading.ruleset.tables.map { table in
      "\(table.family.rawValue) \(table.name) \(table.origin.rawValue) \(table.chains.reduce(0) { $0 + $1.rules.count })"
    }
    #expect(tables.sorted() == expected.tables)
    #expect(reading.facts.interfaces.count == expected.interfaces)
    #expect(reading.facts.routes.count == expected.routes)
    #expect(reading.facts.sockets.count == expected.sockets)
    #expect(reading.facts.networks.count == expected.networks)
    #expect(reading.facts.containers.count == expected.containers)
    #expect(reading.facts.addressesKnown == [.ipv4, .ipv6])
    #expect(reading.facts.routesKnown == [.ipv4, .ipv6])
    #expect(reading.facts.socketsKnown)
    #expect(reading.snapshotCount == 1)
    let serious = reading.diagnostics.filter { $0.severity != .note }.map { "\($0.id) \($0.message)" }
    #expect(serious == [])
  }

  @Test func everyCornerOfAHostIsRead() throws {
    let facts = try Self.reading("04-mynet").facts
    let bridge = try #require(facts.interface("br-1a2951aa2071"))
    #expect(bridge.index == 4)
    #expect(bridge.kind == "bridge")
    #expect(bridge.addresses.first?.words == "192.168.0.1/16 global")
    let port = try #require(facts.interface("veth16230c6"))
    #expect(port.master == "br-1a2951aa2071")
    #expect(port.kind == "veth")
    #expect(port.parent == "if5")
    #expect(port.hairpin == false)
    #expect(
      facts.interface("ens33")?.addresses.map(\.words) == [
        "10.10.10.1/24 global", "fe80::20c:29ff:fe3e:101/64 link",
      ])
    let mynet = try #require(facts.networks.first { $0.name == "mynet" })
    #expect(mynet.bridge == "br-1a2951aa2071")
    #expect(mynet.subnets.map(\.description) == ["192.168.0.0/16"])
    #expect(mynet.gateways.map(\.description) == ["192.168.0.1"])
    #expect(mynet.isInternal == false)
    let container = try #require(facts.container("tomcat-net-01"))
    #expect(container.endpoints.map(\.network) == ["mynet"])
    #expect(container.endpoints.first?.addresses.map(\.description) == ["192.168.0.2"])
    #expect(container.ports == [.init(transport: 6, hostAddress: nil, hostPort: 8081, containerPort: 8080)])
    #expect(container.isRunning == true)
    #expect(container.id.utf8.count == 64)
    let proxy = try #require(facts.sockets.first { $0.port == 8081 && $0.families == [.ipv4] })
    #expect(proxy.program == "docker-proxy")
    #expect(proxy.forwardsTo?.address.description == "192.168.0.2")
    #expect(facts.sockets.first { $0.port == 3333 }?.address?.description == "127.0.0.1")
    #expect(facts.sysctls["net.ipv4.conf.br-1a2951aa2071.rp_filter"]?.value == "0")
    #expect(facts.routingRules.map(\.priority) == [0, 32766, 32767])
    let way = try #require(facts.routes.first { $0.table == "main" && $0.destination.description == "0.0.0.0/0" })
    #expect(way.nextHops == [.init(gateway: IPAddress("10.10.10.2"), interface: "ens33")])
    #expect(facts.routes.contains { $0.table == "local" && $0.kind == .broadcast })
    #expect(facts.versions["iptables"] == "1.8.9 (nf_tables)")
    #expect(facts.versions["docker"] == "20.10.24+dfsg1")
    #expect(facts.connections.count == 94)
  }

  @Test(arguments: SharedCorpus.dockerHosts)
  func whatContainersPrintIsNotTheHosts(_ host: String) throws {
    let whole = try Self.reading(host)
    let without = try Self.reading(host) { !$0.hasPrefix("containers/") }
    #expect(whole.ruleset.tables.map(\.name) == without.ruleset.tables.map(\.name))
    #expect(whole.facts.interfaces.map(\.name) == without.facts.interfaces.map(\.name))
    #expect(
      whole.facts.sockets == without.facts.sockets
        || whole.facts.sockets.map(\.port) == without.facts.sockets.map(\.port))
    #expect(whole.facts.routes.count == without.facts.routes.count)
  }

  /// Facts in text and in JSON are the same facts.
  @Test(arguments: SharedCorpus.dockerHosts)
  func textAndJSONAgree(_ host: String) throws {
    func facts(_ names: String...) throws -> HostFacts { try Self.reading(host) { names.contains($0) }.facts }
    let text = try facts("ip-addr.txt")
    let json = try facts("ip-j-addr.json")
    #expect(text.interfaces.map(\.name) == json.interfaces.map(\.name))
    #expect(
      text.interfaces.map { $0.addresses.map(\.words) } == json.interfaces.map { $0.addresses.map(\.words) }
    )
    #expect(text.interfaces.map(\.master) == json.interfaces.map(\.master))
    #expect(text.interfaces.map(\.isUp) == json.interfaces.map(\.isUp))
    #expect(text.interfaces.map(\.hardwareAddress) == json.interfaces.map(\.hardwareAddress))
    let old = try facts("ifconfig.txt")
    #expect(
      Set(old.interfaces.flatMap(\.addresses).map { "\($0.address)/\($0.prefixLength)" })
        == Set(text.interfaces.flatMap(\.addresses).map { "\($0.address)/\($0.prefixLength)" }))
    func plain(_ facts: HostFacts) -> [String] {
      facts.routes.map {
        "\($0.table) \($0.kind) \($0.destination) \($0.nextHops) \($0.source?.description ?? "-") \($0.metric)"
      }
    }
    #expect(try plain(facts("ip-route-table-all.txt")) == plain(facts("ip-j-route-table-all.json")))
    #expect(try plain(facts("ip-route.txt")) == plain(facts("ip-j-route.json")))
    let table = try facts("route-n.txt").routes
    #expect(try Set(table.map(\.destination)) == Set(facts("ip-route.txt").routes.map(\.destination)))
    let ss = try facts("ss-tulnp.txt").sockets.map {
      "\($0.transport) \($0.port) \($0.program ?? "") \($0.families.count)"
    }
    let netstat = try facts("netstat-tunlp.txt").sockets.map {
      "\($0.transport) \($0.port) \($0.program ?? "") \($0.families.count)"
    }
    #expect(ss.sorted() == netstat.sorted())
    let ports = try facts("bridge-link.txt").interfaces.map { "\($0.name) \($0.master ?? "")" }.sorted()
    #expect(try facts("bridge-j-link.json").interfaces.map { "\($0.name) \($0.master ?? "")" }.sorted() == ports)
    #expect(
      try facts("brctl-show.txt").interfaces.filter { $0.master != nil }.map { "\($0.name) \($0.master ?? "")" }
        .sorted()
        == ports)
    let listed = try facts("docker-ps.txt").containers
    let inspected = try facts("docker-inspect.json").containers
    #expect(Set(listed.map(\.name)) == Set(inspected.map(\.name)))
    for container in listed {
      let other = try #require(inspected.first { $0.name == container.name })
      #expect(Set(container.ports) == Set(other.ports))
      #expect(other.id.hasPrefix(container.id))
    }
  }
}

extension InterfaceAddress {
  var words: String { "\(address)/\(prefixLength) \(scope ?? "?")" }
}
