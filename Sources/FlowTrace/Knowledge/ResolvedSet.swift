import RuleGraph
import Synchronization

/// A set or map made ready for look-ups, once for all traces of a tracer.
final class ResolvedSet: Sendable {
  /// The name.
  let name: String
  /// Whether the members are known.
  let isKnown: Bool
  /// The elements that count, without `nomatch` ones and catch-alls.
  let elements: [SetElement]
  /// The elements that are taken out again (ipset `nomatch`).
  let exceptions: [SetElement]
  /// The elements of which the dump shows a part only, or nothing: whether a key is one of them is unknown.
  let masked: [SetElement]
  /// The element for every other key.
  let catchAll: SetElement?
  /// The ipset that it is; nil of nft's sets.
  let ipset: NamedSet?
  /// The sets of a `list:set`: who is in one of them is in the list.
  let members: [ResolvedSet]
  /// The number of parts of a key.
  let parts: Int
  /// The elements that hold a packet only while a rate, a quota or a number of connections is not used up, those with
  /// one limit as a set of their own; they are among ``elements`` too. Empty of most sets.
  let limited: [(limit: SetLimit, set: ResolvedSet)]
  /// The elements without such limits, and masked ones, of which it is unknown anyway whether they hold a packet; nil
  /// where no element has a limit.
  let unlimited: ResolvedSet?
  private let lazyValues = AtomicLazyReference<Shared<ValueSet>>()
  private let lazyTable = AtomicLazyReference<Table>()
  private let lazyGroups = AtomicLazyReference<Shared<[ResolvedSet]>>()
  private let lazyRanked = AtomicLazyReference<Shared<[SetElement]>>()

  /// A set of nft; nil is one that the dump does not show.
  convenience init(_ set: NamedSet?, name: String) {
    // What rules add at run time (`dynamic`) is only known as of the dump.
    self.init(name: name, elements: set?.elements ?? [], isKnown: set?.elementsKnown ?? false)
  }

  /// An ipset, or the set of its exceptions; one that the dump does not show is unknown.
  convenience init(ipset name: String, among ipsets: [NamedSet], asksExceptions: Bool) {
    guard let set = ipsets.first(where: { $0.name == name }) else {
      self.init(name: name, elements: [], isKnown: false)
      return
    }
    var elements = set.elements
    if asksExceptions, set.knowsExceptions { for index in elements.indices { elements[index].nomatch.toggle() } }
    // Lists of lists do not exist.
    let members = elements.compactMap(\.member).map { member in
      ResolvedSet(ipset: member, among: ipsets.filter { $0.ipsetType != set.ipsetType }, asksExceptions: asksExceptions)
    }
    self.init(
      name: name, elements: elements.filter { $0.member == nil },
      isKnown: set.elementsKnown && members.allSatisfy(\.isKnown), ipset: set, members: members)
  }

  init(name: String, elements: [SetElement], isKnown: Bool, ipset: NamedSet? = nil, members: [ResolvedSet] = []) {
    self.name = name
    self.ipset = ipset
    self.members = members
    masked = elements.filter { !$0.masks.isEmpty }
    let elements = masked.isEmpty ? elements : elements.filter(\.masks.isEmpty)
    // Beside exceptions what is not shown may take out what is.
    self.isKnown = isKnown && (masked.isEmpty || !(masked + elements).contains(where: \.nomatch))
    self.elements = elements.filter { !$0.nomatch && !$0.isCatchAll }
    exceptions = elements.filter(\.nomatch)
    catchAll = elements.first(where: \.isCatchAll)
    parts = elements.map(\.key.count).max() ?? 1
    limited = ipset == nil ? Self.limited(elements, name) : []
    unlimited =
      limited.isEmpty
      ? nil
      : ResolvedSet(name: name, elements: elements.filter(\.conditions.isEmpty) + masked, isKnown: isKnown)
  }

  private static func limited(
    _ elements: [SetElement], _ name: String
  ) -> [(limit: SetLimit, set: ResolvedSet)] {
    var groups: [(limit: SetLimit, elements: [SetElement])] = []
    for var element in elements {
      guard let limit = SetLimit(element) else { continue }
      element.arguments = []
      if let index = groups.firstIndex(where: { $0.limit == limit }) {
        groups[index].elements.append(element)
      } else {
        groups.append((limit, [element]))
      }
    }
    return groups.map { ($0.limit, ResolvedSet(name: name, elements: $0.elements, isKnown: true)) }
  }

  /// The elements and exceptions in the order in which the kernel looks for them: those of longer prefixes first, of
  /// the key's first part before its second; the first that holds the key decides (`mtype_test_cidrs` in
  /// `net/netfilter/ipset/ip_set_hash_gen.h`).
  var ranked: [SetElement] {
    if let known = lazyRanked.load() { return known.value }
    let sized = (elements + exceptions).map { element in (element, sizes: element.key.map(\.count)) }
    let sorted = sized.sorted { $0.sizes.lexicographicallyPrecedes($1.sizes) }
    return lazyRanked.storeIfNil(Shared(sorted.map(\.0))).value
  }

  /// For a key of one part: all its values.
  var values: ValueSet {
    if let known = lazyValues.load() { return known.value }
    var values = ValueSet.all
    if catchAll == nil {
      values = exceptions.isEmpty ? Self.values(of: elements) : valuesBesideExceptions
    }
    return lazyValues.storeIfNil(Shared(values)).value
  }

  private static func values(of elements: some Sequence<SetElement>) -> ValueSet {
    ValueSet(elements.compactMap { $0.key.first }.flatMap(\.intervals))
  }

  /// The values when elements and exceptions lie in each other, from the widest to the narrowest.
  private var valuesBesideExceptions: ValueSet {
    var values = ValueSet.empty
    var rest = ranked[...]
    while let size = rest.last?.key.first?.count {
      let start = rest.lastIndex { $0.key.first?.count != size }.map { $0 + 1 } ?? rest.startIndex
      let level = rest[start...]
      values = values.subtracting(Self.values(of: level.filter(\.nomatch)))
        .union(Self.values(of: level.filter { !$0.nomatch }))
      rest = rest[..<start]
    }
    return values
  }

  /// The elements by what they hold under a name, those in sets of one that the kernel looks for one after the other.
  /// What an exception holds is nil.
  func groups(holding name: String) -> [(argument: String?, isException: Bool, set: ResolvedSet)] {
    var groups: [(argument: String?, isException: Bool, elements: [SetElement])] = []
    for var element in ranked {
      let argument = element.arguments.first { $0.name == name }?.value
      let isException = element.nomatch
      element.nomatch = false
      if let last = groups.last, last.argument == argument, last.isException == isException {
        groups[groups.count - 1].elements.append(element)
      } else {
        groups.append((argument, isException, [element]))
      }
    }
    return groups.map { group in
      (
        group.argument, group.isException,
        ResolvedSet(name: self.name, elements: group.elements, isKnown: true, ipset: ipset)
      )
    }
  }

  /// The elements that give the same under the same limit, as a set each, in the order of the first ones: the verdicts
  /// of a map and their keys.
  var groups: [ResolvedSet] {
    if let known = lazyGroups.load() { return known.value }
    struct Gift: Hashable {
      let data: SetData?
      let limit: SetLimit?
    }
    var order: [Gift] = []
    var members: [Gift: [SetElement]] = [:]
    for element in elements {
      let gift = Gift(data: element.data, limit: SetLimit(element))
      if members[gift] == nil { order.append(gift) }
      members[gift, default: []].append(element)
    }
    let groups = order.map { ResolvedSet(name: "", elements: members[$0] ?? [], isKnown: true) }
    return lazyGroups.storeIfNil(Shared(groups)).value
  }

  /// The number of a limit among those of ``limited``.
  func number(ofLimit limit: SetLimit?) -> Int? { limit.flatMap { limit in limited.firstIndex { $0.limit == limit } } }

  /// Whether a key is in the set, the catch-all element included.
  func contains(_ key: [UInt128]) -> Bool {
    if parts == 1, key.count == 1, catchAll == nil { return values.contains(key[0]) }
    return element(for: key) != nil
  }

  /// The element that holds a key, the catch-all element included; nil when none does.
  func element(for key: [UInt128]) -> SetElement? {
    func holds(_ element: SetElement) -> Bool {
      element.key.count == key.count && zip(element.key, key).allSatisfy { $0.contains($1) }
    }
    if !exceptions.isEmpty { return ranked.first(where: holds).flatMap { $0.nomatch ? nil : $0 } }
    let table = lazyTable.load() ?? lazyTable.storeIfNil(Table(elements))
    if let index = table.exact[key] { return elements[index] }
    for index in table.ranges where holds(elements[index]) { return elements[index] }
    return catchAll
  }

  /// The elements by their keys.
  private final class Table: Sendable {
    /// Elements whose every part is one value, by that key.
    let exact: [[UInt128]: Int]
    /// The indices of the other elements.
    let ranges: [Int]

    init(_ elements: [SetElement]) {
      var exact: [[UInt128]: Int] = [:]
      var ranges: [Int] = []
      for (index, element) in elements.enumerated() {
        let key = element.key.compactMap(\.single)
        guard key.count == element.key.count else {
          ranges.append(index)
          continue
        }
        if exact[key] == nil { exact[key] = index }
      }
      self.exact = exact
      self.ranges = ranges
    }
  }
}

/// What limits an element of a set, beside its key.
struct SetLimit: Hashable {
  /// What has to hold, without how much of a quota was used when the dump was made.
  let conditions: [EnvironmentCondition]
  /// Whether it is the element for every other key.
  let isOfCatchAll: Bool

  /// The limit of an element; nil where it has none.
  init?(_ element: SetElement) {
    if element.arguments.isEmpty { return nil }
    conditions = element.conditions.map { condition in
      EnvironmentCondition(
        condition.kind, condition.arguments.filter { !$0.name.hasPrefix("used") }, negated: condition.negated)
    }
    if conditions.isEmpty { return nil }
    isOfCatchAll = element.isCatchAll
  }
}
