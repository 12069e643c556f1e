import Glibc
import Synchronization

/// Work that is shared among the processors: large dumps are made of lines that do not depend on each other, and what is
/// asked about a host of questions that do not.
package enum Parallel {
  /// How many threads work at the same time.
  private static let processors = max(1, min(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), 16))

  /// Cuts a number of pieces of work into runs, each of at least so many pieces: less is not worth handing over.
  ///
  /// There are more runs than processors, since no two runs are equally much work.
  package static func runs(of count: Int, atLeast minimum: Int) -> [Range<Int>] {
    let wanted = processors > 1 ? processors * 4 : 1
    let parts = max(1, min(wanted, count / max(1, minimum)))
    return (0..<parts).map { part in count * part / parts..<count * (part + 1) / parts }
  }

  /// Makes a value of each run, each processor taking the next one when it is done; the values stand in the order of
  /// the runs.
  package static func map<Value: Sendable>(
    _ runs: [Range<Int>], _ make: @escaping @Sendable (Range<Int>) -> Value
  ) -> [Value] {
    if runs.count <= 1 { return runs.map(make) }
    let queue = QueueOf(runs, make)
    let threads = (1..<min(processors, runs.count)).map { _ in start(queue) }
    queue.work()
    for thread in threads { if let thread { pthread_join(thread, nil) } }
    return queue.results
  }

  /// Adds elements to a list, each piece of work some that lie side by side, made where they are to lie.
  ///
  /// - Parameter counts: How many elements each piece of work adds, which it must do.
  @discardableResult
  package static func append<Element: Sendable, Rest: Sendable>(
    _ counts: [Int], to list: inout [Element], _ make: @escaping @Sendable (Int, inout Stretch<Element>) -> Rest
  ) -> [Rest] {
    let known = list
    var places: [Int] = []
    var total = known.count
    for count in counts {
      places.append(total)
      total += count
    }
    let behind = total
    let starts = places
    var rest: [Rest] = []
    list = unsafe Array(unsafeUninitializedCapacity: behind) { memory, made in
      _ = unsafe memory.initialize(fromContentsOf: known)
      let room = unsafe Room(memory)
      rest = map(counts.indices.map { $0..<$0 + 1 }) { piece in
        let place = starts[piece.lowerBound]
        var stretch = room.stretch(place..<place + counts[piece.lowerBound])
        let rest = make(piece.lowerBound, &stretch)
        precondition(stretch.isFull, "elements are missing")
        return rest
      }
      made = behind
    }
    return rest
  }

  /// Memory of which each piece of work fills another part.
  @safe private struct Room<Element>: @unchecked Sendable {
    private let memory: UnsafeMutableBufferPointer<Element>

    init(_ memory: UnsafeMutableBufferPointer<Element>) { unsafe self.memory = memory }

    func stretch(_ range: Range<Int>) -> Stretch<Element> {
      unsafe Stretch(UnsafeMutableBufferPointer(rebasing: memory[range]))
    }
  }

  /// Starts a thread; nil when there can be no further one: then the others do its work.
  private static func start(_ queue: Queue) -> pthread_t? {
    var thread = pthread_t()
    let problem = unsafe pthread_create(
      &thread, nil,
      { pointer in
        if let pointer = unsafe pointer { unsafe Unmanaged<Queue>.fromOpaque(pointer).takeUnretainedValue().work() }
        return nil
      }, Unmanaged.passUnretained(queue).toOpaque())
    return problem == 0 ? thread : nil
  }
}

/// What a thread is started with; whoever starts it waits for its end before looking at the results.
private class Queue {
  func work() {}
}

/// Runs that threads take one after the other.
private final class QueueOf<Value: Sendable>: Queue {
  private let runs: [Range<Int>]
  private let make: @Sendable (Range<Int>) -> Value
  private let next = Atomic(0)
  private let made: Mutex<[Value?]>

  init(_ runs: [Range<Int>], _ make: @escaping @Sendable (Range<Int>) -> Value) {
    self.runs = runs
    self.make = make
    made = Mutex(Array(repeating: nil, count: runs.count))
  }

  /// The values, when all threads are done.
  var results: [Value] { made.withLock { $0.compactMap { $0 } } }

  override func work() {
    while true {
      let run = next.add(1, ordering: .relaxed).oldValue
      guard run < runs.count else { return }
      let value = make(runs[run])
      made.withLock { $0[run] = value }
    }
  }
}

/// Room for some elements of a list, which are put there one after the other.
@safe package struct Stretch<Element>: ~Copyable {
  private let memory: UnsafeMutableBufferPointer<Element>
  private var count = 0

  /// Room in memory that nothing stands in yet.
  init(_ memory: UnsafeMutableBufferPointer<Element>) { unsafe self.memory = memory }

  var isFull: Bool { unsafe count == memory.count }

  package mutating func append(_ element: consuming Element) {
    precondition(!isFull, "there is no more room")
    unsafe memory.initializeElement(at: count, to: element)
    count &+= 1
  }
}
