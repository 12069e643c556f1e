import Glibc

/// How long something took: on the clock, and of all processors together.
///
/// The processor's time hardly depends on what else the machine does, the clock's is what a person waits for.
struct Timing {
  var seconds: Double
  var processor: Double

  /// Measures work inside of this process.
  static func of(_ work: () throws -> Void) rethrows -> Timing {
    let start = (clock(CLOCK_MONOTONIC), clock(CLOCK_PROCESS_CPUTIME_ID))
    try work()
    return Timing(seconds: clock(CLOCK_MONOTONIC) - start.0, processor: clock(CLOCK_PROCESS_CPUTIME_ID) - start.1)
  }

  static func clock(_ id: clockid_t) -> Double {
    var time = timespec()
    unsafe clock_gettime(id, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}

/// Two things that were measured in turns, so that whatever else the machine did hit both.
struct Turns {
  private(set) var subject: [Timing] = []
  private(set) var reference: [Timing] = []

  /// Takes turns until the seconds are used up, but at least `atLeast` and at most `atMost` times.
  init(
    seconds: Double, atLeast: Int = 3, atMost: Int = 25, subject measureSubject: () throws -> Timing,
    reference measureReference: () throws -> Timing
  ) throws {
    let start = Timing.clock(CLOCK_MONOTONIC)
    while subject.count < atMost {
      reference.append(try measureReference())
      subject.append(try measureSubject())
      if subject.count >= atLeast, Timing.clock(CLOCK_MONOTONIC) - start > seconds { break }
    }
  }

  /// How many times as long as the subject the reference takes, turn by turn.
  var timesFaster: Spread { Spread(zip(subject, reference).map { $1.seconds / $0.seconds }) }
  /// The same by the processors' time.
  var timesFasterByProcessor: Spread { Spread(zip(subject, reference).map { $1.processor / $0.processor }) }
  /// How many times as long as the reference the subject takes.
  var timesAsLong: Spread { Spread(zip(subject, reference).map { $0.seconds / $1.seconds }) }
  /// The same by the processors' time.
  var timesAsLongByProcessor: Spread { Spread(zip(subject, reference).map { $0.processor / $1.processor }) }
}
