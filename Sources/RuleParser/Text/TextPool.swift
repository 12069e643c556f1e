import RuleGraph

/// The names that a dump repeats, each made into a string once: a chain is named where it is declared, by each of its
/// rules and by each jump.
struct TextPool {
  /// The names, in the order in which they were first seen.
  private(set) var texts: [String] = []
  private var places = PlacePool()

  /// The index of a name in ``texts``, where it is put when it is new.
  mutating func index(of range: Range<Int>, in bytes: ByteView) -> Int {
    let index = places.index(of: range, in: bytes)
    if index == texts.count { texts.append(bytes.text(range)) }
    return index
  }

  /// Calls a function with a look at the names, which is good for as long as the call takes.
  func withView<Result>(_ body: (TextsView) -> Result) -> Result {
    unsafe texts.withUnsafeBufferPointer { texts in
      places.withTable { table in unsafe body(TextsView(texts: texts, table: table)) }
    }
  }

  /// Adds a great many names, which are made into strings on all processors. False as soon as one of them is not new,
  /// or is empty; then those before it are added.
  mutating func add(new names: [Range<Int>], in bytes: ByteView) -> Bool {
    var hashed: [PlacePool.HashedName] = []
    let runs = Parallel.runs(of: names.count, atLeast: 1000)
    Parallel.append(runs.map(\.count), to: &hashed) { run, list in
      for name in names[runs[run]] { list.append(PlacePool.HashedName(name, in: bytes)) }
    }
    let count = places.add(new: hashed, in: bytes)
    if count == names.count {
      Parallel.append(runs.map(\.count), to: &texts) { run, list in
        for name in names[runs[run]] { list.append(bytes.text(name)) }
      }
      return true
    }
    texts += names[..<count].map { bytes.text($0) }
    return false
  }
}

/// A look at the names of a pool, for many processors at once: none of them counts itself as a user of what all look
/// at.
@safe struct TextsView: @unchecked Sendable {
  private let texts: UnsafeBufferPointer<String>
  private let table: PlacePool.Table

  fileprivate init(texts: UnsafeBufferPointer<String>, table: PlacePool.Table) {
    unsafe self.texts = texts
    self.table = table
  }

  /// The index of a name, or nil of one that is not there.
  func known(_ range: Range<Int>, in bytes: ByteView) -> Int? {
    table.known(PlacePool.HashedName(range, in: bytes), in: bytes)
  }

  subscript(index: Int) -> String {
    precondition(unsafe index >= 0 && index < texts.count, "there is no such name")
    return unsafe texts[index]
  }
}

/// The names that a dump repeats, numbered. A name is found by the bytes that it stands in; the pool keeps only where
/// it was seen first.
struct PlacePool {
  /// A slot of the hash table: a part of a name's hash, which tells nearly all others from it without a look at them,
  /// and its index; -1 of an empty slot.
  fileprivate struct Slot {
    var hash: UInt32 = 0
    var index: Int32 = -1

    /// The part of a hash that a slot keeps: other bits than those that choose the slot.
    static func kept(_ hash: Int) -> UInt32 { UInt32(truncatingIfNeeded: hash >> 24) }
  }

  /// A look at the hash table and the names.
  @safe fileprivate struct Table {
    let slots: UnsafeBufferPointer<Slot>
    let places: UnsafeBufferPointer<HashedName>

    init(slots: UnsafeBufferPointer<Slot>, places: UnsafeBufferPointer<HashedName>) {
      unsafe self.slots = slots
      unsafe self.places = places
    }

    /// The slot that a name stands in, or a new one belongs in.
    func slot(of name: HashedName, in bytes: ByteView) -> Int {
      var slot = unsafe name.hash & (slots.count - 1)
      while true {
        let found = unsafe slots[slot]
        if found.index < 0 { return slot }
        if found.hash == Slot.kept(name.hash), bytes.areEqual(unsafe places[Int(found.index)].range, name.range) {
          return slot
        }
        slot = unsafe (slot + 1) & (slots.count - 1)
      }
    }

    /// The number of a name, or nil of one that was never seen.
    func known(_ name: HashedName, in bytes: ByteView) -> Int? {
      let index = unsafe slots[slot(of: name, in: bytes)].index
      return index < 0 ? nil : Int(index)
    }
  }

  /// A name and its hash, which other processors can find out, for every pool.
  struct HashedName: Sendable {
    let range: Range<Int>
    fileprivate let hash: Int

    init(_ range: Range<Int>, in bytes: ByteView) {
      self.range = range
      hash = bytes.hash(of: range, seed: Self.seed)
    }

    private static let seed = UInt64.random(in: .min ... .max)
  }

  private var places: [HashedName] = []
  private var slots = Array(repeating: Slot(), count: 64)

  /// The number of a name, which is the next one when the name is new.
  mutating func index(of range: Range<Int>, in bytes: ByteView) -> Int {
    let name = HashedName(range, in: bytes)
    let slot = slot(of: name, in: bytes)
    if slots[slot].index >= 0 { return Int(slots[slot].index) }
    add(name, to: slot)
    return places.count - 1
  }

  /// Adds a name. False when it was seen before.
  mutating func add(_ name: HashedName, in bytes: ByteView) -> Bool {
    let slot = slot(of: name, in: bytes)
    if slots[slot].index >= 0 { return false }
    add(name, to: slot)
    return true
  }

  /// Makes room for a number of further names.
  mutating func reserve(_ count: Int) {
    places.reserveCapacity(places.count + count)
    if slots.count < (places.count + count) * 2 { grow(for: places.count + count) }
  }

  /// Adds names until one of them is not new, or is empty; gives how many were added.
  mutating func add(new names: [HashedName], in bytes: ByteView) -> Int {
    if places.capacity < places.count + names.count { reserve(max(names.count, places.count)) }
    for (count, name) in names.enumerated() {
      let slot = slot(of: name, in: bytes)
      guard !name.range.isEmpty, slots[slot].index < 0 else { return count }
      add(name, to: slot)
    }
    return names.count
  }

  /// The number of a name, or nil of one that was never seen.
  func known(_ range: Range<Int>, in bytes: ByteView) -> Int? {
    withTable { $0.known(HashedName(range, in: bytes), in: bytes) }
  }

  private mutating func add(_ name: HashedName, to slot: Int) {
    slots[slot] = Slot(hash: Slot.kept(name.hash), index: Int32(places.count))
    places.append(name)
    if places.count * 2 > slots.count { grow(for: places.count * 2) }
  }

  fileprivate func withTable<Result>(_ body: (Table) -> Result) -> Result {
    unsafe slots.withUnsafeBufferPointer { slots in
      unsafe places.withUnsafeBufferPointer { places in unsafe body(Table(slots: slots, places: places)) }
    }
  }

  private func slot(of name: HashedName, in bytes: ByteView) -> Int { withTable { $0.slot(of: name, in: bytes) } }

  /// Makes the table large enough for a number of names.
  private mutating func grow(for count: Int) {
    var size = slots.count
    while size < count * 2 { size *= 2 }
    slots = Array(repeating: Slot(), count: size)
    for (index, name) in places.enumerated() {
      var slot = name.hash & (slots.count - 1)
      while slots[slot].index >= 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = Slot(hash: Slot.kept(name.hash), index: Int32(index))
    }
  }
}

/// The last texts that were made of pieces of a dump: rules that stand near each other repeat their comments.
struct RecentTexts {
  private var ranges = Array(repeating: 0..<0, count: 256)
  // Apart, so that a look at the ranges leaves the texts alone.
  private var texts = Array(repeating: "", count: 256)

  /// The text of a range of bytes.
  mutating func text(_ range: Range<Int>, in bytes: ByteView) -> String {
    // What fits a string itself needs no memory of its own.
    if range.count < 16 { return bytes.text(range) }
    let slot = bytes.hash(of: range, seed: 0) & (ranges.count - 1)
    if bytes.areEqual(ranges[slot], range) { return texts[slot] }
    let text = bytes.text(range)
    ranges[slot] = range
    texts[slot] = text
    return text
  }
}
