import FlowTrace
import HostAnalysis
import RuleGraph

/// One side of a comparison: its rules, and the names of the files that they stand in.
struct DifferenceSide {
  let ruleset: Ruleset
  let deciders: DeciderWords

  init(_ ruleset: Ruleset) {
    self.ruleset = ruleset
    deciders = DeciderWords(ruleset: ruleset, names: SourceNames(ruleset.sources))
  }

  /// What decides: `filter INPUT 3`, `filter INPUT 2 or 3`.
  func decider(_ outcome: Outcome) -> String {
    deciders.place(outcome.deciders)
  }

  /// Where it stands: `rules.v4:12`; nil of what stands nowhere.
  func source(_ outcome: Outcome) -> String? { deciders.source(outcome.deciders.first) }

  /// The rule as it stands in the dump; nil where none decides.
  func text(_ outcome: Outcome) -> String? {
    guard case .rule(let id) = outcome.deciders.first, ruleset.holds(id), ruleset[id].missing == nil else { return nil }
    let text = ruleset.sources.text(of: ruleset[id].span)
    // A rule of nft's JSON is no line that a person reads.
    guard text.hasPrefix("{") else { return text }
    let words = RuleWords(ruleset[id])
    return "\(words.conditionText): \(words.actionText)"
  }
}

/// Changes between two rulesets, as a network engineer would note them down.
struct DifferenceWords {
  let old: DifferenceSide
  let new: DifferenceSide

  // MARK: What changed

  /// `2 changes, all else proved equal`.
  static func summary(_ difference: Difference) -> String {
    let changes = difference.changes.count { $0.kind != .rule }
    let others = difference.changes.count - changes
    let open = difference.unknown.count + difference.gaps.count(where: \.leavesOpen)
    var parts: [String] = []
    if changes > 0 { parts.append("\(changes) change\(changes == 1 ? "" : "s")") }
    if open > 0 { parts.append("\(open) undetermined") }
    if open == 0 {
      parts.append(changes == 0 ? "proved equal: every packet is treated the same" : "all else proved equal")
    }
    if others > 0, changes == 0 { parts.append("some by another rule") }
    return parts.joined(separator: ", ")
  }

  /// `DROPPED, was accepted`.
  func heading(_ change: Change) -> String {
    switch change.kind {
    case .verdict: "\(change.new.verdict.past.uppercased()), was \(change.old.verdict.past)"
    case .translation: "TRANSLATED differently"
    case .fate:
      change.new.verdict == .accept ? "SENT elsewhere" : "\(change.new.verdict.past.uppercased()) with another answer"
    case .rule: "\(change.new.verdict.past) as before, by another rule"
    }
  }

  static func style(_ change: Change) -> Style {
    switch change.kind {
    case .verdict: change.new.verdict.style
    case .translation, .fate: .doubtful
    case .rule: .plain
    }
  }

  /// What becomes of packets, with their new addresses and their way where these changed: `accepted, sent to
  /// 172.17.0.2:8080`.
  func fate(_ outcome: Outcome, _ kind: Change.Kind) -> String {
    let part = outcome.part
    guard outcome.verdict == .accept else {
      return outcome.verdict.past + (part.rejectWith.map { " with \($0)" } ?? "")
    }
    var text = outcome.verdict.past
    guard kind == .translation || kind == .fate else { return text }
    if let last = part.translations.last(where: { !$0.ofSource }) {
      text += ", sent to " + endpoint(last.to, part.packet.family)
    }
    if let last = part.translations.last(where: \.ofSource) {
      let place = (address: last.to.address, port: last.to.port == last.from.port ? nil : last.to.port)
      text += ", source becomes "
      text += place.address.single == nil ? "another" : endpoint(place, part.packet.family)
    }
    if part.translations.isEmpty, kind == .translation { text += ", addresses kept" }
    switch part.fate {
    case .local: text += ", for this host"
    case .forward, .sent, .bridged:
      if let output = part.output?.single { text += ", out \(InterfaceName(value: output))" }
    case .discarded: break
    }
    return text
  }

  private func endpoint(_ place: (address: ValueSet, port: ValueSet?), _ family: AddressFamily) -> String {
    EndpointWords.text(place.address, place.port, family: family, anyone: "any address")
  }

  // MARK: Packets

  /// The packets of a set, box by box: `tcp port 22 from 10.0.0.0/8`.
  ///
  /// Where no dump tells the host's addresses, its loopback and broadcasts stand in a box of their own: they are named
  /// with the others.
  func boxes(_ packets: PacketSet) -> [String] {
    let whole = Set(packets.boxes.compactMap { forHost($0, packets) })
    var told: Set<String> = []
    return packets.boxes.compactMap { box in
      let destination = Region.Dimension.address(.daddr, packets.family)
      if let values = box[destination], values.intersection(packets.family.allAddresses).isSubset(of: packets.own) {
        var rest = box
        rest[destination] = nil
        if whole.contains(rest) { return nil }
      }
      let text = self.box(box, of: packets)
      return told.insert(text).inserted ? text : nil
    }
  }

  /// A box for whatever addresses the host has, without these; nil of another one.
  private func forHost(_ box: [Region.Dimension: ValueSet], _ packets: PacketSet) -> [Region.Dimension: ValueSet]? {
    guard let number = packets.conditions.firstIndex(where: { $0.about == .ownAddress(nil) }),
      box[.condition(number)] == ValueSet(1)
    else { return nil }
    var rest = box
    rest[.condition(number)] = nil
    rest[.address(.daddr, packets.family)] = nil
    return rest
  }

  /// Which packets of a connection they are.
  static func place(_ place: PacketPlace) -> String {
    switch place {
    case .first: "new connections"
    case .midstream: "TCP without a connection"
    case .reply: "replies"
    case .later: "later packets"
    case .related: "related packets"
    case .invalid: "invalid packets"
    }
  }

  /// What stands before the packets where they are not those that begin a connection, or the host sends them.
  static func preface(_ packets: PacketSet) -> String {
    let family = packets.family == .ipv6 ? "IPv6 " : ""
    let host = packets.isSentByHost
    switch packets.place {
    case .first: return host ? "\(family)sent by this host: " : family
    case .reply, .later:
      let connections = host ? "connections of this host" : "connections"
      return "\(place(packets.place)) \(packets.place == .reply ? "to" : "of") \(family)\(connections): "
    case .midstream, .related, .invalid:
      return "\(family)\(place(packets.place))\(host ? " sent by this host" : ""): "
    }
  }

  private func box(_ box: [Region.Dimension: ValueSet], of packets: PacketSet) -> String {
    var values: [String: String] = [:]
    var others: [String] = []
    let isHost = isForHost(box, packets)
    for (dimension, allowed) in box {
      switch dimension {
      case Region.Dimension.address(.daddr, packets.family) where isHost: values["dst"] = "this host"
      case .field(let field):
        let open = packets.open[dimension]
        let name = field.queryName
        switch name {
        case "src", "dst":
          let all = (open ?? packets.family.allAddresses).intersection(packets.family.allAddresses)
          values[name] = Self.addresses(allowed.intersection(packets.family.allAddresses), among: all)
        case "proto": values[name] = Self.any("protocol", allowed.text(as: .transport, in: .bits(8), limit: 6))
        case "sport", "dport":
          let text = allowed.text(as: .number, in: .bits(16), limit: 6)
          values[name] = text.hasPrefix("any") ? text == "any" ? text : Self.any("port", text) : "port \(text)"
        case "in", "out": values[name] = allowed.text(as: .name, in: open ?? .all, limit: 4)
        default:
          others.append("\(MatchWords.label(field)) \(allowed.text(as: field.valueKind, in: field.universe, limit: 4))")
        }
      case .condition(let number) where isHost && packets.conditions[number].about == .ownAddress(nil): continue
      case .condition(let number):
        guard let single = allowed.single, packets.conditions.indices.contains(number) else { continue }
        var use = packets.conditions[number]
        use.holds = single == 1
        if let text = use.text(in: old.ruleset) { others.append("if \(text)") }
      case .sentByHost, .family: continue
      }
    }
    values = values.filter { $0.value != "any" }
    var words = [values["proto"]].compactMap(\.self)
    if let address = values["dst"] { words.append("to \(address)") }
    if let port = values["dport"] { words.append(port) }
    if let address = values["src"] { words.append("from \(address)") }
    if let port = values["sport"] { words.append(values["src"] == nil ? "from \(port)" : port) }
    if let name = values["in"] { words.append("in \(name)") }
    if let name = values["out"] { words.append("out \(name)") }
    let text = ([words.joined(separator: " ")].filter { !$0.isEmpty } + others.sorted()).joined(separator: ", ")
    return text.isEmpty ? "every packet" : text
  }

  /// `any protocol but icmp` for `any but icmp`.
  private static func any(_ name: String, _ text: String) -> String {
    text.hasPrefix("any but ") ? "any \(name)" + text.dropFirst(3) : text
  }

  /// Whether the destinations of a box are the host's, all of them.
  private func isForHost(_ box: [Region.Dimension: ValueSet], _ packets: PacketSet) -> Bool {
    guard let values = box[.address(.daddr, packets.family)] else { return false }
    if forHost(box, packets) != nil { return true }
    let own = packets.ownAddresses
    let inside = values.intersection(packets.family.allAddresses)
    return inside.single == nil && !own.isEmpty && inside.isSubset(of: packets.own) && own.isSubset(of: inside)
  }

  private static func addresses(_ values: ValueSet, among all: ValueSet) -> String {
    let missing = all.subtracting(values)
    let (pieces, rest) = (values.pieces(as: .address), missing.pieces(as: .address))
    if !rest.isEmpty, pieces.count > 1,
      rest.count <= pieces.count && missing.count < values.count || missing.count < values.count / 8
    {
      return "any address but " + rest.listed(upTo: 4)
    }
    return pieces.listed(upTo: 4)
  }

  /// Whether the packets of another place in the connection have the sources and ports of the first set, so that naming
  /// the place is enough.
  func isLike(_ packets: PacketSet, _ first: PacketSet) -> Bool {
    func ends(_ set: PacketSet) -> [ValueSet?] {
      let hull = set.hull
      let source = Region.Dimension.address(.saddr, set.family)
      let ports = [HeaderFieldName.sport, .dport].map { hull[.field(.header(HeaderField(.th, $0)))] }
      return ports + [hull[source] == set.open[source] ? nil : hull[source]]
    }
    func transports(_ set: PacketSet) -> ValueSet { set.hull[.field(.meta(.l4proto))] ?? .bits(8) }
    let isProtocolAlike =
      packets.place == .midstream ? transports(first).contains(6) : transports(packets) == transports(first)
    return isProtocolAlike && ends(packets) == ends(first)
  }

  /// What else fares so, of what is like the first set: `replies, invalid packets; all of these sent by this host,
  /// too`.
  static func names(_ others: [PacketSet], beside first: PacketSet) -> String? {
    var names: [String] = []
    for packets in others {
      var name = packets.place == first.place ? "" : place(packets.place)
      if packets.place != first.place, packets.isSentByHost != first.isSentByHost,
        !others.contains(where: { $0.place == packets.place && $0.isSentByHost == first.isSentByHost })
      {
        name += packets.isSentByHost ? " of this host" : " of others"
      }
      if packets.family != first.family { name += name.isEmpty ? "IPv6" : " of IPv6" }
      if !name.isEmpty, !names.contains(name) { names.append(name) }
    }
    var text = names.joined(separator: ", ")
    if others.contains(where: { $0.place == first.place && $0.isSentByHost != first.isSentByHost }) {
      text += (text.isEmpty ? "" : "; ") + (first.isSentByHost ? "what arrives" : "what this host sends")
    }
    return text.isEmpty ? nil : text
  }

  /// `tcp 203.0.113.9:40000 -> 192.0.2.10:22 in eth0`.
  static func witness(_ witness: PacketWitness) -> String {
    func value(_ dimension: Region.Dimension) -> ValueSet? { witness.values[dimension].map { ValueSet($0) } }
    func port(_ name: HeaderFieldName) -> ValueSet? { value(.field(.header(HeaderField(.th, name)))) }
    return EndpointWords.packet(
      witness.family, value(.field(.meta(.l4proto))), from: (value(.address(.saddr, witness.family)), port(.sport)),
      to: (value(.address(.daddr, witness.family)), port(.dport)), input: witness.input)
  }

  // MARK: What is open

  /// Why nobody can tell, and the command that would settle it.
  func reason(_ doubt: Doubt) -> (text: String, settledBy: String?) {
    if let cause = doubt.cause {
      let side = cause.side == .old ? old : new
      let ruleset = side.ruleset
      let name = Self.name(cause.side)
      let command = cause.condition.settledBy
      if case .end = cause.condition.about, let text = ConditionUse(cause.condition, holds: true).text(in: ruleset) {
        return ("\(name): \(text)", command)
      }
      if let rule = cause.condition.rule, ruleset.holds(rule), ruleset[rule].missing == nil {
        let line = side.deciders.source(.rule(rule)).map { " (\($0))" } ?? ""
        return ("\(name) hides a part of \(ruleset.place(of: rule))\(line)", command)
      }
      let text = ConditionUse(cause.condition, holds: true).text(in: ruleset)
      return ("\(name) does not show whether \(text ?? "rules that are missing do something")", command)
    }
    return ("it depends on an address or a way that the dumps leave open", nil)
  }

  /// What was not compared.
  static func sentence(_ gap: Gap) -> String {
    switch gap {
    case .table(let name, let family, let side):
      "\(Self.name(side)) does not show table \(name)\(family == .ipv6 ? " of ip6tables" : ""): it was left out of \(Self.name(side.other))"
    case .family(let family, let side):
      "\(Self.name(side)) does not show the rules for \(Self.name(family)): they were not compared"
    case .tableOfNeither(let name, let family):
      "table \(name)\(family == .ipv6 ? " of ip6tables" : ""): not shown by either"
    case .familyOfNeither(let family): "\(Self.name(family)): no rules shown"
    case .arp: "rules for ARP differ: they were not compared"
    case .tooManyPieces(let family):
      "\(Self.name(family)): its packets fall into too many pieces to compare all of them"
    }
  }

  /// The command that would show what was not compared; nil where none does.
  static func command(_ gap: Gap) -> String? {
    switch gap {
    case .table(_, let family, _), .family(let family, _), .familyOfNeither(let family), .tableOfNeither(_, let family):
      family == .ipv4 ? "iptables-save" : "ip6tables-save"
    case .arp, .tooManyPieces: nil
    }
  }

  /// Whose host is taken for both, where one side alone tells of one; nil where both do or none does.
  static func assumedHost(_ difference: Difference) -> String? {
    difference.hostTakenFor.map {
      "\(name($0)) shows nothing of the host around its rules: that of \(name($0.other)) is taken for both"
    }
  }

  static func name(_ side: Difference.Side) -> String { side == .old ? "OLD" : "NEW" }

  static func name(_ family: AddressFamily) -> String { family == .ipv4 ? "IPv4" : "IPv6" }
}

extension Difference.Side {
  /// The other side.
  var other: Difference.Side { self == .old ? .new : .old }
}
