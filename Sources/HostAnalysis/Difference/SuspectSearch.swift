import FlowTrace
import RuleGraph

/// The packets whose fate may differ between two rulesets: those that a rule may match which stands on one side only.
///
/// A packet that no such rule matches meets the same rules in the same order on both sides, so the same becomes of it.
/// Rules see addresses and ports as translations have left them: what a rule asks of the destination is true of packets
/// for it, and of those for what some rule translates to it.
struct SuspectSearch {
  /// Some of the packets of a question.
  enum Suspects {
    case none
    /// Those in one of some boxes, which do not overlap.
    case some([Box])
    case everyone
  }

  /// The values that a packet's first fields must have; nil is any.
  struct Box: Hashable {
    var transport: ValueSet?
    var source: ValueSet?
    var sourcePort: ValueSet?
    var destination: ValueSet?
    var destinationPort: ValueSet?

    /// The same of packets of the other direction.
    var turned: Box {
      Box(
        transport: transport, source: destination, sourcePort: destinationPort, destination: source,
        destinationPort: sourcePort)
    }
  }

  private let alignment: RuleAlignment
  private let sides: [Difference.Side: Ruleset]
  private let translators: [AddressFamily: Translators]
  /// More boxes than this are asked about as the one that holds them.
  private static let boxLimit = 24

  init(_ hosts: ComparedHosts, _ alignment: RuleAlignment) {
    self.alignment = alignment
    sides = [.old: hosts.old, .new: hosts.new]
    translators = AddressFamily.allCases.reduce(into: [:]) {
      $0[$1] = Translators([hosts.old, hosts.new], family: $1)
    }
  }

  /// The packets of a family that are asked about, at a place in their connection.
  func suspects(_ family: AddressFamily, _ place: PacketPlace) -> Suspects {
    if alignment.rebuilt.contains(family) { return .everyone }
    var boxes: [Box] = []
    for lone in alignment.lone {
      guard let ruleset = sides[lone.side], let translators = translators[family] else { continue }
      let table = ruleset.tables[lone.id.table]
      guard table.family.sees(family) || table.family == .bridge || table.family == .netdev,
        let box = Box(ruleset[lone.id], of: family)
      else { continue }
      boxes += translators.originals(of: box)
      // An answer has the addresses of the connection's first packet the other way round.
      if place == .reply || place == .later {
        boxes += translators.originals(of: box.turned)
      }
      if boxes.contains(Box()) { return .everyone }
    }
    return boxes.isEmpty ? .none : .some(Self.apart(boxes))
  }

  /// Boxes with the same packets that do not overlap; one that holds them all where they would be many.
  private static func apart(_ boxes: [Box]) -> [Box] {
    var seen = Set<Box>()
    let distinct = boxes.filter { seen.insert($0).inserted }
    var result: [Region.Box] = []
    if distinct.count <= boxLimit {
      for box in distinct {
        var effort = RegionEffort(10_000)
        guard let new = Region.boxes(of: box.region, outside: [result[...]], effort: &effort),
          result.count + new.count <= boxLimit
        else { return [hull(distinct)] }
        result += new
      }
      return Region.joined(result).map(Box.init)
    }
    return [hull(distinct)]
  }

  private static func hull(_ boxes: [Box]) -> Box {
    func union(_ field: (Box) -> ValueSet?) -> ValueSet? {
      let all = boxes.map(field)
      return all.contains(nil) ? nil : ValueSet(all.compactMap(\.self).flatMap(\.intervals))
    }
    return Box(
      transport: union(\.transport), source: union(\.source), sourcePort: union(\.sourcePort),
      destination: union(\.destination), destinationPort: union(\.destinationPort))
  }
}

extension SuspectSearch.Box {
  /// What a rule asks of the fields; nil where no packet of the family can match it.
  init?(_ rule: Rule, of family: AddressFamily) {
    self.init()
    for case .match(let match) in rule.statements where !match.whenAbsent {
      guard case .field(let field) = match.subject, case .values(let values) = match.values else { continue }
      if case .header(let header) = field {
        if header.header == (family == .ipv4 ? .ip6 : .ip) { return nil }
        if header.header.hasPorts, let transport = header.header.protocolNumber {
          limit(\.transport, to: ValueSet(transport))
        }
      }
      let allowed = match.negated ? values.complement : values
      switch field {
      case .meta(.l4proto): limit(\.transport, to: allowed)
      case .header(let header):
        switch header.name {
        case .saddr where header.header == .ip || header.header == .ip6: limit(\.source, to: allowed)
        case .daddr where header.header == .ip || header.header == .ip6: limit(\.destination, to: allowed)
        case .protocol where header.header == .ip: limit(\.transport, to: allowed)
        case .sport where header.header.hasPorts: limit(\.sourcePort, to: allowed)
        case .dport where header.header.hasPorts: limit(\.destinationPort, to: allowed)
        default: break
        }
      default: break
      }
    }
    if [transport, source, sourcePort, destination, destinationPort].contains(.empty) { return nil }
  }

  private mutating func limit(_ field: WritableKeyPath<Self, ValueSet?>, to values: ValueSet) {
    self[keyPath: field] = self[keyPath: field]?.intersection(values) ?? values
  }

  private static let transportDimension = Region.Dimension.field(.meta(.l4proto))
  private static let sourceDimension = Region.Dimension.address(.saddr, .ipv4)
  private static let destinationDimension = Region.Dimension.address(.daddr, .ipv4)
  private static let sourcePortDimension = Region.Dimension.field(.header(HeaderField(.th, .sport)))
  private static let destinationPortDimension = Region.Dimension.field(.header(HeaderField(.th, .dport)))

  fileprivate var region: Region.Box {
    var box: Region.Box = [:]
    box[Self.transportDimension] = transport
    box[Self.sourceDimension] = source
    box[Self.destinationDimension] = destination
    box[Self.sourcePortDimension] = sourcePort
    box[Self.destinationPortDimension] = destinationPort
    return box
  }

  fileprivate init(_ box: Region.Box) {
    self.init(
      transport: box[Self.transportDimension], source: box[Self.sourceDimension],
      sourcePort: box[Self.sourcePortDimension], destination: box[Self.destinationDimension],
      destinationPort: box[Self.destinationPortDimension])
  }
}

extension Header {
  /// Whether ports are among its fields.
  fileprivate var hasPorts: Bool {
    self == .th || protocolNumber.map(IPProtocol.withPorts.contains) ?? false
  }
}

/// The rules of two rulesets that change addresses and ports of packets of a family.
private struct Translators {
  /// A rule that gives packets another address or port.
  struct Translator {
    /// The packets that it may match.
    var box: SuspectSearch.Box
    /// The addresses and ports that it may give; nil is any, or for a port none of its own.
    var address: ValueSet?
    var port: ValueSet?
  }

  private var destinations: [Translator] = []
  private var sources: [Translator] = []
  /// Whether something changes them in a way that is not followed here.
  private var changesAnything = false

  init(_ rulesets: [Ruleset], family: AddressFamily) {
    for ruleset in rulesets {
      for table in ruleset.tables
      where table.family.sees(family) || table.family == .bridge || table.family == .netdev {
        for rule in table.chains.lazy.flatMap(\.rules) { add(rule, family) }
      }
    }
  }

  private mutating func add(_ rule: Rule, _ family: AddressFamily) {
    for statement in rule.statements {
      switch statement {
      case .match, .verdict, .effect, .environment, .opaqueMatch, .hiddenInterfaces, .anyOf, .notrack, .verdictMap,
        .updateSet:
        continue
      case .assign(let assignment):
        if case .header(let field) = assignment.field {
          switch field.name {
          case .saddr, .daddr, .sport, .dport: changesAnything = true
          default: continue
          }
        }
      case .opaqueTarget, .missingRules: changesAnything = true
      case .translate(let translation):
        guard let box = SuspectSearch.Box(rule, of: family) else { continue }
        let translator = Translator(
          box: box, address: translation.address.flatMap(Self.values), port: translation.port.flatMap(Self.values))
        switch translation.kind {
        case .dnat, .redirect: destinations.append(translator)
        case .snat, .masquerade: sources.append(translator)
        case .netmap, .npt:
          destinations.append(Translator(box: box))
          sources.append(Translator(box: box))
        case .tproxy: continue
        }
        if translation.portBase != nil { changesAnything = true }
      }
    }
  }

  private static func values(_ expression: ValueExpression) -> ValueSet? {
    switch expression {
    case .constant(let value): ValueSet(value)
    case .anyOf(let values): values
    default: nil
    }
  }

  /// The packets, as they came in, that may have the values of a box when a rule sees them.
  func originals(of box: SuspectSearch.Box) -> [SuspectSearch.Box] {
    if changesAnything { return [SuspectSearch.Box(transport: box.transport)] }
    var boxes = [box]
    for translator in destinations {
      guard translator.mayGive(box.destination, box.destinationPort) else { continue }
      var original = box
      original.destination = translator.box.destination
      original.destinationPort = translator.box.destinationPort
      if translator.port == nil, !translator.mayChangePort {
        original.destinationPort = Self.both(box.destinationPort, translator.box.destinationPort)
      }
      if original.destinationPort != .empty { boxes.append(original) }
    }
    for original in boxes {
      for translator in sources where translator.mayGive(box.source, nil) {
        var earlier = original
        earlier.source = translator.box.source
        // The kernel takes another port where the one that packets came with is in use.
        earlier.sourcePort = nil
        boxes.append(earlier)
      }
    }
    return boxes
  }

  private static func both(_ a: ValueSet?, _ b: ValueSet?) -> ValueSet? {
    guard let a, let b else { return a ?? b }
    return a.intersection(b)
  }
}

extension Translators.Translator {
  init(box: SuspectSearch.Box) { self.init(box: box, address: nil, port: nil) }

  /// Whether packets may have these values behind it.
  fileprivate func mayGive(_ addresses: ValueSet?, _ ports: ValueSet?) -> Bool {
    if let addresses, let address, addresses.isDisjoint(with: address) { return false }
    if let ports, let port, ports.isDisjoint(with: port) { return false }
    return true
  }

  /// Whether it may give a port although it names none.
  fileprivate var mayChangePort: Bool { address == nil }
}
