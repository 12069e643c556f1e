import Foundation
import KernelLab
import Reports
import RuleGraph
import RuleParser
import Testing

/// Lists of commands that the real programs run in a network namespace, and that are carried out on the dump from before: after every command the graph is that of the
/// next dump, and a command fails where it fails, with the same words.
@Suite(.serialized, .enabled(if: Lab.obstacle == nil, "needs network namespaces"))
struct CommandListTests {
  /// How many lists there are of each kind: `FWTRACE_COMMAND_LISTS=200` compares 1,000.
  static let count = ProcessInfo.processInfo.environment["FWTRACE_COMMAND_LISTS"].flatMap { UInt64($0) } ?? 8

  @Test(arguments: CommandList.Profile.allCases)
  func commandsOnADumpMakeTheRulesThatTheyMakeOnTheHost(_ profile: CommandList.Profile) throws {
    var tally = Tally()
    for seed in 1...Self.count {
      let list = CommandList(profile, seed: seed)
      let steps = try Self.steps(of: list)
      #expect(steps.count == list.commands.count + 1, "\(profile.rawValue) \(seed): the script broke off")
      compare(list, steps, "\(profile.rawValue) \(seed)", &tally)
    }
    print(
      "\(profile.rawValue): \(Self.count) lists, \(tally.done) commands carried out, \(tally.refused) refused in the same words, \(tally.open) left open, \(tally.wrong) disagreements"
    )
    #expect(tally.done > tally.open)
    #expect(tally.refused > 0)
  }

  private struct Tally {
    var done = 0
    var refused = 0
    var open = 0
    var wrong = 0
  }

  /// What a command left behind: how it ended, what it said, and the host's rules then.
  private struct Step: Sendable {
    var status = 0
    var errors = ""
    var dump = ""
  }

  /// Runs a list in a namespace; the first step is the host before it.
  private static func steps(of list: CommandList) throws -> [Step] {
    var script = "errors=$(mktemp)\ntrap 'rm -f \"$errors\"' EXIT\n"
    for command in list.setUp { script += "\(command) >/dev/null 2>&1\n" }
    script += "echo '@@DUMP'; \(list.dump)\n"
    for command in list.commands {
      script +=
        "{ \(command); } >/dev/null 2>\"$errors\"; echo \"@@STATUS $?\"; cat \"$errors\"; echo '@@DUMP'\n\(list.dump)\n"
    }
    let text = script
    let printed = try Lab.inOwnThread { () throws in
      try runCommand(["unshare", "-n", "sh"], input: text).output
    }
    var steps: [Step] = []
    var step = Step()
    var inDump = false
    for line in printed.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("@@STATUS ") {
        steps.append(step)
        step = Step(status: Int(line.dropFirst(9)) ?? -1)
        inDump = false
      } else if line == "@@DUMP" {
        inDump = true
      } else if inDump {
        step.dump += line + "\n"
      } else {
        step.errors += line + "\n"
      }
    }
    return steps + [step]
  }

  private func compare(_ list: CommandList, _ steps: [Step], _ name: String, _ tally: inout Tally) {
    let before = Self.reading(steps[0].dump, list)
    var reading = before
    var done: [String] = []
    var isWhole = true
    for (command, step) in zip(list.commands, steps.dropFirst()) {
      var after = reading
      do throws(CommandFailure) {
        try after.carryOut([DumpInput(name: "--with", bytes: Array((command + "\n").utf8))])
        done.append(command)
        tally.done += 1
        if step.status != 0 {
          tally.wrong += 1
          Issue.record("\(name): \(command)\nis refused: \(step.errors)")
        }
      } catch {
        if case .refused(let words) = error.problem {
          tally.refused += 1
          if step.status == 0 || !Self.isSame(words, as: step.errors) {
            tally.wrong += 1
            Issue.record("\(name): \(command)\nfwtrace: \(words)\nreal (\(step.status)): \(step.errors)")
          }
          // ipset keeps what it had added when the set was full; what is carried out ends there.
          if words.contains("Hash is full") {
            reading = Self.reading(step.dump, list)
            isWhole = false
            continue
          }
        } else {
          // What can't be known is said; the list goes on from what is really there.
          if ProcessInfo.processInfo.environment["FWTRACE_LIST_DISAGREEMENTS"] != nil {
            print("\(name) open: \(command): \(error.problem) (real: \(step.status) \(step.errors))")
          }
          tally.open += 1
          isWhole = false
          reading = Self.reading(step.dump, list)
          continue
        }
      }
      let real = Self.reading(step.dump, list)
      if let difference = Self.difference(after, real) {
        tally.wrong += 1
        Issue.record("\(name): after \(command)\n\(difference)\nlist:\n\(list.commands.joined(separator: "\n"))")
        isWhole = false
        after = real
      }
      reading = after
    }
    guard isWhole, let last = steps.last, !done.isEmpty else { return }
    // The same commands in one run.
    var after = before
    do throws(CommandFailure) {
      try after.carryOut([DumpInput(name: "list.sh", bytes: Array((done.joined(separator: "\n") + "\n").utf8))])
      if let difference = Self.difference(after, Self.reading(last.dump, list)) {
        tally.wrong += 1
        Issue.record("\(name): in one run\n\(difference)\n\(done.joined(separator: "\n"))")
      }
    } catch {
      tally.wrong += 1
      Issue.record("\(name): in one run \(error.command): \(error.problem)\n\(done.joined(separator: "\n"))")
    }
  }

  private static func reading(_ dump: String, _ list: CommandList) -> HostReading {
    let name = list.dump.hasPrefix("ip6") ? "ip6tables-save.txt" : "dump.txt"
    // Behind its command it is all of nft's tables.
    let text = list.dump.hasPrefix("nft") ? "root@host:~# \(list.dump)\n\(dump)" : dump
    return DumpReader().read([DumpInput(name: name, text: text)])
  }

  /// The first lines in which two canonical graphs differ; nil where they are the same.
  private static func difference(_ made: HostReading, _ real: HostReading) -> String? {
    let graphs = [made, real].map { reading in
      String(decoding: GraphJSON(isCanonical: true).bytes(of: reading.ruleset, diagnostics: []), as: UTF8.self)
    }
    if graphs[0] == graphs[1] { return nil }
    let lines = graphs.map { $0.split(separator: "\n") }
    let first = zip(lines[0], lines[1]).enumerated().first { $1.0 != $1.1 }
    guard let first else { return "\(lines[0].count) lines and \(lines[1].count)" }
    return "line \(first.offset): \(first.element.0)\n   real: \(first.element.1)"
  }

  /// Whether a program said what fwtrace says. iptables on nf_tables tells a built-in chain that it has not made yet from an empty one, which a dump does not.
  private static func isSame(_ words: String, as errors: String) -> Bool {
    let (one, other) = (plain(words), plain(errors))
    if other.contains(one) { return true }
    if one.contains(/Index of (deletion|replacement) too big/) { return other.contains("No chain/target/match") }
    return one.contains("(Operation not supported)") && other.contains("(No such file or directory)")
  }

  /// The words of a program without its version and without the blanks and lines that it puts around them.
  private static func plain(_ words: String) -> String {
    words.replacing(/\ v[0-9.]+(\ \([a-z_]+\))?:/, with: ":").replacing("nft: Error: ", with: "")
      .split { $0.isWhitespace }.joined(separator: " ")
  }
}
