import HostModel
import RuleGraph

/// Routes by table and destination, so that the longest prefix for an address is found among many thousands at once.
struct RouteIndex {
  private struct Place: Hashable {
    var table: String
    var prefix: Prefix
  }

  private struct Table: Hashable {
    var number: String
    var family: AddressFamily
  }

  private var routes: [Place: [Route]] = [:]
  /// The lengths of the destinations in each table, the longest first.
  private var lengths: [Table: [Int]] = [:]

  init(_ all: some Sequence<Route>) {
    var known: [Table: Set<Int>] = [:]
    for route in all {
      let number = Self.number(of: route.table)
      routes[Place(table: number, prefix: route.destination), default: []].append(route)
      known[Table(number: number, family: route.destination.family), default: []].insert(route.destination.length)
    }
    lengths = known.mapValues { $0.sorted(by: >) }
  }

  /// Whether the table has routes of a family.
  func holds(_ table: String, _ family: AddressFamily) -> Bool {
    lengths[Table(number: Self.number(of: table), family: family)] != nil
  }

  /// The routes of a table to an address, those of the longest prefix first, each prefix's in the order of the dump,
  /// until one is wanted and all of its prefix were asked about.
  func each(to address: IPAddress, in table: String, _ isWanted: (Route) -> Bool) {
    let number = Self.number(of: table)
    for length in lengths[Table(number: number, family: address.family)] ?? [] {
      guard let prefix = Prefix(address, length: length), let here = routes[Place(table: number, prefix: prefix)] else {
        continue
      }
      var isFound = false
      for route in here where isWanted(route) { isFound = true }
      if isFound { return }
    }
  }

  /// The number of a table, for one that has a name, too (`/etc/iproute2/rt_tables`); any other one's name.
  static func number(of table: String) -> String {
    switch table {
    case "local": "255"
    case "main": "254"
    case "default": "253"
    default: table
    }
  }
}
