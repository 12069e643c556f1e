import FlowTrace
import HostModel
import PolicyCheck
import PolicyYAML
import RuleGraph
import RuleParser
import RuleText

/// Everything of fwtrace that reads what others wrote, each with the bytes of one fuzzing input.
///
/// An input of a dump's reader is a line with the name of the file, which says which command printed it, and behind it the dump:
///
///     ip-addr.txt
///     1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536
///
/// An input of the others is what they read.
public enum FuzzedReader: String, CaseIterable, Sendable {
  /// `iptables -L`.
  case listing
  /// `iptables-save` and `iptables -S`.
  case save
  /// `nft -j list ruleset`.
  case nftJSON = "nft-json"
  /// `nft list ruleset`, and files for `nft -f`.
  case nftText = "nft-text"
  /// `ipset list` and `ipset save`.
  case ipset
  /// What `ip`, `ifconfig`, `route`, `docker`, `ss`, `conntrack` and others tell of the host.
  case host
  /// A paste, in which the outputs have to be found first.
  case paste
  /// The lines that `--packet` takes.
  case packet
  /// Policies.
  case policy

  /// The names that the first line may be, or none where the input has no such line.
  public var fileNames: [String] {
    switch self {
    case .listing: ["iptables-vnL.txt", "iptables-t-nat-L.txt", "ip6tables-t-mangle-nL.txt", "raw-vL.txt"]
    case .save: ["iptables-save.txt", "iptables-t-nat-S.txt", "ip6tables-save.txt", "ip6tables-S.txt"]
    case .nftJSON: ["nft-j-list-ruleset.json"]
    case .nftText: ["nft-list-ruleset.txt"]
    case .ipset: ["ipset-list.txt"]
    case .host:
      [
        "ip-addr.txt", "ip-o-addr.txt", "ip-br-addr.txt", "ip-d-link.txt", "ip-j-addr.json", "ifconfig.txt",
        "ip-route.txt", "ip-j-route.json", "route-n.txt", "ip-rule.txt", "ip-j-rule.json", "ip-neigh.txt",
        "bridge-link.txt", "bridge-j-link.json", "brctl-show.txt", "sysctl.txt", "docker-network-ls.txt",
        "docker-network-inspect.json", "docker-ps.txt", "docker-inspect.json", "docker-port.txt", "docker-info.txt",
        "docker-version.txt", "docker-proxy.txt", "daemon.json", "ss-tulnp.txt", "netstat-tunlp.txt", "conntrack-L.txt",
        "iptables-version.txt",
      ]
    case .paste, .packet, .policy: []
    }
  }

  /// Reads an input; traps when what was read points outside of the input, or can't be printed and read again.
  ///
  /// - Returns: Whether the input is one of this reader at all: its first line is one of ``fileNames``, where there are any.
  @discardableResult public func read(_ bytes: [UInt8]) -> Bool {
    switch self {
    case .packet: Self.readPacket(bytes)
    case .policy: Self.readPolicy(bytes)
    case .paste: Self.readDump(name: "-", bytes)
    case .listing, .save, .nftJSON, .nftText, .ipset, .host:
      guard let end = bytes.firstIndex(of: 0x0a) else { return false }
      let name = String(decoding: bytes[..<end], as: UTF8.self)
      guard fileNames.contains(name) else { return false }
      Self.readDump(name: name, Array(bytes[(end + 1)...]))
    }
    return true
  }

  private static func readDump(name: String, _ bytes: [UInt8]) {
    // A file that includes itself is the worst that an include can be.
    let reader = DumpReader { path, _ in path == "self" ? [DumpInput(name: path, bytes: bytes)] : nil }
    let reading = reader.read([DumpInput(name: name, bytes: bytes)])
    for diagnostic in reading.diagnostics {
      guard let span = diagnostic.span else { continue }
      precondition(span.line >= 1 && span.offset >= 0 && span.length >= 0, "\(diagnostic) is at no place")
      let source = reading.ruleset.sources.sources[Int(span.source)]
      precondition(span.offset + span.length <= source.bytes.count, "\(diagnostic) is outside of \(source.name)")
    }
    guard !reading.ruleset.tables.isEmpty else { return }
    for text in [IptablesSavePrinter.print(reading.ruleset), NftPrinter.print(reading.ruleset)] {
      _ = DumpReader().read([DumpInput(name: "printed", text: text)])
    }
  }

  private static func readPacket(_ bytes: [UInt8]) {
    var builder = QueryBuilder(facts: HostFacts())
    guard (try? builder.set(packet: String(decoding: bytes, as: UTF8.self))) != nil else { return }
    _ = try? builder.query()
  }

  private static func readPolicy(_ bytes: [UInt8]) {
    let document = PolicyYAML.read(bytes)
    let received = NodeStream.node(NodeStream.bytes(of: document))
    guard case .success(let root) = received else { return }
    precondition(received == document, "the nodes are not those that were sent")
    _ = PolicyReader.read(root)
  }
}
