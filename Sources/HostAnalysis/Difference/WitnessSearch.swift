import FlowTrace
import HostModel
import RuleGraph

/// Picks a packet of a set that a person would think of, and tries it on both sides.
struct WitnessSearch {
  private let hosts: ComparedHosts
  /// What is unknown, under the numbers of the boxes.
  private let conditions: ConditionTable

  init(_ hosts: ComparedHosts, _ conditions: ConditionTable) {
    self.hosts = hosts
    self.conditions = conditions
  }

  /// How many boxes are tried for a packet that shows a change.
  private static let attempts = 16

  /// The destinations of a family that are known to be the host's.
  func hostDestinations(_ family: AddressFamily) -> ValueSet { hosts.oldTracer.hostDestinations(family) }

  /// The host's addresses of a family, as far as they are known.
  func ownAddresses(_ family: AddressFamily) -> ValueSet { hosts.oldTracer.ownAddresses(family) }

  /// A packet of a set that fares as it should on both sides; nil where none of those that were tried does.
  ///
  /// Of a packet that may fare in several ways, by what the kernel chooses or no dump tells, nothing is shown.
  func confirmed(_ packets: PacketSet, _ kind: Change.Kind, from old: Fate, to new: Fate) -> PacketWitness? {
    var left = Self.attempts
    for box in packets.boxes {
      for choice in 0..<3 {
        guard left > 0 else { return nil }
        left -= 1
        guard let witness = packet(of: packets, box, choice: choice) else { continue }
        let query = query(witness, of: packets)
        if isAsSaid(.old, query, box, of: packets, old.limited(to: kind), kind),
          isAsSaid(.new, query, box, of: packets, new.limited(to: kind), kind)
        {
          return witness
        }
      }
    }
    return nil
  }

  /// Whether a packet has a fate, whatever is unknown that the box says nothing of.
  private func isAsSaid(
    _ side: Difference.Side, _ query: Query, _ box: Region.Box, of packets: PacketSet, _ fate: Fate, _ kind: Change.Kind
  ) -> Bool {
    var options = Tracer.Options()
    options.findsNearMisses = false
    let trace = (side == .old ? hosts.oldTracer : hosts.newTracer).trace(query, options: options)
    var table = conditions
    let said = Set(
      packets.conditions.indices.compactMap { place -> SaidCondition? in
        box[.condition(place)]?.single.map { SaidCondition(number: packets.numbers[place], holds: $0 == 1) }
      })
    let fitting = trace.cases.filter { part in
      let uses = zip(table.numbers(of: part, on: side), part.conditions)
      return !uses.contains { number, use in said.contains(SaidCondition(number: number, holds: !use.holds)) }
    }
    return !fitting.isEmpty
      && fitting.allSatisfy {
        Fate($0, $0.conditionalVerdict ?? $0.verdict).limited(to: kind).difference(from: fate) == nil
      }
  }

  /// What a box says of something unknown.
  private struct SaidCondition: Hashable {
    var number: Int
    var holds: Bool
  }

  /// A packet of a set.
  func packet(of packets: PacketSet) -> PacketWitness? {
    packets.boxes.first.flatMap { packet(of: packets, $0, choice: 0) }
  }

  /// - Parameter choice: Which of the sources that a person would think of comes first.
  private func packet(of packets: PacketSet, _ box: Region.Box, choice: Int) -> PacketWitness? {
    var values: [Region.Dimension: UInt128] = [:]
    func pick(_ dimension: Region.Dimension, among all: ValueSet, liked: [UInt128] = []) {
      let left = (box[dimension] ?? packets.open[dimension] ?? all).intersection(all)
      values[dimension] = liked.first(where: left.contains) ?? left.first
    }
    var input: UInt128?
    if !packets.isSentByHost {
      let names = ["eth0", "ens3", "enp1s0", "docker0"].compactMap { InterfaceName($0)?.value }
      pick(.field(.meta(.iifname)), among: InterfaceName.wires, liked: names)
      input = values[.field(.meta(.iifname))]
    }
    let transports = packets.place == .midstream ? ValueSet(IPProtocol.tcp) : ValueSet.bits(8)
    pick(.field(.meta(.l4proto)), among: transports, liked: [6, 17, packets.family == .ipv4 ? 1 : 58])
    let all = packets.family.ownAddresses
    var sources = liked(packets.family, asSource: true, packets.isSentByHost)
    if choice > 0 { sources = neighbours(on: input, packets.family) + sources }
    pick(.address(.saddr, packets.family), among: all, liked: choice > 1 ? [] : sources)
    let source = values[.address(.saddr, packets.family)]
    pick(
      .address(.daddr, packets.family), among: all,
      liked: liked(packets.family, asSource: false, packets.isSentByHost).filter { choice > 1 || $0 != source })
    if let transport = values[.field(.meta(.l4proto))], IPProtocol.withPorts.contains(transport) {
      pick(.field(.header(HeaderField(.th, .sport))), among: .bits(16), liked: [40000])
      pick(.field(.header(HeaderField(.th, .dport))), among: .bits(16), liked: [443, 80, 22, 53, 8080, 1])
    }
    for (dimension, allowed) in box where values[dimension] == nil {
      if case .field = dimension { values[dimension] = allowed.first }
    }
    if values.values.isEmpty { return nil }
    return PacketWitness(
      values: values, input: input.map { InterfaceName(value: $0).description }, family: packets.family,
      place: packets.place)
  }

  /// Addresses that a person would take for an example: the host's own, those of containers, those for documentation
  /// (RFC 5737, RFC 3849).
  private func liked(_ family: AddressFamily, asSource: Bool, _ isSentByHost: Bool) -> [UInt128] {
    // Other hosts know the host by the addresses that no bridge has.
    let outer = hosts.facts.interfaces.filter { $0.kind != "bridge" && BridgeOwner.named($0.name) == nil }
      .flatMap(\.addresses).map(\.address.bits).filter(ownAddresses(family).contains)
    let own = outer + ownAddresses(family).intervals.map(\.lowerBound)
    func examples(_ last: UInt32, _ others: [UInt32]) -> [UInt128] {
      family == .ipv4
        ? others.map { IPAddress(ipv4: $0 + last).bits } : [(UInt128(0x2001_0db8) << 96) | UInt128(last)]
    }
    if asSource == isSentByHost {
      return own + examples(10, [0xc000_0200, 0xc633_6400, 0x0a00_0000, 0xc0a8_0100])
        + [family == .ipv4 ? IPAddress(ipv4: 0x7f00_0001).bits : 1]
    }
    return examples(9, [0xcb00_7100, 0xc633_6400, 0x0a00_0000, 0xc0a8_0100]) + own
  }

  /// An address of another host on the link of an interface.
  private func neighbours(on input: UInt128?, _ family: AddressFamily) -> [UInt128] {
    guard let input else { return [] }
    let name = InterfaceName(value: input).description
    let own = ownAddresses(family)
    let subnets = hosts.facts.interface(name)?.addresses.compactMap(\.subnet) ?? []
    return subnets.filter { $0.family == family }.compactMap { subnet in
      ZoneSearch.hosts(of: subnet).subtracting(own).first
    }
  }

  /// The question about one packet.
  private func query(_ witness: PacketWitness, of packets: PacketSet) -> Query {
    var query = Query()
    query.family = packets.family
    query.origin = packets.isSentByHost ? .host : .wire
    query.phase = packets.place.phase
    for (dimension, value) in witness.values {
      guard case .field(let field) = dimension else { continue }
      let one = ValueSet(value)
      switch field {
      case .meta(.l4proto): query.transport = one
      case .meta(.iifname): query.input = one
      case .meta(.oifname): query.output = one
      case .header(HeaderField(.th, .sport)): query.sourcePort = one
      case .header(HeaderField(.th, .dport)): query.destinationPort = one
      default:
        if dimension == .address(.saddr, packets.family) {
          query.source = one
        } else if dimension == .address(.daddr, packets.family) {
          query.destination = one
        } else {
          query.fields[field] = one
        }
      }
    }
    let flags = Field.header(HeaderField(.tcp, .flags))
    if packets.place == .midstream, query.fields[flags] == nil { query.fields[flags] = ValueSet(16) }
    return query
  }
}
