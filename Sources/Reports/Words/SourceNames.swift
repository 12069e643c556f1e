import RuleGraph

/// The shortest names by which the sources of a ruleset can be told apart: `nat.txt` instead of
/// `captures/web01/nat.txt`.
struct SourceNames {
  private var names: [String]

  init(_ sources: SourceMap) {
    let full = sources.sources.map(\.name)
    names = full.map { name in
      let parts = name.split(separator: "/", omittingEmptySubsequences: true)
      for count in 1..<max(parts.count, 2) {
        let short = parts.suffix(count).joined(separator: "/")
        let same = full.filter { $0 == short || $0.hasSuffix("/" + short) }
        if Set(same).count <= 1 { return short }
      }
      return name
    }
  }

  /// `nat.txt:22`.
  subscript(_ span: SourceSpan) -> String {
    names.indices.contains(Int(span.source)) ? "\(names[Int(span.source)]):\(span.line)" : "?:\(span.line)"
  }

  /// The same; nil of what stands in no input.
  func place(_ span: SourceSpan) -> String? { names.indices.contains(Int(span.source)) ? self[span] : nil }
}
