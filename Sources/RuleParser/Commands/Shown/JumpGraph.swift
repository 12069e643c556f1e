/// Which chain leads to which: by jumps of its rules, and by maps that they ask.
struct JumpGraph {
  private var targets: [String: Set<String>] = [:]

  mutating func add(_ target: String, to chain: String) { targets[chain, default: []].insert(target) }

  /// The graph with one more jump.
  func adding(_ target: String, to chain: String) -> JumpGraph {
    var copy = self
    copy.add(target, to: chain)
    return copy
  }

  /// The chains that a chain leads to, itself among them.
  func chains(from start: String) -> Set<String> {
    var seen: Set<String> = []
    var open = [start]
    while let name = open.popLast() {
      if seen.insert(name).inserted { open += targets[name] ?? [] }
    }
    return seen
  }

  /// Whether a chain leads to another one, or is it.
  func reaches(_ wanted: String, from start: String) -> Bool { chains(from: start).contains(wanted) }

  /// Whether some way from a chain comes back to where it was.
  func leadsBack(from start: String) -> Bool {
    chains(from: start).contains { chain in
      (targets[chain] ?? []).contains { reaches(chain, from: $0) }
    }
  }
}
