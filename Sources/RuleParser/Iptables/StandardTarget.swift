import RuleGraph

/// The targets that are verdicts of their own (iptables(8), "TARGETS").
enum StandardTarget {
  /// The verdict of a target's name, or nil when it is another target or a chain.
  static func verdict(_ bytes: ByteView, _ range: Range<Int>) -> Verdict? { names[bytes, range] }

  private static let names = WordTable<Verdict>([
    ("ACCEPT", .accept), ("DROP", .drop), ("RETURN", .return), ("QUEUE", .queue(QueueTarget(0...0))),
  ])
}

/// The test of `-f`: second and further fragments of an IPv4 packet, whose fragment offset is not zero (iptables(8),
/// `--fragment`).
enum FragmentMatch {
  /// The statement of `-f` or `! -f`.
  static func statement(negated: Bool) -> Statement {
    .match(Match(.header(HeaderField(.ip, .fragmentOffset)), anyBitOf: 0x1fff, negated: negated))
  }
}
