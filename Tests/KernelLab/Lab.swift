import CLabCalls
import Glibc
import RuleGraph

/// Two network namespaces, the router and the wire around it, and the means to send a packet in and to see what becomes of it.
///
/// A laboratory belongs to the thread that made it: the thread lives in the router's namespace from then on, so it must be a thread that is
/// used for nothing else (``inOwnThread(_:)``). No namespace has a name, so that nothing remains when the thread ends, however it ends.
public final class Lab {
  /// The router and its surroundings.
  public let topology: Topology

  let capture: LinuxSocket
  let trace: LinuxSocket
  let conntrack: LinuxSocket
  private let wireNamespace: Int32
  private let routerNamespace: Int32
  /// The interface number of each far end, by the name of its router end.
  var farEndNumbers: [String: Int32] = [:]
  private var serial: UInt16 = 0
  /// Whether rules of legacy iptables are loaded, which the trace does not show.
  var isLegacy = false
  /// Whether rules at the hooks of bridges are loaded.
  var hasBridgeHooks = false
  /// Whether rules at ingress or egress of devices are loaded.
  var hasDeviceHooks = false
  var rulePositions: [RuleAddress: Int] = [:]

  /// A rule as the kernel's trace names it.
  struct RuleAddress: Hashable {
    var family: UInt8
    var table: String
    var chain: String
    var handle: UInt64
  }

  /// Builds the namespaces and everything in them except rules.
  ///
  /// - Throws: ``SystemCallError`` or ``LabError`` where the machine does not allow it.
  public init(_ topology: Topology) throws {
    self.topology = topology
    // Softirqs then run on one processor, in order, before a send call returns.
    _ = lab_stay_on_this_processor()
    wireNamespace = try Self.enterNewNamespace()
    try Self.write("1", to: "net.ipv6.conf.default.disable_ipv6")
    // ETH_P_ALL, SOL_PACKET, PACKET_IGNORE_OUTGOING
    capture = try LinuxSocket(family: AF_PACKET, type: SOCK_RAW, protocolNumber: Int32(UInt16(3).byteSwapped))
    try capture.set(level: 263, option: 23, to: 1)
    routerNamespace = try Self.enterNewNamespace()
    trace = try LinuxSocket(family: AF_NETLINK, type: SOCK_RAW, protocolNumber: 12)
    try trace.bind(to: Self.netlinkAddress)
    try trace.set(level: SOL_SOCKET, option: SO_RCVBUFFORCE, to: 8 << 20)
    // SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, NFNLGRP_NFTRACE
    try trace.set(level: 270, option: 1, to: 9)
    conntrack = try LinuxSocket(family: AF_NETLINK, type: SOCK_RAW, protocolNumber: 12)
    try conntrack.bind(to: Self.netlinkAddress)
    try build()
  }

  deinit {
    close(wireNamespace)
    close(routerNamespace)
  }

  private static let netlinkAddress: [UInt8] = [UInt8(AF_NETLINK), 0] + [UInt8](repeating: 0, count: 10)

  private static func enterNewNamespace() throws -> Int32 {
    guard lab_enter_new_network_namespace() == 0 else { throw SystemCallError("unshare") }
    let file = unsafe open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw SystemCallError("open namespace") }
    return file
  }

  private func build() throws {
    for line in Self.routerDefaults { try Self.write(line.value, to: line.key) }
    let path = "/proc/\(getpid())/fd/\(wireNamespace)"
    try Self.check(runCommand(["ip", "-batch", "-"], input: topology.routerCommands(wire: path).text), "ip -batch")
    try Self.check(runCommand(["ip", "-6", "-batch", "-"], input: topology.routerCommandsIPv6.text), "ip -6 -batch")
    if !topology.bridgeCommands.isEmpty {
      try Self.check(runCommand(["bridge", "-batch", "-"], input: topology.bridgeCommands.text), "bridge -batch")
    }
    for line in topology.sysctls {
      let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { throw LabError("sysctl \(line)") }
      try Self.write(parts[1], to: parts[0])
    }
    guard lab_enter_network_namespace(wireNamespace) == 0 else { throw SystemCallError("setns") }
    let ends = topology.endpoints
    let lines = ends.map { "link set \(Topology.farEnd(of: $0)) up" }
    try Self.check(runCommand(["ip", "-batch", "-"], input: lines.text), "ip -batch, wire")
    for end in ends { farEndNumbers[end] = Int32(bitPattern: unsafe if_nametoindex(Topology.farEnd(of: end))) }
    guard lab_enter_network_namespace(routerNamespace) == 0 else { throw SystemCallError("setns") }
    try waitForLinks()
  }

  /// A device swallows packets until the kernel's link watcher has seen its carrier, a moment after it was set up.
  private func waitForLinks() throws {
    for _ in 0..<400 {
      let links = try runCommand(["ip", "link"]).output
      if !links.contains("qdisc noop"), !links.contains("NO-CARRIER"), !links.contains("state DOWN") { return }
      usleep(5000)
    }
    throw LabError("the interfaces do not come up")
  }

  /// Settings that keep the router quiet and its answers unlimited.
  private static let routerDefaults: [(key: String, value: String)] = [
    ("net.ipv6.conf.default.accept_dad", "0"), ("net.ipv6.conf.default.accept_ra", "0"),
    ("net.ipv6.conf.default.router_solicitations", "0"), ("net.ipv4.icmp_ratelimit", "0"),
    ("net.ipv4.icmp_ratemask", "0"), ("net.ipv6.icmp.ratelimit", "0"), ("net.ipv4.icmp_echo_ignore_all", "1"),
    ("net.ipv6.icmp.echo_ignore_all", "1"), ("net.ipv6.auto_flowlabels", "0"), ("net.ipv4.ip_forward", "1"),
    ("net.ipv6.conf.all.forwarding", "1"),
    ("net.ipv4.conf.default.rp_filter", "0"), ("net.ipv4.conf.all.rp_filter", "0"),
  ]

  static func write(_ value: String, to key: String) throws {
    let path = "/proc/sys/" + key.split(separator: ".").joined(separator: "/")
    let file = unsafe open(path, O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { throw SystemCallError("open \(path)") }
    defer { close(file) }
    let bytes = Array(value.utf8)
    let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
    guard count == bytes.count else { throw SystemCallError("write \(path)") }
  }

  static func check(_ result: CommandResult, _ what: String) throws {
    guard result.status == 0 else { throw LabError("\(what): \(result.errors)") }
  }

  /// A number that no packet of this laboratory carries yet.
  func nextSerial() -> UInt16 {
    serial = serial == 0xfff0 ? 1 : serial + 1
    return serial
  }
}

/// A step of building a laboratory that the tools refused, with what they said.
public struct LabError: Error, CustomStringConvertible {
  /// What was refused and why.
  public let description: String

  init(_ description: String) { self.description = description }
}

extension [String] {
  /// The elements as lines.
  var text: String { map { $0 + "\n" }.joined() }
}
