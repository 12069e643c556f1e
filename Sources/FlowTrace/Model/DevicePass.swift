import RuleGraph

/// A passing of a device whose chains of ingress or egress, or of the family `bridge`, the packet is in.
struct DevicePass {
  /// One passing of a device.
  struct Key: Hashable {
    var name: String
    var hook: Hook
  }

  /// The device; nil for whichever the frame passes, of chains whose devices no dump shows.
  var name: String?
  /// What stood in the slots that the hook's chains see otherwise.
  var input: VariableID?
  var output: VariableID?
  /// What the rules of IP see as the packet's type, where the chains of a bridge see the frame's (`br_nf_pre_routing`
  /// and `br_nf_forward` in `net/bridge/br_netfilter_hooks.c` put PACKET_HOST in place of PACKET_OTHERHOST).
  var packetType: VariableID?
  /// Where the packet goes on.
  var next: Position.Stage
}
