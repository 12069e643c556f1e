import RuleGraph

/// The kinds of output that are read, each by a reader of its own.
enum OutputKind: String, Hashable, Sendable, CaseIterable {
  /// `iptables -L`.
  case listing = "iptables -L"
  /// `iptables-save`, `iptables -S`.
  case save = "iptables-save"
  /// `ipset list`, `ipset save`.
  case ipset
  /// `nft -j list ...`.
  case nftJSON = "nft -j"
  /// `nft list ...`.
  case nftText = "nft"
  /// `ip addr`, `ip link`, with and without `-d` and `-s`; `bridge link`.
  case ipAddress = "ip addr"
  /// `ip -o addr`, `ip -o link`.
  case ipAddressOneLine = "ip -o addr"
  /// `ip -br addr`.
  case ipAddressBrief = "ip -br addr"
  /// The host's addresses alone.
  case hostAddresses = "hostname -I"
  case ifconfig
  /// `ip route`.
  case ipRoute = "ip route"
  /// `route`, `netstat -r`.
  case routeTable = "route"
  case ipRule = "ip rule"
  case bridgeLink = "bridge link"
  case brctl = "brctl show"
  case sysctl
  /// One value without a name: `sysctl -n`, `cat /proc/sys/...`.
  case sysctlValue = "sysctl -n"
  case dockerNetworks = "docker network ls"
  case dockerContainers = "docker ps"
  case dockerInfo = "docker info"
  case dockerVersion = "docker version"
  case dockerPort = "docker port"
  /// JSON of `docker inspect`, `docker network inspect`, `ip -j ...`, `bridge -j ...`, `daemon.json`; what it is shows
  /// in its keys.
  case json
  /// `ss -l`.
  case sockets = "ss"
  case netstat
  /// Command lines of docker-proxy (`ps`).
  case dockerProxy = "docker-proxy"
  case conntrack = "conntrack -L"
  case neighbours = "ip neigh"
  /// `iptables --version`, `nft --version`, `uname -r`.
  case toolVersion = "--version"
  case ufwStatus = "ufw status"
  /// `firewall-cmd --list-all`, `--state`, `systemctl status firewalld`.
  case firewalld = "firewall-cmd"
  /// `pve-firewall status`, `fw4 print`, `uci show firewall`: what shows that another firewall runs.
  case firewallStatus = "firewall status"
  /// The list below `ports:` in a compose file.
  case composePorts = "docker-compose.yml"
  case dockerServices = "docker service ls"
  case clusterServices = "kubectl get services"
  /// The names of tables and chains without their rules: `nft list tables`, `nft list hooks`,
  /// `/proc/net/ip_tables_names`.
  case inventory
  /// Commands and scripts that change the host.
  case commands

  /// Whether the output tells rules (else the host around them).
  var tellsRules: Bool {
    switch self {
    case .listing, .save, .ipset, .nftJSON, .nftText, .inventory, .commands: true
    default: false
    }
  }
}

/// Where a command ran.
enum Place: Hashable, Sendable {
  /// The host.
  case host
  /// Inside a container, by its name or id; empty when not told.
  case container(String)
  /// In another network namespace.
  case namespace(String)
  /// On another machine, or in whatever else a command leads to; empty when its name is not told.
  case machine(String)

  var isMachine: Bool { if case .machine = self { true } else { false } }
  var isNamespace: Bool { if case .namespace = self { true } else { false } }

  /// The place in words.
  var words: String {
    switch self {
    case .host: "the host"
    case .container(let name): name.isEmpty ? "a container" : "container \(name)"
    case .namespace(let name): name.isEmpty ? "another network namespace" : "network namespace \(name)"
    case .machine(let name): name.isEmpty ? "another machine" : "machine \(name)"
    }
  }
}

/// What a command prints, as its words tell.
struct CommandOutput: Hashable, Sendable {
  /// The kind, or nil of a command whose output is of no interest here.
  var kind: OutputKind?
  /// `ip6tables`, `ip -6`.
  var family: AddressFamily?
  /// `iptables -t nat`, `nft list table ip nat`, `ip route show table 100`.
  var table: String?
  /// `iptables-legacy`, `iptables-nft`.
  var origin: TableOrigin?
  /// Only this chain was asked for.
  var chain: String?
  /// Everything of its kind was asked for: `nft list ruleset`, `iptables-save` without `-t`, `ss -tuln`.
  var isWhole = false
  /// Sets were printed without their elements (`nft -t`).
  var isTerse = false
  /// The chains were printed without their rules (`nft list chains`).
  var isWithoutRules = false
  /// A configuration file was printed, which may or may not be loaded (`cat /etc/nftables.conf`).
  var isFile = false
  /// What a filter (`| grep`, `| head`) has taken away.
  var filter = OutputFilter()
  /// Whether a filter has taken lines away.
  var isFiltered: Bool { !filter.places.isEmpty }
  /// What the command names: the setting of `cat /proc/sys/...`, the container of `docker port`.
  var subject: String?
}
