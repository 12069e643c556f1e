import Foundation
import Testing

/// FlowTrace is laid out in layers, a folder each, and a file names only types of its own layer and of those below it.
@Suite struct LayerTests {
  /// From the lowest to the highest.
  static let layers = ["Model", "Knowledge", "Evaluation", "Tracer", "Explanation"]

  @Test func everyFileIsInALayer() throws {
    let homeless = try Layers(of: "FlowTrace").files.filter { !Self.layers.contains($0.layer) }
    #expect(homeless.map(\.path) == [])
  }

  @Test func filesNameOnlyWhatLiesBelow() throws {
    let upward = try Layers(of: "FlowTrace").arrows { $0.layer }.filter { arrow in
      guard let from = Self.layers.firstIndex(of: arrow.from), let to = Self.layers.firstIndex(of: arrow.to) else {
        return true
      }
      return from < to
    }
    #expect(upward.map { "\($0.from) names \($0.type) of \($0.to)" }.sorted() == [])
  }

  @Test func anUpwardNameIsSeen() {
    #expect(
      Layers.declared(in: "public struct Tracer: Sendable {\n  struct Options {}\n}\nprivate enum Hidden {}") == [
        "Tracer"
      ])
    #expect(
      Layers.named(in: "let tracer: Tracer // Engine\nlet text = \"a Flow\" + \"\\(Words.all)\"") == [
        "Tracer", "Words",
      ])
  }

  /// `make house` draws what this writes.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["FWTRACE_HOUSE"] != nil, "make house asks for it"))
  func theHouseIsDrawn() throws {
    let path = try #require(ProcessInfo.processInfo.environment["FWTRACE_HOUSE"])
    try HouseDrawing().text().write(toFile: path, atomically: true, encoding: .utf8)
  }
}

/// The modules, and FlowTrace's folders inside, with their arrows for Graphviz.
struct HouseDrawing {
  func text() throws -> String {
    var lines = [
      "digraph house {",
      "  rankdir=TB; node [shape=box, fontname=\"sans-serif\", fontsize=11]; edge [color=gray50, arrowsize=0.7];",
      "  compound=true; newrank=true;",
    ]
    for (module, below) in ImportTests.below.sorted(by: { $0.key < $1.key }) where module != "FlowTrace" {
      lines.append("  \"\(module)\";")
      for other in below.sorted() where !isImplied(module, other) {
        lines.append(
          "  \"\(module)\" -> \(other == "FlowTrace" ? "\"Explanation\" [lhead=cluster_FlowTrace]" : "\"\(other)\"");")
      }
    }
    let layers = try Layers(of: "FlowTrace")
    lines.append(
      "  subgraph cluster_FlowTrace { label=\"FlowTrace\"; fontname=\"sans-serif\"; fontsize=12; color=gray60;")
    for layer in LayerTests.layers {
      let folders = Set(layers.files.filter { $0.layer == layer }.map(\.folder)).sorted()
      let names = folders.map { $0 == layer ? layer : String($0.split(separator: "/").last ?? "") }
      let count = layers.files.count { $0.layer == layer }
      let inside = names.filter { $0 != layer }
      let label = inside.isEmpty ? layer : "\(layer)\\n\(inside.joined(separator: ", "))"
      lines.append("    \"\(layer)\" [label=\"\(label)\\n\(count) files\"];")
    }
    var drawn: Set<String> = []
    for arrow in layers.arrows(between: { $0.layer }).sorted(by: { ($0.from, $0.to) < ($1.from, $1.to) }) {
      let line = "    \"\(arrow.from)\" -> \"\(arrow.to)\";"
      if drawn.insert(line).inserted { lines.append(line) }
    }
    lines.append("  }")
    for other in (ImportTests.below["FlowTrace"] ?? []).sorted() where !isImplied("FlowTrace", other) {
      lines.append("  \"Model\" -> \"\(other)\" [ltail=cluster_FlowTrace];")
    }
    lines.append("}")
    return lines.joined(separator: "\n") + "\n"
  }

  /// Whether a module is imported by another one that is imported, too: the arrow goes without saying.
  private func isImplied(_ module: String, _ other: String) -> Bool {
    (ImportTests.below[module] ?? []).contains { $0 != other && (ImportTests.below[$0] ?? []).contains(other) }
  }
}
