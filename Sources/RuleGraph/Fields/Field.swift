/// Something about a packet, its connection or its surroundings that a rule can look at.
///
/// Fields carry no dialect: iptables' `-i docker0`, its listing's `in` column and nft's `iifname "docker0"` are all
/// `.meta(.iifname)`. A field may not exist in a packet (`tcp dport` of a UDP packet, `ct direction` without a
/// connection): a match on it is then false, negated or not (nft(8), "PAYLOAD EXPRESSIONS"; NFT_BREAK in
/// `net/netfilter/nft_payload.c`), unless ``Match/whenAbsent`` says otherwise.
public enum Field: Hashable, Sendable {
  /// Data that the kernel keeps beside the packet: interfaces, mark, protocol, owner.
  case meta(MetaKey)
  /// A field of a protocol header.
  case header(HeaderField)
  /// Bytes of the packet at an offset, in bits.
  indirect case raw(base: PayloadBase, offset: Int, length: Int)
  /// A TCP option, IP option, SCTP chunk or IPv6 extension header: its presence (`name` nil) or a field of it.
  indirect case option(OptionField)
  /// Something of the packet's connection.
  case conntrack(ConntrackField)
  /// What the routing tables say of an address of the packet.
  case fib(FibField)
  /// The route that was chosen for the packet (`rt`).
  case route(RouteKey)
  /// The socket that the packet belongs to, where there is one (`socket`).
  case socket(SocketKey)
  /// The transformation (IPsec) of the packet (`ipsec`).
  indirect case ipsec(IPsecField)
}
