import FlowTrace
import RuleGraph
import RuleParser
import TestHosts
import Testing

/// Whether a connection comes about, and at which step it fails.
@Suite struct ConnectionTests {
  private static func trace(
    input: String = "", forward: String = "", output: String = "", sockets: String? = nil,
    _ options: [(QueryOption, String)], tracesReply: Bool = true
  ) throws -> Trace {
    var text = """
      *filter
      :INPUT DROP [0:0]
      :FORWARD DROP [0:0]
      :OUTPUT ACCEPT [0:0]
      \(input)
      \(forward)
      \(output)
      COMMIT
      $ ip addr
      1: lo: <LOOPBACK,UP> mtu 65536
          inet 127.0.0.1/8 scope host lo
      2: eth0: <BROADCAST,UP> mtu 1500
          inet 192.0.2.10/24 scope global eth0
      3: eth1: <BROADCAST,UP> mtu 1500
          inet 10.1.0.1/24 scope global eth1

      """
    if let sockets { text += "$ ss -tulnp\n" + sockets }
    return try HostReading.of(text).trace(options, tracesReply: tracesReply)
  }

  private static let toHost: [(QueryOption, String)] = [
    (.input, "eth0"), (.src, "192.0.2.77:40000"), (.dst, "192.0.2.10:22"),
  ]
  private static let through: [(QueryOption, String)] = [
    (.input, "eth0"), (.src, "192.0.2.77:40000"), (.dst, "10.1.0.9:22"),
  ]
  private static let ssh = "-A INPUT -p tcp --dport 22 -j ACCEPT"
  private static let listening = """
    Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process
    tcp   LISTEN 0      128          0.0.0.0:22        0.0.0.0:*    users:(("sshd",pid=1,fd=3))

    """

  private func expect(
    _ trace: Trace, _ fate: ConnectionFate?, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(trace.connection == fate, sourceLocation: sourceLocation)
  }

  @Test func packetReplyAndListenerAllCount() throws {
    try expect(Self.trace(Self.toHost), .fails(at: .packet))
    try expect(Self.trace(input: Self.ssh, Self.toHost), .works)
    try expect(Self.trace(input: Self.ssh, sockets: Self.listening, Self.toHost), .works)
    let other = Self.listening.replacing(":22 ", with: ":23 ")
    try expect(Self.trace(input: Self.ssh, sockets: other, Self.toHost), .fails(at: .listener))
    let silent = "-A OUTPUT -p tcp --sport 22 -j DROP"
    try expect(Self.trace(input: Self.ssh, output: silent, Self.toHost), .fails(at: .reply))
  }

  @Test func aReplyThatAnUnknownRuleMayDropLeavesItOpen() throws {
    let trace = try Self.trace(input: Self.ssh, output: "-A OUTPUT -m unheard --of -j DROP", Self.toHost)
    #expect(trace.verdict == .accept)
    #expect(trace.connection == .depends(on: .reply))
    #expect(trace.cases.contains { $0.isUndetermined })
  }

  @Test func aReplyThatSomePacketsGetIsNotUndetermined() throws {
    let trace = try Self.trace(
      input: Self.ssh, output: "-A OUTPUT -p tcp --dport 40000:40999 -j DROP",
      [(.input, "eth0"), (.src, "192.0.2.77"), (.dst, "192.0.2.10:22")])
    #expect(trace.connection == .depends(on: .reply))
    #expect(!trace.cases.contains { $0.isUndetermined })
  }

  /// A rule for a service's port meets a reply to a client whose own port is that one: no client chooses it.
  @Test func aSourcePortThatNoClientChoosesDoesNotCount() throws {
    let rule = "-A OUTPUT -p tcp --dport 8443 -j DROP"
    let open: [(QueryOption, String)] = [(.input, "eth0"), (.src, "192.0.2.77"), (.dst, "192.0.2.10:22")]
    let trace = try Self.trace(input: Self.ssh, output: rule, open)
    #expect(trace.connection == .works)
    #expect(!trace.cases.contains { $0.failsForSome })
    // Who asks about that port is answered.
    let asked = try Self.trace(input: Self.ssh, output: rule, open + [(.sport, "8443")])
    #expect(asked.connection == .fails(at: .reply))
  }

  @Test func oneWayThroughTheHostIsNoConnection() throws {
    let oneWay = "-A FORWARD -i eth0 -o eth1 -j ACCEPT"
    try expect(Self.trace(forward: oneWay, Self.through), .fails(at: .reply))
    let bothWays = oneWay + "\n-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT"
    try expect(Self.trace(forward: bothWays, Self.through), .works)
  }

  @Test func casesThatComeOutDifferentlyDepend() throws {
    let options: [(QueryOption, String)] = [(.input, "eth0"), (.src, "192.0.2.77"), (.dst, "192.0.2.10:22-23")]
    try expect(Self.trace(input: Self.ssh, options), .depends(on: .packet))
    // Different steps, and both fail.
    let silent = "-A OUTPUT -p tcp --sport 22 -j DROP"
    let trace = try Self.trace(input: Self.ssh, output: silent, options)
    #expect(trace.connection == .fails(at: .packet))
    #expect(Set(trace.cases.map(\.connection)) == [.fails(at: .packet), .fails(at: .reply)])
  }

  @Test func nothingIsClaimedOfRepliesThatWereNotTraced() throws {
    try expect(Self.trace(input: Self.ssh, Self.toHost, tracesReply: false), nil)
    // A later packet has no reply to wait for.
    let later = try Self.trace(
      input: "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n" + Self.ssh,
      Self.toHost + [(.state, "established")], tracesReply: false)
    #expect(later.connection == .works)
  }
}
