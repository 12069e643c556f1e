/// The loops of a command line that run a command for some words: `for t in filter nat; do iptables -t $t -S; done`.
enum ShellLoop {
  /// The pipelines of a line, each loop over plain words as the commands that it runs.
  static func unrolled(_ pipelines: [[[String]]]) -> [[[String]]] {
    guard let start = pipelines.firstIndex(where: { $0.first?.first == "for" }),
      let end = pipelines[start...].firstIndex(where: { $0.first?.first == "done" }),
      let head = pipelines[start].first, head.count > 3, head.count <= 40, head[2] == "in"
    else { return pipelines }
    let (name, words) = (head[1], head[3...])
    guard words.allSatisfy({ word in !word.contains { "$`*?[{".contains($0) } }) else { return pipelines }
    let body = pipelines[(start + 1)..<end].map { pipeline in
      var pipeline = pipeline
      if pipeline.first?.first == "do" { pipeline[0].removeFirst() }
      return pipeline
    }
    // Of what a filter lets nothing through nobody sees which of the outputs is missing.
    guard pipelines[end].count == 1, body.allSatisfy({ $0.count == 1 }) else { return pipelines }
    let runs = words.flatMap { value in
      body.map { $0.map { $0.map { word in substituted(word.replacing("${\(name)}", with: value), name, value) } } }
    }
    return pipelines[..<start] + runs + unrolled(Array(pipelines[(end + 1)...]))
  }

  /// A word with the value of a variable, and of no other one whose name begins alike.
  private static func substituted(_ word: String, _ name: String, _ value: String) -> String {
    var result = ""
    var rest = word[...]
    while let place = rest.firstRange(of: "$" + name) {
      let isOther = rest[place.upperBound...].first.map { $0.isLetter || $0.isNumber || $0 == "_" } ?? false
      result += rest[..<place.lowerBound] + (isOther ? rest[place] : value[...])
      rest = rest[place.upperBound...]
    }
    return result + rest
  }
}
