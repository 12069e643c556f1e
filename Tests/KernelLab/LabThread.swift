import Foundation

extension Lab {
  /// Runs `body` in a thread of its own and waits for it, so that the thread may change its network namespace.
  public static func inOwnThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) throws -> Result {
    let done = DispatchSemaphore(value: 0)
    let box = Box<Swift.Result<Result, any Error>>()
    let thread = Thread {
      box.value = Swift.Result { try body() }
      done.signal()
    }
    thread.stackSize = 16 << 20
    thread.start()
    done.wait()
    guard let result = box.value else { throw LabError("the thread left nothing") }
    return try result.get()
  }

  /// Why this machine can't hold a laboratory, or nil when it can.
  public static let obstacle: String? = {
    do {
      return try inOwnThread {
        let lab = try Lab(Topology("veth eth0 192.0.2.1/24\n") ?? Topology())
        try lab.startTracing()
        return nil
      }
    } catch {
      return "no network namespaces with nf_tables here (\(error))"
    }
  }()

  private final class Box<Value>: @unchecked Sendable {
    var value: Value?
  }
}
