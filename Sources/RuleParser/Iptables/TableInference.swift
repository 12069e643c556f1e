import RuleGraph

/// The table that chains are of when neither the dump nor a command says so.
///
/// `iptables -L` and `iptables -S` do not print the table's name. Each table has its own set of built-in chains
/// (iptables(8), "TABLES"): nat has PREROUTING and POSTROUTING but no FORWARD, mangle has all five, raw PREROUTING and
/// OUTPUT, filter INPUT, FORWARD and OUTPUT; and some targets are for one table only.
struct TableInference {
  /// The table's name.
  let table: String
  /// False where other tables would do, too.
  let isCertain: Bool

  private init(_ table: String, isCertain: Bool) {
    self.table = table
    self.isCertain = isCertain
  }

  /// Looks at the chains; nil when nothing tells (users' chains without a target that only one table knows).
  init?(_ chains: [Chain]) {
    let signs = Signs(chains)
    let hooks = signs.hooks
    let isRouted = hooks.contains(.prerouting) || hooks.contains(.postrouting)
    if signs.translates {
      self.init("nat", isCertain: true)
    } else if hooks.contains(.forward) {
      self.init(isRouted ? "mangle" : "filter", isCertain: true)
    } else if signs.untracks {
      self.init("raw", isCertain: true)
    } else if signs.mangles {
      self.init("mangle", isCertain: true)
    } else if hooks.contains(.postrouting) || (hooks.contains(.prerouting) && hooks.contains(.input)) {
      self.init("nat", isCertain: hooks.count > 1)
    } else if hooks.contains(.prerouting) {
      // Alone it may be one of three tables: nat, in which nothing can be dropped, or raw and mangle.
      self.init(hooks.contains(.output) || signs.drops ? "raw" : "nat", isCertain: hooks.contains(.output))
    } else if !hooks.isEmpty {
      self.init("filter", isCertain: hooks.count > 1)
    } else {
      return nil
    }
  }

  /// Chains that stand behind each other in the order of one listing, in the groups of which each can be of one table;
  /// nil where all can.
  ///
  /// A whole listing of mangle shows all five built-in chains. FORWARD and POSTROUTING alone were listed one by one,
  /// from filter and nat.
  static func groups(of chains: [Chain]) -> [[Int]]? {
    let hooks = Set(chains.lazy.filter { $0.name.utf8.count <= 11 }.compactMap { BuiltinTables.hook($0.name) })
    guard hooks.contains(.forward), hooks.contains(.prerouting) || hooks.contains(.postrouting), hooks.count < 5,
      !chains.allSatisfy({ $0.rules.allSatisfy { $0.missing != nil } }) || !hooks.contains(.input)
    else { return nil }
    let builtins = chains.map(\.name).filter { BuiltinTables.hook($0) != nil }
    if builtins.starts(with: ["PREROUTING", "INPUT", "FORWARD"]) {
      // The beginning of mangle's listing, where the targets speak for it and none is of nat.
      let signs = Signs(chains)
      if signs.mangles || signs.marks, !signs.translates { return nil }
    }
    var natNames: Set<String> = ["PREROUTING", "POSTROUTING"]
    // A user's chain is of the table whose chains jump to it.
    for _ in chains.indices {
      let before = natNames.count
      for chain in chains where natNames.contains(chain.name) {
        for rule in chain.rules {
          for case .verdict(let verdict) in rule.statements {
            switch verdict {
            case .jump(let name), .goto(let name): natNames.insert(name)
            default: break
            }
          }
        }
      }
      if natNames.count == before { break }
    }
    let isNat = chains.map { natNames.contains($0.name) }
    return [chains.indices.filter { !isNat[$0] }, chains.indices.filter { isNat[$0] }].filter { !$0.isEmpty }
  }

  /// Says which table chains were taken for.
  func diagnostic(_ span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "table-inferred", .note,
      isCertain
        ? "no command says which table this is; its chains and targets are those of \(table)"
        : "no command says which table this is; taken as \(table), though it fits other tables as well", span: span)
  }

  /// What chains and rules tell.
  private struct Signs {
    var hooks: Set<Hook> = []
    var translates = false
    var untracks = false
    var mangles = false
    /// Whether something sets a mark: every table can, and people do it in mangle.
    var marks = false
    var drops = false

    init(_ chains: [Chain]) {
      hooks = Set(chains.lazy.filter { $0.name.utf8.count <= 11 }.compactMap { BuiltinTables.hook($0.name) })
      for chain in chains {
        for rule in chain.rules {
          for statement in rule.statements { take(statement) }
          // That only nat translates decides; nothing else has to be known.
          if translates { return }
        }
      }
    }

    private mutating func take(_ statement: Statement) {
      switch statement {
      case .translate: if statement.isOfNatAlone { translates = true }
      case .notrack: untracks = true
      case .effect(let effect): if [.helper, .timeout, .zone, .ctTarget].contains(effect.kind) { untracks = true }
      case .assign(let assignment): if case .header = assignment.field { mangles = true } else { marks = true }
      case .verdict(.drop), .verdict(.reject): drops = true
      default: break
      }
    }
  }
}

extension Statement {
  /// Whether it is a translation that the nat table alone takes.
  var isOfNatAlone: Bool {
    guard case .translate(let translation) = self else { return false }
    return translation.kind != .tproxy && translation.kind != .npt
  }
}
