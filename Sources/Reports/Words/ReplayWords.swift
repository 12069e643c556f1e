import FlowTrace
import RuleGraph
import RuleParser
import Traffic

/// What logs came to, as a network engineer would note it down.
struct ReplayWords {
  /// The names of the logs by their numbers.
  let logs: [String]

  /// The shortest names by which logs can be told apart, for text: `conn.log` instead of `/var/log/zeek/conn.log`.
  static func short(_ names: [String]) -> [String] {
    let last = names.map { $0.split(separator: "/").last.map(String.init) ?? $0 }
    return names.indices.map { index in last.count { $0 == last[index] } == 1 ? last[index] : names[index] }
  }

  // MARK: Numbers

  /// `1,234,567`.
  static func number(_ number: some BinaryInteger) -> String {
    var text = ""
    for (index, digit) in String(number).enumerated() {
      if index > 0, (String(number).count - index) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return text
  }

  /// `1 flow`, `1,234 flows`.
  static func count(_ count: Int, _ noun: String) -> String { "\(number(count)) \(noun)\(count == 1 ? "" : "s")" }

  /// `0 B`, `812 B`, `1.2 GB`; a kilobyte has a thousand bytes.
  static func bytes(_ bytes: UInt64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"]
    var (unit, divisor) = (0, UInt64(1))
    while unit < units.count - 1, bytes / divisor >= 1000 {
      divisor *= 1000
      unit += 1
    }
    let whole = bytes / divisor
    if unit == 0 || whole >= 100 { return "\(whole) \(units[unit])" }
    return "\(whole).\(bytes / (divisor / 10) % 10) \(units[unit])"
  }

  // MARK: Flows

  /// What becomes of flows, in a word.
  static func verdict(_ verdict: OverallVerdict) -> String {
    switch verdict {
    case .accept: "accepted"
    case .drop: "dropped"
    case .reject: "rejected"
    case .mixed: "depends"
    case .undetermined: "undetermined"
    }
  }

  static func style(_ verdict: OverallVerdict) -> Style {
    switch verdict {
    case .accept: .good
    case .drop, .reject: .bad
    case .mixed, .undetermined: .doubtful
    }
  }

  /// `tcp/443`, `icmp`.
  static func service(_ service: ReplayService) -> String {
    let transport = ValueSet(service.transport).text(as: .transport)
    return service.port.map { "\(transport)/\($0)" } ?? transport
  }

  /// Where flows come from: `eth0`, `this host`.
  static func zone(_ zone: ReplayZones.Zone) -> String {
    switch zone {
    case .host: "this host"
    case .interface(let name): InterfaceName(value: name).description
    case .elsewhere: "elsewhere"
    }
  }

  /// One flow and its line: `tcp 203.0.113.9:40000 -> 192.0.2.10:22  conn.log:17`.
  func example(_ example: ReplaySummary.Example) -> String {
    "\(Self.flow(example.flow))  \(place(example.place))"
  }

  /// `tcp 203.0.113.9:40000 -> 192.0.2.10:22`.
  static func flow(_ flow: FlowRecord) -> String {
    func end(_ address: UInt128, _ port: UInt16) -> (ValueSet?, ValueSet?) {
      (ValueSet(address), flow.hasPorts ? ValueSet(port) : nil)
    }
    let input = flow.input == 0 ? nil : InterfaceName(value: flow.input).description
    return EndpointWords.packet(
      flow.isIPv4 ? .ipv4 : .ipv6, ValueSet(flow.transport), from: end(flow.source, flow.sourcePort),
      to: end(flow.destination, flow.destinationPort), input: input)
  }

  /// `conn.log:17`.
  func place(_ place: ReplayTally.Place) -> String {
    let log = Int(place.log)
    return "\(logs.indices.contains(log) ? logs[log] : "?"):\(place.line)"
  }

  // MARK: Lines

  /// Why a line is no flow.
  static func text(_ problem: LogProblem) -> String {
    switch problem {
    case .columns(let count, let expected): "\(Self.count(count, "column")), and the header has \(expected)"
    case .value(let part): "the \(name(part)) can't be read"
    case .missing(let part): "no \(name(part))"
    case .newColumns: "other columns than before; replay this part of the log by itself"
    case .unknown: "not a line of this log"
    }
  }

  private static func name(_ part: LogProblem.Part) -> String {
    switch part {
    case .source: "source address"
    case .destination: "destination address"
    case .sourcePort: "source port"
    case .destinationPort: "destination port"
    case .transport: "protocol"
    case .count: "number of bytes or packets"
    case .interface: "interface"
    case .place: "state"
    }
  }

  // MARK: Rules

  /// The numbers of rules of one chain: `3, 7 to 12`.
  static func numbers(_ numbers: [Int], limit: Int) -> String {
    var runs: [ClosedRange<Int>] = []
    for number in numbers {
      if let last = runs.last, last.upperBound + 1 == number {
        runs[runs.count - 1] = last.lowerBound...number
      } else {
        runs.append(number...number)
      }
    }
    let words = runs.prefix(limit).map { run in
      run.count == 1
        ? "\(run.lowerBound)"
        : run.count == 2 ? "\(run.lowerBound), \(run.upperBound)" : "\(run.lowerBound) to \(run.upperBound)"
    }
    return words.joined(separator: ", ") + (runs.count > limit ? ", ..." : "")
  }
}
