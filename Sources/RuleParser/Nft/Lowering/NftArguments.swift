import RuleGraph
import RuleText

/// The arguments of statements that the tracer does not evaluate, spelled alike for both of nft's forms: numbers in
/// decimal, times in seconds, sizes with their unit.
enum NftArguments {
  /// `limit rate 3/minute burst 5 packets`; a packet limit without a burst has 5 (nft(8), "LIMIT STATEMENT").
  static func limit(
    rate: UInt64, unit: String?, per: String, burst: UInt64?, burstUnit: String?
  ) -> [Argument] {
    let isPackets = unit == nil || unit == "packets"
    var arguments = [Argument("rate", String(rate)), Argument("per", per)]
    if let unit, !isPackets { arguments.append(Argument("rate_unit", unit)) }
    if isPackets {
      arguments.append(Argument("burst", String(burst ?? 5)))
    } else if let burst, burst > 0, burst != 5 || burstUnit.map({ $0 != "bytes" && $0 != "packets" }) ?? false {
      arguments.append(Argument("burst", String(burst)))
      arguments.append(Argument("burst_unit", burstUnit ?? "bytes"))
    }
    return arguments
  }

  /// Whether a limit is per this unit.
  static func isTimeUnit(_ per: String?) -> Bool {
    per.map { ["second", "minute", "hour", "day", "week"].contains($0) } ?? true
  }

  /// Whether a limit is of this unit; without one it is of packets.
  static func isSizeUnit(_ unit: String?) -> Bool {
    unit.map { ["packets", "bytes", "kbytes", "mbytes", "gbytes"].contains($0) || $0.isEmpty } ?? true
  }

  /// `quota over 10 mbytes used 5 kbytes`, in bytes.
  static func quota(_ amount: UInt64, unit: String?, used: UInt64?, usedUnit: String?) -> [Argument] {
    var arguments = [Argument("bytes", String(bytes(amount, unit)))]
    if let used, used > 0 { arguments.append(Argument("used", String(bytes(used, usedUnit)))) }
    return arguments
  }

  private static func bytes(_ amount: UInt64, _ unit: String?) -> UInt64 {
    let factor: UInt64
    switch unit {
    case "kbytes": factor = 1 << 10
    case "mbytes": factor = 1 << 20
    case "gbytes": factor = 1 << 30
    default: factor = 1
    }
    let (product, overflow) = amount.multipliedReportingOverflow(by: factor)
    return overflow ? .max : product
  }

  /// The arguments of `log` in one order, its flags as one; `warn` is the level without one (nft(8), "LOG STATEMENT").
  static func log(_ written: [Argument]) -> [Argument] {
    var arguments: [Argument] = []
    for name in ["prefix", "level", "flags", "group", "snaplen", "queue-threshold"] {
      let values = written.filter { $0.name == name }.map(\.value)
      guard let first = values.first else { continue }
      if name == "flags" {
        let flags = values.contains("all") ? NftSymbols.logFlags : NftSymbols.logFlags.filter { values.contains($0) }
        arguments.append(Argument(name, flags.joined(separator: ",")))
      } else if name != "level" || (first != "warn" && first != "warning") {
        arguments.append(Argument(name, first))
      }
    }
    return arguments
  }

  /// `ct count over 20`.
  static func connectionCount(_ count: UInt64) -> [Argument] { [Argument("count", String(count))] }

  /// Flags of a set in one order.
  static func flags(_ flags: [String]) -> [String] { flags.sorted() }
}
