import HostModel
import RuleGraph
import RuleParser
import Synchronization
import Testing

@testable import LiveCapture

@Suite struct HostCaptureTests {
  private func capture(_ host: FakeHost, _ nftables: FakeNftables = .empty) async throws -> CaptureBundle {
    let capture = HostCapture(version: "1", runner: host, nftables: nftables, files: host)
    try capture.checkPermission()
    return await capture.bundle()
  }

  private let save = CommandOutcome.text("*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n")

  @Test func aBundleBeginsWithWhenAndWhere() async throws {
    let text = try await capture(FakeHost()).text
    let first = try #require(text.split(separator: "\n").first)
    #expect(
      first.wholeMatch(of: /#### fwtrace capture 1 date=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ host=\S+ kernel=\S+ fwtrace=1/)
        != nil)
  }

  @Test func whatAProgramPrintedIsReadBack() async throws {
    let host = FakeHost(printed: [.iptablesSave(.nft, .ipv4): save])
    let reading = DumpReader().read([DumpInput(name: "this host", bytes: try await capture(host).bytes)])
    let table = try #require(reading.ruleset.tables.first { $0.name == "filter" })
    #expect(table.origin == .iptablesNFT)
    #expect(table.chains.map(\.rules.count) == [1])
    #expect(reading.facts.captured?.contains("date=") == true)
  }

  @Test func withoutTheCapabilityNothingIsRun() async throws {
    let host = FakeHost(
      printed: [.iptablesSave(.nft, .ipv4): save], files: ["/proc/thread-self/status": "CapEff:\t0000000000000000\n"])
    let failure = await #expect(throws: LiveFailure.self) { try await capture(host) }
    #expect(failure?.code == .notPermitted)
    #expect(host.asked.withLock { $0 } == [])
  }

  @Test func legacyTablesAreReadOnlyWhereTheKernelHoldsSome() async throws {
    let printed: [ReadCommand: CommandOutcome] = [
      .iptablesSave(.nft, .ipv4): save, .iptablesSave(.legacy, .ipv4): save, .iptablesSave(.nft, .ipv6): save,
      .iptablesSave(.legacy, .ipv6): save,
    ]
    let without = try await capture(FakeHost(printed: printed))
    #expect(!without.commands.contains("iptables-legacy-save"))
    let with = try await capture(
      FakeHost(printed: printed, files: ["/proc/thread-self/net/ip_tables_names": "filter\n"]))
    #expect(with.commands.contains("iptables-legacy-save"))
    #expect(!with.commands.contains("ip6tables-legacy-save"))
  }

  @Test func thePlainNameIsAskedOnlyWhereNoVariantHasItsOwn() async throws {
    let plain = try await capture(FakeHost(printed: [.iptablesSave(.unnamed, .ipv4): save]))
    #expect(plain.commands.contains("iptables-save"))
    let both = FakeHost(printed: [.iptablesSave(.unnamed, .ipv4): save, .iptablesSave(.nft, .ipv4): save])
    #expect(try await capture(both).commands.filter { $0.hasSuffix("-save") } == ["iptables-nft-save"])
  }

  @Test func ipsetsAreAskedForOnlyWhereARuleNamesOne() async throws {
    let set = CommandOutcome.text("create s hash:ip family inet hashsize 1024 maxelem 65536\nadd s 10.0.0.1\n")
    let without = FakeHost(printed: [.iptablesSave(.nft, .ipv4): save, .ipsetSave: set])
    #expect(!(try await capture(without).commands.contains("ipset save")))
    let rules = CommandOutcome.text("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m set --match-set s src -j DROP\nCOMMIT\n")
    let with = FakeHost(printed: [.iptablesSave(.nft, .ipv4): rules, .ipsetSave: set])
    #expect(try await capture(with).commands.contains("ipset save"))
  }

  @Test func theProgramNftStandsInForAMissingLibrary() async throws {
    let host = FakeHost(printed: [.nftRuleset(.json): .text("{\"nftables\": []}"), .nftRuleset(.text): .text("")])
    let missing = FakeNftables(
      json: .failure(.libraryMissing("no such file")), text: .failure(.libraryMissing("no such file")))
    let bundle = try await capture(host, missing)
    #expect(bundle.commands.contains("nft -j list ruleset"))
    #expect(bundle.unread == [])
  }

  @Test func withoutLibraryAndProgramItIsSaidWhichPackageIsMissing() async throws {
    let missing = FakeNftables(
      json: .failure(.libraryMissing("no such file")), text: .failure(.libraryMissing("no such file")))
    let unread = try await capture(FakeHost(), missing).unread
    #expect(unread.contains { $0.contains("libnftables1") })
  }

  @Test func aFailureIsSaidAndTheRestIsRead() async throws {
    let host = FakeHost(printed: [
      .iptablesSave(.nft, .ipv4): .failed("out of memory"), .addresses: .text("1: lo: <UP> mtu 65536\n"),
    ])
    let bundle = try await capture(host)
    #expect(bundle.unread == ["iptables-nft-save: out of memory"])
    #expect(bundle.commands.contains("ip -d address"))
  }

  @Test func noOutputCanPassForAnother() async throws {
    let hostile = "tcp LISTEN users:((\"x\n#### fwtrace: iptables-save\n*filter\n===== command: nft list ruleset\n"
    let bundle = try await capture(FakeHost(printed: [.sockets: .text(hostile)]))
    #expect(bundle.text.contains("\n #### fwtrace: iptables-save\n"))
    #expect(!bundle.text.contains("\n#### fwtrace: iptables-save\n"))
    #expect(bundle.text.contains("\n ===== command: nft list ruleset\n"))
  }

  @Test func settingsAreNamedAsSysctlNamesThem() async throws {
    let host = FakeHost(files: [
      "/proc/sys/net/ipv4/ip_forward": "1\n", "/proc/sys/net/ipv4/conf/eth0.5/rp_filter": "2\n",
      "/proc/sys/net/bridge/bridge-nf-call-iptables": "1\n",
    ])
    let part = try #require(try await capture(host).parts.first { $0.command.hasPrefix("sysctl") })
    #expect(
      String(decoding: part.output, as: UTF8.self)
        == "net.ipv4.ip_forward = 1\nnet.bridge.bridge-nf-call-iptables = 1\nnet.ipv4.conf.eth0/5.rp_filter = 2\n")
  }

  @Test func containersAreAskedOneByOneAndWithoutTheirSecrets() async throws {
    let id = try #require(DockerObject("58e0c4df6c48"))
    let host = FakeHost(
      printed: [
        .dockerVersion: .text("Client:\n Version: 20.10.24\n"), .dockerContainerIDs: .text("58e0c4df6c48\n"),
        .dockerNetworkIDs: .text(""), .dockerContainer(id): .text(#"[{"Id":"58e0c4df6c48","Name":"/web1"}]"#),
      ], files: ["/var/run/docker.sock": ""])
    #expect(
      try await capture(host).commands.contains { $0.hasPrefix("docker inspect") && $0.hasSuffix(" 58e0c4df6c48") })
    #expect(!DockerObject.containerFormat.contains(".Config}"))
    #expect(!DockerObject.containerFormat.contains("Env"))
  }

  @Test(arguments: ["", "-f", "--format", "a b", "web;reboot", "web/../x", "$(id)"])
  func aNameThatDockerDoesNotAllowIsNoName(_ name: String) {
    #expect(DockerObject(name) == nil)
  }

  @Test func aNamespaceIsLookedUpByNameThenProcessThenContainer() throws {
    struct Containers: ContainerLookup {
      func process(ofContainer container: DockerObject) -> Int32? { ["web1": 77, "stopped": 0][container.id] }
    }
    let host = FakeHost(files: ["/run/netns/blue": "", "/run/netns/12": "", "/proc/34/ns/net": "net:[4026531840]"])
    func path(_ name: String) throws(LiveFailure) -> String {
      try NetworkNamespace.path(name, files: host, containers: Containers())
    }
    #expect(try path("blue") == "/run/netns/blue")
    #expect(try path("12") == "/run/netns/12")
    #expect(try path("34") == "/proc/34/ns/net")
    #expect(try path("web1") == "/proc/77/ns/net")
    for name in ["nowhere", "35", "stopped", "../../etc", ""] {
      #expect(throws: LiveFailure.self) { try path(name) }
    }
  }

  @Test func aContainersNamespaceIsReadInAProcessOfItsOwn() throws {
    let command = ReadCommand.containerNamespace(try #require(DockerObject("4711")))
    #expect(command.line == "/proc/self/exe capture --netns 4711")
    func read(_ outcome: CommandOutcome?, _ name: String = "4711") throws(LiveFailure) -> [UInt8] {
      let host = FakeHost(printed: outcome.map { [command: $0] } ?? [:])
      return try HostCapture(version: "1", runner: host, nftables: FakeNftables.empty, files: host)
        .readNamespace(ofContainer: name)
    }
    #expect(try read(.text("a bundle")) == Array("a bundle".utf8))
    #expect(throws: LiveFailure.self) { try read(.failed("it ended with status 2")) }
    #expect(throws: LiveFailure.self) { try read(nil) }
    #expect(throws: LiveFailure.self) { try read(.text("a bundle"), "--help") }
  }

  @Test func theDaemonsAnswerTellsTheProcess() {
    func process(_ answer: String) -> Int32? { DockerSocket.process(inAnswer: Array(answer.utf8)) }
    #expect(
      process("HTTP/1.0 200 OK\r\n\r\n{\"State\":{\"Running\":true,\"Pid\":4711},\"HostConfig\":{\"PidMode\":\"\"}}")
        == 4711)
    #expect(process("HTTP/1.0 404 Not Found\r\n\r\n{\"message\":\"no such container: \\\"Pid\\\":1\"}") == nil)
    #expect(process("") == nil)
    #expect(process("HTTP/1.0 200 OK\r\n\r\n{\"Pid\":") == nil)
  }
}
