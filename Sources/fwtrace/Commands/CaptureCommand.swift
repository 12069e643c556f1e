import ArgumentParser
import LiveCapture

/// `fwtrace capture`: everything an answer needs of this host, in one file to take away.
struct CaptureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "capture",
    abstract: "Write everything that fwtrace needs to know of this host into one text file.",
    discussion: """
      The file holds each command and what it printed: rules of iptables and nftables, ipsets, addresses, routes, kernel settings, \
      listening sockets and containers. On any machine, fwtrace answers from it as it would on the host. Nothing on the host is changed.

        sudo fwtrace capture -o host.txt
        fwtrace --dst 172.17.0.2:8080 host.txt
      """)

  @Option(
    name: [.short, .long], help: ArgumentHelp("The file to write; - is standard output (default).", valueName: "file"))
  var output = "-"

  @Flag(
    help: ArgumentHelp(
      "Replace public addresses, hardware addresses, names and comments; the answers stay the same.",
      discussion: "Addresses keep their common prefixes. Private addresses, interfaces, chains and ports stay."))
  var redact = false

  @Flag(help: "Print a shell script that writes the same file on a host without fwtrace.")
  var script = false

  @OptionGroup var namespace: NamespaceArguments

  func run() throws {
    if script {
      guard !redact, namespace.netns == nil else {
        throw Failure(
          "--script: the script reads the host that it runs on as it is; --redact and --netns have no place beside it")
      }
      return try write(Array(CaptureScript.text(version: Fwtrace.configuration.version).utf8))
    }
    let bundle = try LiveHost.bundle(namespace: namespace.netns)
    for sentence in bundle.unread { Output.error("fwtrace: could not read \(sentence)\n") }
    let bytes = bundle.bytes
    try write(redact ? Redactor(for: bytes).redact(bytes) : bytes)
  }

  /// The rules of a host are nobody else's business: the file is readable by its owner only.
  private func write(_ bytes: [UInt8]) throws(Failure) { try OutputFile.write(bytes, to: output, for: .owner) }
}

/// The network namespace to read, for commands that read this host.
struct NamespaceArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Read this network namespace of the host: a name from `ip netns`, a process id or a container.", valueName: "name"
    )
  )
  var netns: String?
}
