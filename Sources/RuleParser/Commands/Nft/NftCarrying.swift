import RuleGraph

/// What is known of a host on which commands of nft are carried out, beside its tables.
struct NftCarrying {
  /// Whether the command that is read surely runs.
  var doubt = CommandDoubt.none
  /// Whether the script computes a part of it.
  var isComputed = false
  /// Whether a file that nobody shows was loaded: then what a command names may come from there.
  var hasUnseen = false
  /// Whether a command could not be read because the script computes a part of it: it may have changed anything.
  var hasLostCommand = false
  /// Whether each command does exactly what it does on the host, or is refused: what nobody knows is said instead of
  /// being taken in.
  var isExact = false
  /// Whether every table is known, where commands are carried out exactly.
  var hasAllTables = true
  /// What the dumps would have to show for the command that is read.
  var gap: CommandFailure.Gap?
  /// What nft says where it refuses the command that is read.
  var refusal: String?
  /// For each table the handle that was given last (`nf_tables_alloc_handle` in `net/netfilter/nf_tables_api.c`); nil
  /// where nobody can count them, because a set without a name took one or a command failed.
  private var handles: [Int: UInt64?] = [:]

  /// The next handle in a table.
  @discardableResult
  mutating func takeHandle(of table: Int) -> UInt64? {
    let last = handles[table] ?? 0
    let next = last.map { $0 + 1 }
    handles[table] = .some(next)
    return next
  }

  /// From now on the handles of a table are unknown.
  mutating func forgetHandles(of table: Int) { handles[table] = .some(nil) }

  /// The handles of a table that is gone, and of those that move up, are unknown.
  mutating func forgetAllHandles(tables: Int) { for index in 0...tables { handles[index] = .some(nil) } }

  var isCertain: Bool { doubt.isNone }
}
