import FlowTrace
import RuleGraph

/// Puts the packets that fare otherwise together by what became of them, what becomes of them and what decides.
struct ChangeClasses {
  /// Where the packets of a question come from, and where in a connection they stand.
  struct Place: Hashable, Comparable {
    var place: PacketPlace
    var family: AddressFamily
    var isSentByHost: Bool

    /// What arrives comes before what the host sends, and that before other packets of connections.
    static func < (a: Place, b: Place) -> Bool {
      (a.place, a.isSentByHost ? 1 : 0, a.family.rawValue) < (b.place, b.isSentByHost ? 1 : 0, b.family.rawValue)
    }
  }

  /// A case of each side.
  struct Sides {
    var old: ComparedCase
    var new: ComparedCase
  }

  /// What the packets of a class share.
  private struct Key: Hashable {
    /// What changed; nil where that is unknown.
    var kind: Change.Kind?
    var old: Side
    var new: Side
    /// The first unknown thing that is the reason for a doubt.
    var doubt: Int?

    /// What becomes of them on one side; nothing of it where that is unknown.
    struct Side: Hashable {
      var fate: Fate?
      var decider: DeciderName?
      var count = 0
    }
  }

  /// The packets of a class.
  private struct Found {
    var sides: Sides
    var sets: [Place: Set] = [:]

    struct Set {
      var boxes: [Region.Box] = []
      var open: Region.Box = [:]
    }
  }

  private var found: [Key: Found] = [:]
  private var order: [Key] = []

  /// Adds packets.
  ///
  /// - Parameters:
  ///   - boxes: The packets.
  ///   - place: Where they come from.
  ///   - sides: The cases that they are in.
  ///   - kind: What changed; nil where nobody can tell.
  ///   - own: The conditions that may be something else on the other side, which say nothing of the packets.
  mutating func add(
    _ boxes: [Region.Box], at place: Place, _ sides: Sides, kind: Change.Kind?, own: Swift.Set<Int>
  ) {
    var sides = sides
    sides.old.keepDeciders(of: boxes)
    sides.new.keepDeciders(of: boxes)
    let key = Self.key(sides, kind)
    if found[key] == nil {
      found[key] = Found(sides: sides)
      order.append(key)
    }
    let (mine, its) = (sides.old.when.open, sides.new.when.open)
    let open = mine.merging(its) { $0.intersection($1) }
    var set = found[key]?.sets[place] ?? Found.Set()
    set.open.merge(open) { $0.intersection($1) }
    for box in boxes {
      var plain = box
      var isProjected = false
      for (dimension, values) in box {
        if case .condition(let number) = dimension, own.contains(number) {
          plain[dimension] = nil
          isProjected = true
        } else if values == open[dimension] || Self.saysNothing(dimension, values, place) {
          plain[dimension] = nil
        }
      }
      if isProjected {
        // Without what tells them apart, pieces may have packets in common.
        var effort = RegionEffort(100_000)
        set.boxes += Region.boxes(of: plain, outside: [set.boxes[...]], effort: &effort) ?? [plain]
      } else {
        set.boxes.append(plain)
      }
    }
    found[key]?.sets[place] = set
  }

  private static func key(_ sides: Sides, _ kind: Change.Kind?) -> Key {
    let reasons = sides.old.ownConditions.union(sides.new.ownConditions).union(sides.old.ends).union(sides.new.ends)
    return Key(
      kind: kind, old: side(sides.old, kind), new: side(sides.new, kind),
      doubt: kind == nil ? reasons.min() : nil)
  }

  /// How many boxes of packets that nobody can tell anything of are kept for one reason.
  private static let doubtLimit = 48

  /// Whether so many packets of a reason to doubt are known that more of them tell nothing.
  func hasEnough(_ sides: Sides, at place: Place) -> Bool {
    (found[Self.key(sides, nil)]?.sets[place]?.boxes.count ?? 0) >= Self.doubtLimit
  }

  private static func side(_ one: ComparedCase, _ kind: Change.Kind?) -> Key.Side {
    guard let kind else { return Key.Side() }
    return Key.Side(fate: one.fate.limited(to: kind), decider: one.members.first?.decider, count: one.members.count)
  }

  /// Whether values are those that every packet of a question has.
  private static func saysNothing(_ dimension: Region.Dimension, _ values: ValueSet, _ place: Place) -> Bool {
    guard case .field(let field) = dimension else { return false }
    switch field {
    case .meta(.mark): return values == ValueSet(0)
    case .header(HeaderField(.tcp, .flags)):
      return values == ValueSet(2)
        || place.place != .first && (values.count >= 255 || values == ValueSet(16) || values == ValueSet(18))
    case .meta(.oifname): return InterfaceName.wires.isSubset(of: values)
    default: return values == .all || values == field.universe
    }
  }

  // MARK: What comes of it

  /// The classes, each with a packet that was tried on both sides.
  func finished(_ table: ConditionTable, _ witnesses: WitnessSearch) -> (changes: [Change], unknown: [Doubt]) {
    var changes: [Change] = []
    var unknown: [Doubt] = []
    for key in order {
      guard let found = found[key] else { continue }
      let sets = found.sets.sorted { $0.key < $1.key }.map { place, set in
        packets(place, set, table, witnesses)
      }
      guard let first = sets.first else { continue }
      let (old, new) = (outcome(found.sides.old, first), outcome(found.sides.new, first))
      guard let kind = key.kind else {
        var doubt = Doubt(packets: sets, old: old, new: new, witness: witnesses.packet(of: first))
        doubt.isComplete = found.sets.values.allSatisfy { $0.boxes.count < Self.doubtLimit }
        if let number = key.doubt, let side = table.sides[number] {
          doubt.cause = Doubt.Cause(side: side, condition: table.conditions[number])
        }
        unknown.append(doubt)
        continue
      }
      // What a class says of a set holds where a packet of it shows it.
      var shown: [PacketSet] = []
      var example: PacketWitness?
      for set in sets {
        if let witness = witnesses.confirmed(set, kind, from: found.sides.old.fate, to: found.sides.new.fate) {
          shown.append(set)
          example = example ?? witness
        } else if kind == .rule {
          shown.append(set)
        } else {
          unknown.append(
            Doubt(
              packets: [set], old: outcome(found.sides.old, set), new: outcome(found.sides.new, set),
              witness: witnesses.packet(of: set)))
        }
      }
      guard let set = shown.first else { continue }
      changes.append(
        Change(
          kind: kind, packets: shown, old: outcome(found.sides.old, set), new: outcome(found.sides.new, set),
          witness: example))
    }
    return (changes, unknown)
  }

  private func packets(
    _ place: Place, _ set: Found.Set, _ table: ConditionTable, _ witnesses: WitnessSearch
  ) -> PacketSet {
    var joined = Region.joined(set.boxes)
    // What pieces together leave open sets them apart no more.
    joined = Region.joined(
      joined.map { box in
        box.filter { dimension, values in
          values != set.open[dimension] && !Self.saysNothing(dimension, values, place)
        }
      })
    var numbers: [Int: Int] = [:]
    var uses: [ConditionUse] = []
    let boxes = joined.map { box in
      var plain: Region.Box = [:]
      for (dimension, values) in box {
        guard case .condition(let number) = dimension else {
          plain[dimension] = values
          continue
        }
        if values == ValueSet(0...1) { continue }
        let place = numbers[number] ?? uses.count
        if numbers[number] == nil {
          numbers[number] = place
          uses.append(ConditionUse(table.conditions[number], holds: values == ValueSet(1)))
        }
        plain[.condition(place)] = values
      }
      return plain
    }
    return PacketSet(
      place: place.place, family: place.family, isSentByHost: place.isSentByHost, boxes: boxes, conditions: uses,
      numbers: numbers.sorted { $0.value < $1.value }.map(\.key),
      open: set.open, own: witnesses.hostDestinations(place.family),
      ownAddresses: witnesses.ownAddresses(place.family))
  }

  /// What becomes of the packets on one side; of rules that share in a case those that decide about some of them.
  private func outcome(_ one: ComparedCase, _ packets: PacketSet) -> Outcome {
    let shares = one.part.shares
    var rules = shares.rules(of: packets.boxes)
    if one.members.count == 1, let only = one.members.first {
      rules = shares.filter { $0.box == only.box }.map(\.rule)
    }
    return Outcome(part: one.part, deciders: one.part.deciders.limited(to: rules))
  }
}
