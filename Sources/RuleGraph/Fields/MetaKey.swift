/// Data beside the packet (nft(8), "META EXPRESSIONS"); the raw value is nft's own word where it has one.
///
/// Sources that are names of constants are cases of `nft_meta_get_eval` in `net/netfilter/nft_meta.c`.
public enum MetaKey: String, Hashable, Sendable, CaseIterable {
  /// The name of the input interface.
  ///
  /// Source: `NFT_META_IIFNAME`.
  case iifname
  /// The name of the output interface.
  ///
  /// Source: `NFT_META_OIFNAME`.
  case oifname
  /// The index of the input interface; 0 is none.
  ///
  /// Source: `NFT_META_IIF`.
  case iif
  /// The index of the output interface; 0 is none.
  ///
  /// Source: `NFT_META_OIF`.
  case oif
  /// The bridge port that the packet came in through (iptables `physdev --physdev-in`).
  ///
  /// Source: `net/netfilter/xt_physdev.c`.
  case physicalIn = "physin"
  /// The bridge port that the packet leaves through (iptables `physdev --physdev-out`).
  ///
  /// Source: `net/netfilter/xt_physdev.c`.
  case physicalOut = "physout"
  /// 1 when the packet is being bridged, not routed (iptables `physdev --physdev-is-bridged`).
  ///
  /// Source: `net/netfilter/xt_physdev.c`.
  case isBridged = "bridged"
  /// The bridge of the input port (nft `meta ibrname`).
  ///
  /// Source: `NFT_META_BRI_IIFNAME`.
  case ibrname
  /// The bridge of the output port (nft `meta obrname`).
  ///
  /// Source: `NFT_META_BRI_OIFNAME`.
  case obrname
  /// The VLAN protocol of the input bridge.
  ///
  /// Source: `NFT_META_BRI_IIFVPROTO`.
  case ibrvproto
  /// The VLAN of the input bridge port.
  ///
  /// Source: `NFT_META_BRI_IIFPVID`.
  case ibrpvid
  /// The packet's mark (fwmark), 32 bits.
  ///
  /// Source: `NFT_META_MARK`.
  case mark
  /// The transport protocol number.
  ///
  /// Source: `NFT_META_L4PROTO`.
  case l4proto
  /// The network layer family: NFPROTO_IPV4 (2) or NFPROTO_IPV6 (10).
  ///
  /// Source: `NFT_META_NFPROTO`.
  case nfproto
  /// The Ethernet type.
  ///
  /// Source: `NFT_META_PROTOCOL`.
  case protocolType = "protocol"
  /// The length of the packet in bytes, from the network header on.
  ///
  /// Source: `NFT_META_LEN`.
  case length
  /// unicast/host (0), broadcast (1), multicast (2), other host (3): PACKET_* of `include/uapi/linux/if_packet.h`.
  ///
  /// Source: `NFT_META_PKTTYPE`.
  case packetType = "pkttype"
  /// The user id of the sending socket.
  ///
  /// Source: `NFT_META_SKUID`.
  case skuid
  /// The group id of the sending socket.
  ///
  /// Source: `NFT_META_SKGID`.
  case skgid
  /// 1 when a sending socket with an owner exists (iptables `owner --socket-exists`).
  ///
  /// Source: `net/netfilter/xt_owner.c`.
  case hasSocket = "sksocket"
  /// The control group of the sending socket.
  ///
  /// Source: `NFT_META_CGROUP`.
  case cgroup
  /// The traffic control handle, 32 bits.
  ///
  /// Source: `NFT_META_PRIORITY`.
  case priority
  /// The group of the input interface.
  ///
  /// Source: `NFT_META_IIFGROUP`.
  case iifgroup
  /// The group of the output interface.
  ///
  /// Source: `NFT_META_OIFGROUP`.
  case oifgroup
  /// The hardware type of the input interface.
  ///
  /// Source: `NFT_META_IIFTYPE`.
  case iiftype
  /// The hardware type of the output interface.
  ///
  /// Source: `NFT_META_OIFTYPE`.
  case oiftype
  /// The kind of the input interface ("vlan", "bridge").
  ///
  /// Source: `NFT_META_IIFKIND`.
  case iifkind
  /// The kind of the output interface.
  ///
  /// Source: `NFT_META_OIFKIND`.
  case oifkind
  /// The realm of the packet's route.
  ///
  /// Source: `NFT_META_RTCLASSID`.
  case rtclassid
  /// 1 when the packet was decrypted by IPsec.
  ///
  /// Source: `NFT_META_SECPATH`.
  case secpath
  /// The processor that handles the packet.
  ///
  /// Source: `NFT_META_CPU`.
  case cpu
  /// 1 when the kernel reports the way of the packet to `nft monitor trace`.
  ///
  /// Source: `NFT_META_NFTRACE`.
  case nftrace
  /// A random number.
  ///
  /// Source: `NFT_META_PRANDOM`.
  case random
  /// Seconds since 1970.
  ///
  /// Source: `NFT_META_TIME_NS`.
  case time
  /// The day of the week; Sunday is 0.
  ///
  /// Source: `NFT_META_TIME_DAY`.
  case day
  /// Seconds since midnight.
  ///
  /// Source: `NFT_META_TIME_HOUR`.
  case hour
  /// The index of the interface of a VRF that the packet came in through (the second one); 0 is none.
  ///
  /// Source: `NFT_META_SDIF`.
  case sdif
  /// The name of that interface.
  ///
  /// Source: `NFT_META_SDIFNAME`.
  case sdifname
}
