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
  /// The element for every other key.
  let catchAll: SetElement?
  /// The ipset that it is; nil of nft's sets.
  let ipset: NamedSet?
  /// The number of parts of a key.
  let parts: Int
  private let lazyValues = AtomicLazyReference<Shared<ValueSet>>()
  private let lazyTable = AtomicLazyReference<Table>()
  private let lazyGroups = AtomicLazyReference<Shared<[ResolvedSet]>>()

  convenience init(_ set: NamedSet?, name: String, ipsets: [NamedSet]) {
    guard let set else {
      self.init(name: name, elements: [], isKnown: false)
      return
    }
    var elements: [SetElement] = []
    var isKnown = set.elementsKnown
    for element in set.elements {
      guard let member = element.member else {
        elements.append(element)
        continue
      }
      // A list:set stands for the members of its sets; lists of lists do not exist.
      if let inner = ipsets.first(where: { $0.name == member && $0.name != name }), inner.elementsKnown {
        elements += inner.elements.filter { $0.member == nil }
      } else {
        isKnown = false
      }
    }
    // What rules add at run time (`dynamic`, SET targets) is only known as of the dump.
    self.init(name: name, elements: elements, isKnown: isKnown, ipset: set.ipsetType == nil ? nil : set)
  }

  init(name: String, elements: [SetElement], isKnown: Bool, ipset: NamedSet? = nil) {
    self.name = name
    self.isKnown = isKnown
    self.ipset = ipset
    self.elements = elements.filter { !$0.nomatch && !$0.isCatchAll }
    exceptions = elements.filter(\.nomatch)
    catchAll = elements.first(where: \.isCatchAll)
    parts = elements.map(\.key.count).max() ?? 1
  }

  /// For a key of one part: all its values.
  var values: ValueSet {
    if let known = lazyValues.load() { return known.value }
    var values = ValueSet.all
    if catchAll == nil {
      values = ValueSet(elements.compactMap { $0.key.first }.flatMap(\.intervals))
      if !exceptions.isEmpty {
        values = values.subtracting(ValueSet(exceptions.compactMap { $0.key.first }.flatMap(\.intervals)))
      }
    }
    return lazyValues.storeIfNil(Shared(values)).value
  }

  /// The elements that give the same, as a set each, in the order of the first ones: the verdicts of a map and their keys.
  var groups: [ResolvedSet] {
    if let known = lazyGroups.load() { return known.value }
    var order: [SetData?] = []
    var members: [SetData?: [SetElement]] = [:]
    for element in elements {
      if members[element.data] == nil { order.append(element.data) }
      members[element.data, default: []].append(element)
    }
    let groups = order.map { ResolvedSet(name: "", elements: members[$0] ?? [], isKnown: true) }
    return lazyGroups.storeIfNil(Shared(groups)).value
  }

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
    if exceptions.contains(where: holds) { return nil }
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
