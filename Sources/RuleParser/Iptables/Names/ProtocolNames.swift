/// The names of transport protocols, as iptables prints them behind `-p` and in the `prot` column.
///
/// Source: the IANA registry of protocol numbers, as Debian's `/etc/protocols` holds it, and the names that iptables
/// itself knows.
enum ProtocolNames {
  /// The number of each name.
  static let numbers = WordTable<UInt8>(
    entries.map { ($0.name, $0.number) })

  /// The name that iptables prints for a number, or nil when it prints the number.
  static func name(of number: UInt8) -> String? {
    number == 0 ? "all" : entries.first { $0.number == number }?.name
  }

  /// Whether a word is one of the names.
  static func isKnown(_ name: String) -> Bool { entries.contains { $0.name == name } }

  private static let entries: [(name: String, number: UInt8)] =
    list.split(whereSeparator: { $0 == " " || $0 == "\n" }).compactMap { entry in
      guard let sign = entry.lastIndex(of: "="), let number = UInt8(entry[entry.index(after: sign)...]) else {
        return nil
      }
      return (String(entry[..<sign]), number)
    }

  private static let list = """
    ip=0 all=0 hopopt=0 icmp=1 igmp=2 ggp=3 ipencap=4 st=5 tcp=6 egp=8 igp=9 pup=12 udp=17 hmp=20 xns-idp=22 rdp=27
    iso-tp4=29 dccp=33 xtp=36 ddp=37 idpr-cmtp=38 ipv6=41 ipv6-route=43 ipv6-frag=44 idrp=45 rsvp=46 gre=47 esp=50
    ipv6-crypt=50 ah=51 ipv6-auth=51 skip=57 ipv6-icmp=58 icmpv6=58 icmp6=58 ipv6-nonxt=59 ipv6-opts=60 rspf=73
    vmtp=81 eigrp=88 ospf=89 ospfigp=89 ax.25=93 ipip=94 etherip=97 encap=98 pim=103 ipcomp=108 vrrp=112 carp=112
    l2tp=115 isis=124 sctp=132 fc=133 mobility-header=135 ipv6-mh=135 mh=135 udplite=136 mpls-in-ip=137 manet=138
    hip=139 shim6=140 wesp=141 rohc=142 ethernet=143
    """
}
