import RuleGraph

@testable import RuleParser

/// A text as the readers get it: one source, cut into lines.
enum IptablesDump {
  static func text(_ string: String) -> DumpText {
    let bytes = Array(string.utf8)
    var lines: [DumpLine] = []
    var start = 0
    var number: Int32 = 1
    for (offset, byte) in bytes.enumerated() where byte == 0x0a {
      lines.append(DumpLine(start: start, end: offset, number: number))
      start = offset + 1
      number += 1
    }
    if start < bytes.count { lines.append(DumpLine(start: start, end: bytes.count, number: number)) }
    return DumpText(source: 0, memory: SourceBytes(bytes), lines: lines)
  }

  static func save(_ string: String, _ family: AddressFamily = .ipv4, table: String? = nil) -> RuleFragment {
    IptablesSaveReader.read(text(string), family: family, table: table)
  }

  static func listing(_ string: String, _ family: AddressFamily? = nil, table: String? = nil) -> RuleFragment {
    IptablesListingReader.read(text(string), family: family, table: table)
  }
}

extension RuleFragment {
  /// All rules of all tables, in order.
  var rules: [Rule] { tables.flatMap(\.chains).flatMap(\.rules) }

  /// The parts that no reader understood.
  var notUnderstood: [Opaque] {
    rules.flatMap(\.statements).compactMap { statement in
      switch statement {
      case .opaqueMatch(let part), .opaqueTarget(let part): part
      default: nil
      }
    }
  }
}
