import Testing

/// An input that somebody made to end the program, or to keep it busy.
struct HostileInput: CustomTestStringConvertible, Sendable {
  /// What is many in it.
  var name: String
  /// The options of the program, the input's name behind them.
  var options: String
  /// How many there are.
  var count: Int
  var text: @Sendable (Int) -> String

  var testDescription: String { "\(count) \(name): fwtrace \(options)" }

  /// A packet that meets the rules of the inputs.
  static let packet = "--in eth0 --dst 10.0.0.1:22"

  /// The inputs, each by each command that it could hurt.
  static let all: [HostileInput] =
    expressions + expressions.compactMap(\.inJSON) + jumps + rules + facts + pastes + scripts

  /// The same, printed as JSON.
  private var inJSON: HostileInput? {
    options == "parse" ? HostileInput(name: name, options: "parse --json", count: count, text: text) : nil
  }

  /// An input by several commands.
  static func of(
    _ name: String, _ count: Int, by options: String..., text: @escaping @Sendable (Int) -> String
  ) -> [HostileInput] {
    options.map { HostileInput(name: name, options: $0, count: count, text: text) }
  }

  // MARK: - Parts of inputs

  static func lines(_ count: Int, _ line: (Int) -> String) -> String {
    (0..<count).map(line).joined(separator: "\n") + "\n"
  }

  static func address(_ number: Int) -> String { "10.\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)" }

  /// `iptables-save` of a filter table with these rules and chains.
  static func save(_ rules: String, chains: String = "") -> String {
    "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n\(chains)\(rules)COMMIT\n"
  }

  static func chains(_ count: Int) -> String { lines(count) { ":C\($0) - [0:0]" } }

  /// `nft list ruleset` with these rules at input.
  static func nft(_ rules: String) -> String {
    "table inet t {\n\tchain c {\n\t\ttype filter hook input priority 0; policy accept;\n\t\t\(rules)\n\t}\n}\n"
  }

  /// `nft -j list ruleset` with one rule of this expression.
  static func json(_ expression: String) -> String {
    #"{"nftables": [{"table": {"family": "inet", "name": "t", "handle": 1}}, "#
      + #"{"chain": {"family": "inet", "table": "t", "name": "c", "handle": 1, "type": "filter", "hook": "input", "#
      + #""prio": 0, "policy": "accept"}}, "#
      + #"{"rule": {"family": "inet", "table": "t", "chain": "c", "handle": 2, "expr": [\#(expression)]}}]}"#
  }

  /// What a command printed, with the rules of a host behind it.
  static func host(_ command: String, _ output: String) -> String {
    "$ \(command)\n\(output)$ iptables-save\n\(save(""))"
  }

  static func repeated(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

  static func list(_ text: String, _ count: Int, by separator: String) -> String {
    Array(repeating: text, count: count).joined(separator: separator)
  }
}
