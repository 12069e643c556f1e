import RuleParser

/// What one command printed.
struct Output: Sendable {
  /// The name of a file that holds it.
  var file: String
  var command: String
  /// The form of its rules; nil for what tells of the host around them.
  var form: Form?
  /// The table of a listing, with its family.
  var table = ""
  var rows: [Row]
  /// The line before it, where it is not the prompt: a heading, or nothing of an output whose beginning is lost.
  var heading: Heading = .prompt
  /// The machine of its prompt.
  var host: String?
  /// Whether the text stops in the middle of the last row.
  var stopsInRow = false

  enum Heading: Sendable, Equatable {
    case prompt, none
    case words(String)
  }

  /// An output as it was captured.
  init(_ text: String, file: String, command: String, form: Form?, table: String = "") {
    self.file = file
    self.command = command
    self.form = form
    self.table = table
    if let form {
      rows = Anatomy.rows(text, form, table: form == .save && command.contains("ip6tables") ? "ip6" : table)
    } else {
      var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      while lines.last == "" { lines.removeLast() }
      rows = lines.map { Row($0, .other) }
    }
  }

  /// Whether a filter stands behind the command: what it lets through of a part of the output is not that part of what it let through.
  var isFiltered: Bool { command.contains(" | ") }

  /// The lines that are printed.
  var lines: [String] {
    let texts = rows.map(\.text)
    return form == .nftJSON && !stopsInRow ? [JSONText.line(texts)] : texts
  }
}

/// A text that is handed to the reader.
struct PastedText: Sendable {
  var name: String
  var lines: [String]
  /// Whether the last line has no end.
  var isOpenEnded = false

  var text: String { lines.joined(separator: "\n") + (isOpenEnded || lines.isEmpty ? "" : "\n") }
  var input: DumpInput { DumpInput(name: name, text: text) }
}

/// All outputs of a host in one layout.
struct Dump: Sendable {
  var outputs: [Output]
  var layout: Layout
  /// The prompt, with `HOST` where the machine's name stands.
  var prompt = "root@HOST:~# "
  var host = "edge1"

  /// The texts that the reader gets.
  var texts: [PastedText] {
    if layout == .files {
      return outputs.map { PastedText(name: $0.file, lines: $0.lines, isOpenEnded: $0.stopsInRow) }
    }
    var lines: [String] = []
    for output in outputs {
      switch output.heading {
      case .words(let words): lines.append(words)
      case .prompt where layout == .prompts: lines.append(promptLine(output))
      default: if !lines.isEmpty, lines.last != "" { lines.append("") }
      }
      lines += output.lines
    }
    return [PastedText(name: "paste.txt", lines: lines, isOpenEnded: outputs.last?.stopsInRow ?? false)]
  }

  private func promptLine(_ output: Output) -> String {
    let name = output.host ?? host
    return prompt.split(separator: "HOST", omittingEmptySubsequences: false).joined(separator: name) + output.command
  }

  /// The indexes of the outputs that hold rules.
  var ruleOutputs: [Int] { outputs.indices.filter { outputs[$0].form != nil } }
}
