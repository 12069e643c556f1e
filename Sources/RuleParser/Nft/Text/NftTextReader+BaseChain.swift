import RuleGraph

/// What a chain's block says of its policy; unknown where the word is none.
struct WrittenPolicy {
  /// The policy; nil when it can't be read.
  var policy: BaseChain.Policy?
}

/// What makes a chain of nft's text a base chain: its type, hook, priority and policy (nft(8), "CHAINS").
extension NftTextReader {
  /// Reads `type filter hook input priority filter` with everything that may stand in it. What can't be read of it
  /// leaves the chain a base chain all the same: one at an unknown place.
  mutating func readHook(_ index: Int, _ name: String) {
    guard let chain = builder.chainID(name, in: index) else { return }
    let (family, start) = (builder.tables[index].family, tokens.current.start)
    var place = BaseChainPlace(chain: name, span: text.span(start..<start))
    var priority: Int32?
    var devices: [String] = []
    var isClean = true
    while !isStatementEnd, !tokens.isWord("policy") {
      let before = tokens.current.start
      do throws(SyntaxError) {
        if eat("type") {
          place.type = try known("filter, nat or route")
        } else if eat("hook") {
          place.hook = try known("the name of a hook")
        } else if eat("priority") {
          priority = try self.priority(place.hook ?? .input, family)
        } else if tokens.isWord("device") || tokens.isWord("devices") {
          devices = try self.devices()
        } else {
          throw fail("priority")
        }
      } catch {
        report(error)
        isClean = false
        if tokens.current.start == before, !isStatementEnd { tokens.advance() }
      }
    }
    // What was passed may have held the policy.
    if !isClean, writtenPolicy == nil { writtenPolicy = tokens.isWord("policy") ? nil : WrittenPolicy(policy: nil) }
    guard let type = place.type, let hook = place.hook else {
      place.span = text.span(start..<max(start, tokens.previousEnd))
      warn("unknown-hook", "the hook or type of this chain is unknown", start..<max(start, tokens.previousEnd))
      builder.noteUnknownPlace(place, of: index)
      return
    }
    if priority == nil {
      warn("unknown-priority", "the priority of this chain is unknown", start..<max(start, tokens.previousEnd))
    }
    builder[chain].base = BaseChain(
      type: type, hook: hook, priority: priority ?? 0,
      policy: builder[chain].base?.policy ?? .accept,
      devices: devices)
  }

  /// A word that is one of a few.
  private mutating func known<Word: RawRepresentable>(_ expected: String) throws(SyntaxError) -> Word
  where Word.RawValue == String {
    let start = tokens.mark
    guard let known = Word(rawValue: try name(expected)) else {
      let error = SyntaxError(offset: tokens.previousEnd, expected: expected)
      // A word that another one has the place of is that other one.
      tokens.back(to: start)
      if !tokens.isWord("hook"), !tokens.isWord("priority"), !tokens.isWord("type") { tokens.advance() }
      throw error
    }
    return known
  }

  /// Reads `policy drop`, which may stand before the hook.
  mutating func readPolicy(_ index: Int, _ name: String) {
    let start = tokens.current.start
    tokens.advance()
    let word = try? self.name("accept or drop")
    let policy = word.flatMap { BaseChain.Policy(rawValue: $0) }
    if policy == nil || !isStatementEnd {
      diagnostics.append(
        Diagnostic(
          "unknown-policy", .warning, "not a policy: the policy of chain \(name) is unknown",
          span: text.span(start..<max(start, tokens.previousEnd)), expected: "accept or drop"))
      while !isStatementEnd { tokens.advance() }
      writtenPolicy = WrittenPolicy(policy: nil)
    } else {
      writtenPolicy = WrittenPolicy(policy: policy)
    }
  }

  /// Gives a chain the policy that its block says. `before` is the one that the same table block has said already.
  mutating func settlePolicy(of name: String, _ index: Int, before: BaseChain.Policy?) {
    guard let chain = builder.chainID(name, in: index), let written = writtenPolicy else { return }
    guard builder[chain].base != nil else {
      // Only base chains have a policy.
      builder.noteUnknownPlace(
        BaseChainPlace(chain: name, span: builder[chain].span), of: index)
      return
    }
    builder[chain].base?.policy = written.policy
    if let before, before != written.policy {
      builder[chain].base?.policy = nil
      diagnostics.append(
        Diagnostic(
          "unknown-policy", .warning, "chain \(name) has two policies here: which one holds is unknown",
          span: builder[chain].span))
    }
  }
}
