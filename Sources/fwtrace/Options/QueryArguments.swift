import ArgumentParser
import FlowTrace
import HostModel
import RuleGraph
import RuleParser

/// The packet that is asked about. What is left out stays open.
struct QueryArguments: ParsableArguments {
  @Option(
    name: [.customShort("d"), .long],
    help: ArgumentHelp(
      "Destination: addresses, a prefix, a range or a container; with a port after a colon.", valueName: "addr[:port]"))
  var dst: String?

  @Option(name: [.customShort("s"), .long], help: ArgumentHelp("Source, in the same forms.", valueName: "addr[:port]"))
  var src: String?

  @Option(help: ArgumentHelp("Destination ports: 80, 80,443 or 8000-8999.", valueName: "ports"))
  var dport: String?

  @Option(help: ArgumentHelp("Source ports.", valueName: "ports"))
  var sport: String?

  @Option(
    name: [.customShort("p"), .long],
    help: ArgumentHelp("Protocols by name or number (tcp when a port is given).", valueName: "proto"))
  var proto: String?

  @Option(
    name: [.customShort("i"), .customLong("in")],
    help: ArgumentHelp("Interface it arrives on; br-+ and !docker0 work, too.", valueName: "if"))
  var input: String?

  @Option(
    name: [.customShort("o"), .customLong("out")],
    help: ArgumentHelp("Interface it leaves through.", valueName: "if"))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Who sends it: host (a program of this host), outside (another host) or a container.", valueName: "sender"))
  var from: String?

  @Option(
    help: ArgumentHelp(
      "Its connection tracking state: new, established, related, invalid or untracked. By default what a packet without a connection gets.",
      valueName: "state"))
  var state: String?

  @Flag(help: "Ask about the reply of the connection that the other options describe.")
  var reply = false

  @Option(help: ArgumentHelp("The packet's mark.", valueName: "mark"))
  var mark: String?

  @Option(help: ArgumentHelp("TCP flags: syn, syn,ack, 0x12 or [S.].", valueName: "flags"))
  var tcpFlags: String?

  @Option(help: ArgumentHelp("ICMP type by name or number.", valueName: "type"))
  var icmpType: String?

  @Option(help: ArgumentHelp("ICMP code.", valueName: "code"))
  var icmpCode: String?

  @Option(help: ArgumentHelp("User id of the sending program.", valueName: "uid"))
  var uid: String?

  @Option(help: ArgumentHelp("Group id of the sending program.", valueName: "gid"))
  var gid: String?

  @Option(help: ArgumentHelp("Length of the packet in bytes.", valueName: "bytes"))
  var length: String?

  @Option(help: ArgumentHelp("Time to live (hop limit) when it comes in.", valueName: "ttl"))
  var ttl: String?

  @Option(help: ArgumentHelp("Differentiated services code point by name or number.", valueName: "dscp"))
  var dscp: String?

  @Option(help: ArgumentHelp("Bridge port it arrives through.", valueName: "if"))
  var physin: String?

  @Option(help: ArgumentHelp("ipv4 or ipv6, where no address settles it.", valueName: "family"))
  var family: String?

  @Option(help: ArgumentHelp("An address of this host that no dump shows.", valueName: "addr"))
  var hostAddress: String?

  @Option(
    help: ArgumentHelp(
      "The packet as a line of tcpdump, a LOG line of the kernel, a line of conntrack -L, or a URL.", valueName: "line")
  )
  var packet: String?

  /// Every option that was given, as the words of a query; who sends comes before the interface, the state before the
  /// reply.
  var given: [(QueryOption, String)] {
    let all: [(QueryOption, String?)] = [
      (.proto, proto), (.src, src), (.sport, sport), (.dst, dst), (.dport, dport), (.from, from), (.input, input),
      (.output, output), (.state, state), (.reply, reply ? "true" : nil), (.mark, mark), (.tcpFlags, tcpFlags),
      (.icmpType, icmpType), (.icmpCode, icmpCode), (.uid, uid), (.gid, gid), (.length, length), (.ttl, ttl),
      (.dscp, dscp), (.physin, physin), (.family, family), (.hostAddress, hostAddress),
    ]
    return all.compactMap { option, text in text.map { (option, $0) } }
  }

  /// What the question says about the host that it is for.
  var clues: HostClues {
    var clues = HostClues()
    clues.destination = dst.flatMap(Self.address)
    clues.hostAddresses = (hostAddress ?? "").split(separator: ",").compactMap { Self.address(String($0)) }
    clues.source = src.flatMap(Self.address)
    clues.interfaces = [input, output, physin].compactMap(\.self).filter { $0.utf8.allSatisfy(Self.isOfOneName) }
    clues.comesIn = input != nil && input != "lo"
    return clues
  }

  /// `192.0.2.10`, `192.0.2.10:80`, `[2001:db8::1]:80`.
  private static func address(_ text: String) -> IPAddress? {
    if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
      return IPAddress(text[text.index(after: text.startIndex)..<end])
    }
    return IPAddress(text) ?? text.lastIndex(of: ":").flatMap { IPAddress(text[..<$0]) }
  }

  /// The option that a word without one may have been meant for: an address, a port or a URL beside the dumps.
  static func option(for word: String) -> (what: String, spelling: String)? {
    if word == "!" { return ("a negation of iptables", "--in '!eth0'") }
    if address(word) != nil || Prefix(word) != nil { return ("an address", "--dst \(word)") }
    if word.hasPrefix(":"), Int(word.dropFirst()) != nil { return ("a port", "--dst \(word)") }
    if word.contains("://") { return ("a URL", "--packet \(word)") }
    return nil
  }

  /// Whether a character stands in a name, and not in a pattern of several: `br-+`, `!docker0`.
  private static func isOfOneName(_ byte: UInt8) -> Bool {
    ![UInt8(ascii: "+"), UInt8(ascii: "*"), UInt8(ascii: "!"), UInt8(ascii: ",")].contains(byte)
  }

  /// Whether no option was given.
  var isEmpty: Bool { given.isEmpty && packet == nil }

  /// The query that the options describe.
  func query(facts: HostFacts) throws(Failure) -> Query {
    var builder = QueryBuilder(facts: facts)
    if let packet {
      do { try builder.set(packet: packet) } catch { throw Failure("--packet \(packet): \(error.problem)") }
    }
    do {
      for (option, text) in given { try builder.set(option, text) }
      return try builder.query()
    } catch {
      throw Failure("\(error)")
    }
  }
}
