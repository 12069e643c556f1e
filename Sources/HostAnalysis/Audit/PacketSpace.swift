import FlowTrace
import RuleGraph

/// The fields of a packet that the rules of one table compare, each as a variable with all its values.
///
/// A rule is a box in this space. Two rules overlap where their boxes do, and one takes nothing where the boxes before
/// it cover its own.
struct PacketSpace {
  /// Something that a rule asks of a packet.
  enum Dimension: Hashable {
    /// The version of IP, as nft numbers it (2 is IPv4, 10 is IPv6).
    case family
    /// The transport protocol.
    case transport
    /// A port of whatever protocol has some.
    case port(HeaderFieldName)
    /// Whether the transport header is there: not in later fragments, nor in a packet that ends too early (0 or 1).
    case transportHeader
    /// The connection's state, with the bits of translations.
    case state
    /// A field that every packet has that can have it.
    case field(Field)
    /// Whether a match holds that is not taken apart: the same for every rule that has it.
    case holds(Statement)
  }

  private(set) var domains: [ValueSet] = []
  private var variables: [Dimension: VariableID] = [:]

  /// The variable of a dimension; a new one if nothing was asked of it before.
  mutating func variable(_ dimension: Dimension) -> VariableID {
    if let known = variables[dimension] { return known }
    let variable = VariableID(domains.count)
    variables[dimension] = variable
    domains.append(Self.domain(dimension))
    return variable
  }

  /// The variable of a dimension; nil where no rule asks for it.
  subscript(dimension: Dimension) -> VariableID? { variables[dimension] }

  /// The values of a dimension in some packets, given by the values of each.
  func values(_ dimension: Dimension, in part: [ValueSet]) -> ValueSet? { variables[dimension].map { part[$0] } }

  static let families = ValueSet(AddressFamily.allCases.map { UInt128($0.rawValue)...UInt128($0.rawValue) })

  /// Every value that the state of a packet can have: one bit of ``ConntrackState``, and those of translations beside
  /// it where there is a connection.
  static let states: ValueSet = {
    let alone = [ConntrackState.invalid, ConntrackState.untracked]
    let bits = [0, ConntrackState.snat, ConntrackState.dnat, ConntrackState.snat | ConntrackState.dnat]
    let ofConnections = [ConntrackState.new, ConntrackState.established, ConntrackState.related]
      .flatMap { state in bits.map { state | $0 } }
    return ValueSet((alone + ofConnections).map { $0...$0 })
  }()

  /// The states of packets that nat chains see: they decide about a connection once, for the packet that begins it.
  static let statesInNat = ValueSet(
    states.intervals.filter { ($0.lowerBound & (ConntrackState.new | ConntrackState.related)) != 0 })

  /// All values of a dimension.
  static func domain(_ dimension: Dimension) -> ValueSet {
    switch dimension {
    case .family: families
    case .transport: .bits(8)
    case .port: .bits(16)
    case .state: states
    case .holds, .transportHeader: ValueSet(0...1)
    case .field(let field):
      switch field {
      case .header(let header) where header.name == .saddr || header.name == .daddr:
        header.header == .ip6 ? AddressFamily.ipv6.allAddresses : AddressFamily.ipv4.allAddresses
      default: .bits(field.width)
      }
    }
  }
}
