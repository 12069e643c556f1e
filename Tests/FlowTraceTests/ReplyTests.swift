import FlowTrace
import RuleGraph
import RuleParser
import TestHosts
import Testing

/// What follows from a case: the replies to its packets.
@Suite struct ReplyTests {
  private func cases(_ rules: String, output: String? = nil) throws -> [Case] {
    let text = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n\(rules)COMMIT\n"
    var options: [(QueryOption, String)] = [
      (.input, "eth0"), (.src, "203.0.113.9:40000"), (.dst, "198.51.100.1:22"), (.hostAddress, "192.0.2.1"),
    ]
    if let output { options.append((.output, output)) }
    return try HostReading.of(text).trace(options, tracesReply: true).cases
  }

  @Test func whereThePacketLeavesSaysNothingOfItsReply() throws {
    let drop = "-A FORWARD -i eth1 -o eth0 -j DROP\n"
    for output in [nil, "eth1"] {
      let part = try #require(try cases(drop, output: output).first { $0.fate == .forward })
      #expect(part.verdict == .accept)
      #expect(part.reply?.contains { $0.verdict == .drop } == true, "out \(output ?? "open")")
    }
  }

  /// Each of ten modules that nobody knows splits the packets, and each of five their replies: 32,000 cases that nobody waits for.
  @Test func ofVeryManyCasesNotAllRepliesAreFollowed() throws {
    let rules = (0..<10).map { Self.mark($0, "ORIGINAL") } + (0..<5).map { Self.mark($0, "REPLY") }
    let replies = try cases(rules.joined()).map { $0.reply ?? [] }
    #expect(replies.contains { $0.count > 1 })
    #expect(replies.contains { $0.count == 1 && $0[0].verdict == .undetermined })
    #expect(replies.reduce(0) { $0 + $1.count } < 6000)
  }

  private static func mark(_ bit: Int, _ direction: String) -> String {
    "-A FORWARD -m conntrack --ctdir \(direction) -m unheard\(bit) --of -j MARK --set-xmark \(1 << bit)/\(1 << bit)\n"
  }
}
