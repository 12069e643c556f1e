import RuleGraph

/// A named set or map made ready for look-ups.
final class ResolvedSet {
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
  /// For a key of one part: all its values.
  private(set) lazy var values: ValueSet = {
    if catchAll != nil { return .all }
    let inside = ValueSet(elements.compactMap { $0.key.first }.flatMap(\.intervals))
    return inside.subtracting(ValueSet(exceptions.compactMap { $0.key.first }.flatMap(\.intervals)))
  }()
  /// The number of parts of a key.
  let parts: Int
  /// Elements whose every part is one value, by that key.
  private(set) lazy var exact: [[UInt128]: Int] = {
    var exact: [[UInt128]: Int] = [:]
    for (index, element) in elements.enumerated() {
      let key = element.key.compactMap(\.single)
      if key.count == element.key.count, exact[key] == nil { exact[key] = index }
    }
    return exact
  }()
  /// The indices of the other elements.
  private(set) lazy var ranges: [Int] = elements.indices.filter { index in
    elements[index].key.contains { $0.single == nil }
  }

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

  /// The element that holds a key, the catch-all element included; nil when none does.
  func element(for key: [UInt128]) -> SetElement? {
    func holds(_ element: SetElement) -> Bool {
      element.key.count == key.count && zip(element.key, key).allSatisfy { $0.contains($1) }
    }
    if exceptions.contains(where: holds) { return nil }
    if let index = exact[key] { return elements[index] }
    for index in ranges where holds(elements[index]) { return elements[index] }
    return catchAll
  }
}
