import FlowTrace
public import RuleGraph

/// Who can do something: a set of sources, as a person would call it.
public enum Who: Hashable, Sendable {
  /// Whoever is in the zone.
  case everybody
  /// Whoever is on the same link: no router leads there.
  case neighbours
  /// Everybody in the zone but these.
  case allBut(ValueSet)
  /// These alone.
  case only(ValueSet)
}

/// The accesses of a zone that fare alike for the same reason, as one line of a report.
public struct ExposureLine: Sendable {
  /// The zone, by its place in ``Exposure/zones``.
  public var zone: Int
  /// What is reached, or not: the addresses and ports are those of the line.
  public var service: Service
  /// Whose packets they are.
  public var who: Who
  /// The accesses, of which at least one is there.
  public var accesses: [Access]

  /// The access of the most sources, which speaks for all.
  public var first: Access { accesses.max { $0.sources.count < $1.sources.count } ?? accesses[0] }
  /// The accesses for which something else decides, each decider once.
  public var otherwiseDecided: [Access] {
    var deciders: Set<Deciders> = [first.deciders]
    return accesses.filter { deciders.insert($0.deciders).inserted }
  }
  /// What becomes of the connection.
  public var outcome: Access.Outcome { first.outcome }
  /// The source ports that all of it is limited to; nil where it isn't.
  public var sourcePorts: ValueSet? {
    let dimension = Region.Dimension.field(.header(HeaderField(.th, .sport)))
    let ports = accesses.map { $0.when.allowed[dimension] ?? .bits(16) }
    let all = ValueSet(ports.flatMap(\.intervals))
    return all.count >= 60_000 ? nil : all
  }
  /// The marks of all accesses, each once.
  public var marks: [ExposureMark] {
    accesses.flatMap(\.marks).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }
}

extension Exposure {
  /// The accesses from a zone as lines, in the order of what is reached.
  public func lines(from zone: Int) -> [ExposureLine] {
    var lines: [ExposureLine] = []
    var places: [Alike: Int] = [:]
    for access in accesses where access.zone == zone && !isForged(access) {
      let alike = Alike(access)
      if let place = places[alike] {
        lines[place].accesses.append(access)
      } else {
        places[alike] = lines.count
        var service = access.service
        service.ports = access.ports
        service.addresses = access.destinations
        lines.append(ExposureLine(zone: zone, service: service, who: .everybody, accesses: [access]))
      }
    }
    let senders = Dictionary(grouping: accesses.filter { $0.zone == zone && !isForged($0) }, by: \.service)
      .mapValues { ValueSet($0.flatMap(\.sources.intervals)) }
    for index in lines.indices {
      lines[index].who = who(lines[index], of: senders[lines[index].first.service] ?? .empty)
    }
    return joined(lines).sorted { Self.order($0.service) < Self.order($1.service) }
  }

  /// What two accesses share that stand in one line.
  private struct Alike: Hashable {
    var subject: Service.Subject
    var family: AddressFamily
    var transport: IPProtocol
    var ports: ValueSet
    var destinations: ValueSet
    var outcome: Access.Outcome
    var answer: Access.Answer?
    /// Of what is open several rules may have their say: who they are for isn't what a reader looks for first.
    var deciders: Deciders?
    var conditions: [ConditionUse]

    init(_ access: Access) {
      subject = access.service.subject
      family = access.service.family
      transport = access.service.transport
      ports = access.ports
      destinations = access.destinations
      outcome = access.outcome
      answer = access.answer
      deciders = access.outcome == .open || access.outcome == .unanswered ? nil : access.deciders
      conditions = access.conditions
    }
  }

  /// Whether the sources are ones that the kernel takes for forged.
  private func isForged(_ access: Access) -> Bool {
    guard access.outcome == .closed(.packet), access.decidedBy == .outside(.rpFilter) else { return false }
    return zones[access.zone].kind != .host
  }

  /// Who the sources of a line are, among all who were asked about and whose packets the kernel doesn't take for
  /// forged.
  private func who(_ line: ExposureLine, of all: ValueSet) -> Who {
    if zones[line.zone].kind == .host { return .everybody }
    if zones[line.zone].isOutside, let address = line.service.addresses.single,
      IPAddress(bits: address).isLoopback
    {
      return .neighbours
    }
    let mine = ValueSet(line.accesses.flatMap(\.sources.intervals))
    let missing = all.subtracting(mine)
    if missing.isEmpty { return .everybody }
    let (few, others) = (Self.asBlocks(mine, among: all), Self.asBlocks(missing, among: all))
    let (own, left) = (few.pieces(as: .address).count, others.pieces(as: .address).count)
    return (left, others.count) < (own, few.count) ? .allBut(others) : .only(few)
  }

  /// Sources with the addresses that nobody has among them, so that a rule's block is shown as one: 192.0.2.0/24
  /// although 192.0.2.10 is the host's own and 192.0.2.255 the link's broadcast address.
  private static func asBlocks(_ sources: ValueSet, among all: ValueSet) -> ValueSet {
    var blocks: [ClosedRange<UInt128>] = []
    for interval in sources.intervals {
      if let last = blocks.last, all.isDisjoint(with: ValueSet((last.upperBound + 1)...(interval.lowerBound - 1))) {
        blocks[blocks.count - 1] = last.lowerBound...interval.upperBound
      } else {
        blocks.append(interval)
      }
    }
    return ValueSet(blocks.map { block($0, among: all) })
  }

  /// A range with the one address before and behind it that nobody has, where that makes it a block.
  private static func block(_ range: ClosedRange<UInt128>, among all: ValueSet) -> ClosedRange<UInt128> {
    // One address is meant as such.
    if range.lowerBound == range.upperBound { return range }
    for first in [range.lowerBound, range.lowerBound &- 1] {
      for last in [range.upperBound, range.upperBound &+ 1] where first <= last {
        let size = last - first &+ 1
        guard size & (size &- 1) == 0, size > 1, first % size == 0,
          !all.contains(first) || first == range.lowerBound, !all.contains(last) || last == range.upperBound
        else { continue }
        return first...last
      }
    }
    return range
  }

  /// Lines that differ in the destination alone become one.
  private func joined(_ lines: [ExposureLine]) -> [ExposureLine] {
    struct Key: Hashable {
      var alike: Alike
      var who: Who
    }
    var result: [ExposureLine] = []
    var places: [Key: Int] = [:]
    for line in lines {
      var key = Key(alike: Alike(line.first), who: line.who)
      key.alike.destinations = .empty
      if let place = places[key] {
        result[place].accesses += line.accesses
        result[place].service.addresses = result[place].service.addresses.union(line.service.addresses)
      } else {
        places[key] = result.count
        result.append(line)
      }
    }
    return result
  }

  private static func order(_ service: Service) -> (Int, UInt128, UInt8, Int) {
    let rank: Int =
      switch service.subject {
      case .hostPort: 0
      case .otherHostPorts: service.ports.single == nil ? 1 : 0
      case .containerPort: 2
      case .otherContainerPorts: 3
      }
    return (rank, service.ports.first ?? 0, service.transport.rawValue, service.family == .ipv4 ? 0 : 1)
  }
}
