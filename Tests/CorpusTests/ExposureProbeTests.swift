import FlowTrace
import Foundation
import HostAnalysis
import HostModel
import RuleGraph
import RuleParser
import Testing

/// What is said to be open and closed on real Docker 20.10 hosts, held against the probes that were sent there.
@Suite(.enabled(if: DockerHosts.folder != nil, "the corpus ../shared is not here"))
struct ExposureProbeTests {
  @Test(arguments: DockerHosts.names)
  func openMeansConnectedAndClosedMeansNot(_ name: String) throws {
    let reading = DumpReader().read(try DockerHosts.inputs(name, .folder))
    let exposure = AnalysedHost(reading.ruleset, facts: reading.facts).exposure()
    #expect(exposure.isDetermined)
    let probes = try DockerHosts.probes(name).filter { $0.proto != "icmp" }
    var wrong: [String] = []
    var held = 0
    for probe in probes {
      guard let packet = try Sent(probe, exposure) else { continue }
      let accesses = exposure.accesses.filter(packet.isOf)
      if accesses.count > 1 { wrong.append("\(probe.id): \(accesses.count) accesses") }
      guard let access = accesses.first else { continue }
      held += 1
      if let problem = disagreement(probe, access) { wrong.append("\(probe.id): \(problem)") }
    }
    print("\(name): \(held) of \(probes.count) probes are of the exposure, \(wrong.count) disagreed")
    #expect(wrong == [], "\(wrong.joined(separator: "\n"))")
    // The rest goes elsewhere: to hosts outside.
    #expect(held * 10 >= probes.count * 6)
  }

  private func disagreement(_ probe: Probe, _ access: Access) -> String? {
    let isConnected = probe.outcome == "connected" && probe.reply_seen
    let words = "\(access.outcome) by \(access.decidedBy), it was \(probe.outcome), reply seen: \(probe.reply_seen)"
    switch access.outcome {
    case .open:
      switch access.service.subject {
      case .hostPort, .containerPort: return isConnected ? nil : words
      // Whether something listens there nobody said; that the packet came through, a refusal shows as well.
      case .otherHostPorts, .otherContainerPorts: return isConnected || probe.outcome == "refused" ? nil : words
      }
    case .unanswered: return probe.outcome == "refused" ? nil : words
    case .closed: return isConnected ? words : nil
    case .unknown: return "unknown"
    }
  }

  /// A probe's packet, and the zone that it was sent from.
  private struct Sent {
    let zone: Int
    let transport: UInt8
    let values: [Region.Dimension: UInt128]
    let isFromHost: Bool
    let family: AddressFamily
    let destination: UInt128
    let port: UInt128

    init?(_ probe: Probe, _ exposure: Exposure) throws {
      let source = try #require(IPAddress(probe.src_ip))
      let destination = try #require(IPAddress(probe.dst_ip))
      let isFromHost = probe.from == "host"
      let zone = exposure.zones.firstIndex { zone in
        if isFromHost { return zone.kind == .host }
        if let input = probe.in_interface { return zone.interface == input }
        return zone.prefixes.contains { $0.contains(source) }
      }
      guard let zone, let port = probe.dport, let sourcePort = probe.src_port else { return nil }
      self.zone = zone
      self.isFromHost = isFromHost
      transport = probe.proto == "tcp" ? 6 : 17
      family = destination.family
      self.destination = destination.bits
      self.port = UInt128(port)
      let ip: Header = family == .ipv4 ? .ip : .ip6
      values = [
        .field(.header(HeaderField(ip, .saddr))): source.bits,
        .field(.header(HeaderField(ip, .daddr))): destination.bits,
        .field(.header(HeaderField(.th, .sport))): UInt128(sourcePort),
        .field(.header(HeaderField(.th, .dport))): UInt128(port),
      ]
    }

    func isOf(_ access: Access) -> Bool {
      access.zone == zone && access.service.family == family && access.service.transport.rawValue == transport
        && access.service.ports.contains(port) && access.service.addresses.contains(destination)
        && access.when.contains(values)
    }
  }
}
