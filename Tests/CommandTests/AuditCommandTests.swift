import Foundation
import Testing

/// `fwtrace audit` and `fwtrace rule`: options, files of known findings, exit statuses.
@Suite struct AuditCommandTests {
  private static let office = "Documentation/Differences/office.rules"
  private static let dockerUser = "samples/questions/02-docker-user-port"

  /// Runs with a file of known findings.
  private static func audit(ignoring known: String, _ arguments: [String]) throws -> Command.Outcome {
    let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).txt")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data(known.utf8).write(to: file)
    return try Command.run(["audit", "--ignore", file.path] + arguments)
  }

  @Test func aKnownFindingIsNotShownAndCountsNoMore() throws {
    let open = try Command.run(["audit", Self.dockerUser])
    #expect(open.status == 1)
    #expect(open.output.contains("1 finding"))
    for key in ["misses-purpose@filter/DOCKER-USER/1", "misses-purpose@filter/DOCKER-USER", "misses-purpose"] {
      let run = try Self.audit(ignoring: "# what we know\n\n\(key)  moves in May\n", [Self.dockerUser])
      #expect(run.status == 0)
      #expect(run.output.contains("no findings") && run.output.contains("1 known"))
      #expect(run.errors == "")
    }
    let other = try Self.audit(ignoring: "misses-purpose@filter/DOCKER-USE  not this one\n", [Self.dockerUser])
    #expect(other.status == 1)
  }

  @Test func aLineThatNothingIsKnownByAnyMoreIsTold() throws {
    let run = try Self.audit(ignoring: "shadowed@filter/INPUT/9  gone\n", [Self.dockerUser])
    #expect(run.status == 1)
    #expect(run.errors.contains(":1: shadowed@filter/INPUT/9: no such finding any more"))
  }

  @Test func whatWasNotLookedForIsNotCalledGone() throws {
    let known = "dangerous-service@filter/INPUT/9  not looked for\nshadowed@filter/INPUT/9  gone\n"
    let run = try Self.audit(ignoring: known, ["--only", "shadowed,redundant", Self.dockerUser])
    #expect(!run.errors.contains("dangerous-service"))
    #expect(run.errors.contains(":2: shadowed@filter/INPUT/9: no such finding any more"))
  }

  @Test(arguments: [("redundant,shadowed", ["not needed", "never reached"]), ("redundant", ["not needed"])])
  func onlyTheKindsThatWereAskedForAreShown(_ kinds: String, _ shown: [String]) throws {
    let rules = """
      *filter
      :INPUT DROP [0:0]
      -A INPUT -s 192.0.2.7/32 -p tcp -m tcp --dport 80 -j ACCEPT
      -A INPUT -p tcp -m tcp --dport 80 -j ACCEPT
      -A INPUT -s 192.0.2.8/32 -p tcp -m tcp --dport 80 -j DROP
      COMMIT

      """
    let run = try Command.run(["audit", "--only", kinds, "-"], input: rules)
    for words in ["not needed", "never reached"] { #expect(run.output.contains(words) == shown.contains(words)) }
  }

  @Test func aSeverityMayBeInCapitals() throws {
    let run = try Command.run(["audit", "--severity", "HIGH", Self.office])
    #expect(run.output == (try Command.run(["audit", "--severity", "high", Self.office])).output)
    #expect(run.status < 2)
  }

  /// Where no dump tells the programs that listen, a port that a database usually has is worth a warning; where they are told, they decide.
  @Test func anOpenPortOfADatabaseIsTold() throws {
    let rules = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n"
    let open = rules + "-A INPUT -p tcp -m tcp --dport 3306 -j ACCEPT\nCOMMIT\n"
    let run = try Command.run(["audit", "-"], input: open)
    #expect(run.status == 1)
    #expect(run.output.contains("port 3306, usually a database's, is open to everybody"))
    let narrow = try Command.run(
      ["audit", "-"], input: open.replacing("-p tcp -m", with: "-s 198.51.100.0/24 -p tcp -m"))
    #expect(!narrow.output.contains("3306, usually"))
    let sockets =
      "$ ss -tulnp\nNetid State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\ntcp   LISTEN 0      128    0.0.0.0:22         0.0.0.0:*         users:((\"sshd\",pid=1,fd=3))\n"
    let told = try Command.run(["audit", "-"], input: "$ iptables-save\n" + open + sockets)
    #expect(!told.output.contains("3306, usually"))
  }

  @Test(arguments: [
    ("shadowd  typo\n", "no kind of finding has this name; did you mean shadowed?"),
    ("shadowed\n", "expected a reason after it"),
  ])
  func aFileThatIsNotUnderstoodEndsWithItsLine(_ known: String, _ words: String) throws {
    let run = try Self.audit(ignoring: known, [Self.dockerUser])
    #expect(run.status == 2)
    #expect(run.errors.contains(":1: ") && run.errors.contains(words))
  }

  @Test(arguments: [
    (["--only", "shadowd"], "did you mean shadowed?"), (["--severity", "loud"], "note, warning or high is expected"),
    (["--json", "--sarif"], "--sarif: an answer has one form, and --json asks for another"),
  ])
  func optionsThatAreWrongSaySo(_ options: [String], _ words: String) throws {
    let run = try Command.run(["audit"] + options + [Self.dockerUser])
    #expect(run.status == 2)
    #expect(run.output == "" && run.errors.contains(words))
  }

  @Test func aKindIsShownWhateverItWeighs() throws {
    let all = try Command.run(["audit", "--severity", "note", Self.office])
    #expect(all.output.contains("not needed") || all.output.contains("never reached"))
    let one = try Command.run(["audit", "--only", "shadowed", Self.office])
    #expect(one.status == 1)
    #expect(one.output.contains("filter INPUT 6") && one.output.contains("rule 3 (ACCEPT) takes all its packets first"))
    #expect(!one.output.contains("not needed"))
  }

  /// What is printed with fewer rules is read again, and proved to do the same.
  @Test func fewerRulesDoTheSame() throws {
    let run = try Command.run(["audit", "--optimized", Self.office])
    #expect(run.status == 0)
    #expect(run.errors.contains("8 rules, now 4") && run.errors.contains("proved equal"))
    let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).rules")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data(run.output.utf8).write(to: file)
    let diff = try Command.run(["diff", Self.office, file.path])
    #expect(diff.status == 0)
  }

  @Test func oneRuleIsToldAbout() throws {
    let dead = try Command.run(["rule", "filter", "INPUT", "6", Self.office])
    #expect(dead.status == 1)
    #expect(dead.output.contains("gets       no packet"))
    let live = try Command.run(["rule", "filter", "INPUT", "3", Self.office])
    #expect(live.status == 0)
    #expect(live.output.contains("before it  filter INPUT 1 and filter INPUT 2 take packets that it matches"))
  }

  @Test(arguments: [
    (["nat", "INPUT", "1"], "no such table; the dumps have ip/filter"),
    (["filter", "INPT", "1"], "the table has no such chain; did you mean INPUT?"),
    (["filter", "INPUT", "9"], "the chain has rules 1 to 8"), (["filter", "OUTPUT", "1"], "the chain has no rules"),
  ])
  func aRuleThatIsNotThereIsRefused(_ place: [String], _ words: String) throws {
    let run = try Command.run(["rule"] + place + [Self.office])
    #expect(run.status == 2)
    #expect(run.errors.contains(words))
  }
}
