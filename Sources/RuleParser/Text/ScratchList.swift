/// A list that is filled anew for each line of a dump: emptying it gives no memory back, and no users of it are
/// counted, since there is only one.
@safe struct ScratchList<Element>: ~Copyable {
  private var memory: UnsafeMutablePointer<Element>
  private var capacity = 32
  /// The number of elements.
  private(set) var count = 0

  /// Makes an empty list.
  init() { unsafe memory = .allocate(capacity: 32) }

  deinit {
    unsafe memory.deinitialize(count: count)
    unsafe memory.deallocate()
  }

  var isEmpty: Bool { count == 0 }
  var indices: Range<Int> { 0..<count }
  var last: Element? { count > 0 ? self[count - 1] : nil }

  subscript(place: Int) -> Element {
    @inline(__always) get {
      precondition(place >= 0 && place < count, "there is no such element")
      return unsafe memory[place]
    }
    @inline(__always) set {
      precondition(place >= 0 && place < count, "there is no such element")
      unsafe memory[place] = newValue
    }
  }

  /// Forgets the elements.
  mutating func clear() {
    unsafe memory.deinitialize(count: count)
    count = 0
  }

  @inline(__always) mutating func append(_ element: Element) {
    if count == capacity { grow() }
    unsafe (memory + count).initialize(to: element)
    count &+= 1
  }

  static func += (list: inout ScratchList, elements: [Element]) {
    for element in elements { list.append(element) }
  }

  /// Forgets some elements at the end.
  mutating func removeLast(_ number: Int) {
    precondition(number >= 0 && number <= count, "there are not so many elements")
    unsafe (memory + (count - number)).deinitialize(count: number)
    count -= number
  }

  /// Gives all elements away, as an array that has no more room than they need.
  mutating func takeAll() -> [Element] {
    var taken: [Element] = []
    taken.reserveCapacity(count)
    for place in 0..<count { taken.append(unsafe (memory + place).move()) }
    count = 0
    return taken
  }

  mutating func insert(_ element: Element, at place: Int) {
    append(element)
    var at = count - 1
    while at > place {
      self[at] = self[at - 1]
      at -= 1
    }
    self[place] = element
  }

  /// Calls a function with some of the elements as they lie in memory.
  func withElements<Result>(_ range: Range<Int>, _ body: (UnsafeBufferPointer<Element>) -> Result) -> Result {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "there are no such elements")
    return unsafe body(UnsafeBufferPointer(start: memory + range.lowerBound, count: range.count))
  }

  /// Brings the elements into an order; those of which neither comes first stay as they are.
  mutating func sort(by areInOrder: (Element, Element) -> Bool) {
    let sorted = unsafe Array(UnsafeBufferPointer(start: memory, count: count)).sorted(by: areInOrder)
    for (place, element) in sorted.enumerated() { self[place] = element }
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity * 2)
    unsafe larger.moveInitialize(from: memory, count: count)
    unsafe memory.deallocate()
    unsafe memory = larger
    capacity *= 2
  }
}
