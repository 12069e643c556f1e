import Glibc
import LiveCapture
import RuleParser
import Synchronization
import Traffic

/// Reads logs block by block and counts their flows, on all processors.
struct ReplayRun: Sendable {
  private let replay: Replay
  /// The counts of processors that are not counting just now.
  private let tallies = Tallies()

  init(_ replay: Replay) { self.replay = replay }

  private final class Tallies: Sendable {
    private let free = Mutex<[ReplayTally]>([])

    func take() -> ReplayTally { free.withLock { $0.popLast() } ?? ReplayTally() }

    func giveBack(_ tally: consuming ReplayTally) { free.withLock { [tally] in $0.append(tally) } }

    var sum: ReplayTally {
      free.withLock { all in
        var sum = all.popLast() ?? ReplayTally()
        for other in all { sum.add(other) }
        return sum
      }
    }
  }

  /// What lines of a log came to.
  private struct Part: Sendable {
    var log: Int
    var lines: LogLines
  }

  /// Large enough that the work on a block outweighs handing it over.
  private static let blockSize = 1 << 18
  /// How much of a log is looked at for its form.
  private static let sniffedSize = 1 << 20

  /// Counts the flows of logs in their order. Only a few blocks are held at a time, however long the logs are.
  func count(logs paths: [String]) throws(Failure) -> (tally: ReplayTally, logs: [ReplaySummary.Log]) {
    let processors = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    let outcome = Waiting.run { await logs(paths, on: processors) }
    return (tallies.sum, try outcome.get())
  }

  private func logs(_ paths: [String], on processors: Int) async -> Result<[ReplaySummary.Log], Failure> {
    var logs: [ReplaySummary.Log] = []
    var progress = ProgressLine()
    defer { progress.clear() }
    return await withTaskGroup(of: Part.self) { group in
      var open = 0
      do throws(Failure) {
        for (number, path) in paths.enumerated() {
          var input = try BatchInput(path, blockSize: Self.blockSize)
          var (blocks, reader) = try Self.beginning(of: &input, path)
          logs.append(ReplaySummary.Log(name: path, format: reader.format.name, lines: LogLines()))
          while true {
            guard let block = blocks.isEmpty ? try input.next() : blocks.removeFirst() else { break }
            while open >= 2 * processors, let part = await group.next() {
              logs[part.log].lines.add(part.lines)
              open -= 1
            }
            progress.show("\(path): \(block.firstLine - 1) lines")
            open += 1
            group.addTask { [reader] in
              var lines = LogLines()
              var tally = tallies.take()
              tally.count(block.bytes, reader, log: number, firstLine: block.firstLine, replay, &lines)
              tallies.giveBack(tally)
              return Part(log: number, lines: lines)
            }
          }
        }
      } catch {
        await group.waitForAll()
        return .failure(error)
      }
      for await part in group { logs[part.log].lines.add(part.lines) }
      return .success(logs)
    }
  }

  /// The first blocks of a log, and its form as these show it.
  private static func beginning(
    of input: inout BatchInput, _ path: String
  ) throws(Failure) -> ([BatchInput.Block], LogReader) {
    var blocks: [BatchInput.Block] = []
    var bytes: [UInt8] = []
    var reader: LogReader?
    while reader?.isCertain != true, bytes.count < Self.sniffedSize, let block = try input.next() {
      blocks.append(block)
      bytes += block.bytes
      reader = LogReader(beginning: bytes)
    }
    guard let reader else {
      throw Failure(
        bytes.isEmpty
          ? "\(path): the log is empty"
          : "\(path): not a log that fwtrace reads: conn.log of Zeek, nfdump -o csv, VPC flow logs, Suricata's eve.json, conntrack -E or -L, ulogd2's JSON, LOG lines of the kernel, tcpdump -n, or questions of --batch"
      )
    }
    return (blocks, reader)
  }

  /// Whether a file is a log by its beginning, and no dump.
  static func isLog(_ path: String) throws(Failure) -> Bool {
    let source = try ByteSource(path)
    let beginning = try source.read(limit: 1 << 16)
    return LogReader(beginning: beginning) != nil
  }
}
