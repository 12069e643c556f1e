public import Foundation

extension Campaign {
  /// Rounds from a seed on, on all processors, until a moment.
  public func soak(seed: UInt64, until end: Date) async -> Tally {
    let count = ProcessInfo.processInfo.activeProcessorCount
    return await withTaskGroup(of: Tally.self) { group in
      for worker in 0..<count {
        group.addTask {
          var tally = Tally()
          var next = seed &* 1_000_000 &+ UInt64(worker)
          while Date() < end {
            tally.merge(round(next))
            next += UInt64(count)
          }
          return tally
        }
      }
      var all = Tally()
      for await tally in group { all.merge(tally) }
      return all
    }
  }

  /// A fixed number of rounds.
  public func rounds(_ count: Int, seed: UInt64) async -> Tally {
    await withTaskGroup(of: Tally.self) { group in
      for number in 0..<count { group.addTask { round(seed &* 1_000_000 &+ UInt64(number)) } }
      var all = Tally()
      for await tally in group { all.merge(tally) }
      return all
    }
  }
}
