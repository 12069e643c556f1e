/// The nodes of a ``JSONTape`` in memory of their own, which the reader of the text writes one after the other.
@safe final class JSONNodes: @unchecked Sendable {
  private var memory: UnsafeMutablePointer<JSONTape.Node>
  private var capacity: Int
  /// The number of nodes.
  private(set) var count = 0

  /// Makes room for some nodes: memory that is not written to costs nothing, and a long list of nodes is never moved.
  init(capacity: Int) {
    self.capacity = max(capacity, 16)
    unsafe memory = .allocate(capacity: self.capacity)
  }

  deinit { unsafe memory.deallocate() }

  subscript(place: Int) -> JSONTape.Node {
    get {
      precondition(place >= 0 && place < count, "there is no such node")
      return unsafe memory[place]
    }
    set {
      precondition(place >= 0 && place < count, "there is no such node")
      unsafe memory[place] = newValue
    }
  }

  @inline(__always) func append(_ node: JSONTape.Node) {
    if count == capacity { grow() }
    unsafe (memory + count).initialize(to: node)
    count &+= 1
  }

  /// Takes back the nodes from a place on.
  func removeAll(from place: Int) { count = min(count, max(0, place)) }

  private func grow() {
    let larger = UnsafeMutablePointer<JSONTape.Node>.allocate(capacity: capacity * 2)
    unsafe larger.moveInitialize(from: memory, count: count)
    unsafe memory.deallocate()
    unsafe memory = larger
    capacity *= 2
  }
}
