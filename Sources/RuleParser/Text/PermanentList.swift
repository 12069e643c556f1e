/// Values that are made once and stay as long as the program: the tables that every word of a dump is looked up in.
///
/// An array's users are counted, on all processors at once, each time that it is looked into; nobody counts those of
/// this.
@safe struct PermanentList<Element: Sendable>: @unchecked Sendable {
  private let start: UnsafePointer<Element>
  /// The number of values.
  let count: Int

  /// Makes a list, which is never given back.
  init(_ values: [Element]) {
    let memory = UnsafeMutablePointer<Element>.allocate(capacity: max(values.count, 1))
    for (index, value) in values.enumerated() { unsafe (memory + index).initialize(to: value) }
    unsafe start = UnsafePointer(memory)
    count = values.count
  }

  /// The values as they lie in memory.
  @unsafe var buffer: UnsafeBufferPointer<Element> { unsafe UnsafeBufferPointer(start: start, count: count) }

  /// The value at a place.
  subscript(place: Int) -> Element {
    _read {
      precondition(place >= 0 && place < count, "there is no such value")
      yield unsafe start[place]
    }
  }
}
