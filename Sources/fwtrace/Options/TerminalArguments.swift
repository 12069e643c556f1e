import ArgumentParser
import Reports

/// What the text is shown on.
struct TerminalArguments: ParsableArguments {
  @Option(help: ArgumentHelp("When to use colours. With auto, NO_COLOR turns them off.", valueName: "when"))
  var color: ColorChoice = .auto

  @Option(help: ArgumentHelp("Width of the output in columns.", valueName: "columns"))
  var width: Int?

  /// The terminal, as the options and the environment tell it.
  var settings: TerminalSettings { TerminalSettings(width: width ?? Output.width, inColor: color.isOn) }
}

/// When colours are used.
enum ColorChoice: String, ExpressibleByArgument, CaseIterable {
  case auto, always, never

  /// Whether standard output gets colours: by default on a terminal, unless `NO_COLOR` is set.
  var isOn: Bool {
    switch self {
    case .always: true
    case .never: false
    case .auto: Output.isTerminal && Output.environment("NO_COLOR") == nil && Output.environment("TERM") != "dumb"
    }
  }
}
