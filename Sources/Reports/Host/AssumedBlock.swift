import FlowTrace
import HostAnalysis
import RuleGraph

/// What an exposure takes for granted, in one sentence, with what would settle it.
struct AssumedBlock {
  let exposure: Exposure

  func add(to page: inout Page) {
    guard !exposure.assumptions.isEmpty || !exposure.unnamed.isEmpty else { return }
    var commands: [String] = exposure.unnamed.isEmpty ? [] : ["ip addr"]
    var sentences = exposure.unnamed.isEmpty ? [] : ["the host has an address that no rule names"]
    let assumptions = exposure.assumptions.told
    for assumption in assumptions {
      if sentences.count < 4 { sentences.append(assumption.text) }
      if let command = assumption.settledBy, !commands.contains(command) { commands.append(command) }
    }
    let more = assumptions.count + (exposure.unnamed.isEmpty ? 0 : 1) - sentences.count
    if more > 0 { sentences.append("\(more) more") }
    page.addGap()
    var text = StyledText("Assumed  ", .doubtful) + StyledText(sentences.joined(separator: "; ") + ".")
    if !commands.isEmpty {
      text += StyledText(" Settled by: " + commands.prefix(6).joined(separator: "; "), .faint)
    }
    page.add(text, hanging: 9)
  }
}
