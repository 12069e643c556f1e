/// The names of numbers that packets carry, as the tools print them and as people type them.
public enum NamedNumbers {
  /// Transport protocols (IANA "Assigned Internet Protocol Numbers"; the names of `/etc/protocols`).
  public static let transports: [NamedValue] = [
    NamedValue(1, "icmp"), NamedValue(2, "igmp"), NamedValue(4, "ipencap"), NamedValue(6, "tcp"), NamedValue(8, "egp"),
    NamedValue(17, "udp"), NamedValue(33, "dccp"), NamedValue(41, "ipv6"), NamedValue(46, "rsvp"),
    NamedValue(47, "gre"), NamedValue(50, "esp"), NamedValue(51, "ah"), NamedValue(58, "icmpv6"),
    NamedValue(88, "eigrp"), NamedValue(89, "ospf"), NamedValue(94, "ipip"), NamedValue(103, "pim"),
    NamedValue(108, "ipcomp"), NamedValue(112, "vrrp"), NamedValue(115, "l2tp"), NamedValue(132, "sctp"),
    NamedValue(135, "mobility-header"), NamedValue(136, "udplite"),
  ]

  /// Other names of the same protocols.
  public static let transportAliases: [NamedValue] = [NamedValue(58, "ipv6-icmp"), NamedValue(89, "ospfigp")]

  /// Ethernet types (IANA "IEEE 802 Numbers").
  public static let etherTypes: [NamedValue] = [
    NamedValue(0x0800, "ip"), NamedValue(0x0806, "arp"), NamedValue(0x8100, "vlan"), NamedValue(0x86dd, "ip6"),
    NamedValue(0x88a8, "8021ad"),
  ]

  /// The flags of a TCP header from the lowest bit (RFC 9293, 3.1; RFC 3168).
  public static let tcpFlags: [NamedValue] = [
    NamedValue(1, "fin"), NamedValue(2, "syn"), NamedValue(4, "rst"), NamedValue(8, "psh"), NamedValue(16, "ack"),
    NamedValue(32, "urg"), NamedValue(64, "ecn"), NamedValue(128, "cwr"),
  ]

  /// ICMP types (RFC 792; the names of nft(8), "ICMP TYPE TYPE").
  public static let icmpTypes: [NamedValue] = [
    NamedValue(0, "echo-reply"), NamedValue(3, "destination-unreachable"), NamedValue(4, "source-quench"),
    NamedValue(5, "redirect"), NamedValue(8, "echo-request"), NamedValue(9, "router-advertisement"),
    NamedValue(10, "router-solicitation"), NamedValue(11, "time-exceeded"), NamedValue(12, "parameter-problem"),
    NamedValue(13, "timestamp-request"), NamedValue(14, "timestamp-reply"), NamedValue(15, "info-request"),
    NamedValue(16, "info-reply"), NamedValue(17, "address-mask-request"), NamedValue(18, "address-mask-reply"),
  ]

  /// ICMPv6 types (RFC 4443, RFC 4861; the names of nft(8), "ICMPV6 TYPE TYPE").
  public static let icmpv6Types: [NamedValue] = [
    NamedValue(1, "destination-unreachable"), NamedValue(2, "packet-too-big"), NamedValue(3, "time-exceeded"),
    NamedValue(4, "parameter-problem"), NamedValue(128, "echo-request"), NamedValue(129, "echo-reply"),
    NamedValue(130, "mld-listener-query"), NamedValue(131, "mld-listener-report"), NamedValue(132, "mld-listener-done"),
    NamedValue(133, "nd-router-solicit"), NamedValue(134, "nd-router-advert"), NamedValue(135, "nd-neighbor-solicit"),
    NamedValue(136, "nd-neighbor-advert"), NamedValue(137, "nd-redirect"), NamedValue(138, "router-renumbering"),
    NamedValue(141, "ind-neighbor-solicit"), NamedValue(142, "ind-neighbor-advert"),
    NamedValue(143, "mld2-listener-report"),
  ]
}
