import RuleGraph

/// The arguments of statements that the tracer does not evaluate, spelled alike for both of nft's forms: numbers in decimal, times in
/// seconds, sizes with their unit.
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

  /// `ct count over 20`.
  static func connectionCount(_ count: UInt64) -> [Argument] { [Argument("count", String(count))] }

  /// Flags of a set in one order.
  static func flags(_ flags: [String]) -> [String] { flags.sorted() }
}
