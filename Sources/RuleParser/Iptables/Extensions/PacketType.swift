import RuleGraph

/// `-m pkttype`: whether the frame was sent to this host, to all or to a group (iptables-extensions(8), "pkttype").
struct PacketTypeMatch: IptablesExtension {
  let names = ["pkttype"]
  let kind = ExtensionKind.match
  let listingWords = ["PKTTYPE"]
  let options = [OptionSpelling("pkt-type")]

  /// The names of the types and their numbers (`PACKET_*` of `include/uapi/linux/if_packet.h`).
  static let types: [(name: String, number: UInt128)] = [
    ("unicast", 0), ("host", 0), ("broadcast", 1), ("bcast", 1), ("multicast", 2), ("mcast", 2), ("otherhost", 3),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "PKTTYPE") else { return false }
    var option = ExtensionOption(name: "pkt-type", negated: text.eatNegation())
    guard text.eat(prefix: "="), let value = text.eatValue() else { return false }
    option.value = value
    found.append(option)
    return true
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    for option in options {
      let name = rule.text(option.value)
      guard let type = Self.types.first(where: { $0.name == name }) else { return false }
      rule.match(.meta(.packetType), ValueSet(type.number), negated: option.negated)
    }
    return true
  }
}

extension PacketTypeMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard let test = PlainTest(statements.first), test.meta == .packetType, test.mask == nil,
      let number = test.values.single,
      let type = Self.types.first(where: { $0.number == number })
    else { return nil }
    return test.spelled("pkttype", "pkt-type", type.name)
  }
}
