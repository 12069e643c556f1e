import HostModel
import RuleGraph

/// Hands each section about the host to its reader, and joins what the readers got.
///
/// What one paste prints again later replaces what it printed before; what the files of a folder print adds up.
struct FactSections {
  /// What the readers could not read, and what was left out.
  private(set) var diagnostics: [Diagnostic] = []
  /// Whether any section was read.
  private(set) var hasRead = false
  /// When and where the dump was taken, as a bundle says.
  var captured: String?
  private var fragments: [(section: SectionPlace, facts: HostFacts)] = []
  /// What was printed inside of containers.
  private var inside: [(section: SectionPlace, container: String, facts: HostFacts)] = []
  /// How many sections were printed in other places, with the first one's place in the input.
  private var foreign: [(place: Place, count: Int, span: SourceSpan?)] = []

  private struct SectionPlace {
    var strand: Int
    var order: Int
    var host: String?
  }

  /// What belongs together with the rules that were chosen.
  struct Span {
    /// The section at which the moment ends, and its strand; nil for the last moment.
    var end: Int?
    var strand: Int?
    /// The machines that printed the rules: what another one printed is not theirs. Empty when no prompts tell.
    var hosts: Set<String>
  }

  /// Reads one section.
  mutating func read(_ section: DumpSection) {
    let fragment = Self.fragment(section)
    let span = section.text.lines.first.map { section.text.span($0) }
    if fragment.isUnknown {
      diagnostics.append(
        Diagnostic("unknown-output", .note, "output about the host that fwtrace does not read", span: span))
      return
    }
    hasRead = true
    diagnostics += fragment.diagnostics
    let place = SectionPlace(strand: section.strand, order: section.order, host: section.host)
    switch section.place {
    case .host: fragments.append((place, fragment.facts))
    case .container(let name):
      noteForeign(section.place, span)
      if !name.isEmpty { inside.append((place, name, fragment.facts)) }
    case .namespace, .machine: noteForeign(section.place, span)
    }
  }

  /// What `iptables --version` printed, where anything did.
  var iptablesVersion: String? { fragments.lazy.compactMap { $0.facts.versions["iptables"] }.first }

  /// Adds what commands set. What a dump says of the same things comes later, and counts.
  mutating func add(settings facts: HostFacts) {
    guard facts != HostFacts() else { return }
    hasRead = true
    fragments.insert((SectionPlace(strand: 0, order: -1), facts), at: 0)
  }

  private mutating func noteForeign(_ place: Place, _ span: SourceSpan?) {
    if let known = foreign.firstIndex(where: { $0.place == place }) {
      foreign[known].count += 1
    } else {
      foreign.append((place, 1, span))
    }
  }

  private static func fragment(_ section: DumpSection) -> FactFragment {
    let text = section.text
    switch section.kind {
    case .ipAddress, .ipAddressOneLine, .ipAddressBrief, .bridgeLink:
      return AddressReader.read(text, kind: section.kind, output: section.output)
    case .hostAddresses: return HostAddressReader.read(text, output: section.output)
    case .ifconfig: return IfconfigReader.read(text)
    case .ipRoute: return RouteReader.read(text, output: section.output)
    case .routeTable: return RouteTableReader.read(text, output: section.output)
    case .ipRule: return RoutingRuleReader.read(text, output: section.output)
    case .brctl: return BrctlReader.read(text)
    case .sysctl: return SysctlReader.read(text)
    case .sysctlValue: return SysctlReader.readValue(text, name: section.output.subject ?? "")
    case .dockerNetworks: return DockerNetworksReader.read(text)
    case .dockerContainers: return DockerContainersReader.read(text)
    case .dockerPort: return DockerContainersReader.readPorts(text, container: section.output.subject ?? "")
    case .dockerInfo, .dockerVersion, .toolVersion: return VersionReader.read(text)
    case .json: return JSONFactReader.read(text, output: section.output)
    case .sockets: return SocketReader.readSS(text, output: section.output)
    case .netstat: return SocketReader.readNetstat(text, output: section.output)
    case .dockerProxy: return SocketReader.readProxies(text)
    case .conntrack: return ConntrackReader.read(text)
    case .neighbours: return NeighbourReader.read(text)
    case .ufwStatus: return UfwStatusReader.read(text)
    case .firewalld, .firewallStatus:
      return FirewallStatusReader.read(text, kind: section.kind, command: section.command)
    case .composePorts: return PublishedServices.readCompose(text)
    case .dockerServices: return PublishedServices.readDocker(text)
    case .clusterServices: return PublishedServices.readCluster(text)
    case .listing, .save, .ipset, .nftJSON, .nftText, .inventory, .commands: return FactFragment()
    }
  }

  /// The notes about what was printed elsewhere than on the host.
  var foreignNotes: [Diagnostic] {
    foreign.map { entry in
      let outputs = entry.count == 1 ? "1 output is" : "\(entry.count) outputs are"
      return Diagnostic(
        "facts-of-another-place", .note, "\(outputs) of \(entry.place.words), not of the host", span: entry.span)
    }
  }

  /// The facts of all sections together, or of those that belong to the chosen rules.
  func join(hostNames: [String], span: Span? = nil) -> HostFacts {
    func belongs(_ section: SectionPlace) -> Bool {
      guard let span else { return true }
      if let host = section.host, !span.hosts.isEmpty, !span.hosts.contains(host) { return false }
      return span.end.map { section.strand != span.strand || section.order < $0 } ?? true
    }
    var joining = FactJoining()
    for fragment in fragments where belongs(fragment.section) {
      joining.add(fragment.facts, strand: fragment.section.strand)
    }
    for entry in inside where belongs(entry.section) { joining.addInside(entry.container, entry.facts) }
    var facts = joining.join()
    facts.captured = captured
    let words = captured?.split(separator: " ") ?? []
    facts.hostName =
      hostNames.last ?? words.first { $0.hasPrefix("host=") }.map { String($0.dropFirst(5)) }
    return facts
  }
}
