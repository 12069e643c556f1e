/// The times that nft prints and takes, as numbers (nft(8), "TIME EXPRESSIONS").
///
/// nft prints local time; a dump does not tell the zone, so the numbers are as if it were UTC.
enum NftDate {
  /// Seconds since midnight of `10:00` or `10:00:30`.
  static func hour(_ text: String) -> UInt128? {
    let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map {
      Int(String($0) ?? "")
    }
    guard parts.count == 2 || parts.count == 3, let hour = parts[0], let minute = parts[1], (0...24).contains(hour),
      (0...59).contains(minute)
    else { return nil }
    guard parts.count == 3 else { return UInt128(hour * 3600 + minute * 60) }
    guard let second = parts[2], (0...60).contains(second) else { return nil }
    return UInt128(hour * 3600 + minute * 60 + second)
  }

  /// Seconds since 1970 of `2024-02-29 10:00:00` or `2024-02-29`.
  static func seconds(_ text: String) -> UInt128? {
    let parts = text.utf8.split(whereSeparator: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "T") })
    guard let first = parts.first, parts.count <= 2 else { return nil }
    let date = first.split(separator: UInt8(ascii: "-")).map { Int(String($0) ?? "") }
    guard date.count == 3, let year = date[0], let month = date[1], let day = date[2], (1970...9999).contains(year),
      (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    let days = daysSince1970(year, month, day)
    guard parts.count == 2 else { return UInt128(days * 86400) }
    guard let time = hour(String(parts[1]) ?? "") else { return nil }
    return UInt128(days * 86400) + time
  }

  /// Milliseconds of `1d2h3m4s5ms`, or of a number of seconds alone.
  static func duration(_ text: String) -> UInt128? {
    var total: UInt128 = 0
    var number: UInt128?
    var bytes = Array(text.utf8)[...]
    while let byte = bytes.first {
      if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
        let grown = (number ?? 0) * 10 + UInt128(byte - UInt8(ascii: "0"))
        guard grown < 1 << 60 else { return nil }
        number = grown
        bytes.removeFirst()
        continue
      }
      guard let count = number else { return nil }
      let unit: (count: Int, milliseconds: UInt128)
      switch byte {
      case UInt8(ascii: "w"): unit = (1, 604_800_000)
      case UInt8(ascii: "d"): unit = (1, 86_400_000)
      case UInt8(ascii: "h"): unit = (1, 3_600_000)
      case UInt8(ascii: "m"): unit = bytes.dropFirst().first == UInt8(ascii: "s") ? (2, 1) : (1, 60_000)
      case UInt8(ascii: "s"): unit = (1, 1000)
      default: return nil
      }
      total += count * unit.milliseconds
      number = nil
      bytes = bytes.dropFirst(unit.count)
    }
    if let number { return total + number * 1000 }
    return text.isEmpty ? nil : total
  }

  /// The day number of a date of the Gregorian calendar.
  private static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146097 + dayOfEra - 719468
  }
}
