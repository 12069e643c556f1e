import RuleGraph

/// One message of the kernel's own packet trace (`meta nftrace set 1`, `net/netfilter/nf_tables_trace.c`).
struct TraceMessage {
  enum Kind: UInt32 {
    case policy = 1
    case chainReturn = 2
    case rule = 3
  }

  /// The family of the table: NFPROTO_INET = 1, IPV4 = 2, IPV6 = 10.
  var family: UInt8
  var table = ""
  var chain = ""
  /// The kernel's number of the packet while it is in one hook.
  var id: UInt32 = 0
  /// The handle of the rule that matched.
  var handle: UInt64 = 0
  var kind: Kind = .rule
  /// A netfilter verdict: 0 drop, 1 accept, negative for continue (-1), jump (-3), goto (-4) and return (-5).
  var verdict: Int32 = 0
  /// The chain that a jump or goto leads to.
  var target: String?
  /// The packet as the base chain sees it; only in the first message of each base chain that says anything.
  var packet: PacketHeader?

  /// Reads the messages of one netlink datagram.
  static func messages(in datagram: [UInt8]) -> [TraceMessage] {
    var found: [TraceMessage] = []
    var at = 0
    while at + 20 <= datagram.count {
      let length = Int(datagram.native32(at: at))
      guard length >= 20, at + length <= datagram.count else { break }
      // NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_TRACE
      if datagram.native16(at: at + 4) == 10 << 8 | 17 {
        found.append(TraceMessage(family: datagram[at + 16], attributes: Array(datagram[at + 20..<at + length])))
      }
      at += (length + 3) & ~3
    }
    return found
  }

  private init(family: UInt8, attributes: [UInt8]) {
    self.family = family
    var network: [UInt8]?
    var transport: [UInt8] = []
    for (type, value) in Self.attributes(attributes) {
      switch type {
      case 1: table = Self.text(value)
      case 2: chain = Self.text(value)
      case 3: handle = UInt64(value.number32(at: 0)) << 32 | UInt64(value.number32(at: 4))
      case 4: kind = Kind(rawValue: value.number32(at: 0)) ?? .rule
      case 5:
        for (inner, content) in Self.attributes(value) {
          if inner == 1 { verdict = Int32(bitPattern: content.number32(at: 0)) }
          if inner == 2 { target = Self.text(content) }
        }
      case 6: id = value.number32(at: 0)
      case 8: network = value
      case 9: transport = value
      case 16: verdict = Int32(bitPattern: value.number32(at: 0))
      default: break
      }
    }
    packet = network.flatMap { PacketHeader($0, transport: transport) }
  }

  static func attributes(_ bytes: [UInt8]) -> [(type: UInt16, value: [UInt8])] {
    var found: [(UInt16, [UInt8])] = []
    var at = 0
    while at + 4 <= bytes.count {
      let length = Int(bytes.native16(at: at))
      guard length >= 4, at + length <= bytes.count else { break }
      found.append((bytes.native16(at: at + 2) & 0x3fff, Array(bytes[at + 4..<at + length])))
      at += (length + 3) & ~3
    }
    return found
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
}
