import RuleGraph

extension ExtensionRegistry {
  /// The extensions; the order decides where the prose of two begins alike.
  static let all: [any IptablesExtension] = [
    // Headers
    TCPMatch(), UDPMatch(header: .udp), UDPMatch(header: .udplite), MultiportMatch(), ICMPMatch(family: .ipv4),
    ICMPMatch(family: .ipv6),
    // Addresses and interfaces
    AddressTypeMatch(), AddressRangeMatch(), MACMatch(), PhysicalDeviceMatch(), PacketTypeMatch(), SetMatch(),
    // Connections and marks
    ConntrackMatch(), StateMatch(), MarkMatch(), ConnectionMarkMatch(),
    // Surroundings
    CommentMatch(), OwnerMatch(), LimitMatch(),
    // Targets
    RejectTarget(), LogTarget(), PacketLogTarget(), AddressTranslationTarget(.dnat), AddressTranslationTarget(.snat),
    MasqueradeTarget(), RedirectTarget(), NetmapTarget(), TransparentProxyTarget(), MarkTarget(),
    ConnectionMarkTarget(), ConntrackTarget(), UntrackTarget(), SetTarget(), QueueTargetExtension(),
  ]
}
