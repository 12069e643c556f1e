import FlowTrace
import PolicyCheck
import RuleGraph
import RuleParser

/// A policy with its hosts, ready to run: everything in it was understood.
struct PolicyRun {
  /// A host with the checks that are for it.
  struct Host {
    var host: PolicyHost
    var checks: [Check]
  }

  /// The policy.
  let file: PolicyFile
  /// The hosts.
  let hosts: [Host]

  /// Reads a policy and its dumps; every mistake in it is told at once, and nothing is run.
  init(_ command: TestCommand) throws {
    file = try PolicyFile(command.policy)
    let found = try Self.hosts(of: file, command)
    var mistakes = file.mistakes + found.mistakes
    let filter = CheckFilter(command.filter)
    var hosts: [Host] = []
    for one in found.hosts {
      let host = try Self.read(one, command)
      let bound = PolicyBinder.bind(file.policy, to: host)
      mistakes += bound.mistakes
      hosts.append(Host(host: host, checks: bound.checks.filter { filter.accepts(name: $0.name, tags: $0.tags) }))
    }
    self.hosts = hosts
    try Self.refuse(mistakes, of: command.policy)
    if hosts.allSatisfy(\.checks.isEmpty), !file.policy.tests.isEmpty, !command.filter.isEmpty {
      throw Failure("--filter \(command.filter.joined(separator: " ")): no test has such a tag or name")
    }
  }

  /// The dumps of the hosts: those of the command line are one host; without any, the policy's.
  static func hosts(
    of file: PolicyFile, _ command: TestCommand
  ) throws(Failure) -> (hosts: [PolicyHosts.Found], mistakes: [PolicyMistake]) {
    if let first = command.dumps.dumps.first {
      return ([.init(name: PolicyHosts.name(of: first), dumps: command.dumps.dumps)], [])
    }
    let found = PolicyHosts.find(file.policy.hosts, from: file.folder)
    guard !found.hosts.isEmpty || !(file.mistakes + found.mistakes).isEmpty else {
      throw Failure(
        "\(command.policy): no dumps: list them under `hosts:`, or pass them after the policy")
    }
    return found
  }

  /// Reads the dumps of a host.
  static func read(_ found: PolicyHosts.Found, _ command: TestCommand) throws -> PolicyHost {
    var arguments = command.dumps
    arguments.dumps = found.dumps
    let reading = try arguments.read()
    try RefuseEmpty.check(reading, dumps: found.dumps)
    return PolicyHost(
      name: found.name, ruleset: reading.ruleset, facts: reading.facts, dumps: found.dumps,
      chosen: arguments.host, diagnostics: reading.diagnostics)
  }

  /// Ends with every mistake, each once, in the order of the file.
  static func refuse(_ mistakes: [PolicyMistake], of policy: String) throws(Failure) {
    var told: Set<PolicyMistake> = []
    let all = mistakes.filter { told.insert($0).inserted }.sorted { $0.place < $1.place }
    guard !all.isEmpty else { return }
    let lines = all.map { "\(policy):\($0.place.line):\($0.place.column): \($0.message)" }
    throw Failure(lines.joined(separator: "\nfwtrace: "))
  }

  /// Runs everything, with a line of progress where standard error is a terminal.
  func results() -> [HostResult] {
    let total = hosts.reduce(0) { $0 + $1.checks.count }
    var done = 0
    var progress = ProgressLine()
    defer { progress.clear() }
    return hosts.map { one in
      let checker = Checker(one.host)
      let results = one.checks.map { check in
        defer {
          done += 1
          progress.show("\(done) of \(total) checks")
        }
        return checker.run(check)
      }
      return HostResult(host: one.host, results: results)
    }
  }
}
