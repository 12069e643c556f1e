/// The types of nft's values; the raw value is the name that set declarations print (nft(8), "DATA TYPES"; `nft
/// describe`).
package enum NftType: String, Hashable, Sendable, CaseIterable {
  case integer, string, boolean, verdict, mark, uid, gid, time, day, hour, realm, classid, dscp, ecn, ifname, bitmask
  case lladdr, invalid, object
  case ipv4Address = "ipv4_addr"
  case ipv6Address = "ipv6_addr"
  case etherAddress = "ether_addr"
  case etherType = "ether_type"
  case inetProtocol = "inet_proto"
  case inetService = "inet_service"
  case interfaceIndex = "iface_index"
  case interfaceType = "iface_type"
  case deviceGroup = "devgroup"
  case networkProtocol = "nf_proto"
  case packetType = "pkt_type"
  case addressType = "fib_addrtype"
  case tcpFlag = "tcp_flag"
  case ctState = "ct_state"
  case ctStatus = "ct_status"
  case ctDirection = "ct_dir"
  case ctEvent = "ct_event"
  case ctLabel = "ct_label"
  case icmpType = "icmp_type"
  case icmpCode = "icmp_code"
  case icmpv6Type = "icmpv6_type"
  case icmpv6Code = "icmpv6_code"
  case icmpxCode = "icmpx_code"
  case igmpType = "igmp_type"
  case arpOperation = "arp_op"
  case dccpType = "dccp_pkttype"
  case mobilityType = "mh_type"
  case controlGroup = "cgroupsv2"
  /// What is left of a connection's life; nft names it `time` like a point in time.
  case duration = "relative_time"

  /// The kinds of stateful objects, which the data of a map can be instead of a value (libnftables-json(5), "COUNTER"
  /// to "CT EXPECTATION").
  package static let objectKinds: Set<String> = [
    "counter", "quota", "limit", "ct helper", "ct timeout", "ct expectation", "secmark", "synproxy",
  ]

  /// The number of bits of a value; of an integer, as many as there can be.
  package var bits: Int {
    switch self {
    case .ipv4Address, .mark, .uid, .gid, .realm, .classid, .interfaceIndex, .deviceGroup, .ctState, .ctStatus,
      .ctEvent,
      .addressType, .time:
      32
    case .etherAddress: 48
    case .etherType, .inetService, .arpOperation, .interfaceType: 16
    case .inetProtocol, .networkProtocol, .packetType, .tcpFlag, .ctDirection, .icmpType, .icmpCode, .icmpv6Type,
      .icmpv6Code, .icmpxCode, .igmpType, .mobilityType, .day, .boolean:
      8
    case .dscp: 6
    case .ecn: 2
    case .dccpType: 4
    case .hour: 32
    case .controlGroup, .duration: 64
    default: 128
    }
  }

  /// Whether a value is a mask of flags, so that a match without an operator tests bits (`bitmask_type` of nft's
  /// datatypes).
  package var isFlags: Bool {
    switch self {
    case .tcpFlag, .ctState, .ctStatus, .ctEvent, .ctLabel: true
    default: false
    }
  }
}
