/// A line of a dump, or an object of nft's JSON, and its part in the dump.
struct Row: Sendable {
  /// What a line is in its dump.
  enum Role: Sendable {
    /// `*nat`, `table ip nat {`.
    case tableHead
    /// `:INPUT DROP [0:0]`, `Chain INPUT (policy DROP)`, `-P INPUT DROP`, `-N DOCKER`, `chain INPUT {`.
    case chainHead
    /// What follows a head before the rules: a listing's names of columns, `type filter hook input priority 0; policy drop;`.
    case spec
    case rule
    /// A line of a set or another object of a table.
    case element
    case chainEnd
    /// `COMMIT`, a table's closing brace.
    case tableEnd
    /// Empty lines, comments, everything that belongs to no chain.
    case other
  }

  var text: String
  var role: Role
  /// The table that the line stands in, with its family: `ip nat`.
  var table = ""
  var chain = ""
  /// The chains that a rule jumps or goes to.
  var targets: [String] = []
  /// Whether the head is that of a base chain (built-in, with a policy or hook).
  var isBase = false

  init(_ text: String, _ role: Role, table: String = "", chain: String = "") {
    self.text = text
    self.role = role
    self.table = table
    self.chain = chain
  }
}

extension [Row] {
  /// The chains that have a head here, with their tables.
  var heads: [Row] { filter { $0.role == .chainHead } }

  /// The tables with a row here, in order.
  var tables: [String] {
    var found: [String] = []
    for row in self where !row.table.isEmpty && !found.contains(row.table) { found.append(row.table) }
    return found
  }

  /// Whether a rule of another chain leads to this one.
  func leads(to chain: Row) -> Bool {
    contains {
      $0.role == .rule && $0.table == chain.table && $0.chain != chain.chain && $0.targets.contains(chain.chain)
    }
  }

  /// The indexes of the rows of a chain, its head and end among them.
  func indexes(of chain: Row) -> [Int] {
    indices.filter { self[$0].table == chain.table && self[$0].chain == chain.chain }
  }
}
