import RuleGraph
import RuleText

/// Rules for the packets of a case, as narrow as one line allows: what is not one block, one port or one interface
/// stays open.
extension PlainRule {
  /// The rule for a case as a filtering chain of a hook sees it: after DNAT, before SNAT.
  init(_ one: Case, at hook: Hook, _ verdict: Verdict) {
    self.init(one.packet.family, verdict)
    let source = one.translations.first { $0.ofSource }?.from
    let names = hook == .output || hook == .postrouting ? nil : one.input
    input = Self.interface(names)
    self.source = Self.block(source?.address ?? one.packet.source)
    destination = Self.block(one.packet.destination)
    transport = one.packet.transport.single.flatMap { UInt8(exactly: $0) }.map { IPProtocol(rawValue: $0) }
    if transport == .tcp || transport == .udp, let ports = one.packet.destinationPort, ports.intervals.count == 1,
      let interval = ports.intervals.first, interval != 0...65535
    {
      self.ports = interval
    }
  }

  /// The rule for the answers to a case's connections, which come in through an interface.
  init(answersTo reply: Case) {
    self.init(reply.packet.family, .accept)
    input = Self.interface(reply.input)
    isForAnswers = true
  }

  /// The one interface that names are.
  private static func interface(_ names: ValueSet?) -> InterfaceName? {
    names?.single.flatMap { $0 == 0 ? nil : InterfaceName(value: $0) }
  }

  /// The block that addresses are; nil of all addresses, which no rule need name.
  private static func block(_ values: ValueSet) -> Prefix? {
    Prefix(covering: values).flatMap { $0.length > 0 ? $0 : nil }
  }
}
