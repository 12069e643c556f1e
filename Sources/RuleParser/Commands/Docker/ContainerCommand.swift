import HostModel
import RuleGraph

/// `docker run` with what it publishes, taken apart (docker-run(1)).
struct ContainerCommand {
  /// One `-p`.
  struct Port {
    var hostAddress: IPAddress?
    var hostPort: UInt16
    var containerPort: UInt16
    var transport: IPProtocol
  }

  private(set) var name: String?
  private(set) var network: String?
  private(set) var ports: [Port] = []
  /// What is not carried out; nil where all of it is.
  private(set) var unsupported: String?

  /// Options without a value that change nothing of the network.
  private static let flags: Set<String> = [
    "-d", "--detach", "--rm", "-i", "-t", "-it", "-ti", "-dit", "-itd", "-dt", "-td", "--interactive", "--tty",
    "--init",
    "--privileged", "--read-only", "-q", "--quiet",
  ]
  /// Options with a value that change nothing of it.
  private static let withValue: Set<String> = [
    "-e", "--env", "-v", "--volume", "--mount", "--restart", "-w", "--workdir", "-u", "--user", "-l", "--label",
    "--entrypoint", "--env-file", "--memory", "-m", "--cpus", "--pull", "--expose", "-h", "--hostname", "--platform",
    "--cap-add", "--cap-drop", "--log-driver", "--log-opt", "--health-cmd", "--tmpfs", "--ulimit", "--security-opt",
  ]

  /// Takes the words behind `docker run` apart.
  init(_ words: [String]) {
    var rest = words[...]
    while unsupported == nil, let word = rest.popFirst() {
      guard word.hasPrefix("-") else { return }
      var option = word
      var attached: String?
      if word.hasPrefix("--"), let equals = word.firstIndex(of: "=") {
        option = String(word[..<equals])
        attached = String(word[word.index(after: equals)...])
      } else if word.hasPrefix("-p"), word.utf8.count > 2 {
        option = "-p"
        attached = String(word.dropFirst(2))
      }
      if Self.flags.contains(option) { continue }
      guard let value = attached ?? rest.popFirst() else {
        unsupported = word
        return
      }
      switch option {
      case "--name": name = value
      case "--network", "--net": network = ["bridge", "default"].contains(value) ? nil : value
      case "-p", "--publish": if !publish(value) { unsupported = "\(option) \(value)" }
      case _ where Self.withValue.contains(option): continue
      default: unsupported = word
      }
    }
    if unsupported == nil { unsupported = "docker run \(words.joined(separator: " "))" }
  }

  /// `8080:80`, `127.0.0.1:8080:80/udp`, `8000-8002:80-82`.
  private mutating func publish(_ text: String) -> Bool {
    let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
    let transport: IPProtocol? = parts.count < 2 || parts[1] == "tcp" ? .tcp : parts[1] == "udp" ? .udp : nil
    let fields = (parts.first ?? "").split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    // Without a port of the host the kernel chooses one.
    guard let transport, fields.count == 2 || fields.count == 3 else { return false }
    var address: IPAddress?
    if fields.count == 3, !fields[0].isEmpty, fields[0] != "0.0.0.0" {
      guard let read = IPAddress(fields[0]), read.isIPv4 else { return false }
      address = read
    }
    guard let host = Self.range(fields[fields.count - 2]), let container = Self.range(fields[fields.count - 1]),
      host.count == container.count, host.count <= 1000
    else { return false }
    for (one, other) in zip(host, container) {
      ports.append(Port(hostAddress: address, hostPort: one, containerPort: other, transport: transport))
    }
    return true
  }

  private static func range(_ text: String) -> ClosedRange<UInt16>? {
    let ends = text.split(separator: "-").map { UInt16($0) }
    guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count < 3, first > 0, first <= last else {
      return nil
    }
    return first...last
  }
}
