import Glibc

/// Work that is shared among the processors. Large dumps are made of lines that do not depend on each other.
enum Parallel {
  /// Cuts a number of pieces of work into as many runs as there are processors, each of at least so many pieces: less is not worth a thread.
  static func runs(of count: Int, atLeast minimum: Int) -> [Range<Int>] {
    let parts = max(1, min(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), count / max(1, minimum), 16))
    return (0..<parts).map { part in count * part / parts..<count * (part + 1) / parts }
  }

  /// Makes a value of each run, the first here and each other on a thread of its own; the values stand in the order of the runs.
  static func map<Value: Sendable>(
    _ runs: [Range<Int>], _ make: @escaping @Sendable (Range<Int>) -> Value
  ) -> [Value] {
    let jobs = runs.map { run in JobOf { make(run) } }
    let threads = jobs.dropFirst().map { job in start(job) }
    jobs.first?.run()
    for (job, thread) in zip(jobs.dropFirst(), threads) {
      if let thread { pthread_join(thread, nil) } else { job.run() }
    }
    return jobs.compactMap(\.result)
  }

  /// Starts a thread; nil when there can be no further one, and then the work is done here.
  private static func start(_ job: Job) -> pthread_t? {
    var thread = pthread_t()
    let problem = unsafe pthread_create(
      &thread, nil,
      { pointer in
        if let pointer = unsafe pointer { unsafe Unmanaged<Job>.fromOpaque(pointer).takeUnretainedValue().run() }
        return nil
      }, Unmanaged.passUnretained(job).toOpaque())
    return problem == 0 ? thread : nil
  }
}

/// What a thread is started with; whoever starts it waits for its end before looking at the result.
private class Job {
  func run() {}
}

private final class JobOf<Value>: Job {
  private let make: () -> Value
  private(set) var result: Value?

  init(_ make: @escaping () -> Value) { self.make = make }

  override func run() { result = make() }
}
