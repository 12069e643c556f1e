import Glibc
import Synchronization

/// Waits on a thread for work that runs concurrently, for callers that are not `async` themselves: a command of the
/// terminal has nothing else to do meanwhile, and a program that need not wait never starts the machinery of
/// concurrency.
package enum Waiting {
  /// Runs the work and returns its result.
  package static func run<Result: Sendable>(_ work: @escaping @Sendable () async -> Result) -> Result {
    let box = Box<Result>()
    Task {
      let result = await work()
      box.fill(result)
    }
    return box.wait()
  }

  @safe private final class Box<Content: Sendable>: Sendable {
    private let content = Mutex<Content?>(nil)
    // A semaphore of glibc lives at one address for as long as someone waits on it.
    private nonisolated(unsafe) let semaphore: UnsafeMutablePointer<sem_t>

    init() {
      unsafe semaphore = .allocate(capacity: 1)
      unsafe sem_init(semaphore, 0, 0)
    }

    deinit {
      unsafe sem_destroy(semaphore)
      unsafe semaphore.deallocate()
    }

    func fill(_ value: Content) {
      content.withLock { $0 = value }
      unsafe sem_post(semaphore)
    }

    func wait() -> Content {
      while true {
        while unsafe sem_wait(semaphore) != 0 {}
        if let value = content.withLock({ $0 }) { return value }
      }
    }
  }
}
