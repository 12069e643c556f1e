package import RuleGraph

/// The comparisons of a rule that nft hands to the kernel as one.
///
/// nft loads comparisons of neighbouring header fields with one load, as long as they fit a register: `tcp sport 1 tcp
/// dport 2` asks for four bytes. It does so for `!=`, too, and `tcp sport != 1 tcp dport != 2` becomes "these four
/// bytes are not 1 and 2": the rule matches where *either* port differs. The listing shows the two comparisons, so that
/// they have to be put together here again. Measured with nft 1.0.6 (`--debug=netlink`) and the kernel; the kernel's
/// own part is `net/netfilter/nft_cmp.c`. What other programs load (iptables-nft) is not joined.
package enum JoinedComparisons {
  /// Where a field lies: whole bytes from the start of a header.
  struct Place {
    var base: PayloadBase
    var offset: Int
    var length: Int
  }

  /// The statements of a rule with the comparisons together that nft loads as one; nil when there are none such.
  package static func joined(_ statements: [Statement]) -> [Statement]? {
    var found: [(index: Int, match: Match, place: Place)] = []
    for index in statements.indices {
      guard case .match(let match) = statements[index], match.negated, let place = place(of: match) else { continue }
      found.append((index, match, place))
    }
    guard found.count > 1 else { return nil }
    found.sort { ($0.place.base.rawValue, $0.place.offset) < ($1.place.base.rawValue, $1.place.offset) }
    var joined: [Int: Statement] = [:]
    var gone: Set<Int> = []
    var group = [found[0]]
    func close() {
      guard group.count > 1, let last = group.map(\.index).max() else { return }
      gone.formUnion(group.map(\.index))
      joined[last] = .anyOf(group.map(\.match))
    }
    for next in found.dropFirst() {
      let length = group.reduce(0) { $0 + $1.place.length } + next.place.length
      if let last = group.last?.place, last.base == next.place.base, last.offset + last.length == next.place.offset,
        length <= (last.base == .link ? 16 : 4)
      {
        group.append(next)
      } else {
        close()
        group = [next]
      }
    }
    close()
    guard !joined.isEmpty else { return nil }
    return statements.enumerated().compactMap { index, statement in
      joined[index] ?? (gone.contains(index) ? nil : statement)
    }
  }

  /// The statements of a rule that nft must not join, written so that it does not: of neighbouring comparisons all but
  /// the first test for the other values.
  static func apart(_ statements: [Statement]) -> [Statement] {
    guard joined(statements) != nil else { return statements }
    var isFirst = true
    return statements.map { statement in
      guard case .match(var match) = statement, match.negated, place(of: match) != nil,
        case .field(let field) = match.subject, case .values(let values) = match.values
      else { return statement }
      if isFirst {
        isFirst = false
        return statement
      }
      match.negated = false
      match.values = .values(ValueSet.bits(field.width).subtracting(values))
      return .match(match)
    }
  }

  /// The comparisons behind a test of which one must hold, as nft writes them; nil when the test does not come from
  /// such.
  static func parts(of alternatives: [Match]) -> [Match]? {
    guard alternatives.allSatisfy({ $0.negated && place(of: $0) != nil }) else { return nil }
    return alternatives
  }

  /// Where the field lies that a match compares with one value; nil of other matches.
  private static func place(of match: Match) -> Place? {
    guard case .values(let values) = match.values, values.single != nil, !match.whenAbsent,
      case .field(let field) = match.subject
    else { return nil }
    switch field {
    case .raw(let base, let offset, let length):
      guard offset % 8 == 0, length % 8 == 0 else { return nil }
      return Place(base: base, offset: offset / 8, length: length / 8)
    case .header(let header):
      guard let (offset, length) = bytes[header] else { return nil }
      switch header.header {
      case .ether: return Place(base: .link, offset: offset, length: length)
      case .ip, .ip6, .arp: return Place(base: .network, offset: offset, length: length)
      default: return Place(base: .transport, offset: offset, length: length)
      }
    default: return nil
    }
  }

  /// The fields that are whole bytes, where they begin and how many bytes they have (the RFCs of ``Header``).
  private static let bytes: [HeaderField: (offset: Int, length: Int)] = {
    let layouts: [(Header, [(HeaderFieldName, Int, Int)])] = [
      (.ether, [(.daddr, 0, 6), (.saddr, 6, 6), (.type, 12, 2)]),
      (
        .arp,
        [
          (.htype, 0, 2), (.ptype, 2, 2), (.hlen, 4, 1), (.plen, 5, 1), (.operation, 6, 2), (.hardwareSource, 8, 6),
          (.ipSource, 14, 4), (.hardwareTarget, 18, 6), (.ipTarget, 24, 4),
        ]
      ),
      (
        .ip,
        [
          (.length, 2, 2), (.id, 4, 2), (.fragmentOffset, 6, 2), (.ttl, 8, 1), (.protocol, 9, 1), (.checksum, 10, 2),
          (.saddr, 12, 4), (.daddr, 16, 4),
        ]
      ),
      (.ip6, [(.length, 4, 2), (.nexthdr, 6, 1), (.hoplimit, 7, 1), (.saddr, 8, 16), (.daddr, 24, 16)]),
      (
        .icmp,
        [
          (.type, 0, 1), (.code, 1, 1), (.checksum, 2, 2), (.id, 4, 2), (.sequence, 6, 2), (.gateway, 4, 4),
          (.mtu, 6, 2),
        ]
      ),
      (
        .icmpv6,
        [
          (.type, 0, 1), (.code, 1, 1), (.checksum, 2, 2), (.id, 4, 2), (.sequence, 6, 2), (.maxDelay, 4, 2),
          (.mtu, 4, 4), (.parameterProblem, 4, 4), (.packetTooBig, 4, 4), (.targetAddress, 8, 16),
        ]
      ),
      (.igmp, [(.type, 0, 1), (.mrt, 1, 1), (.checksum, 2, 2), (.group, 4, 4)]),
      (
        .tcp,
        [
          (.sport, 0, 2), (.dport, 2, 2), (.sequence, 4, 4), (.ackseq, 8, 4), (.flags, 13, 1), (.window, 14, 2),
          (.checksum, 16, 2), (.urgptr, 18, 2),
        ]
      ),
      (.udp, [(.sport, 0, 2), (.dport, 2, 2), (.length, 4, 2), (.checksum, 6, 2)]),
      (.udplite, [(.sport, 0, 2), (.dport, 2, 2), (.csumcov, 4, 2), (.checksum, 6, 2)]),
      (.sctp, [(.sport, 0, 2), (.dport, 2, 2), (.vtag, 4, 4), (.checksum, 8, 4)]),
      (.dccp, [(.sport, 0, 2), (.dport, 2, 2)]),
      (.th, [(.sport, 0, 2), (.dport, 2, 2)]),
      (.ah, [(.nexthdr, 0, 1), (.hdrlength, 1, 1), (.reserved, 2, 2), (.spi, 4, 4), (.sequence, 8, 4)]),
      (.esp, [(.spi, 0, 4), (.sequence, 4, 4)]),
      (.comp, [(.nexthdr, 0, 1), (.flags, 1, 1), (.cpi, 2, 2)]),
    ]
    var found: [HeaderField: (offset: Int, length: Int)] = [:]
    for (header, fields) in layouts {
      for (name, offset, length) in fields { found[HeaderField(header, name)] = (offset, length) }
    }
    return found
  }()
}
