public import FlowTrace
import RuleGraph

/// A packet that breaks an expectation, as a question that anyone can ask again.
public struct Counterexample: Sendable {
  /// The question about this one packet.
  public var query: Query
  /// The case of its trace that breaks the expectation.
  public var part: Case
  /// How it breaks the expectation.
  public var reasons: [CheckResult.Reason]

  /// The packet as options of the command line: `--in ens33 --src 203.0.113.7 --dst 172.17.0.3:6379 --proto tcp`.
  public var commandLine: String {
    options.map {
      "\($0.option.commandLineName) \($0.text.contains { "!*+;&|<> ".contains($0) } ? "'\($0.text)'" : $0.text)"
    }
    .joined(separator: " ")
  }

  /// The packet as options of a query with their texts, which ``QueryBuilder`` reads back.
  public var options: [(option: QueryOption, text: String)] { query.options }
}

extension Query {
  /// The options that describe a question, with their texts.
  var options: [(option: QueryOption, text: String)] {
    var options: [(option: QueryOption, text: String)] = []
    if origin == .host {
      options.append((.from, "host"))
    } else if let input {
      options.append((.input, InterfaceName.optionText(input)))
    }
    if let physicalInput { options.append((.physin, InterfaceName.optionText(physicalInput))) }
    if let output { options.append((.output, InterfaceName.optionText(output))) }
    if let transport { options.append((.proto, transport.listText(as: .transport))) }
    let all = family?.allAddresses ?? .all
    if let source, !all.isSubset(of: source) { options.append((.src, source.listText(as: .address))) }
    if let sourcePort { options.append((.sport, sourcePort.listText(as: .number))) }
    if let destination, !all.isSubset(of: destination) {
      options.append((.dst, destination.listText(as: .address)))
    }
    if let destinationPort { options.append((.dport, destinationPort.listText(as: .number))) }
    let namesFamily = [source, destination].contains { $0.map { !all.isSubset(of: $0) } ?? false }
    if let family, !namesFamily { options.append((.family, family == .ipv4 ? "ipv4" : "ipv6")) }
    options += phaseOptions + fieldOptions
    if !hostAddresses.isEmpty { options.append((.hostAddress, hostAddresses.listText(as: .address))) }
    return options
  }

  private var phaseOptions: [(option: QueryOption, text: String)] {
    switch phase {
    case .first: []
    case .established: [(.state, "established")]
    case .related: [(.state, "related")]
    case .invalid: [(.state, "invalid")]
    case .untracked: [(.state, "untracked")]
    case .reply: [(.reply, "true")]
    }
  }

  /// The fields that an option can name; those at their usual value need no words.
  private var fieldOptions: [(option: QueryOption, text: String)] {
    let named: [(QueryOption, Field, UInt128?)] = [
      (.mark, .meta(.mark), 0), (.tcpFlags, .header(HeaderField(.tcp, .flags)), 2),
      (.icmpType, .header(HeaderField(.icmp, .type)), 8), (.icmpType, .header(HeaderField(.icmpv6, .type)), 128),
      (.icmpCode, .header(HeaderField(.icmp, .code)), 0), (.icmpCode, .header(HeaderField(.icmpv6, .code)), 0),
      (.uid, .meta(.skuid), nil), (.gid, .meta(.skgid), nil), (.length, .meta(.length), nil),
      (.ttl, .header(HeaderField(.ip, .ttl)), 64), (.ttl, .header(HeaderField(.ip6, .hoplimit)), 64),
      (.dscp, .header(HeaderField(.ip, .dscp)), nil), (.dscp, .header(HeaderField(.ip6, .dscp)), nil),
    ]
    return named.compactMap { option, field, usual in
      guard let values = fields[field], usual.map({ values != ValueSet($0) }) ?? true else { return nil }
      return (option, values.listText(as: .number))
    }
  }
}

extension ValueSet {
  /// All values in the form that options read: `80,443,8000-8999`.
  func listText(as kind: ValueKind) -> String { pieces(as: kind).joined(separator: ",") }
}

extension InterfaceName {
  /// Names in the form that options read: `eth0,br-*`, or `!docker0` where that is shorter.
  static func optionText(_ values: ValueSet) -> String {
    let pieces = values.pieces(as: .name)
    let others = anyName.subtracting(values).pieces(as: .name)
    return others.count < pieces.count || pieces.contains { $0.contains("-\u{0}") }
      ? "!" + others.joined(separator: ",") : pieces.joined(separator: ",")
  }
}
