package import FlowTrace
package import RuleParser

/// What one processor counted of the flows of logs.
package struct ReplayTally: Sendable {
  /// Where a line stands.
  package struct Place: Hashable, Sendable, Comparable {
    /// The number of the log.
    package var log: Int32
    /// The line, counted from 1.
    package var line: Int

    package static func < (a: Place, b: Place) -> Bool { (a.log, a.line) < (b.log, b.line) }
  }

  /// The flows of a lot of which a log says the same.
  package struct Count: Sendable {
    package var flows = 0
    package var bytes: UInt64 = 0
    /// The first of them.
    package var example = FlowRecord()
    package var place = Place(log: 0, line: 0)

    mutating func add(_ other: Count) {
      if flows == 0 || other.flows > 0 && other.place < place {
        (example, place) = (other.example, other.place)
      }
      flows += other.flows
      bytes &+= other.bytes
    }
  }

  /// Counts by lot, and within it by ``FlowRecord/Sighting``.
  private var counts: [Count] = []
  /// Flows by service, and within it by verdict.
  private var services: [Int] = []
  /// The places of the verdicts of lots in ``verdictOrder``; nil of lots that are not counted by service.
  private var verdicts: [Int?] = []
  /// Known lots by the key of their class: one for each number of a key.
  private var keys: [FlowKey] = []
  private var slots: [Slot] = []

  /// What is known of the class of a key.
  private enum Slot {
    case lot(Int32)
    /// Its flows don't all fare alike.
    case divided
  }

  private static let slotCount = 1 << 16
  private static let sightings = FlowRecord.Sighting.allCases.count
  /// The verdicts in the order in which services are counted.
  package static let verdictOrder: [OverallVerdict] = [.accept, .drop, .reject, .mixed, .undetermined]
  /// The ports of TCP and of UDP, then all protocols.
  private static let serviceCount = 2 << 16 + 256

  package init() {}

  /// Counts the flows of some lines of a log.
  ///
  /// - Parameters:
  ///   - bytes: The lines.
  ///   - reader: Reads them.
  ///   - log: The number of the log.
  ///   - firstLine: The number of the first line.
  ///   - replay: What becomes of them.
  ///   - lines: Where it is counted what the lines are.
  package mutating func count(
    _ bytes: [UInt8], _ reader: LogReader, log: Int, firstLine: Int, _ replay: Replay, _ lines: inout LogLines
  ) {
    if keys.isEmpty {
      keys = [FlowKey](repeating: .none, count: Self.slotCount)
      slots = [Slot](repeating: .divided, count: Self.slotCount)
      services = [Int](repeating: 0, count: Self.serviceCount * Self.verdictOrder.count)
    }
    let log = Int32(truncatingIfNeeded: log)
    reader.read(bytes, firstLine: firstLine, &lines) { record, line in
      count(record, replay, Place(log: log, line: line))
    }
  }

  private mutating func count(_ record: borrowing FlowRecord, _ replay: Replay, _ place: Place) {
    let lot = record.place == .answer ? lot(of: record.ofConnection, replay) : lot(of: record, replay)
    if verdicts.count <= lot { learn(lot, replay) }
    let index = lot * Self.sightings + Int(record.sighting.rawValue)
    if counts[index].flows == 0 {
      counts[index].example = copy record
      counts[index].place = place
    }
    counts[index].flows += 1
    counts[index].bytes &+= record.bytes
    guard let verdict = verdicts[lot] else { return }
    let port = Int(record.place == .answer ? record.sourcePort : record.destinationPort)
    let service =
      switch record.transport {
      case 6: port
      case 17: 1 << 16 + port
      default: 2 << 16 + Int(record.transport)
      }
    services[service * Self.verdictOrder.count + verdict] += 1
  }

  /// Makes room for lots up to a number.
  private mutating func learn(_ last: Int, _ replay: Replay) {
    for lot in verdicts.count...last {
      let (verdict, hasChanged) = replay.verdict(ofLot: lot)
      // Of two rulesets only the services are told for which something changes.
      let isCounted = !replay.isComparison || hasChanged
      verdicts.append(isCounted ? Self.verdictOrder.firstIndex(of: verdict) : nil)
    }
    counts += repeatElement(Count(), count: (last + 1) * Self.sightings - counts.count)
  }

  @inline(__always)
  private mutating func lot(of flow: borrowing FlowRecord, _ replay: Replay) -> Int {
    let classes = FlowClasses(flow, replay.packets)
    var last: UInt8 = .max
    var index = 0
    while true {
      let open = classes.open & ClassSteps.open(index)
      index += 1
      if open == last { continue }
      last = open
      let key = FlowKey(flow, open: open, classes)
      let slot = Int(truncatingIfNeeded: key.number) & (Self.slotCount - 1)
      if keys[slot] == key {
        guard case .lot(let number) = slots[slot] else { continue }
        return Int(number)
      }
      switch replay.find(copy flow, key, open: open, classes) {
      case .lot(let number):
        keys[slot] = key
        slots[slot] = .lot(Int32(truncatingIfNeeded: number))
        return number
      case .alone(let number): return number
      case .divided:
        keys[slot] = key
        slots[slot] = .divided
      }
    }
  }

  /// Adds what another processor counted.
  package mutating func add(_ other: ReplayTally) {
    if counts.count < other.counts.count {
      counts += repeatElement(Count(), count: other.counts.count - counts.count)
    }
    for index in other.counts.indices { counts[index].add(other.counts[index]) }
    if services.isEmpty {
      services = other.services
    } else {
      for index in other.services.indices { services[index] += other.services[index] }
    }
  }

  /// The counts of a lot, by what the log says of its flows.
  func counts(ofLot lot: Int) -> [(sighting: FlowRecord.Sighting, count: Count)] {
    FlowRecord.Sighting.allCases.compactMap { sighting in
      let index = lot * Self.sightings + Int(sighting.rawValue)
      guard counts.indices.contains(index), counts[index].flows > 0 else { return nil }
      return (sighting, counts[index])
    }
  }

  /// The services that flows are of, those with the most flows first.
  package func servicesInOrder() -> [ReplayService] {
    var result: [ReplayService] = []
    let width = Self.verdictOrder.count
    for service in 0..<(services.count / width) {
      let flows = Array(services[(service * width)..<(service * width + width)])
      guard flows.contains(where: { $0 > 0 }) else { continue }
      let (transport, port): (UInt8, UInt16?) =
        switch service {
        case ..<(1 << 16): (6, UInt16(service))
        case ..<(2 << 16): (17, UInt16(service - 1 << 16))
        default: (UInt8(service - 2 << 16), nil)
        }
      result.append(ReplayService(transport: transport, port: port, flows: flows))
    }
    return result.sorted {
      ($1.total, $0.transport, $0.port ?? 0) < ($0.total, $1.transport, $1.port ?? 0)
    }
  }
}

/// A service, and the flows to it.
package struct ReplayService: Sendable {
  /// The number of the transport protocol.
  package var transport: UInt8
  /// The port; nil of protocols without, and of those that are not told apart by it.
  package var port: UInt16?
  /// The flows by verdict, in the order of ``ReplayTally/verdictOrder``.
  package var flows: [Int]
  /// All of them.
  package var total: Int { flows.reduce(0, +) }
}
