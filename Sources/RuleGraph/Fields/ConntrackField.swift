/// The two directions of a connection.
public enum Direction: String, Hashable, Sendable {
  /// The direction of the connection's first packet.
  case original
  /// The direction of the answers.
  case reply
}

/// Something of the packet's connection (nft(8), "CONNTRACK EXPRESSIONS").
public struct ConntrackField: Hashable, Sendable {
  /// What is looked at.
  public var key: ConntrackKey
  /// The direction whose tuple is meant, for addresses, ports and counters.
  public var direction: Direction?

  /// Makes a connection field.
  public init(_ key: ConntrackKey, _ direction: Direction? = nil) {
    self.key = key
    self.direction = direction
  }
}

/// What can be asked of a connection; the raw value is nft's word where it has one.
///
/// Sources that are names of constants are cases of `nft_ct_get_eval` in `net/netfilter/nft_ct.c`.
public enum ConntrackKey: String, Hashable, Sendable, CaseIterable {
  /// The state as one bit of ``ConntrackState``.
  ///
  /// Source: `NFT_CT_STATE`.
  case state
  /// The state bit together with ``ConntrackState/snat`` and ``ConntrackState/dnat`` (iptables `--ctstate NEW,DNAT`):
  /// those two are bits of the connection, also true of its later packets (`net/netfilter/xt_conntrack.c`).
  case stateOrTranslation = "state+nat"
  /// 0 original, 1 reply.
  ///
  /// Source: `NFT_CT_DIRECTION`.
  case direction
  /// Bits of ``ConntrackStatus``.
  ///
  /// Source: `NFT_CT_STATUS`.
  case status
  /// The connection's mark, 32 bits.
  ///
  /// Source: `NFT_CT_MARK`.
  case mark
  /// The remaining life time, in milliseconds.
  ///
  /// Source: `NFT_CT_EXPIRATION`.
  case expiration
  /// A label bit set, 128 bits.
  ///
  /// Source: `NFT_CT_LABELS`.
  case label
  /// The network protocol of the tuple.
  ///
  /// Source: `NFT_CT_L3PROTOCOL`.
  case l3proto
  /// The source address of the tuple.
  ///
  /// Source: `NFT_CT_SRC`.
  case saddr
  /// The destination address of the tuple.
  ///
  /// Source: `NFT_CT_DST`.
  case daddr
  /// The transport protocol of the tuple.
  ///
  /// Source: `NFT_CT_PROTOCOL`.
  case `protocol`
  /// The source port of the tuple.
  ///
  /// Source: `NFT_CT_PROTO_SRC`.
  case protoSrc = "proto-src"
  /// The destination port of the tuple.
  ///
  /// Source: `NFT_CT_PROTO_DST`.
  case protoDst = "proto-dst"
  /// Bytes seen, where accounting is on.
  ///
  /// Source: `NFT_CT_BYTES`.
  case bytes
  /// Packets seen.
  ///
  /// Source: `NFT_CT_PKTS`.
  case packets
  /// Bytes per packet.
  ///
  /// Source: `NFT_CT_AVGPKT`.
  case avgpkt
  /// The zone.
  ///
  /// Source: `NFT_CT_ZONE`.
  case zone
  /// The connection's identifier.
  ///
  /// Source: `NFT_CT_ID`.
  case id
  /// The security mark.
  ///
  /// Source: `NFT_CT_SECMARK`.
  case secmark
  /// The event mask.
  ///
  /// Source: `NFT_CT_EVENTMASK`.
  case event
}

/// The state bits of a packet's connection as nft prints them (`NF_CT_STATE_BIT` in
/// `include/uapi/linux/netfilter/nf_conntrack_common.h`).
public enum ConntrackState {
  /// The packet fits no connection and begins none.
  public static let invalid: UInt128 = 1
  /// The packet belongs to a connection that has seen packets in both directions.
  public static let established: UInt128 = 2
  /// The packet begins a connection that another one announced, or is an ICMP error about one.
  public static let related: UInt128 = 4
  /// The packet begins a connection, or no answer to it was seen yet.
  public static let new: UInt128 = 8
  /// Connection tracking was told to leave the packet alone.
  public static let untracked: UInt128 = 64
  /// Only in ``ConntrackKey/stateOrTranslation``: the connection's source is translated.
  public static let snat: UInt128 = 0x100
  /// Only in ``ConntrackKey/stateOrTranslation``: the connection's destination is translated.
  public static let dnat: UInt128 = 0x200

  /// The states and their names, in nft's order.
  public static let names: [(name: String, bit: UInt128)] = [
    ("invalid", invalid), ("established", established), ("related", related), ("new", new), ("untracked", untracked),
  ]
}

/// The status bits of a connection (`enum ip_conntrack_status` in
/// `include/uapi/linux/netfilter/nf_conntrack_common.h`).
public enum ConntrackStatus {
  /// Another connection announced this one.
  public static let expected: UInt128 = 1
  /// Packets were seen in both directions.
  public static let seenReply: UInt128 = 2
  /// The connection is not dropped early when the table is full.
  public static let assured: UInt128 = 4
  /// The first packet has left the host or reached a process; not yet true while it is under way.
  public static let confirmed: UInt128 = 8
  /// The source is translated.
  public static let snat: UInt128 = 16
  /// The destination is translated.
  public static let dnat: UInt128 = 32
  /// The connection is being removed.
  public static let dying: UInt128 = 512

  /// The bits and their names, as nft prints them.
  public static let names: [(name: String, bit: UInt128)] = [
    ("expected", expected), ("seen-reply", seenReply), ("assured", assured), ("confirmed", confirmed), ("snat", snat),
    ("dnat", dnat), ("dying", dying),
  ]
}
