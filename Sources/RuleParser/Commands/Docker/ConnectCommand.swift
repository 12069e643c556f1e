import RuleGraph

/// `docker network connect`, taken apart (docker-network-connect(1)).
struct ConnectCommand {
  private(set) var network = ""
  private(set) var container = ""
  /// The address that was asked for.
  private(set) var address: IPAddress?
  /// What is not carried out; nil where all of it is.
  private(set) var unsupported: String?

  /// Takes the words behind `docker network connect` apart.
  init(_ words: [String]) {
    var names: [String] = []
    var rest = words[...]
    while unsupported == nil, let word = rest.popFirst() {
      guard word.hasPrefix("-") else {
        names.append(word)
        continue
      }
      let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
      guard let value = parts.count > 1 ? parts[1] : rest.popFirst() else {
        unsupported = word
        return
      }
      switch parts[0] {
      case "--alias": continue
      case "--ip":
        address = IPAddress(value).flatMap { $0.isIPv4 ? $0 : nil }
        if address == nil { unsupported = "--ip \(value)" }
      default: unsupported = word
      }
    }
    guard names.count == 2 else {
      unsupported = unsupported ?? "docker network connect \(words.joined(separator: " "))"
      return
    }
    (network, container) = (names[0], names[1])
  }
}
