import HostModel
package import RuleGraph

/// The host's own addresses, as questions about its services name them.
///
/// Where no dump tells them, a packet for the host is asked about with stand-ins: each address that a rule names and
/// that may be the host's, one of each block
/// that a rule names, and one that no rule names. No rule tells any other address from one of these.
struct HostAddresses: Sendable {
  /// The addresses that other hosts can send to, for each family that the host speaks.
  private(set) var reachable: [AddressFamily: ValueSet] = [:]
  /// The address for programs of the host alone.
  static let loopback: [AddressFamily: UInt128] = [.ipv4: IPAddress(ipv4: 0x7f00_0001).bits, .ipv6: 1]
  /// The addresses that are taken for the host's own although no dump says so.
  private(set) var standIns: ValueSet = .empty
  /// The address that stands for those that no rule names; nil where the addresses are told.
  private(set) var unnamed: [AddressFamily: UInt128] = [:]

  /// - Parameters:
  ///   - ruleset: The rules.
  ///   - facts: What dumps tell of the host.
  ///   - inferred: What the rules let one infer of it.
  ///   - own: Addresses that are asked about, and are taken for the host's own where no dump tells these.
  init(_ ruleset: Ruleset, facts: HostFacts, inferred: InferredHost, alsoOwn own: [IPAddress] = []) {
    for family in AddressFamily.allCases {
      let told = Self.told(facts, family)
      if facts.addressesKnown.contains(family) || facts.ownAddressesKnown.contains(family) {
        if !told.isEmpty { reachable[family] = told }
      } else {
        let asked = own.filter { $0.family == family && !$0.isLoopback }
        addStandIns(
          ruleset, facts, inferred, family, told: told.union(ValueSet(asked.map { $0.bits...$0.bits })))
      }
    }
  }

  /// Loopback and link-local addresses aside.
  private static func told(_ facts: HostFacts, _ family: AddressFamily) -> ValueSet {
    let all = facts.interfaces.filter { $0.isUp != false }.flatMap(\.addresses).map(\.address) + facts.unplacedAddresses
    return ValueSet(
      all.filter { $0.family == family && !$0.isLoopback && !linkLocal6.contains($0.bits) }.map { $0.bits...$0.bits })
  }

  static let linkLocal6 = ValueSet((UInt128(0xfe80) << 112)...((UInt128(0xfec0) << 112) - 1))

  private mutating func addStandIns(
    _ ruleset: Ruleset, _ facts: HostFacts, _ inferred: InferredHost, _ family: AddressFamily, told: ValueSet
  ) {
    // Of a host whose IPv6 rules and addresses nobody showed there is nothing to say.
    if family == .ipv6 {
      guard !told.isEmpty || ruleset.tables.contains(where: { $0.family == .ip6 && $0.shown != .nothing }) else {
        return
      }
    }
    let named = NamedAddresses(ruleset, family)
    let inside = ValueSet(inferred.subnets.flatMap(\.prefix.values.intervals)).union(Self.notOwn(family))
    let ofContainers = facts.containers.flatMap(\.endpoints).flatMap(\.addresses)
    let containers = ValueSet(
      (inferred.containerAddresses.map(\.address) + ofContainers).map { $0.bits...$0.bits })
    let mayBe = named.candidates.subtracting(inside).subtracting(containers)
    let gateways = ValueSet(
      inferred.hostAddresses.map(\.address).filter { $0.family == family && !$0.isLoopback }.map {
        $0.bits...$0.bits
      })
    var all = told.union(mayBe).union(gateways)
    let free = Self.documentation(family).subtracting(named.mentioned).subtracting(all).subtracting(inside)
    if let first = free.first {
      unnamed[family] = first
      all = all.union(ValueSet(first))
    }
    reachable[family] = all
    standIns = standIns.union(all)
  }

  /// Loopback, groups and the like.
  private static func notOwn(_ family: AddressFamily) -> ValueSet {
    func block(_ first: UInt32, _ last: UInt32) -> ClosedRange<UInt128> {
      IPAddress(ipv4: first).bits...IPAddress(ipv4: last).bits
    }
    return family == .ipv4
      ? ValueSet([block(0, 0x00ff_ffff), block(0x7f00_0000, 0x7fff_ffff), block(0xe000_0000, 0xffff_ffff)])
      : ValueSet([0...1, (UInt128(0xff) << 120)...UInt128.max]).union(linkLocal6)
  }

  /// Blocks for documentation, which nobody's rules are about (RFC 5737, RFC 3849), less each block's own address.
  private static func documentation(_ family: AddressFamily) -> ValueSet {
    family == .ipv4
      ? ValueSet(
        [0xc000_0201, 0xc633_6401, 0xcb00_7101].map { IPAddress(ipv4: $0).bits...IPAddress(ipv4: $0 + 253).bits })
      : ValueSet((UInt128(0x2001_0db8) << 96 | 1)...(UInt128(0x2001_0db8) << 96 | 0xffff))
  }
}

extension AddressFamily {
  /// The addresses of the family alone: those of IPv4 are numbers of IPv6, too.
  package var ownAddresses: ValueSet {
    self == .ipv4 ? allAddresses : allAddresses.subtracting(AddressFamily.ipv4.allAddresses)
  }
}

/// The destinations that rules compare with.
private struct NamedAddresses {
  /// An address for each that a rule names, and one of each block.
  private(set) var candidates: ValueSet = .empty
  /// Everything that a rule names short of a whole family.
  private(set) var mentioned: ValueSet = .empty

  init(_ ruleset: Ruleset, _ family: AddressFamily) {
    var singles: [ClosedRange<UInt128>] = []
    var named: [ClosedRange<UInt128>] = []
    for table in ruleset.tables where table.family.sees(family) {
      for rule in table.chains.lazy.flatMap(\.rules) {
        for case .match(let match) in rule.statements {
          guard case .field(.header(let field)) = match.subject, field.name == .daddr,
            case .values(let values) = match.values
          else { continue }
          let inFamily = values.intersection(family.ownAddresses)
          guard inFamily != family.ownAddresses, let first = inFamily.first else { continue }
          named += inFamily.intervals
          // The first address of a block is its name.
          let one = inFamily.single ?? (inFamily.contains(first + 1) ? first + 1 : first)
          singles.append(one...one)
        }
      }
    }
    candidates = ValueSet(singles)
    mentioned = ValueSet(named)
  }
}
