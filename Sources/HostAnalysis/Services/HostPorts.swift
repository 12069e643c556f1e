import FlowTrace
import HostModel
import RuleGraph

/// The ports of the host that something is known to answer on, each with the addresses that it is bound to.
struct HostPorts {
  /// Where a port is bound.
  struct Binding {
    /// Whether it is bound to every address.
    var isEverywhere = false
    /// The single addresses that it is bound to.
    var addresses: Set<IPAddress> = []

    mutating func add(_ address: IPAddress?) {
      if let address { addresses.insert(address) } else { isEverywhere = true }
    }
  }

  /// A protocol of a family.
  struct Key: Hashable {
    var family: AddressFamily
    var transport: IPProtocol
  }

  /// The bindings by port.
  private(set) var bindings: [Key: [UInt16: Binding]] = [:]
  /// Long runs of ports that one rule translates, with the address that it asks for.
  private(set) var ranges: [Key: [(ports: ValueSet, address: IPAddress?)]] = [:]

  /// Rules for more ports are asked about as a whole.
  private static let singlePorts: UInt128 = 16

  /// Collects the ports that packets of a zone may find somebody on.
  init(_ host: AnalysedHost, from zone: Zone) {
    for socket in host.facts.sockets where Listeners.isBound(socket, toPacketsOf: zone) {
      for family in socket.families {
        add(
          socket.boundAddress, socket.port, Key(family: family, transport: IPProtocol(rawValue: socket.transport)))
      }
    }
    let published =
      host.facts.containers.filter { $0.isRunning != false }.flatMap(\.ports) + host.facts.announcedPorts.map(\.port)
    for port in published {
      let key = Key(family: port.hostAddress?.family ?? .ipv4, transport: IPProtocol(rawValue: port.transport))
      add(port.hostAddress, port.hostPort, key)
    }
    for port in host.inferred.publishedPorts { add(port, in: host.ruleset) }
  }

  private mutating func add(_ address: IPAddress?, _ port: UInt16, _ key: Key) {
    bindings[key, default: [:]][port, default: Binding()].add(address)
  }

  private mutating func add(_ port: InferredPort, in ruleset: Ruleset) {
    let table = ruleset.tables[port.evidence.table]
    let families =
      (port.hostAddress ?? port.target).map { [$0.family] } ?? AddressFamily.allCases.filter { table.family.sees($0) }
    let transports = port.transport.map { [IPProtocol(rawValue: $0)] } ?? [.tcp, .udp]
    for family in families {
      for transport in transports {
        let key = Key(family: family, transport: transport)
        if port.ports.count > Self.singlePorts {
          ranges[key, default: []].append((port.ports, port.hostAddress))
        } else {
          for interval in port.ports.intervals {
            for number in interval where number <= 65535 { add(port.hostAddress, UInt16(number), key) }
          }
        }
      }
    }
  }
}

/// The programs of the host that have a port.
struct Listeners {
  let facts: HostFacts

  /// Whether a socket takes packets of a zone: one that is bound to a device takes those of that device alone
  /// (`SO_BINDTODEVICE`, socket(7)).
  static func isBound(_ socket: ListeningSocket, toPacketsOf zone: Zone) -> Bool {
    guard let device = socket.interface else { return true }
    return device == (zone.interface ?? "lo")
  }

  /// The program that gets a packet.
  func program(
    at addresses: ValueSet, _ port: UInt16, _ family: AddressFamily, _ transport: IPProtocol, from zone: Zone
  ) -> ListeningSocket? {
    facts.sockets.first {
      $0.has(port, transport.rawValue, family) && $0.isBound(toOneOf: addresses)
        && Self.isBound($0, toPacketsOf: zone)
    }
  }
}
