import RuleGraph

extension ExtensionRegistry {
  /// The extensions; the order decides where the prose of two begins alike.
  static let all: [any IptablesExtension] = headers + surroundings + conditions + targets

  /// Matches of header fields.
  private static let headers: [any IptablesExtension] = [
    TCPMatch(), UDPMatch(header: .udp), UDPMatch(header: .udplite), SCTPMatch(), DCCPMatch(), MultiportMatch(),
    ICMPMatch(family: .ipv4), ICMPMatch(family: .ipv6), SecurityHeaderMatch(header: .esp),
    SecurityHeaderMatch(header: .ah), SecurityHeaderMatch(header: .comp), AddressRangeMatch(), MACMatch(),
    HopsMatch(family: .ipv4), HopsMatch(family: .ipv6), LengthMatch(), ServiceTypeMatch(), CodePointMatch(),
    CongestionMatch(), SegmentSizeMatch(), FragmentHeaderMatch(), OptionsHeaderMatch(name: "hbh"),
    OptionsHeaderMatch(name: "dst"), RoutingHeaderMatch(), SegmentRoutingMatch(), MobilityHeaderMatch(),
  ]

  /// Matches of what the kernel keeps beside the packet.
  private static let surroundings: [any IptablesExtension] = [
    ConntrackMatch(), StateMatch(), MarkMatch(), ConnectionMarkMatch(), AddressTypeMatch(), PhysicalDeviceMatch(),
    PacketTypeMatch(), SetMatch(), CommentMatch(), OwnerMatch(), RealmMatch(), ProcessorMatch(), DeviceGroupMatch(),
    ReversePathMatch(), PolicyMatch(), ControlGroupMatch(),
  ]

  /// Matches whose truth a dump can't hold.
  private static let conditions: [any IptablesExtension] = [
    HashlimitMatch(), LimitMatch(), ConnectionBytesMatch(), ConnectionLimitMatch(), ConnectionLabelMatch(),
    HelperMatch(), VirtualServerMatch(), AccountingMatch(), StatisticMatch(), QuotaMatch(), RecentMatch(),
    RateEstimateMatch(), TimeMatch(), StringMatch(), ByteTestMatch(), BytecodeMatch(), FingerprintMatch(),
    SocketMatch(), ClusterMatch(), HeaderListMatch(), InterfaceIdentifierMatch(), AddonMatch(condition: .geoip),
    AddonMatch(condition: .condition),
  ]

  private static let targets: [any IptablesExtension] = [
    RejectTarget(), LogTarget(), PacketLogTarget(), AddressTranslationTarget(.dnat), AddressTranslationTarget(.snat),
    MasqueradeTarget(), RedirectTarget(), NetmapTarget(), TransparentProxyTarget(),
    PrefixTranslationTarget(ofSource: true), PrefixTranslationTarget(ofSource: false), MarkTarget(),
    ConnectionMarkTarget(), ConntrackTarget(), UntrackTarget(), SetTarget(), QueueTargetExtension(), SynProxyTarget(),
    ClusterTarget(), ServiceTypeTarget(), CodePointTarget(), HopsTarget(family: .ipv4), HopsTarget(family: .ipv6),
    ClassifyTarget(), HashMarkTarget(), AuditTarget(), ChecksumTarget(), ConnectionSecurityMarkTarget(),
    SecurityMarkTarget(), IdleTimerTarget(), LampTarget(), RateEstimatorTarget(), SegmentSizeTarget(),
    OptionStripTarget(), CopyTarget(), CongestionTarget(), TraceTarget(),
  ]
}
