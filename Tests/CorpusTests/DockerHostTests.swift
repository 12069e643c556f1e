import FlowTrace
import Foundation
import HostModel
import RuleGraph
import RuleParser
import Testing

/// A probe that was really sent on a Docker host, and what came of it.
struct Probe: Decodable, Sendable {
  let id: String
  let kind: String
  let from: String
  let src_ip: String
  let src_port: Int?
  let dst_ip: String
  let dport: Int?
  let proto: String
  let in_interface: String?
  let outcome: String
  let reply_seen: Bool
  let reached: String?
  let server_saw_source: String?
  let dnat_to: String?
  let via_docker_proxy: Bool
  let drop: [Drop]?

  struct Drop: Decodable, Sendable {
    let chain: String
    let by: String
    let direction: String
  }
}

/// The dumps of real Docker 20.10 hosts, asked about the probes that were sent there.
@Suite(.enabled(if: DockerHosts.folder != nil, "the corpus ../shared is not here"))
struct DockerHostTests {
  /// What the dumps are given as.
  enum Form: String, CaseIterable, Sendable {
    case listings, save, folder
  }

  @Test(arguments: DockerHosts.names, Form.allCases)
  func everyProbeEndsAsItReallyDid(_ host: String, _ form: Form) throws {
    let reading = DumpReader().read(try DockerHosts.inputs(host, form))
    let tracer = Tracer(reading.ruleset, facts: reading.facts)
    let probes = try DockerHosts.probes(host)
    var wrong: [String] = []
    for probe in probes {
      // A packet that never reaches the host's IP stack meets none of its rules.
      if probe.in_interface == nil, probe.from != "host" { continue }
      let trace = tracer.trace(try query(probe, host, form, reading.facts))
      // Rules alone can't tell that a bridge passes them by; the answer must then say that it took the usual for granted.
      if host == "19-brnf-off", form != .folder, trace.assumptions.contains(where: { $0.id == "bridge-nf-call" }) {
        continue
      }
      if let problem = disagreement(probe, trace) ?? (form == .folder ? disagreementAboutDelivery(probe, trace) : nil) {
        wrong.append("\(probe.id): \(problem)")
      }
    }
    print("\(host) as \(form.rawValue): \(probes.count) probes, \(wrong.count) disagreed")
    #expect(wrong == [], "\(wrong.joined(separator: "\n"))")
  }

  private func query(_ probe: Probe, _ host: String, _ form: Form, _ facts: HostFacts) throws -> Query {
    var query = Query()
    query.source = ValueSet(try #require(IPAddress(probe.src_ip)).bits)
    query.destination = ValueSet(try #require(IPAddress(probe.dst_ip)).bits)
    switch probe.proto {
    case "tcp": query.transport = ValueSet(6)
    case "udp": query.transport = ValueSet(17)
    default: query.transport = ValueSet(try #require(IPAddress(probe.dst_ip)).isIPv4 ? 1 : 58)
    }
    if let port = probe.src_port { query.sourcePort = ValueSet(port) }
    if let port = probe.dport { query.destinationPort = ValueSet(port) }
    if probe.from == "host" {
      query.origin = .host
    } else {
      query.origin = .wire
      let name = try #require(probe.in_interface)
      query.input = ValueSet(try #require(InterfaceName(name)).value)
    }
    // A dump of rules alone does not tell the host's addresses.
    if form != .folder { query.hostAddresses = try DockerHosts.addresses(host) }
    return query
  }

  /// What a trace with all facts of the host says otherwise of the program that got the packet; nil when they agree.
  private func disagreementAboutDelivery(_ probe: Probe, _ trace: Trace) -> String? {
    guard let part = trace.cases.first, part.fate == .local, probe.proto != "icmp" else { return nil }
    let remarks = part.remarks.map(\.id)
    if probe.via_docker_proxy {
      guard remarks.contains("docker-proxy") else { return "docker-proxy got it, but the trace says \(remarks)" }
      let onward = part.continuation ?? []
      // Without an answer docker-proxy had no program behind it, which is not the host's doing.
      if probe.reply_seen, onward.isEmpty || !onward.allSatisfy({ $0.verdict == .accept }) {
        return "docker-proxy reached the container, but the trace says \(onward.map(\.verdict))"
      }
      return nil
    }
    if probe.outcome == "refused", !remarks.contains("closed-port") { return "refused, but the trace says \(remarks)" }
    if probe.outcome == "connected", remarks.contains("closed-port") {
      return "connected, but the trace says the port is closed"
    }
    return nil
  }

  /// What a trace says otherwise than what happened; nil when they agree.
  private func disagreement(_ probe: Probe, _ trace: Trace) -> String? {
    guard let part = trace.cases.first, trace.cases.count == 1 else {
      return "\(trace.cases.count) cases: \(trace.cases.map { "\($0.verdict) \($0.conditions.map(\.about))" })"
    }
    let dropped =
      probe.drop?.contains { $0.direction == "original" && !$0.chain.contains("fwlab") } ?? (probe.outcome == "timeout")
    if dropped != (part.verdict == .drop || part.verdict == .reject) {
      return "\(probe.outcome), dropped \(dropped), but the trace says \(part.verdict) by \(part.decidedBy)"
    }
    if dropped {
      // Conntrack forgets a connection whose first packet is dropped: there is nothing to compare its translation with.
    } else if let target = probe.dnat_to {
      let shown = part.packet.destination.single.map { IPAddress(bits: $0).description } ?? "?"
      let port = part.packet.destinationPort?.single.map { ":\($0)" } ?? ""
      if target != shown + port { return "translated to \(target), but the trace says \(shown)\(port)" }
    } else if part.translations.contains(where: { !$0.ofSource }) {
      return "not translated, but the trace says it is"
    }
    if probe.via_docker_proxy, part.fate != .local {
      return "went through docker-proxy, but the trace says \(part.fate)"
    }
    if probe.outcome == "connected", probe.reached != nil, probe.reached != "host", !probe.via_docker_proxy,
      part.fate == .local
    {
      return "reached \(probe.reached ?? ""), but the trace says it is delivered to the host"
    }
    if let saw = probe.server_saw_source, !probe.via_docker_proxy, part.verdict == .accept,
      let source = part.packet.source.single, IPAddress(bits: source).isIPv4
    {
      let address = saw.split(separator: ":").first.map(String.init) ?? saw
      if address != IPAddress(bits: source).description {
        return "the server saw \(saw), but the trace says \(IPAddress(bits: source))"
      }
    }
    return nil
  }
}

/// The corpus of Docker hosts beside the package.
enum DockerHosts {
  static let folder: URL? = {
    let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return [package.deletingLastPathComponent(), package.deletingLastPathComponent().deletingLastPathComponent()]
      .map { $0.appending(path: "shared/corpus/docker-20.10") }
      .first { FileManager.default.fileExists(atPath: $0.path) }
  }()

  static let names: [String] = {
    guard let folder else { return [] }
    return ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter { !$0.hasSuffix(".md") }
      .sorted()
  }()

  static func probes(_ host: String) throws -> [Probe] {
    let file = try #require(folder).appending(path: "\(host)/truth.json")
    return try JSONDecoder().decode([Probe].self, from: Data(contentsOf: file))
  }

  static func inputs(_ host: String, _ form: DockerHostTests.Form) throws -> [DumpInput] {
    let base = try #require(folder).appending(path: host)
    func input(_ name: String) throws -> DumpInput {
      DumpInput(name: name, bytes: [UInt8](try Data(contentsOf: base.appending(path: name))))
    }
    switch form {
    case .listings:
      return try ["iptables-vnL.txt", "iptables-t-nat-vnL.txt", "iptables-t-mangle-vnL.txt", "iptables-t-raw-vnL.txt"]
        .map(input)
    case .save: return try [input("iptables-save.txt")]
    case .folder:
      return try FileManager.default.subpathsOfDirectory(atPath: base.path).sorted()
        .filter { path in
          !path.hasPrefix("trace") && !path.hasPrefix("after") && !path.hasPrefix("stderr") && path != "truth.json"
            && path != "manifest.json"
            && (try? FileManager.default.attributesOfItem(atPath: base.appending(path: path).path)[.type]
              as? FileAttributeType) == .typeRegular
        }.map(input)
    }
  }

  /// The addresses of the host, as its `ip addr` prints them.
  static func addresses(_ host: String) throws -> ValueSet {
    let file = try #require(folder).appending(path: "\(host)/ip-addr.txt")
    let text = try String(contentsOf: file, encoding: .utf8)
    let found = text.split(separator: "\n").compactMap { line -> ClosedRange<UInt128>? in
      let words = line.split(separator: " ")
      guard words.count > 1, words[0] == "inet", let address = IPAddress(words[1].split(separator: "/")[0]) else {
        return nil
      }
      return address.bits...address.bits
    }
    return ValueSet(found)
  }
}
