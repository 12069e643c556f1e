/// A list that is filled anew for each line of a dump: emptying it gives nothing back and costs nothing.
struct ReusedList<Element> {
  /// The elements, and behind them those of longer lines before.
  private var memory: [Element] = []
  /// The number of elements.
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }
  var indices: Range<Int> { 0..<count }
  var last: Element? { count > 0 ? memory[count - 1] : nil }

  subscript(place: Int) -> Element {
    get {
      precondition(place < count, "there is no such element")
      return memory[place]
    }
    _modify {
      precondition(place < count, "there is no such element")
      yield &memory[place]
    }
  }

  subscript(range: Range<Int>) -> ArraySlice<Element> {
    precondition(range.upperBound <= count, "there are no such elements")
    return memory[range]
  }

  /// Forgets the elements.
  mutating func clear() { count = 0 }

  mutating func append(_ element: Element) {
    if count < memory.count { memory[count] = element } else { memory.append(element) }
    count += 1
  }

  mutating func insert(_ element: Element, at place: Int) {
    memory.insert(element, at: place)
    count += 1
  }

  mutating func sort(by areInOrder: (Element, Element) -> Bool) { memory[..<count].sort(by: areInOrder) }
}

extension ReusedList: Sendable where Element: Sendable {}
