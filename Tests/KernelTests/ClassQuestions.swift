import HostModel
import Randomness
import RuleGraph
import RuleParser

@testable import FlowTrace

/// Questions of a batch around the values at which something about a packet may change: on both sides of each bound of a class, inside of classes, and addresses
/// that are unlike others.
struct ClassQuestions {
  private let packets: PacketClasses
  private var random: RandomNumbers
  private let addresses: [UInt32]
  private let numbers: [UInt32]
  private let interfaces: [String]
  /// The values next to bounds of each field by their class, once they were asked for.
  private var near: [PacketClasses.Field: [UInt32: [UInt32]]] = [:]

  init(_ reading: HostReading, _ packets: PacketClasses, seed: UInt64) {
    self.packets = packets
    random = RandomNumbers(seed: seed)
    // Bounds come from the constants themselves, not from the classes: those may lack one.
    var constants = PacketConstants()
    constants.add(reading.ruleset)
    constants.add(reading.facts)
    constants.add(InferredHost(ruleset: reading.ruleset, facts: reading.facts))
    var addresses: Set<UInt32> = [0, 1, .max, 0x7f00_0001, 0xe000_0001, 0xe000_0002, 0x0808_0808, 0xc0a8_0032]
    var numbers: Set<UInt32> = [0, 1, 2, 80, 1023, 1024, 40000, 65534, 65535]
    for interval in constants.intervals {
      for bound in [interval.lowerBound, interval.upperBound] {
        let near = [bound, bound &- 1, bound &+ 1]
        for value in near {
          if value >> 32 == 0xffff { addresses.insert(UInt32(truncatingIfNeeded: value)) }
          if value <= 0xffff { numbers.insert(UInt32(truncatingIfNeeded: value)) }
        }
      }
    }
    self.addresses = addresses.sorted()
    self.numbers = numbers.sorted()
    var names = Set(reading.facts.interfaces.map(\.name) + ["eth0", "docker0"])
    for named in InferredHost(ruleset: reading.ruleset, facts: reading.facts).namedInterfaces.values {
      names.formUnion(named)
    }
    interfaces = names.sorted()
  }

  /// The values of one question.
  private struct Values {
    var fields: [PacketClasses.Field: UInt32] = [:]
    var rest: [String] = []
  }

  /// Lines in an order in which questions of one class stand beside each other and others come between them.
  mutating func lines(_ count: Int) -> [String] {
    var lines: [String] = []
    while lines.count < count {
      let base = anyValues()
      var turn: [String] = []
      for _ in 0..<random.number(3...7) {
        var values = base
        for field in PacketClasses.Field.allCases { values.fields[field] = moved(values.fields[field], field) }
        turn.append(line(values, lines.count + turn.count))
      }
      lines += turn
    }
    return lines
  }

  private mutating func anyValues() -> Values {
    var values = Values()
    for field in PacketClasses.Field.allCases where random.happens(field == .length ? 60 : 92) {
      values.fields[field] = anyValue(field)
    }
    if random.happens(3) { values.fields[.destination] = values.fields[.source] }
    if random.happens(3) { values.fields[.destinationPort] = values.fields[.sourcePort] }
    var rest = [#""proto":"\#(random.pick(weighted: [(60, "tcp"), (30, "udp"), (5, "sctp"), (5, "icmp")]))""#]
    if random.happens(88) {
      rest.append(#""in":"\#(random.pick(interfaces))""#)
    } else if random.happens(70) {
      rest.append(#""in":null"#)
    }
    if random.happens(15) { rest.append(#""mark":\#(random.pick(numbers))"#) }
    if random.happens(10) { rest.append(#""ttl":\#(random.number(0...255))"#) }
    if random.happens(4) { rest.append(#""state":"established""#) }
    if random.happens(4) { rest.append(#""reply":true"#) }
    if random.happens(4) { rest.append(#""tcp_flags":"syn,ack""#) }
    values.rest = rest
    return values
  }

  private mutating func anyValue(_ field: PacketClasses.Field) -> UInt32 {
    switch field {
    case .source, .destination:
      random.happens(80) ? random.pick(addresses) : UInt32(truncatingIfNeeded: random.next())
    case .sourcePort, .destinationPort, .length:
      random.happens(75) ? random.pick(numbers) : UInt32(random.number(0...65535))
    }
  }

  /// Mostly another value of the same class, else the same one or any other.
  private mutating func moved(_ value: UInt32?, _ field: PacketClasses.Field) -> UInt32? {
    guard let value else { return nil }
    if random.happens(15) { return value }
    if random.happens(10) { return anyValue(field) }
    guard let classes = packets[field] else { return value }
    let mine = classes.values(ofClass: classes.number(of: value))
    let interval = random.pick(Array(mine.intervals))
    // Where the classes are wrong, one of these is on the other side of a bound that they lack.
    if random.happens(40), let near = bounds(field, classes.number(of: value)), !near.isEmpty {
      return random.pick(near)
    }
    if random.happens(30) { return classes.value(random.happens(50) ? interval.lowerBound : interval.upperBound) }
    let width = UInt64(truncatingIfNeeded: interval.upperBound - interval.lowerBound)
    return classes.value(interval.lowerBound + UInt128(random.next() % (width + 1)))
  }

  /// The values next to bounds that are in a class.
  private mutating func bounds(_ field: PacketClasses.Field, _ number: UInt32) -> [UInt32]? {
    guard let classes = packets[field] else { return nil }
    if near[field] == nil {
      near[field] = Dictionary(grouping: field.isAddress ? addresses : numbers) { classes.number(of: $0) }
    }
    return near[field]?[number]
  }

  private mutating func line(_ values: Values, _ number: Int) -> String {
    let names: [PacketClasses.Field: String] = [
      .source: "src", .destination: "dst", .sourcePort: "sport", .destinationPort: "dport", .length: "length",
    ]
    var members = values.rest
    for field in PacketClasses.Field.allCases {
      guard let value = values.fields[field], let name = names[field] else { continue }
      members.append(#""\#(name)":\#(field.isAddress ? "\"\(IPAddress(ipv4: value))\"" : "\(value)")"#)
    }
    if random.happens(90) { members.insert(#""id":"\#(number)""#, at: random.number(0...members.count)) }
    return "{" + members.joined(separator: ",") + "}"
  }
}
