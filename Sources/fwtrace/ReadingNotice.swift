import Glibc
import RuleParser

/// Says on a terminal that much is being read, and takes the words away when that is done.
enum ReadingNotice {
  /// Less than this is read before anybody wonders.
  static let least = 32 << 20

  /// Does the work; standard error tells meanwhile how much is read, when it is a terminal.
  static func during<Value>(_ inputs: [DumpInput], _ work: () -> Value) -> Value {
    let size = inputs.reduce(0) { $0 + $1.bytes.count }
    guard size >= least, isatty(STDERR_FILENO) == 1 else { return work() }
    Output.error("fwtrace: reading \(size >> 20) MB of dumps ...")
    // Back to the beginning of the line, and nothing is left in it (ECMA-48, EL).
    defer { Output.error("\r\u{1b}[K") }
    return work()
  }
}
