import Glibc
import RuleGraph

/// Reads the machine it runs on, or a network namespace of it, into a ``CaptureBundle``.
///
///     let bundle = try HostCapture(version: "0.1.0").read()
///     DumpReader().read([DumpInput(name: "this host", bytes: bundle.bytes)])
///
/// Nothing is changed: programs are those of a fixed list that only read, libnftables hears one command, files are
/// opened for reading.
public struct HostCapture: Sendable {
  /// The name of a network namespace, the id of a process, or the name of a container; nil is the namespace of this
  /// program.
  public var namespace: String?
  let version: String
  let runner: any CommandRunner
  let nftables: any NftablesReading
  let files: any KernelFiles

  /// Reads with the programs and the library of this machine. `version` is the program's own, for the bundle's first
  /// line.
  public init(version: String, namespace: String? = nil) {
    self.init(
      version: version, namespace: namespace, runner: SubprocessRunner(), nftables: Libnftables(), files: ProcFiles())
  }

  init(
    version: String, namespace: String? = nil, runner: any CommandRunner, nftables: any NftablesReading,
    files: any KernelFiles
  ) {
    self.version = version
    self.namespace = namespace
    self.runner = runner
    self.nftables = nftables
    self.files = files
  }

  /// Reads everything, and returns when all is read. With a ``namespace`` the calling thread moves into it for good: it
  /// must be the program's only one.
  public func read() throws(LiveFailure) -> CaptureBundle {
    try checkPermission()
    if let namespace {
      let docker = DockerSocket(environment: files.environment)
      try NetworkNamespace.enter(
        try NetworkNamespace.path(namespace, files: files, containers: docker), name: namespace)
    }
    // Threads are in the namespace of the thread that started them.
    return Waiting.run { await bundle() }
  }

  /// Reads the network namespace of a running container, in a process of its own: the bytes of a bundle.
  ///
  ///     let inside = try HostCapture(version: "0.1.0").readNamespace(ofContainer: "web")
  public func readNamespace(ofContainer name: String) throws(LiveFailure) -> [UInt8] {
    guard let container = DockerObject(name) else {
      throw LiveFailure(.noSuchNamespace, "\(name): no name of a container")
    }
    switch Waiting.run({ await runner.run(.containerNamespace(container)) }) {
    case .printed(let bundle): return bundle
    case .missing: throw LiveFailure(.namespaceClosed, "\(ReadCommand.ownProgram) is missing")
    case .failed(let reason): throw LiveFailure(.namespaceClosed, reason)
    }
  }

  /// The kernel shows its rules to nobody else.
  func checkPermission() throws(LiveFailure) {
    guard files.hasNetAdmin else {
      throw LiveFailure(.notPermitted, "reading this host's rules needs root (or CAP_NET_ADMIN)")
    }
  }

  /// Reads everything in the network namespace that this program is in.
  func bundle() async -> CaptureBundle {
    var bundle = CaptureBundle(headings: headings())
    let legacy = Set(AddressFamily.allCases.filter { files.hasLegacyTables($0 == .ipv6) })
    async let programs = runPrograms(legacy: legacy)
    let settings = files.sysctls()
    let proxies = namespace == nil ? files.dockerProxies() : []
    var (ruleset, reasons) = readRuleset()
    var outputs = await programs
    if ruleset.isEmpty {
      let standIn = await runNft()
      ruleset = standIn.ruleset
      // What the library could not tell is missing only if the program could not either.
      outputs.unread = (ruleset.isEmpty ? reasons : []) + standIn.unread + outputs.unread
    }
    bundle.parts = outputs.rules + ruleset
    bundle.parts.append(.init(command: "sysctl -ar '^net[.]'", output: settings))
    bundle.parts += outputs.host
    if !proxies.isEmpty { bundle.parts.append(.init(command: "pgrep -a docker-proxy", output: proxies)) }
    bundle.parts += outputs.docker
    bundle.unread = outputs.unread
    return bundle
  }

  /// The nftables ruleset in both forms, as far as the library can: one without JSON still prints text.
  private func readRuleset() -> (parts: [CaptureBundle.Part], reasons: [String]) {
    var parts: [CaptureBundle.Part] = []
    var reasons: [String] = []
    for form in NftablesForm.allCases {
      do throws(NftablesFailure) {
        parts.append(.init(command: form.line, output: try nftables.ruleset(form)))
      } catch {
        reasons.append("\(form.line): \(error.message)")
      }
    }
    return (parts, reasons)
  }

  private func headings() -> [CaptureBundle.Heading] {
    var names = utsname()
    unsafe uname(&names)
    func text<Field>(_ field: Field) -> String {
      unsafe withUnsafeBytes(of: field) { unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
    var headings: [CaptureBundle.Heading] = [
      .init("date", Self.now), .init("host", text(names.nodename)), .init("kernel", text(names.release)),
      .init("fwtrace", version),
    ]
    if let namespace { headings.append(.init("netns", namespace)) }
    return headings
  }

  /// The time in UTC as RFC 3339 writes it.
  private static var now: String {
    var seconds = time(nil)
    var parts = unsafe tm()
    unsafe gmtime_r(&seconds, &parts)
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let day = unsafe "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
    let hour = unsafe "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
    return "\(day)T\(hour)Z"
  }
}
