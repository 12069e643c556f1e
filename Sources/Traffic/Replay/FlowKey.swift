import FlowTrace
import RuleGraph
import RuleParser

/// What a flow has in common with all others of its class: numbers of classes in place of values, where fields have
/// classes.
struct FlowKey: Hashable, Sendable {
  /// A class of addresses, or an address.
  private var source: UInt128
  private var destination: UInt128
  private var input: UInt128
  /// A class of ports, or a port: the source's in the upper half.
  private var ports: UInt64
  /// Everything else.
  private var rest: UInt64

  /// Makes the key of a flow as its connection has it.
  ///
  /// - Parameters:
  ///   - flow: The flow.
  ///   - open: The fields for which a class stands: a bit for the number of each.
  ///   - classes: The classes of a flow's values.
  @inline(__always)
  init(_ flow: borrowing FlowRecord, open: UInt8, _ classes: borrowing FlowClasses) {
    source = open & 1 != 0 ? UInt128(classes.source) : flow.source
    destination = open & 2 != 0 ? UInt128(classes.destination) : flow.destination
    input = flow.input
    let sourcePort = open & 4 != 0 ? classes.sourcePort : UInt32(flow.sourcePort)
    let destinationPort = open & 8 != 0 ? classes.destinationPort : UInt32(flow.destinationPort)
    ports = UInt64(sourcePort) << 32 | UInt64(destinationPort)
    var rest = UInt64(flow.transport) | UInt64(open) << 8 | UInt64(flow.place.rawValue) << 16
    if flow.isSentByHost { rest |= 1 << 20 }
    if flow.isIPv4 { rest |= 1 << 21 }
    if let flags = flow.tcpFlags { rest |= (UInt64(flags) | 256) << 24 }
    if let type = flow.icmpType { rest |= (UInt64(type) | 256) << 34 }
    if let code = flow.icmpCode { rest |= (UInt64(code) | 256) << 44 }
    self.rest = rest
  }

  /// The key of no flow.
  static let none = FlowKey()

  private init() { (source, destination, input, ports, rest) = (0, 0, 0, 0, 0) }

  /// Drawn anew in each run, so that nobody can write a log whose flows all share a number.
  private static let seed = UInt64.random(in: .min ... .max)

  /// A number that equal keys share.
  var number: UInt64 {
    var hash = Self.seed
    @inline(__always)
    func mix(_ word: UInt64) {
      let product = (hash ^ word).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
      hash = product.high ^ product.low
    }
    @inline(__always)
    func mix(_ wide: UInt128) {
      mix(UInt64(truncatingIfNeeded: wide))
      if wide >> 64 != 0 { mix(UInt64(truncatingIfNeeded: wide >> 64)) }
    }
    mix(source)
    mix(destination)
    mix(input)
    mix(ports)
    mix(rest)
    return hash
  }
}

/// The classes of a flow's values, and which of its fields have some.
struct FlowClasses {
  var source: UInt32 = 0
  var destination: UInt32 = 0
  var sourcePort: UInt32 = 0
  var destinationPort: UInt32 = 0
  /// The fields in whose place another value of the class may stand: a bit for the number of each.
  var open: UInt8

  /// Finds the classes of a flow as its connection has it.
  @inline(__always)
  init(_ flow: borrowing FlowRecord, _ packets: PacketClasses) {
    open = packets.classed.rawValue & 0b1111
    // A packet to its own sender is one of a kind, and addresses of IPv6 have no classes.
    let isOneOfAKind = flow.source == flow.destination
    if isOneOfAKind { open &= 0b1100 }
    if !flow.isIPv4 { open &= 0b1100 }
    if !flow.hasPorts { open &= 0b0011 }
    if open & 1 != 0 { source = packets.number(of: UInt32(truncatingIfNeeded: flow.source), inField: 0) }
    if open & 2 != 0 { destination = packets.number(of: UInt32(truncatingIfNeeded: flow.destination), inField: 1) }
    if open & 4 != 0 { sourcePort = packets.number(of: UInt32(flow.sourcePort), inField: 2) }
    if open & 8 != 0 { destinationPort = packets.number(of: UInt32(flow.destinationPort), inField: 3) }
  }

  /// The class of a field.
  subscript(field: PacketClasses.Field) -> UInt32 {
    switch field {
    case .source: source
    case .destination: destination
    case .sourcePort: sourcePort
    case .destinationPort: destinationPort
    case .length: 0
    }
  }
}
