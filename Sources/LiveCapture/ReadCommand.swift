import RuleGraph

/// The programs that this module can run, all of which only read.
///
/// The list is the whole of it: ``CommandRunner`` takes nothing else, so no call that could change a ruleset, a route
/// or a container is reachable. A new one belongs here only when its manual page says that it changes nothing.
enum ReadCommand: Hashable, Sendable {
  /// Which of the two implementations of iptables is meant; both may be installed, and both may hold rules that are
  /// live.
  enum Variant: String, Hashable, Sendable {
    case legacy = "-legacy"
    case nft = "-nft"
    /// Only the plain name is installed: it is the one or the other.
    case unnamed = ""
  }

  /// All tables of a family as commands (iptables-save(8)).
  case iptablesSave(Variant, AddressFamily)
  /// The whole nftables ruleset (nft(8)); asked only where the library can't be opened.
  case nftRuleset(NftablesForm)
  /// All ipsets with their members (ipset(8)).
  case ipsetSave
  /// Interfaces with their kinds, bridges and addresses (ip-address(8)).
  case addresses
  /// The same without the kinds: the `ip` of busybox knows no `-d`.
  case plainAddresses
  /// All routing tables of a family (ip-route(8)).
  case routes(AddressFamily)
  /// The rules that choose a routing table (ip-rule(8)).
  case routingRules(AddressFamily)
  /// Neighbours (ip-neighbour(8)).
  case neighbours
  /// Bridge ports with their settings (bridge(8)).
  case bridgePorts
  /// Listening sockets with their programs (ss(8)).
  case sockets
  /// The same of netstat(8), where there is no ss.
  case netstat
  /// The versions of docker's client and daemon.
  case dockerVersion
  /// The ids of all container networks.
  case dockerNetworkIDs
  /// One container network.
  case dockerNetwork(DockerObject)
  /// The ids of all running containers.
  case dockerContainerIDs
  /// One container, without its environment, labels and command line, which may hold secrets.
  case dockerContainer(DockerObject)
  /// What this program itself captures in a container's network namespace: a process of its own, since a thread that
  /// entered one stays there.
  case containerNamespace(DockerObject)

  /// The program's name.
  var program: String {
    switch self {
    case .iptablesSave(let variant, let family): "\(family == .ipv4 ? "ip" : "ip6")tables\(variant.rawValue)-save"
    case .nftRuleset: "nft"
    case .ipsetSave: "ipset"
    case .addresses, .plainAddresses, .routes, .routingRules, .neighbours: "ip"
    case .bridgePorts: "bridge"
    case .sockets: "ss"
    case .netstat: "netstat"
    case .containerNamespace: Self.ownProgram
    case .dockerVersion, .dockerNetworkIDs, .dockerNetwork, .dockerContainerIDs, .dockerContainer:
      "docker"
    }
  }

  /// The program's arguments.
  var arguments: [String] {
    switch self {
    case .iptablesSave: []
    case .nftRuleset(let form): form.options + ["list", "ruleset"]
    case .ipsetSave: ["save"]
    case .addresses: ["-d", "address"]
    case .plainAddresses: ["address"]
    case .routes(let family): [family.option, "route", "show", "table", "all"]
    case .routingRules(let family): [family.option, "rule"]
    case .neighbours: ["neighbour"]
    case .bridgePorts: ["-d", "link"]
    case .sockets, .netstat: ["-tulnp"]
    case .dockerVersion: ["version"]
    case .dockerNetworkIDs: ["network", "ls", "--quiet"]
    case .dockerNetwork(let object): ["network", "inspect", "--format", DockerObject.networkFormat, object.id]
    case .dockerContainerIDs: ["ps", "--quiet"]
    case .dockerContainer(let object): ["inspect", "--format", DockerObject.containerFormat, object.id]
    case .containerNamespace(let object): ["capture", "--netns", object.id]
    }
  }

  /// The file that this program was started from (proc_pid_exe(5)).
  static let ownProgram = "/proc/self/exe"

  /// The command as one would type it.
  var line: String {
    ([program] + arguments).map { $0.contains { " '{\"".contains($0) } ? "'\($0)'" : $0 }.joined(separator: " ")
  }
}

extension AddressFamily {
  fileprivate var option: String { self == .ipv4 ? "-4" : "-6" }
}

/// A container or a network of containers, by its id or name.
struct DockerObject: Hashable, Sendable {
  /// The id or name.
  let id: String

  /// Takes what docker allows as a name (`[a-zA-Z0-9][a-zA-Z0-9_.-]*`), so that it can't be an option; nil for anything
  /// else.
  init?(_ id: some StringProtocol) {
    guard let first = id.utf8.first, first.isLetter || first.isDigit, id.utf8.count <= 255,
      id.utf8.allSatisfy({ $0.isLetter || $0.isDigit || "_.-".utf8.contains($0) })
    else { return nil }
    self.id = String(id)
  }

  /// What an answer needs of a network, in the shape of `docker network inspect`.
  static let networkFormat = array([
    ("Name", ".Name"), ("Id", ".Id"), ("Driver", ".Driver"), ("Internal", ".Internal"), ("EnableIPv6", ".EnableIPv6"),
    ("IPAM", ".IPAM"), ("Options", ".Options"), ("Containers", ".Containers"),
  ])

  /// What an answer needs of a container, in the shape of `docker inspect`.
  static let containerFormat =
    #"[{"Id":{{json .Id}},"Name":{{json .Name}},"State":{"Running":{{json .State.Running}},"Pid":{{json .State.Pid}}},"#
    + #""HostConfig":{"NetworkMode":{{json .HostConfig.NetworkMode}},"Links":{{json .HostConfig.Links}}},"#
    + #""NetworkSettings":{{json .NetworkSettings}}}]"#

  private static func array(_ fields: [(key: String, value: String)]) -> String {
    "[{" + fields.map { "\"\($0.key)\":{{json \($0.value)}}" }.joined(separator: ",") + "}]"
  }
}
