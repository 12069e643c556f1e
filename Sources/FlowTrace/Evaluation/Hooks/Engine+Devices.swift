import HostModel
import RuleGraph

/// The hooks of devices: ingress before anything of IP, egress after everything of it.
///
/// Chains of `netdev` and of `inet` at ingress are in one order (`nf_hook_entry_head` in `net/netfilter/core.c`). A
/// frame passes the ingress of every device on its way up, a bridge's port or the parent of a VLAN first, and their
/// egress in the other order (`__netif_receive_skb_core` and `__dev_queue_xmit` in `net/core/dev.c`).
extension Engine {
  // MARK: - Ingress

  /// An arriving flow in parts by the devices with chains at ingress that its frames pass before the IP layer sees
  /// them; nil where there are none.
  func partsByIngress(_ start: Flow) -> [Flow]? {
    if start.isLoopbackPass { return nil }
    return partsByDevices(start, plan.ingressDevices, .ingress, slot: .input, port: .physicalInput, next: .start)
  }

  /// Sends a flow through the chains of its own input interface where those see it later than partsByIngress(_:) has
  /// it: a bridge's, which only see what is not bridged, or loopback's. Gives whether there are any.
  ///
  /// Where bridged frames pass the rules of IP, prerouting comes before the bridge's ingress (`br_nf_pre_routing` in
  /// `net/bridge/br_netfilter_hooks.c`); measured.
  @discardableResult func passIngress(next: Position.Stage, _ flow: inout Flow) -> Bool {
    guard !plan.ingressDevices.isEmpty, let input = flow.domain(.input)?.single else { return false }
    let name = InterfaceName(value: input).description
    let key = DevicePass.Key(name: name, hook: .ingress)
    guard plan.ingressDevices.contains(name), !flow.passedDevices.contains(key) else { return false }
    pass(name, .ingress, next: next, &flow)
    return true
  }

  // MARK: - Egress

  /// A leaving flow in parts by the devices with chains at egress that its frames pass; nil where there are none.
  func partsByEgress(_ start: Flow) -> [Flow]? {
    if start.ending != nil { return nil }
    return partsByDevices(start, plan.egressDevices, .egress, slot: .output, port: .physicalOutput, next: .leaving)
  }

  // MARK: - Devices

  private func partsByDevices(
    _ start: Flow, _ devices: [String], _ hook: Hook, slot: Slot, port: Slot, next: Position.Stage
  ) -> [Flow]? {
    for name in devices where !start.passedDevices.contains(.init(name: name, hook: hook)) {
      if let parts = parts(of: start, passing: name, hook, slot: slot, port: port, next: next) { return parts }
    }
    // Chains whose devices no dump shows may be for any of those that the frame passes.
    let untold = DevicePass.Key(name: "", hook: hook)
    guard plan.hasUntoldDevices(hook), start.binding[slot] != nil, !start.passedDevices.contains(untold) else {
      return nil
    }
    var flow = start
    flow.passedDevices.append(untold)
    flow.device = DevicePass(
      name: nil, input: flow.binding[.input], output: flow.binding[.output], next: next)
    flow.binding[hook == .ingress ? .output : .input] = nil
    flow.enter(hook == .ingress ? .ingress : .egress)
    return [flow]
  }

  /// Whether a chain of ingress or egress is for the device that a flow passes; nil where it can't be told.
  func isForDevice(_ chain: ChainID, _ device: DevicePass, _ flow: inout Flow) -> Decision {
    let devices = ruleset[chain].base?.devices ?? []
    if let name = device.name { return devices.contains(name) ? .always : .never }
    guard devices.isEmpty else { return .never }
    let table = ruleset.tables[chain.table]
    let name = "\(table.family.rawValue) \(table.name) \(ruleset[chain].name)"
    return condition(.host("device of \(name)"), in: &flow) {
      Condition(.device(of: chain), settledBy: "nft list ruleset")
    }
  }

  /// The parts of a flow whose frames pass a device and of which they do not, each marked; nil where none passes it.
  private func parts(
    of start: Flow, passing name: String, _ hook: Hook, slot: Slot, port: Slot, next: Position.Stage
  ) -> [Flow]? {
    guard let variable = start.binding[slot], let value = InterfaceName(name)?.value else { return nil }
    var parts: [Flow] = []
    var rest: Flow? = start
    func take(_ flow: Flow) {
      var flow = flow
      pass(name, hook, next: next, &flow)
      parts.append(flow)
    }
    // Frames of the interface itself. Those of a bridge that stay on it never reach it.
    let isBridge = knowledge.isBridge(name)
    if !isBridge || hook == .egress && !start.isBridged {
      var own = start
      if own.narrow(variable, to: ValueSet(value)) {
        take(own)
        var other = start
        rest = other.exclude([(variable, ValueSet(value))]) ? other : nil
      }
    }
    // Frames of an interface above the device.
    let asked = start.domain(slot)?.single.map { InterfaceName(value: $0).description }
    for upper in knowledge.interfaces(above: name, asked: asked) {
      guard let current = rest, let above = InterfaceName(upper)?.value else { continue }
      var inside = current
      guard inside.narrow(variable, to: ValueSet(above)) else { continue }
      var outside = current
      rest = outside.exclude([(variable, ValueSet(above))]) ? outside : nil
      guard knowledge.isBridge(upper) else {
        take(inside)
        continue
      }
      let split = split(inside, byPort: name, port, hook)
      for part in split.through { take(part) }
      for var part in split.others {
        part.passedDevices.append(.init(name: name, hook: hook))
        parts.append(part)
      }
    }
    // A bridge whose ports no dump shows may have the device as one.
    if let current = rest, knowledge.facts.interface(name)?.index == nil,
      knowledge.interfaces(above: name, asked: asked).isEmpty,
      let single = current.domain(slot)?.single, knowledge.isBridge(InterfaceName(value: single).description),
      !knowledge.facts.interfaces.contains(where: { $0.master == InterfaceName(value: single).description }), !isBridge
    {
      let split = split(current, byPort: name, port, hook)
      for part in split.through { take(part) }
      for var part in split.others {
        part.passedDevices.append(.init(name: name, hook: hook))
        parts.append(part)
      }
      rest = nil
    }
    guard !parts.isEmpty else { return nil }
    if var rest {
      rest.passedDevices.append(.init(name: name, hook: hook))
      parts.append(rest)
    }
    return parts
  }

  /// A bridge's flow by whether its frames pass one of the ports.
  private func split(_ start: Flow, byPort name: String, _ slot: Slot, _ hook: Hook) -> (
    through: [Flow], others: [Flow]
  ) {
    var flow = start
    let port: VariableID
    if let known = flow.binding[slot], flow.variables[known].domain.single != 0 {
      port = known
    } else {
      // The port is not part of the question on the way out; on the way in it is.
      port =
        hook == .ingress
        ? flow.makeVariable(InterfaceName.anyName, dimension: .field(.meta(.physicalIn)), isOpen: true)
        : flow.makeVariable(InterfaceName.anyName)
      flow.binding[slot] = port
    }
    guard let value = InterfaceName(name)?.value else { return ([], [flow]) }
    if hook == .egress, flow.domain(slot)?.single == nil {
      // Through which port the bridge sends a frame, its table of hardware addresses says.
      let bridge = flow.domain(.output)?.single.map { InterfaceName(value: $0).description }
      let decision = condition(.host("egress through \(name)"), in: &flow) {
        Condition(.egressPort(name, bridge: bridge), settledBy: "bridge fdb show")
      }
      let parts = flow.split(decision)
      return (parts.yes, parts.no)
    }
    let parts = flow.split(.when(port, in: ValueSet(value)))
    return (parts.yes, parts.no)
  }

  /// Leads a flow into the chains of a device.
  private func pass(_ name: String, _ hook: Hook, next: Position.Stage, _ flow: inout Flow) {
    flow.passedDevices.append(.init(name: name, hook: hook))
    flow.device = DevicePass(
      name: name, input: flow.binding[.input], output: flow.binding[.output], next: next)
    let device = ValueSet(InterfaceName(name)?.value ?? 0)
    if hook == .ingress {
      if flow.domain(.input) != device { flow.rebind(.input, to: device) }
      flow.binding[.output] = nil
      flow.enter(.ingress)
    } else {
      // Egress is called with the device alone (`nf_hook_egress` in `include/linux/netfilter_netdev.h`).
      flow.binding[.input] = nil
      if flow.domain(.output) != device { flow.rebind(.output, to: device) }
      flow.enter(.egress)
    }
  }

  /// Goes on after the chains of a device.
  func leave(_ device: DevicePass, _ flow: inout Flow) {
    flow.device = nil
    flow.binding[.input] = device.input
    flow.binding[.output] = device.output
    if flow.position.stage.isOfBridge { leaveBridge(device, &flow) }
    flow.enter(device.next)
  }
}

extension HostKnowledge {
  /// The interfaces that frames of a device come up through: its bridge, bond or VRF, and its VLANs.
  /// The interface that was asked for is a VLAN of the device where its name says so.
  func interfaces(above name: String, asked: String?) -> [String] {
    var names: [String] = []
    let device = facts.interface(name)
    if let master = device?.master { names.append(master) }
    for interface in facts.interfaces where interface.parent == name {
      // Two ends of a veth pair name each other.
      if interface.kind == "veth" || device?.parent == interface.name { continue }
      names.append(interface.name)
    }
    if let asked, asked.hasPrefix(name + "."), !names.contains(asked) { names.append(asked) }
    return names
  }
}
