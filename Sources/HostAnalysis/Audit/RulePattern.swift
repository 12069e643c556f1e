import FlowTrace
import RuleGraph

/// What a rule asks of a packet, as one box: no packet outside of it matches the rule.
struct RulePattern {
  /// What becomes of a packet that matches.
  enum End: Equatable {
    /// It is through with the base chain.
    case decides(Verdict)
    /// An address or port is translated, which ends the nat chains of the hook.
    case translates
    /// It goes on behind the rule that led to the chain.
    case returns
    /// It meets other chains, and comes back unless these decide (`goto`: unless it goes on where the chain was
    /// called).
    case leads(to: [String], isGoto: Bool)
    /// It goes on with the next rule.
    case goesOn
    /// Nobody knows.
    case unknown
  }

  /// The values that it asks for, by dimension.
  var values: [PacketSpace.Dimension: ValueSet] = [:]
  /// Whether every packet in the box matches.
  var isExact = true
  var end: End = .goesOn
  /// Whether it does more than decide: logs, marks, counts into a set.
  var hasSideEffects = false
  /// Of a rule with a verdict map whose elements are all told: what it asks for and does for each of them.
  private(set) var branches: [RulePattern] = []
  private var comparesAnyPort = false

  /// Whether no packet can match.
  var isContradiction: Bool { values.values.contains(where: \.isEmpty) }

  /// The pattern of a rule of a table.
  ///
  /// - Parameters:
  ///   - rule: The rule.
  ///   - table: What is known of its table.
  init(_ rule: Rule, in table: AuditedTable) {
    read(rule, table)
    finish()
  }

  /// A packet of a protocol without ports may be too short to have anything there.
  private mutating func finish() {
    if comparesAnyPort, !(values[.transport].map { $0.isSubset(of: IPProtocol.withPorts) } ?? false) { isExact = false }
  }

  private mutating func read(_ rule: Rule, _ table: AuditedTable) {
    for statement in rule.statements {
      switch statement {
      case .match(let match): add(match, table)
      case .anyOf(let matches): add(anyOf: matches, table)
      case .environment(let condition):
        if condition.isOfPacketAlone { hold(statement, table) } else { isExact = false }
      case .opaqueMatch, .hiddenInterfaces: isExact = false
      case .effect(let effect): if effect.kind != .counter { hasSideEffects = true }
      case .assign(let assignment):
        hasSideEffects = true
        // A map without the key, or a mark without a connection, ends the rule.
        if assignment.canFail { isExact = false }
      case .notrack: hasSideEffects = true
      case .updateSet:
        hasSideEffects = true
        isExact = false
      case .verdict(let verdict): if end(with: verdict) { return }
      case .verdictMap(let key, let map):
        branches = branches(key, map, table)
        isExact = false
        end = .leads(to: table.chains(of: map), isGoto: false)
        return
      case .translate(let translation):
        translate(translation, table)
        return
      case .opaqueTarget, .missingRules:
        end = .unknown
        return
      }
    }
  }

  /// What the rule, read as far as to its verdict map, does for each element of the map; none where one of them can't
  /// be told.
  private func branches(_ key: ValueExpression, _ map: MapReference, _ table: AuditedTable) -> [RulePattern] {
    var branches: [RulePattern] = []
    for element in table.fixedElements(of: map) ?? [] {
      guard element.key.count == 1, !element.isCatchAll, !element.nomatch, element.masks.isEmpty,
        element.conditions.isEmpty,
        case .verdict(let verdict)? = element.data
      else { return [] }
      var branch = self
      branch.add(Match(key, .values(element.key[0])), table)
      _ = branch.end(with: verdict)
      branch.finish()
      branches.append(branch)
    }
    return branches
  }

  /// Takes a verdict as the rule's end; false where it is none.
  private mutating func end(with verdict: Verdict) -> Bool {
    switch verdict {
    case .accept, .drop: end = .decides(verdict)
    case .reject(let rejection):
      switch rejection {
      case .tcpReset: limit(.transport, to: ValueSet(6))
      case .icmp: limit(.family, to: ValueSet(AddressFamily.ipv4.rawValue))
      case .icmpv6: limit(.family, to: ValueSet(AddressFamily.ipv6.rawValue))
      case .icmpx: break
      }
      end = .decides(verdict)
    case .return: end = .returns
    case .continue: return false
    case .jump(let chain): end = .leads(to: [chain], isGoto: false)
    case .goto(let chain): end = .leads(to: [chain], isGoto: true)
    case .queue, .forwardTo, .synproxy: end = .unknown
    }
    return true
  }

  private mutating func translate(_ translation: Translation, _ table: AuditedTable) {
    end = translation.kind == .tproxy ? .unknown : .translates
    // A map without the key ends the rule.
    for value in [translation.address, translation.port] {
      switch value {
      case nil, .constant, .anyOf: continue
      default: isExact = false
      }
    }
    var family = translation.family
    if case .constant(let address) = translation.address { family = IPAddress(bits: address).family }
    if case .anyOf(let addresses) = translation.address, let first = addresses.first {
      family = IPAddress(bits: first).family
    }
    // Packets of the other version of IP match, and go on with the next rule (`nft_nat_inet_eval` in
    // `net/netfilter/nft_nat.c`; measured).
    guard let family else { return }
    let possible = values[.family] ?? table.families
    if !possible.isSubset(of: ValueSet(family.rawValue)) { isExact = false }
  }

  // MARK: Matches

  private mutating func limit(_ dimension: PacketSpace.Dimension, to allowed: ValueSet) {
    values[dimension] = values[dimension]?.intersection(allowed) ?? allowed
  }

  /// Takes a match as a whole: it holds of a packet or it does not.
  private mutating func hold(_ statement: Statement, _ table: AuditedTable) {
    if table.isShared(statement) { limit(.holds(statement), to: ValueSet(1)) } else { isExact = false }
  }

  private mutating func add(_ match: Match, _ table: AuditedTable) {
    guard let comparison = Comparison(match, in: table) else {
      return table.isChangeable(match) ? isExact = false : hold(.match(match), table)
    }
    if !comparison.isExact { isExact = false }
    if table.isChangeable(comparison.dimension) {
      isExact = false
    } else {
      limit(comparison.dimension, to: comparison.values)
    }
    if let family = comparison.family { limit(.family, to: ValueSet(family.rawValue)) }
    if comparison.isOfTransport { limit(.transportHeader, to: ValueSet(1)) }
    if let transport = comparison.transport { limit(.transport, to: transport) } else { notePorts(comparison) }
  }

  private mutating func notePorts(_ comparison: Comparison) {
    if case .port = comparison.dimension { comparesAnyPort = true }
  }

  /// Alternatives are one comparison where they ask the same field of the same packets.
  private mutating func add(anyOf matches: [Match], _ table: AuditedTable) {
    let comparisons = matches.compactMap { Comparison($0, in: table) }
    guard comparisons.count == matches.count, var all = comparisons.first,
      comparisons.allSatisfy({ $0.isLike(all) && $0.isExact }), !table.isChangeable(all.dimension)
    else {
      return matches.contains(where: table.isChangeable) ? isExact = false : hold(.anyOf(matches), table)
    }
    all.values = ValueSet(comparisons.flatMap(\.values.intervals))
    limit(all.dimension, to: all.values)
    if let family = all.family { limit(.family, to: ValueSet(family.rawValue)) }
    if all.isOfTransport { limit(.transportHeader, to: ValueSet(1)) }
    if let transport = all.transport { limit(.transport, to: transport) } else { notePorts(all) }
  }
}

/// A match as a comparison of one field with constants.
private struct Comparison {
  var dimension: PacketSpace.Dimension
  var values: ValueSet
  /// What a packet must be to have the field.
  var family: AddressFamily?
  var transport: ValueSet?
  /// Whether all packets with these values match; else no others do.
  var isExact = true

  /// Whether it asks for something of the transport header.
  var isOfTransport: Bool {
    switch dimension {
    case .port: true
    case .field(.header(let header)): header.header == .tcp || header.header == .icmp || header.header == .icmpv6
    case .field, .family, .transport, .transportHeader, .state, .holds: false
    }
  }

  /// Whether another one asks the same field of the same packets.
  func isLike(_ other: Comparison) -> Bool {
    dimension == other.dimension && family == other.family && transport == other.transport
  }

  init?(_ match: Match, in table: AuditedTable) {
    guard !match.whenAbsent else { return nil }
    var subject = match.subject
    var wanted: ValueSet
    switch match.values {
    case .values(let known): wanted = known
    case .masked(let masked):
      isExact = false
      wanted = match.negated ? masked.certain : masked.possible
    case .elements(let elements):
      guard let known = elements.plainValues else { return nil }
      wanted = known
    case .named(let name):
      guard let known = table.values(ofSet: name) else { return nil }
      wanted = known
    case .ipset(let name):
      guard let known = table.key(ofIpset: name, subject) else { return nil }
      (subject, wanted) = known
    case .ipsetExceptions: return nil
    }
    var operations: [Transform.Operation] = []
    while true {
      if case .bitwise(let inner, let and, let xor) = subject {
        operations.insert(.bitwise(and: and, xor: xor), at: 0)
        subject = inner
      } else if case .shift(let inner, let left) = subject {
        operations.insert(.shift(left), at: 0)
        subject = inner
      } else {
        break
      }
    }
    guard case .field(let field) = subject, let place = Place(field) else { return nil }
    dimension = place.dimension
    family = place.family
    transport = place.transport
    operations = place.operations + operations
    let domain = PacketSpace.domain(place.dimension)
    guard let found = Transform(operations: operations).preimage(of: wanted, in: domain) else { return nil }
    values = match.negated ? domain.subtracting(found) : found
  }

  /// Where a field of a rule lies in the space of packets.
  private struct Place {
    var dimension: PacketSpace.Dimension
    var family: AddressFamily?
    var transport: ValueSet?
    /// What is done with the dimension's value to get the field's.
    var operations: [Transform.Operation] = []

    /// Fields that packets may lack for other reasons than their protocol have no place.
    init?(_ field: Field) {
      switch field {
      case .meta(.l4proto): dimension = .transport
      case .meta(.nfproto): dimension = .family
      case .meta(.iifname), .meta(.oifname), .meta(.physicalIn), .meta(.physicalOut), .meta(.mark), .meta(.length):
        dimension = .field(field)
      case .conntrack(ConntrackField(.state)):
        dimension = .state
        operations = [.bitwise(and: 0xff, xor: 0)]
      case .conntrack(ConntrackField(.stateOrTranslation)): dimension = .state
      case .header(let header):
        dimension = .field(field)
        switch (header.header, header.name) {
        case (.ip, .saddr), (.ip, .daddr), (.ip, .ttl), (.ip, .length): family = .ipv4
        case (.ip, .protocol):
          family = .ipv4
          dimension = .transport
        case (.ip6, .saddr), (.ip6, .daddr), (.ip6, .hoplimit): family = .ipv6
        case (.tcp, .sport), (.tcp, .dport), (.udp, .sport), (.udp, .dport), (.sctp, .sport), (.sctp, .dport),
          (.dccp, .sport), (.dccp, .dport), (.udplite, .sport), (.udplite, .dport):
          dimension = .port(header.name)
          transport = header.header.protocolNumber.map { ValueSet($0) }
        case (.tcp, .flags): transport = ValueSet(6)
        // nft asks for the protocol alone, also in packets of the other version of IP (measured).
        case (.icmp, .type), (.icmp, .code): transport = ValueSet(1)
        case (.icmpv6, .type), (.icmpv6, .code): transport = ValueSet(58)
        // Whatever protocol it is, the bytes where ports would be are looked at.
        case (.th, .sport), (.th, .dport): dimension = .port(header.name)
        default: return nil
        }
      default: return nil
      }
    }
  }
}

extension [SetElement] {
  /// The values of a set of single keys without exceptions; nil of any other set.
  var plainValues: ValueSet? {
    let isPlain = allSatisfy { element in
      element.key.count == 1 && !element.isCatchAll && !element.nomatch && element.masks.isEmpty
        && element.conditions.isEmpty
    }
    guard isPlain else { return nil }
    return ValueSet(flatMap { $0.key[0].intervals })
  }
}

extension EnvironmentCondition {
  /// Whether it holds or not of one packet whoever asks, and however often.
  fileprivate var isOfPacketAlone: Bool {
    switch kind {
    case .limit, .quota, .hashlimit, .connlimit, .recent, .statistic, .random, .rateest, .condition, .nfacct, .account,
      .dynset, .lastUsed, .ipvs, .osf, .chunks:
      false
    case .connbytes, .time, .string, .bpf, .u32, .socket, .cluster, .helper, .cpu, .devgroup, .cgroup, .policy, .realm,
      .rpfilter, .label, .ipv4options, .tcpmss, .eui64, .ipv6header, .geoip, .owner:
      true
    }
  }
}

extension Assignment {
  /// Whether it may end the rule without the rest being done.
  fileprivate var canFail: Bool {
    if case .constant = value, case .meta = field { false } else { true }
  }
}
