import RuleGraph

/// The few host and network names in a listing without `-n` whose addresses are the same on every host.
///
/// `loopback` and `link-local` are names of Debian's `/etc/networks`; the names in `mcast.net` are what the reverse
/// look-up of multicast addresses gives (RFC 5771). Every other name needs a look-up that a dump can't answer.
enum HostNames {
  private static let ipv4 = WordTable<IPAddress>([
    ("localhost", IPAddress(ipv4: 0x7f00_0001)), ("localhost.localdomain", IPAddress(ipv4: 0x7f00_0001)),
    ("ip4-localhost", IPAddress(ipv4: 0x7f00_0001)),
    ("loopback", IPAddress(ipv4: 0x7f00_0000)), ("link-local", IPAddress(ipv4: 0xa9fe_0000)),
    ("default", IPAddress(ipv4: 0)), ("base-address.mcast.net", IPAddress(ipv4: 0xe000_0000)),
    ("BASE-ADDRESS.MCAST.NET", IPAddress(ipv4: 0xe000_0000)), ("all-systems.mcast.net", IPAddress(ipv4: 0xe000_0001)),
    ("mdns.mcast.net", IPAddress(ipv4: 0xe000_00fb)),
  ])

  private static let ipv6 = WordTable<IPAddress>([
    ("localhost", IPAddress(bits: 1)), ("ip6-localhost", IPAddress(bits: 1)), ("ip6-loopback", IPAddress(bits: 1)),
    ("localhost6", IPAddress(bits: 1)), ("ip6-allnodes", IPAddress(bits: 0xff02 << 112 | 1)),
    ("ip6-allrouters", IPAddress(bits: 0xff02 << 112 | 2)), ("ip6-mcastprefix", IPAddress(bits: 0xff00 << 112)),
  ])

  /// The addresses of the names in a family.
  static func addresses(_ family: AddressFamily) -> WordTable<IPAddress> { family == .ipv4 ? ipv4 : ipv6 }
}
