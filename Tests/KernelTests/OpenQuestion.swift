import FlowTrace
import HostModel
import KernelLab
import Randomness
import RuleGraph

/// A question that leaves fields of a packet open, and packets that fit it, spread over the cases of its answer.
struct OpenQuestion {
  /// A field that a question may leave open.
  enum OpenField: CaseIterable {
    case source, destination, sourcePort, destinationPort, hopLimit, service, length
  }

  let probe: Probe
  /// What is left open.
  let opened: [OpenField]
  let query: Query

  /// Opens two to four fields of the question for a first packet; nil where packets like it can't be varied.
  init?(_ probe: Probe, _ topology: Topology, facts: HostFacts, by random: inout RandomNumbers) throws {
    guard probe.moment == .first, probe.proto == 6 || probe.proto == 17 else { return nil }
    self.probe = probe
    var query = try probe.query(topology, facts: facts)
    query.family = probe.source.family
    let ip: Header = probe.source.isIPv4 ? .ip : .ip6
    opened = random.some(OpenField.allCases, 2...4)
    for field in opened {
      switch field {
      case .source: query.source = nil
      case .destination: query.destination = nil
      case .sourcePort: query.sourcePort = nil
      case .destinationPort: query.destinationPort = nil
      case .hopLimit: query.fields[.header(HeaderField(ip, probe.source.isIPv4 ? .ttl : .hoplimit))] = nil
      case .service: query.fields[.header(HeaderField(ip, .dscp))] = nil
      case .length: query.fields[.meta(.length)] = nil
      }
    }
    self.query = query
  }

  /// Packets of a case, at most `limit`: fields that the question left open take values from the ends of the case's intervals, addresses those that
  /// the laboratory can send from and answer to.
  func packets(of part: Case, limit: Int, like others: [Probe], by random: inout RandomNumbers) -> [Probe] {
    let ip: Header = probe.source.isIPv4 ? .ip : .ip6
    let alike = others.filter { $0.from == probe.from && $0.source.isIPv4 == probe.source.isIPv4 }
    var found: [Probe] = []
    for _ in 0..<40 where found.count < limit && !alike.isEmpty {
      var packet = probe
      func value(_ field: Field, _ usual: UInt128, isOpen: Bool) -> UInt128 {
        guard isOpen, let interval = part.when.allowed[.field(field)]?.intervals.randomElement(using: &random) else {
          return usual
        }
        return random.pick([
          interval.lowerBound, interval.upperBound, interval.contains(usual) ? usual : interval.lowerBound,
        ])
      }
      if query.source == nil { packet.source = random.pick(alike).source }
      if query.destination == nil { packet.destination = random.pick(alike).destination }
      packet.sourcePort = UInt16(
        value(.header(HeaderField(.th, .sport)), UInt128(packet.sourcePort), isOpen: query.sourcePort == nil))
      packet.destinationPort = UInt16(
        value(.header(HeaderField(.th, .dport)), UInt128(packet.destinationPort), isOpen: query.destinationPort == nil))
      let hops = Field.header(HeaderField(ip, probe.source.isIPv4 ? .ttl : .hoplimit))
      packet.hopLimit = UInt8(value(hops, UInt128(packet.hopLimit), isOpen: query.fields[hops] == nil))
      if query.fields[.header(HeaderField(ip, .dscp))] == nil {
        packet.dscp = UInt8(value(.header(HeaderField(ip, .tos)), UInt128(packet.dscp) << 2, isOpen: true) >> 2)
      }
      if query.fields[.meta(.length)] == nil {
        let wanted = value(.meta(.length), UInt128(packet.length), isOpen: true)
        packet.payload = min(max(packet.payload + Int(wanted) - packet.length, 0), 1400)
      }
      if packet.sourcePort != 0, packet.destinationPort != 0, packet.hopLimit > 0, part.when.contains(packet.point),
        !found.contains(packet)
      {
        found.append(packet)
      }
    }
    return found
  }
}

extension Probe {
  /// The values of this packet in the dimensions of a region.
  var point: [Region.Dimension: UInt128] {
    let ip: Header = source.isIPv4 ? .ip : .ip6
    var point: [Region.Dimension: UInt128] = [
      .sentByHost: from == nil ? 1 : 0, .family: UInt128(source.family.rawValue),
      .field(.header(HeaderField(ip, .saddr))): source.bits, .field(.header(HeaderField(ip, .daddr))): destination.bits,
      .field(.meta(.l4proto)): UInt128(proto),
      .field(.header(HeaderField(ip, source.isIPv4 ? .ttl : .hoplimit))): UInt128(hopLimit),
      .field(.header(HeaderField(ip, .tos))): UInt128(dscp) << 2, .field(.meta(.length)): UInt128(length),
    ]
    if proto == 6 || proto == 17 {
      point[.field(.header(HeaderField(.th, .sport)))] = UInt128(sourcePort)
      point[.field(.header(HeaderField(.th, .dport)))] = UInt128(destinationPort)
    }
    return point
  }
}
