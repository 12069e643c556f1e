import RuleGraph

/// A base chain of which one can't tell where the kernel calls it.
struct BaseChainPlace: Hashable, Sendable {
  /// The chain's name.
  var chain: String
  /// The type, where it is known.
  var type: ChainType?
  /// The hook, where it is known.
  var hook: Hook?
  /// Where it stands.
  var span: SourceSpan?
  /// How one knows of it.
  var evidence = MissingRules.Evidence.unreadable

  /// Makes the description of a place of which nothing is known yet.
  init(
    chain: String, type: ChainType? = nil, hook: Hook? = nil, span: SourceSpan? = nil,
    evidence: MissingRules.Evidence = .unreadable
  ) {
    self.evidence = evidence
    self.chain = chain
    self.type = type
    self.hook = hook
    self.span = span
  }

  /// The hook that a chain's name says, as `input` and `filter_FORWARD` do.
  static func hook(inName name: String) -> Hook? {
    let name = name.lowercased()
    return [Hook.prerouting, .postrouting, .input, .forward, .output].first { name.contains($0.rawValue) }
  }

  /// The hooks that the chain may be at.
  private var hooks: [Hook] {
    if let hook { return [hook] }
    switch type {
    case .nat: return [.prerouting, .input, .output, .postrouting]
    case .route: return [.output]
    case .filter, nil: return [.prerouting, .input, .forward, .output, .postrouting]
    }
  }

  /// A base chain at each hook that it may be at, with rules that may do what the chain's type allows.
  func chains(in family: TableFamily) -> [Chain] {
    guard family == .ip || family == .ip6 || family == .inet else { return [] }
    return hooks.map { hook in
      let isOfSource = hook == .postrouting || hook == .input
      let priority =
        type == .nat ? (isOfSource ? HookPriority.srcnat : HookPriority.dstnat) : HookPriority.filter
      var effects: MissingRules.Effects?
      if type == nil {
        effects = [.accept, .drop, .reject]
        if hook == .prerouting || hook == .output { effects?.formUnion([.translateDestination, .change]) }
        if hook == .postrouting { effects?.insert(.translateSource) }
      }
      let missing = MissingRules(evidence, effects: effects)
      let rule = span.map { Rule(missing: missing, span: $0) }
      return Chain(
        "\(chain) (if at \(hook.rawValue))",
        base: BaseChain(type: type ?? .filter, hook: hook, priority: priority, policy: .accept),
        rules: rule.map { [$0] } ?? [],
        span: span, shown: .part)
    }
  }
}
