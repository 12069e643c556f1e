import FlowTrace
import Glibc
import PolicyCheck
import Reports
import RuleGraph

/// Writes today's answers into a policy: `--record` adds tests, `--update` changes those that fail.
struct PolicyRecording {
  let command: TestCommand

  init(_ command: TestCommand) { self.command = command }

  /// Adds a test for the question on the command line; the policy is made where there is none.
  func run() throws {
    guard !command.packet.isEmpty else {
      throw Failure("--record: say which packet, as in --in eth0 --dst 192.0.2.1:443")
    }
    var file: PolicyFile?
    if unsafe access(command.policy, F_OK) == 0 {
      let read = try PolicyFile(command.policy)
      try PolicyRun.refuse(read.mistakes, of: command.policy)
      file = read
    }
    let host = try host(file)
    let recorder = Recorder(host)
    let query = try command.packet.query(facts: host.facts)
    let given = command.packet.given.map { (option: $0.0, text: $0.1) }
    let name = command.name ?? given.map { "\($0.option.rawValue) \($0.text)" }.joined(separator: " ")
    let recording = recorder.record(name: name, given: given, query: query)
    for reason in recording.left { Output.error("fwtrace: not recorded: \(reason.text(in: host.ruleset))\n") }
    guard !recording.tests.isEmpty else { throw ExitStatus.notAccepted }
    try add(recording.tests, to: file)
  }

  private func host(_ file: PolicyFile?) throws -> PolicyHost {
    if let file {
      let found = try PolicyRun.hosts(of: file, command)
      try PolicyRun.refuse(found.mistakes, of: command.policy)
      if let first = found.hosts.first, found.hosts.count == 1 { return try PolicyRun.read(first, command) }
      throw Failure("--record: the policy is for \(found.hosts.count) hosts; pass the dumps of one of them after it")
    }
    guard let first = command.dumps.dumps.first else {
      throw Failure("\(command.policy): no such policy yet; to begin one, pass its dumps after it")
    }
    return try PolicyRun.read(.init(name: PolicyHosts.name(of: first), dumps: command.dumps.dumps), command)
  }

  private func add(_ tests: [[String]], to file: PolicyFile?) throws {
    var editor = PolicyEditor(file.map { String(decoding: $0.bytes, as: UTF8.self) } ?? "")
    do throws(PolicyEditor.Refusal) {
      try editor.append(tests, to: file?.root)
    } catch {
      throw Failure("\(command.policy): \(error.text)")
    }
    try save(editor.text, tests: (file?.policy.tests.count ?? 0) + tests.count)
    for test in tests {
      for (index, line) in test.enumerated() { Output.say((index == 0 ? "- " : "  ") + line + "\n") }
    }
  }

  /// Changes the tests that fail, and says how.
  func update(_ run: PolicyRun, _ results: [HostResult]) throws {
    var editor = PolicyEditor(String(decoding: run.file.bytes, as: UTF8.self))
    let outcome = Rerecorder.update(run.file.policy, results, &editor)
    for change in outcome.changes {
      Output.say("\(command.policy):\(change.line)\n- \(change.old)\n+ \(change.new)\n")
    }
    for left in outcome.left { Output.say("not updated: \(left.test): \(left.reason.text)\n") }
    if !outcome.changes.isEmpty { try save(editor.text, tests: run.file.policy.tests.count) }
  }

  /// Writes the policy, after reading it back: a text that does not say what was meant never replaces the file.
  private func save(_ text: String, tests: Int) throws {
    let read = try PolicyFile(command.policy, bytes: SourceBytes(Array(text.utf8)))
    guard read.mistakes.isEmpty, read.policy.tests.count == tests else {
      throw Failure("\(command.policy): the tests can't be added to a file that is written like this")
    }
    try OutputFile.write(Array(text.utf8), to: command.policy)
  }
}
