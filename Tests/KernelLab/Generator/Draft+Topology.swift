import Randomness
import RuleGraph

extension Draft {
  /// The subnets of the bridges, by their names.
  static let bridges: [(name: String, ipv4: String, ipv6: String, ports: [String])] = [
    ("docker0", "172.17.0", "2001:db8:aa:", ["vA", "vB", "vC"]),
    ("br-f00d", "172.18.0", "2001:db8:bb:", ["vD", "vE", "vF"]),
    ("br-beef", "172.19.0", "2001:db8:cc:", ["vG", "vH", "vI"]),
  ]

  func makeTopology(for profile: Scenario.Profile) {
    usesIPv6 = random.happens(profile == .docker ? 40 : 60)
    topology.interfaces.append(.init("eth0", addresses: ["192.168.0.140/24", "2001:db8:1::140/64"]))
    if random.happens(30) { topology.interfaces[0].addresses.append("192.168.0.141/24") }
    topology.routes = ["default via 192.168.0.1 dev eth0", "default via 2001:db8:1::1 dev eth0"]
    let hasSecond = random.happens(70)
    if hasSecond {
      topology.interfaces.append(.init("eth1", addresses: ["10.1.0.1/24", "2001:db8:2::1/64"]))
      topology.routes.append("10.9.0.0/16 via 10.1.0.7 dev eth1")
    }
    let count = profile == .docker ? random.number(1...3) : random.number(0...2)
    for bridge in Self.bridges.prefix(count) {
      topology.interfaces.append(
        .init(bridge.name, isBridge: true, addresses: ["\(bridge.ipv4).1/16", "\(bridge.ipv6):1/64"]))
      let owners: [[Int]] = [[2], [3], [4, 5, 6, 7]]
      for (port, hosts) in zip(bridge.ports, owners) {
        let texts = hosts.flatMap { ["\(bridge.ipv4).\($0)", "\(bridge.ipv6):\($0)"] }
        topology.ports.append(.init(port, bridge: bridge.name, addresses: texts.compactMap { IPAddress($0) }))
      }
    }
    makeSettings(for: profile, hasSecond: hasSecond)
  }

  private func makeSettings(for profile: Scenario.Profile, hasSecond: Bool) {
    if profile != .docker {
      if random.happens(20) {
        topology.routes.append("\(random.pick(["unreachable", "prohibit", "blackhole"])) 10.66.0.0/24")
      }
      if hasSecond, random.happens(35) {
        topology.routes += ["default via 10.1.0.9 dev eth1 table 100", "default via 2001:db8:2::9 dev eth1 table 100"]
        topology.rules += ["fwmark 0x1/0x1 lookup 100", "fwmark 0x1/0x1 lookup 100 from ::/0"]
        uses("fwmark routing")
      }
    }
    var settings: [String] = []
    if random.happens(4) { settings.append("net.ipv4.ip_forward=0") }
    if random.happens(25) { settings.append("net.ipv4.conf.all.rp_filter=\(random.number(1...2))") }
    if random.happens(15) { settings.append("net.ipv4.conf.all.route_localnet=1") }
    if random.happens(10) { settings.append("net.netfilter.nf_conntrack_tcp_loose=0") }
    if count(of: \.isBridge) > 0 {
      let on = random.happens(80)
      settings.append("net.bridge.bridge-nf-call-iptables=\(on ? 1 : 0)")
      settings.append("net.bridge.bridge-nf-call-ip6tables=\(on ? 1 : 0)")
      uses("bridge-nf-call-iptables=\(on ? 1 : 0)")
    }
    for setting in settings where !setting.contains("bridge-nf") { uses(setting) }
    topology.sysctls = settings
  }

  private func count(of property: KeyPath<Topology.Interface, Bool>) -> Int {
    topology.interfaces.filter { $0[keyPath: property] }.count
  }

  var bridgeNames: [String] { topology.interfaces.filter(\.isBridge).map(\.name) }

  // MARK: Addresses

  /// The router's own addresses of a family.
  func ownAddresses(_ isIPv4: Bool) -> [IPAddress] {
    topology.interfaces.flatMap(\.addresses).compactMap { IPAddress($0.split(separator: "/")[0]) }
      .filter { $0.isIPv4 == isIPv4 }
  }

  /// The containers' addresses of a family.
  func containerAddresses(_ isIPv4: Bool) -> [IPAddress] {
    topology.ports.flatMap(\.addresses).filter { $0.isIPv4 == isIPv4 }
  }

  /// Addresses of hosts beyond the router's interfaces.
  func outsideAddresses(_ isIPv4: Bool) -> [IPAddress] {
    let texts =
      isIPv4
      ? [
        "192.168.0.1", "192.168.0.50", "192.168.0.51", "10.1.0.7", "10.1.0.20", "10.9.3.4", "8.8.8.8", "203.0.113.9",
        "10.66.0.5",
      ]
      : ["2001:db8:1::1", "2001:db8:1::50", "2001:db8:2::20", "2001:db8:99::9", "2001:4860::8888"]
    return texts.compactMap { IPAddress($0) }
  }

  func anyAddress(_ isIPv4: Bool) -> IPAddress {
    let containers = containerAddresses(isIPv4)
    let kind = random.pick(weighted: [(3, 0), (containers.isEmpty ? 0 : 4, 1), (4, 2)])
    return random.pick(kind == 0 ? ownAddresses(isIPv4) : kind == 1 ? containers : outsideAddresses(isIPv4))
  }

  /// A prefix around some address, as rules write it.
  func anyPrefix(_ isIPv4: Bool) -> String {
    let address = anyAddress(isIPv4)
    mentionedAddresses.append(address)
    let lengths = isIPv4 ? [8, 16, 24, 24, 29, 30, 31, 32, 32, 32] : [32, 48, 64, 64, 126, 127, 128, 128]
    guard let prefix = Prefix(address, length: random.pick(lengths)) else { return address.description }
    mentionedAddresses += [prefix.address, prefix.last]
    return prefix.description
  }

  /// A range of addresses.
  func anyRange(_ isIPv4: Bool) -> (low: IPAddress, high: IPAddress) {
    let low = anyAddress(isIPv4)
    let high = IPAddress(bits: low.bits + UInt128(random.number(0...3)))
    mentionedAddresses += [low, high]
    return (low, high)
  }

  /// A place to translate a destination to: one that has a neighbour.
  func target(_ isIPv4: Bool) -> IPAddress {
    let containers = containerAddresses(isIPv4)
    if !containers.isEmpty, random.happens(65) { return random.pick(containers) }
    return random.pick(random.happens(20) ? ownAddresses(isIPv4) : outsideAddresses(isIPv4))
  }

  func anyPort() -> UInt16 {
    let port = UInt16(random.pick([22, 53, 80, 80, 443, 1023, 1024, 5432, 8080, 8080, 8081, 30000, 65535]))
    mentionedPorts.append(port)
    return port
  }

  func anyPortRange() -> (low: UInt16, high: UInt16) {
    let low = anyPort()
    let high = UInt16(min(65535, Int(low) + random.pick([0, 1, 1, 10, 1000])))
    mentionedPorts.append(high)
    return (low, high)
  }

  func anyMark() -> UInt32 {
    let mark = UInt32(random.pick([1, 2, 3, 0x10, 0x11, 0xff00, 0x8000_0000]))
    mentionedMarks.append(mark)
    return mark
  }

  func anyInterface() -> String { random.pick(topology.interfaces.map(\.name)) }
}
