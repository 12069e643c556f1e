import RuleGraph

/// Replaces public addresses so that what is true of them stays true: two addresses share as many leading bits as
/// before, and one stands in a prefix or range of the ruleset exactly when it did before.
///
/// Each bit is flipped or not by a keyed function of the bits before it, which keeps common prefixes (J. Xu, J. Fan, M.
/// Ammar, S. Moon: "Prefix-preserving IP address anonymization", ICNP 2002). Three kinds of bits are never flipped:
/// those whose flipping would move a public address into a block with a meaning of its own (private, loopback,
/// multicast, documentation) or the reverse, and those on the way to the ends of a prefix or range that the ruleset
/// names, so that its first address stays first and its broadcast address last.
///
///     203.0.113.9 and 10.0.0.1 stay; 93.184.216.34/24 might become 93.139.80.199/24
struct AddressMapping {
  /// A place in the tree of addresses: the bits so far, and how many they are.
  private struct Node: Hashable {
    var bits: UInt128
    var depth: Int
  }

  /// The nodes whose bit stays.
  private var fixed: Set<Node> = []

  /// Blocks that are not public (IANA's special-purpose registries), and multicast; their addresses stay.
  private static let special: [Prefix] = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/3", "::/3", "2001::/23", "2001:db8::/32", "2002::/16", "4000::/2", "8000::/1",
  ].compactMap { Prefix($0) }

  /// Whether the address stays as it is.
  static func isSpecial(_ address: IPAddress) -> Bool {
    special.contains { $0.family == address.family && $0.contains(address) }
  }

  /// Keeps the order of the ends of a range and of everything between them.
  mutating func keep(_ low: IPAddress, _ high: IPAddress) {
    guard low.family == high.family, low <= high else { return }
    let first = 128 - low.family.addressBits
    let shared = max(first, (low.bits ^ high.bits).leadingZeroBitCount)
    for depth in shared..<max(shared, 128) {
      fixed.insert(Node(bits: Self.head(low.bits, depth), depth: depth))
      fixed.insert(Node(bits: Self.head(high.bits, depth), depth: depth))
    }
  }

  /// The address that stands for another.
  func callAsFunction(_ address: IPAddress) -> IPAddress {
    guard !Self.isSpecial(address) else { return address }
    var bits = address.bits
    for depth in (128 - address.family.addressBits)..<128 {
      let node = Node(bits: Self.head(address.bits, depth), depth: depth)
      if fixed.contains(node) || Self.holdsSpecial(node, address.family) || !Self.flips(node) { continue }
      bits ^= 1 << UInt128(127 - depth)
    }
    return IPAddress(bits: bits)
  }

  private static func head(_ bits: UInt128, _ depth: Int) -> UInt128 {
    depth == 0 ? 0 : bits >> UInt128(128 - depth)
  }

  /// Whether a block with a meaning of its own is below the node.
  private static func holdsSpecial(_ node: Node, _ family: AddressFamily) -> Bool {
    special.contains { block in
      guard block.family == family else { return false }
      let length = block.length + 128 - family.addressBits
      return length > node.depth && head(block.address.bits, node.depth) == node.bits
    }
  }

  /// Drawn anew for each run of the program. That of the standard library's SipHash can be fixed by a variable of the
  /// environment (`SWIFT_DETERMINISTIC_HASHING`).
  private static let key = (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max))

  /// The keyed function, a SipHash.
  private static func flips(_ node: Node) -> Bool {
    var hasher = Hasher()
    hasher.combine(key.0)
    hasher.combine(key.1)
    hasher.combine(node)
    return hasher.finalize() & 1 == 1
  }
}
