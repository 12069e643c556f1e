import FlowTrace

/// What was typed, looked at before it is parsed: mistakes that the parser takes in silence or can't explain.
enum TypedOptions {
  /// Options of iptables and what they are called here. Those that say what a rule does have no counterpart.
  private static let ofIptables: [String: String] = [
    "--destination": "--dst", "--source": "--src", "--protocol": "--proto", "--in-interface": "--in",
    "--out-interface": "--out", "--destination-port": "--dport", "--source-port": "--sport", "--dports": "--dport",
    "--sports": "--sport", "--destination-ports": "--dport", "--source-ports": "--sport", "--ctstate": "--state",
    "--uid-owner": "--uid", "--gid-owner": "--gid", "--physdev-in": "--physin",
  ]
  private static let ofRules: Set<String> = [
    "-m", "--match", "-j", "--jump", "-g", "--goto", "-A", "-I", "-D", "-R", "-C", "-P", "-t", "--table", "--append",
    "--insert", "--delete", "--check",
  ]

  /// The options that were typed with their values, without those after `--`.
  private static func options(_ arguments: [String]) -> [(name: String, value: String?)] {
    var found: [(name: String, value: String?)] = []
    let given = Array(arguments.prefix { $0 != "--" })
    for (index, argument) in given.enumerated() where argument.hasPrefix("-") && argument.count > 1 {
      if let equals = argument.firstIndex(of: "=") {
        found.append((String(argument[..<equals]), String(argument[argument.index(after: equals)...])))
      } else {
        found.append((argument, given.indices.contains(index + 1) ? given[index + 1] : nil))
      }
    }
    return found
  }

  /// Refuses an option of the packet that is given twice: the last one would win in silence.
  static func refuseRepeated(_ arguments: [String]) throws(Failure) {
    let short = ["-d": "--dst", "-s": "--src", "-p": "--proto", "-i": "--in", "-o": "--out"]
    let ofPacket = Set(QueryOption.allCases.filter { $0 != .reply }.map(\.commandLineName))
    let isCapture = arguments.first == "capture"
    var seen: [String: String] = [:]
    for (name, value) in options(arguments) {
      let long = isCapture ? name : short[name] ?? name
      guard ofPacket.contains(long), let value else { continue }
      if let first = seen[long] {
        let advice =
          first.contains(":") || value.contains(":")
          ? "ask once for each" : "several values are one list: \(long) \(first),\(value)"
        throw Failure("\(name) \(value): \(long) is given twice, \(first) before; \(advice)")
      }
      seen[long] = value
    }
  }

  /// A message of the parser in the voice of all others.
  ///
  ///     Error: Unknown option '--bogus'. Did you mean '--out'?      becomes
  ///     fwtrace: unknown option '--bogus'; did you mean '--out'?
  static func voiced(_ message: String) -> String {
    guard message.hasPrefix("Error: ") else { return message }
    let end = message.firstIndex(of: "\n") ?? message.endIndex
    var problem = message[..<end].dropFirst("Error: ".count)
    if problem.last == "." { problem.removeLast() }
    let voiced = problem.prefix(1).lowercased() + problem.dropFirst()
    return "fwtrace: " + voiced.replacing(". Did you mean", with: "; did you mean") + message[end...]
  }

  /// What would be right for the first option that is iptables' own and unknown here; nil where none is.
  static func advice(_ arguments: [String]) -> String? {
    for (name, value) in options(arguments) {
      if let right = ofIptables[name] {
        return "\(name): it is \(right) here" + (value.map { ": \(right) \($0)" } ?? "")
      }
      if ofRules.contains(name) {
        return
          "\(name): this belongs to a rule; a question describes a packet, such as --in eth0 --src 192.0.2.1 --dst 198.51.100.1:443"
      }
    }
    return nil
  }
}
