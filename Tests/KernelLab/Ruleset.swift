/// The rules that are loaded into the router: the input of `ipset restore`, `iptables-restore`, `ip6tables-restore` and `nft -f`, as lines.
public struct RulesetText: Hashable, Sendable {
  /// Which iptables is used.
  public enum Backend: String, Sendable {
    /// iptables over nf_tables.
    case nft
    /// The older iptables, with its own kernel code.
    case legacy
  }

  /// Which iptables is used.
  public var backend: Backend = .nft
  /// Whether the nft lines are loaded before the iptables ones; it decides the order of base chains of equal priority.
  public var nftFirst = false
  /// Lines for `ipset restore`.
  public var ipset: [String] = []
  /// Lines for `iptables-restore`.
  public var ipv4: [String] = []
  /// Lines for `ip6tables-restore`.
  public var ipv6: [String] = []
  /// Lines for `nft -f`.
  public var nft: [String] = []

  /// Whether chains are at the hooks of devices.
  public var hooksDevices: Bool { nft.contains { $0.contains("hook ingress") || $0.contains("hook egress") } }

  /// Whether chains are at the hooks of bridges.
  public var hooksBridges: Bool { nft.contains { $0.hasPrefix("table bridge") } }

  /// An empty ruleset.
  public init() {}

  /// The parts that hold rules.
  enum Section: CaseIterable {
    case ipv4, ipv6, nft
  }

  subscript(section: Section) -> [String] {
    get {
      switch section {
      case .ipv4: ipv4
      case .ipv6: ipv6
      case .nft: nft
      }
    }
    set {
      switch section {
      case .ipv4: ipv4 = newValue
      case .ipv6: ipv6 = newValue
      case .nft: nft = newValue
      }
    }
  }

  /// Whether a line is a rule, which can be left out without making the rest unreadable. Rules of nft stand alone on a line with two leading
  /// tabs.
  static func isRule(_ line: String, _ section: Section) -> Bool {
    if section != .nft { return line.hasPrefix("-A ") }
    let isDeclaration = ["\t\ttype ", "\t\tflags ", "\t\telements "].contains { line.hasPrefix($0) }
    return line.hasPrefix("\t\t") && !isDeclaration
  }
}

extension RulesetText: CustomStringConvertible {
  private static let sections = ["ipset", "ipv4", "ipv6", "nft"]

  /// All lines, in sections that begin with `%`.
  public var description: String {
    var text = "% \(backend.rawValue)\(nftFirst ? " nft-first" : "")\n"
    for (name, lines) in zip(Self.sections, [ipset, ipv4, ipv6, nft]) where !lines.isEmpty {
      text += "% \(name)\n" + lines.map { $0 + "\n" }.joined()
    }
    return text
  }

  /// Reads what ``description`` prints. Nil when a line comes before any section.
  public init?(_ text: String) {
    var section = ""
    for line in text.split(separator: "\n", omittingEmptySubsequences: true).map(String.init) {
      if line.hasPrefix("% ") {
        let words = line.split(separator: " ").dropFirst()
        guard let first = words.first.map(String.init) else { return nil }
        if let backend = Backend(rawValue: first), section.isEmpty {
          self.backend = backend
          nftFirst = words.contains("nft-first")
          section = "%"
        } else {
          section = first
        }
        continue
      }
      switch section {
      case "ipset": ipset.append(line)
      case "ipv4": ipv4.append(line)
      case "ipv6": ipv6.append(line)
      case "nft": nft.append(line)
      default: return nil
      }
    }
  }
}

// MARK: - Fewer rules

extension RulesetText {
  /// The number of rules, in all sections.
  public var ruleCount: Int { rulePositions.count }

  /// The ruleset without the rules whose numbers (0 ..< ``ruleCount``) are given.
  public func removing(_ numbers: Set<Int>) -> RulesetText {
    var copy = self
    let gone = numbers.map { rulePositions[$0] }
    for section in Section.allCases {
      let missing = Set(gone.filter { $0.section == section }.map(\.line))
      copy[section] = self[section].indices.filter { !missing.contains($0) }.map { self[section][$0] }
    }
    return copy
  }

  private var rulePositions: [(section: Section, line: Int)] {
    Section.allCases.flatMap { section in
      self[section].indices.filter { Self.isRule(self[section][$0], section) }.map { (section, $0) }
    }
  }
}
