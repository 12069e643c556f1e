import HostModel
import RuleGraph

/// The hooks of a bridge: chains of the family `bridge`, which see frames between its ports, up to the host and down
/// from it.
///
/// A frame that a port takes in meets `prerouting`; if it is for the host `input`, otherwise `forward` and
/// `postrouting`. What the host sends through the bridge meets `output` and `postrouting`. Chains see the ports as
/// interfaces, and the bridge as `ibrname` and `obrname`.
///
/// Source: `br_handle_frame` and `br_pass_frame_up` in `net/bridge/br_input.c`, `__br_forward` and `br_forward_finish`
/// in `net/bridge/br_forward.c`.
extension Engine {
  /// Sends a flow through the bridge's chains at a hook. Returns whether there are any that it has not passed.
  func passBridge(_ hook: Hook, _ name: String, next: Position.Stage, _ flow: inout Flow) -> Bool {
    guard !plan.bridgeCalls(hook).isEmpty, let stage = Position.Stage(ofBridge: hook) else { return false }
    let key = DevicePass.Key(name: name, hook: hook)
    guard !flow.passedDevices.contains(key) else { return false }
    flow.passedDevices.append(key)
    flow.device = DevicePass(
      name: name, input: flow.binding[.input], output: flow.binding[.output],
      packetType: flow.rareFields[.meta(.packetType)], next: next)
    let bridge = ValueSet(InterfaceName(name)?.value ?? 0)
    let comesIn = hook == .prerouting || hook == .input || hook == .forward
    flow.binding[.input] = comesIn ? portIn(&flow) : nil
    flow.rareFields[.meta(.ibrname)] = flow.makeVariable(comesIn ? bridge : ValueSet(0))
    let goesOut = hook == .forward || hook == .output || hook == .postrouting
    flow.binding[.output] = goesOut ? portOut(of: name, &flow) : nil
    flow.rareFields[.meta(.obrname)] = flow.makeVariable(goesOut ? bridge : ValueSet(0))
    setPacketType(at: hook, &flow)
    flow.enter(stage)
    return true
  }

  /// A frame that is carried on is for another machine's hardware address (PACKET_OTHERHOST); before the bridge has
  /// looked its destination up nobody knows.
  private func setPacketType(at hook: Hook, _ flow: inout Flow) {
    let field = Field.meta(.packetType)
    if let variable = flow.rareFields[field], flow.variables[variable].dimension != nil { return }
    switch hook {
    case .input: flow.rareFields[field] = flow.makeVariable(ValueSet(0))
    case .forward where flow.domain(.destination)?.isDisjoint(with: HostKnowledge.multicast(flow.family)) == true:
      flow.rareFields[field] = flow.makeVariable(ValueSet(3))
    default: flow.rareFields[field] = nil
    }
  }

  /// Sends a flow that the bridge takes up to the host through the bridge's input chains.
  func passBridgeInput(next: Position.Stage, _ flow: inout Flow) -> Bool {
    guard !flow.isSentByHost, !flow.isLoopbackPass, !plan.bridgeCalls(.input).isEmpty,
      let name = bridge(in: .input, flow)
    else { return false }
    return passBridge(.input, name, next: next, &flow)
  }

  /// Sends a flow that leaves through a bridge through the chains that it still has to pass.
  func passBridgeOutput(_ flow: inout Flow) -> Bool {
    guard !plan.bridgeCalls(.output).isEmpty || !plan.bridgeCalls(.postrouting).isEmpty,
      let name = bridge(in: .output, flow)
    else { return false }
    if !flow.isBridged, passBridge(.output, name, next: .leaving, &flow) { return true }
    return passBridge(.postrouting, name, next: .leaving, &flow)
  }

  /// What the chains of a bridge saw otherwise is as it was for those of IP.
  func leaveBridge(_ device: DevicePass, _ flow: inout Flow) {
    flow.rareFields[.meta(.ibrname)] = nil
    flow.rareFields[.meta(.obrname)] = nil
    flow.rareFields[.meta(.packetType)] = device.packetType
  }

  private func bridge(in slot: Slot, _ flow: Flow) -> String? {
    guard let value = flow.domain(slot)?.single else { return nil }
    let name = InterfaceName(value: value).description
    return knowledge.isBridge(name) ? name : nil
  }

  private func portIn(_ flow: inout Flow) -> VariableID {
    if let known = flow.bridgePort { return known }
    let port = flow.makeVariable(InterfaceName.anyName, dimension: .field(.meta(.physicalIn)), isOpen: true)
    flow.bridgePort = port
    return port
  }

  /// The port that a frame leaves through: that of the destination where a dump tells it, else any but the one that the
  /// frame came in through, of those that a whole list of the interfaces names.
  private func portOut(of bridge: String, _ flow: inout Flow) -> VariableID {
    if let port = port(of: flow.domain(.destination), on: bridge) { return flow.makeVariable(ValueSet(port)) }
    guard knowledge.knowsAddresses(flow.family) else { return flow.makeVariable(InterfaceName.anyName) }
    let ports = knowledge.facts.interfaces.filter { $0.master == bridge }
    let came = flow.bridgePort.flatMap { flow.variables[$0].domain.single }
    let others = ports.compactMap { port in
      InterfaceName(port.name).flatMap { $0.value == came && port.hairpin != true ? nil : $0.value }
    }
    return flow.makeVariable(others.isEmpty ? InterfaceName.anyName : ValueSet(others.map { $0...$0 }))
  }
}

extension Position.Stage {
  /// The stage of a bridge's hook.
  init?(ofBridge hook: Hook) {
    switch hook {
    case .prerouting: self = .bridgePrerouting
    case .input: self = .bridgeInput
    case .forward: self = .bridgeForward
    case .output: self = .bridgeOutput
    case .postrouting: self = .bridgePostrouting
    case .ingress, .egress: return nil
    }
  }
}
