import FlowTrace
import KernelLab
import Randomness

/// Makes questions that matter to a host: packets to its published ports, to what its rules mention, between its containers, from itself.
struct QuestionMaker {
  private let place: Surroundings
  private var random: RandomNumbers
  private var found: [Question] = []

  init(_ place: Surroundings, seed: UInt64) {
    self.place = place
    random = RandomNumbers(seed: seed)
  }

  private static let far = ["203.0.113.77", "198.51.100.9"]

  /// Questions in a random order, more than are needed.
  mutating func questions() -> [Question] {
    let own = place.own.isEmpty ? ["192.168.0.140"] : place.own
    let ports = Array(Set(place.ports)).sorted()
    let containers = Array(Set(place.addresses)).sorted().filter { place.interface(of: $0) != nil }
    let endpoints = Array(Set(place.endpoints)).sorted()
    for port in random.some(ports, 1...8) + ["22", "81"] {
      fromOutside("\(random.pick(own)):\(port)", source: random.pick(Self.far + place.sources.prefix(6)))
      fromHost("\(random.pick(own)):\(port)")
      open([.init(.input, place.outside), .init(.dst, "\(random.pick(own)):\(port)")])
      open([.init(.dst, "\(random.pick(own)):\(port)")])
      guard !containers.isEmpty else { continue }
      let sender = random.pick(containers)
      fromContainer(sender, "\(random.pick(own)):\(port)")
      fromOutside("\(random.pick(containers)):\(port)", source: random.pick(Self.far))
      fromContainer(sender, "\(random.pick(containers)):\(port)")
    }
    for endpoint in random.some(endpoints, 1...6) {
      fromOutside(endpoint, source: random.pick(Self.far))
      fromHost(endpoint)
      open([.init(.dst, endpoint)])
      if !containers.isEmpty { fromContainer(random.pick(containers), endpoint) }
    }
    for address in random.some(containers, 1...4) {
      fromContainer(address, "\(random.pick(Self.far)):443")
      fromContainer(address, "\(random.pick(Self.far)):53", proto: "udp")
      open([.init(.src, address), .init(.dst, "\(random.pick(Self.far)):443")])
    }
    for address in random.some(Array(Set(place.addresses)), 1...4) {
      fromOutside("\(address):80", source: random.pick(Self.far + place.sources.prefix(6)))
      fromHost("\(address):443")
    }
    fromHost("\(Self.far[0]):443")
    return found
  }

  private mutating func packet(_ rest: [Question.Option], _ source: String, _ destination: String, _ proto: String) {
    found.append(
      Question(
        [.init(.proto, proto)] + rest + [.init(.src, source + ":40000"), .init(.dst, destination)]
          + (proto == "tcp" ? [.init(.tcpFlags, "syn")] : [])))
  }

  private mutating func fromOutside(_ destination: String, source: String) {
    packet([.init(.input, place.outside)], source, destination, random.happens(85) ? "tcp" : "udp")
  }

  private mutating func fromContainer(_ source: String, _ destination: String, proto: String = "tcp") {
    guard let bridge = place.interface(of: source), !destination.hasPrefix(source + ":") else { return }
    packet([.init(.input, bridge)], source, destination, proto)
  }

  private mutating func fromHost(_ destination: String) {
    found.append(Question([.init(.proto, "tcp"), .init(.from, "host"), .init(.dst, destination)]))
  }

  private mutating func open(_ options: [Question.Option]) { found.append(Question(options)) }
}

extension Question {
  /// The question that stands for a packet of the kernel's laboratory, all fields given.
  init(_ probe: Probe, _ topology: Topology) {
    var options: [Option] = []
    if let from = probe.from {
      let interface = topology.interface(ofEndpoint: from)
      options.append(Option(.input, interface))
      if interface != from { options.append(Option(.physin, from)) }
    } else {
      options += [Option(.from, "host"), Option(.uid, "0")]
    }
    options += [
      Option(.proto, "\(probe.proto)"), Option(.src, "\(probe.source)"), Option(.dst, "\(probe.destination)"),
    ]
    if probe.proto == 6 || probe.proto == 17 {
      options += [Option(.sport, "\(probe.sourcePort)"), Option(.dport, "\(probe.destinationPort)")]
    }
    switch probe.moment {
    case .first: break
    case .established: options.append(Option(.state, "established"))
    case .reply: options.append(Option(.reply, "true"))
    }
    if probe.proto == 6, probe.moment != .reply {
      let flags = probe.moment == .established && probe.flags & 2 != 0 ? 16 : probe.flags
      options.append(Option(.tcpFlags, "\(flags)"))
    }
    options += [
      Option(.ttl, "\(probe.hopLimit)"), Option(.length, "\(probe.length)"), Option(.mark, "\(probe.mark)"),
      Option(.dscp, "\(probe.dscp)"),
    ]
    if probe.proto == 1 || probe.proto == 58 {
      options += [Option(.icmpType, "\(probe.icmpType)"), Option(.icmpCode, "\(probe.icmpCode)")]
    }
    self.init(options)
  }
}
