import Foundation
import Testing

@testable import LiveCapture

/// Real rules in network namespaces of the tests' own.
@Suite(
  .serialized,
  .enabled(if: NamespaceLab.isPossible, Comment(rawValue: "needs \(NamespaceLab.obstacle ?? "")")))
struct NamespaceTests {
  /// An answer without the name of its source and the moment of the reading.
  private func unsourced(_ answer: String, _ file: String) -> String {
    answer.replacing("\"\(file)\"", with: "\"SOURCE\"").replacing("\"this host\"", with: "\"SOURCE\"")
      .replacing(/"date": ?"[^"]*"/, with: "DATE")
  }

  private func temporary() -> URL { FileManager.default.temporaryDirectory.appending(path: UUID().uuidString) }

  @Test func liveAnswersEqualThoseOfABundle() throws {
    let lab = try NamespaceLab("live")
    let bundle = temporary()
    defer { try? FileManager.default.removeItem(at: bundle) }
    let captured = lab.fwtrace(["capture", "-o", bundle.path])
    #expect(captured.status == 0 && captured.errors == "", "\(captured.errors)")
    var verdicts: Set<String> = []
    for question in NamespaceLab.questions {
      let live = lab.fwtrace(["--json"] + question)
      let carried = NamespaceLab.run([NamespaceLab.program, "--json"] + question + [bundle.path])
      #expect(live.output.contains("fwtrace.trace/1"), "\(question): \(live.errors)")
      #expect(unsourced(live.output, bundle.path) == unsourced(carried.output, bundle.path), "\(question)")
      #expect(live.status == carried.status)
      // The first is the one over all cases.
      if let verdict = live.output.firstMatch(of: /"verdict": ?"([a-z]+)"/) { verdicts.insert(String(verdict.1)) }
    }
    #expect(verdicts.contains("accept") && verdicts.count > 1, "\(verdicts)")
    // From outside, by name, it is the same namespace.
    let question = NamespaceLab.questions[0]
    let named = NamespaceLab.run([NamespaceLab.program, "--json", "--netns", lab.name] + question)
    let inside = lab.fwtrace(["--json"] + question)
    #expect(
      unsourced(named.output, "").replacing(/, "netns": ?"[^"]*"/, with: "") == unsourced(inside.output, ""))
  }

  @Test func answersEqualTheKernels() throws {
    let lab = try NamespaceLab("kernel")
    for port in [22, 23, 25, 26, 29] {
      let answer = lab.fwtrace(["--json", "--from", "host", "--dst", "93.184.216.34:\(port)"])
      // The first verdict is that of the whole; those of the answers to it follow.
      let verdict = try #require(answer.output.firstMatch(of: /"verdict": "([a-z]+)"/)?.output.1)
      #expect(["accept", "drop", "reject"].contains(verdict))
      let isDropped = verdict == "drop"
      // Nobody listens: what is let through or rejected is refused within a second or two, what is dropped gets no answer at all. (The probe may
      // inherit a blocked SIGTERM from whoever runs the tests, so it is killed: status 9, or 137 as a shell says it.)
      let probe = lab.inside(["timeout", "--signal=KILL", "4", "bash", "-c", "</dev/tcp/93.184.216.34/\(port)"])
      #expect([9, 137].contains(probe.status) == isDropped, "port \(port): \(probe.status) \(probe.errors)")
    }
  }

  /// iptables prints a table `filter` with policies ACCEPT although the one that is there is nft's own and drops.
  @Test(arguments: [
    "table ip filter { chain input { type filter hook input priority 0; policy drop; ct state established,related accept; tcp dport 22 accept; }; }",
    "table ip filter { chain INPUT { type filter hook input priority 5; policy drop; ct state established,related accept; tcp dport 22 accept; }; chain x { }; }",
    "table ip nat { chain out { type nat hook output priority -100; tcp dport 23 dnat to 127.0.0.9:24; }; }; table ip filter { chain i { type filter hook input priority 0; tcp dport 24 drop; }; }",
  ])
  func aTableThatIptablesOnlySeemsToHaveDecidesNothing(_ ruleset: String) throws {
    let lab = try NamespaceLab("phantom", ruleset: ruleset)
    for port in [22, 23] {
      let answer = lab.fwtrace(["--json", "--from", "host", "--src", "127.0.0.1", "--dst", "127.0.0.1:\(port)"])
      let verdict = try #require(answer.output.firstMatch(of: /"verdict": "([a-z]+)"/)?.output.1)
      #expect(["accept", "drop"].contains(verdict), "port \(port): \(answer.output)")
      let probe = lab.inside(["timeout", "--signal=KILL", "3", "bash", "-c", "</dev/tcp/127.0.0.1/\(port)"])
      #expect([9, 137].contains(probe.status) == (verdict == "drop"), "port \(port): \(probe.status) \(answer.output)")
    }
  }

  @Test(arguments: ["dash", "busybox sh"])
  func theScriptsBundleIsTheSameGraph(_ shell: String) throws {
    let lab = try NamespaceLab(shell == "dash" ? "dash" : "busybox")
    let script = temporary()
    let byScript = temporary()
    let byCommand = temporary()
    defer { for file in [script, byScript, byCommand] { try? FileManager.default.removeItem(at: file) } }
    #expect(NamespaceLab.run([NamespaceLab.program, "capture", "--script", "-o", script.path]).status == 0)
    let written = lab.inside(shell.split(separator: " ").map(String.init) + [script.path])
    #expect(written.status == 0 && written.errors == "", "\(written.errors)")
    #expect(!written.output.contains("could not read"))
    try Data(written.output.utf8).write(to: byScript)
    #expect(lab.fwtrace(["capture", "-o", byCommand.path]).status == 0)
    let graphs = [byScript, byCommand].map {
      NamespaceLab.run([NamespaceLab.program, "parse", "--json", "--canonical", $0.path]).output
    }
    #expect(graphs[0].contains("\"rules\""))
    #expect(graphs[0] == graphs[1])
    func lines(_ text: String, of command: String) -> [Substring] {
      text.split(separator: "\n").drop { $0 != "#### fwtrace: \(command)" }.dropFirst().prefix { !$0.hasPrefix("####") }
        .map { $0 }
    }
    let settings = lines(written.output, of: "sysctl -ar '^net[.]'")
    #expect(settings.contains("net.ipv4.ip_forward = 1"))
    #expect(settings == lines(try String(contentsOf: byCommand, encoding: .utf8), of: "sysctl -ar '^net[.]'"))
  }

  @Test func withoutPrivilegesItSaysWhatToDo() throws {
    let lab = try NamespaceLab("user")
    let program = temporary()
    defer { try? FileManager.default.removeItem(at: program) }
    // Another process makes the copy: a test that starts a program at this moment would hand down the open file, which then can't be started ("Text file busy").
    #expect(NamespaceLab.run(["install", "-m", "755", NamespaceLab.program, program.path]).status == 0)
    for words in [["--dst", "93.184.216.34:23"], ["capture"]] {
      let outcome = lab.inside(
        ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set", "-all", program.path]
          + words)
      #expect(outcome.status == 2)
      #expect(outcome.output == "")
      #expect(outcome.errors.contains("needs root (or CAP_NET_ADMIN)"), "\(outcome.errors)")
      #expect(outcome.errors.contains("sudo fwtrace " + words.joined(separator: " ")))
    }
  }

  /// An answer without the ranges of addresses that are left open and without the sender that a witness takes from them: they end beside the
  /// addresses of the rules, and a neighbour's replacement is no neighbour. Without the comment inside a rule's JSON, too, which is quoted twice there.
  private func comparable(_ answer: String) -> String {
    answer.replacing(/"host": ?"[^"]*"/, with: "HOST").replacing(/\[\[.*?\]\]/, with: "RANGES")
      .replacing(/"src": \["[^\]]*\]/, with: "RANGES")
      .replacing(/(?<witness>"witness": \{[^}]*)"src": "[^"]*"/) { "\($0.witness)SENDER" }.replacing(
        /[0-9.]+-[0-9.]+(, [0-9.]+-[0-9.]+)*/, with: "RANGES"
      )
      .replacing(/"words": "[0-9A-Z., \/-]+ is on/, with: "RANGES is on")
      .replacing(/\\"comment\\": \\"[^"]*"/, with: "COMMENT")
  }

  @Test func aRedactedBundleAnswersTheSame() throws {
    let lab = try NamespaceLab("redact")
    let original = temporary()
    let shown = temporary()
    defer { for file in [original, shown] { try? FileManager.default.removeItem(at: file) } }
    #expect(lab.fwtrace(["capture", "-o", original.path]).status == 0)
    let text = Array(try Data(contentsOf: original))
    let redactor = Redactor(for: text)
    let redacted = redactor.redact(text)
    try Data(redacted).write(to: shown)
    for secret in ["93.184.216", "185.220", "81.2.69", "2a01:4f8", "Alice"] {
      #expect(!String(decoding: redacted, as: UTF8.self).contains(secret), "\(secret)")
    }
    func redact(_ text: String) -> String { String(decoding: redactor.redact(Array(text.utf8)), as: UTF8.self) }
    for question in NamespaceLab.questions {
      let answer = NamespaceLab.run([NamespaceLab.program, "--json"] + question + [original.path])
      let other = NamespaceLab.run([NamespaceLab.program, "--json"] + question.map(redact) + [shown.path])
      #expect(answer.status == other.status)
      #expect(other.status != 2, "\(other.errors)")
      #expect(
        comparable(redact(answer.output.replacing(original.path, with: "SOURCE")))
          == comparable(other.output.replacing(shown.path, with: "SOURCE")), "\(question)")
    }
  }
}

/// No write reaches the kernel.
@Suite(
  .serialized,
  .enabled(
    if: NamespaceLab.isPossible && ProgramPath.find("strace") != nil,
    Comment(rawValue: "needs \(NamespaceLab.obstacle ?? "strace")")))
struct ReadOnlyTests {
  @Test func everySystemCallOnlyReads() throws {
    let lab = try NamespaceLab("strace")
    let log = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: log) }
    func rules() -> String {
      lab.inside([
        "sh", "-c",
        "nft -a list ruleset; iptables-legacy-save | grep -v '^#'; ipset save; ip -4 addr; ip -4 route show table all",
      ]).output
        .replacing(/(counter packets|valid_lft).*/, with: "").replacing(/\[\d+:\d+\]/, with: "")
    }
    let before = rules()
    let outcome = lab.inside([
      "strace", "-f", "-qq", "-o", log.path, "-e",
      "trace=sendmsg,sendto,setsockopt,openat,open,creat,unlink,rename,bpf,init_module,finit_module",
      NamespaceLab.program, "--dst", "93.184.216.34:23",
    ])
    #expect(outcome.status == 1, "\(outcome.errors)")
    let calls = try String(contentsOf: log, encoding: .utf8).split(separator: "\n")
    #expect(calls.contains { $0.contains("NFT_MSG_GETRULE") }, "the library's own requests are seen")
    for call in calls {
      // The kernel's netlink requests name what they do; all here must be gets, lists and dumps.
      for match in call.matches(of: /nlmsg_type=([A-Za-z0-9_<|]+)/) {
        let type = String(match.output.1)
        // 0xa10 is NFT_MSG_GETGEN where strace has no name for it; zeros are what it takes the end of a request for.
        let isRead =
          type == "0xa10" || type == "0"
          || [
            "GET", "SOCK_DIAG_BY_FAMILY", "IPSET_CMD_PROTOCOL", "IPSET_CMD_SAVE", "IPSET_CMD_LIST", "IPSET_CMD_HEADER",
          ]
          .contains { type.contains($0) }
          || type.wholeMatch(of: /NFNL_SUBSYS_(IPSET|NFT_COMPAT)<<8\|(0x)?[0-9a-f]+/) != nil
        #expect(isRead, "\(call)")
      }
      #expect(!call.contains("IPT_SO_SET") && !call.contains("IP6T_SO_SET") && !call.contains("init_module"), "\(call)")
      if call.contains("O_WRONLY") || call.contains("O_RDWR") || call.contains("O_CREAT") {
        #expect(call.contains("\"/dev/null\"") || call.contains("ENOENT"), "\(call)")
      }
    }
    #expect(rules() == before)
  }
}

/// What shellcheck says of the script that is printed.
@Suite(.enabled(if: ProgramPath.find("shellcheck") != nil, "needs shellcheck"))
struct CaptureScriptTests {
  @Test func theScriptIsCleanPortableShell() throws {
    let script = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: script) }
    try Data(CaptureScript.text(version: "1").utf8).write(to: script)
    let outcome = NamespaceLab.run(["shellcheck", "--shell=sh", "--severity=style", script.path])
    #expect(outcome.status == 0, "\(outcome.output)")
  }
}
