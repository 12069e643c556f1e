import Testing

/// What was not written is a failure, of every command and every report.
@Suite struct OutputFailureTests {
  private static let dump = HostileInput.save("-A INPUT -p tcp --dport 22 -j DROP\n")
  private static let policy = """
    hosts: { dumps: [dump.txt] }
    tests:
      - name: ssh
        packet: { in: eth0, dst: "10.0.0.1:22", host-address: 10.0.0.1 }
        expect: drop

    """

  private static let commands = [
    "--in eth0 --dst 10.0.0.1:22 dump.txt", "--json --in eth0 --dst 10.0.0.1:22 dump.txt", "dump.txt", "parse dump.txt",
    "parse --json dump.txt", "parse --as nft dump.txt", "parse --as iptables-save dump.txt", "graph dump.txt",
    "audit dump.txt", "audit --sarif dump.txt", "audit --markdown dump.txt", "exposure dump.txt",
    "exposure --json dump.txt", "who 22 dump.txt", "rule filter INPUT 1 dump.txt", "diff dump.txt dump.txt",
    "test policy.yaml", "test --list policy.yaml", "test --coverage policy.yaml", "test --json - policy.yaml",
    "test --junit - policy.yaml", "test --tap - policy.yaml", "test --sarif - policy.yaml", "test --lcov - policy.yaml",
    "--version", "--help", "help parse", "capture --script",
  ]

  private func folder() throws -> ScratchFolder {
    let folder = try ScratchFolder()
    try folder.write(Self.dump, to: "dump.txt")
    try folder.write(Self.policy, to: "policy.yaml")
    return folder
  }

  @Test(arguments: commands) func aFullDiskEndsWithTwo(_ command: String) throws {
    let run = try MeasuredRun("\"$program\" \(command) >/dev/full", in: folder())
    #expect(run.status == 2)
    #expect(run.message.contains("standard output: No space left on device"))
  }

  @Test(arguments: commands) func closedStandardOutputEndsWithTwo(_ command: String) throws {
    #expect(try MeasuredRun("\"$program\" \(command) >&-", in: folder()).status == 2)
  }

  @Test(arguments: commands) func aReaderThatIsGoneEndsWithTwoWhereItsSignalIsIgnored(_ command: String) throws {
    let line = "trap '' PIPE; { sleep 0.2; \"$program\" \(command); echo $? >status; } | true; cat status"
    let run = try MeasuredRun(line, in: folder())
    #expect(run.text == "2\n", "\(run.message)")
  }

  @Test(arguments: ["junit", "tap", "json", "sarif", "lcov", "coverage-json"])
  func aReportOnAFullDiskEndsWithTwo(_ report: String) throws {
    #expect(try MeasuredRun("\"$program\" test --\(report) /dev/full policy.yaml", in: folder()).status == 2)
  }

  @Test func aFileThatIsOpenedDoesNotTakeThePlaceOfClosedOutput() throws {
    let folder = try folder()
    let run = try MeasuredRun("\"$program\" test --tap report.tap policy.yaml >&- 2>&-", in: folder)
    #expect(run.status == 2)
    #expect(try folder.content(of: "report.tap").hasPrefix("TAP version 13\n1..1\nok 1 - "))
  }

  @Test func aDumpThatIsWrittenAnewMeanwhileIsNoCrash() throws {
    let folder = try ScratchFolder()
    try folder.write(
      HostileInput.save(HostileInput.lines(60_000) { "-A INPUT -s \(HostileInput.address($0)) -j DROP" }),
      to: "dump.txt")
    let line = """
      "$program" parse dump.txt >/dev/null & id=$!
      while kill -0 $id 2>/dev/null; do : >dump.txt; cp dump.txt other.txt; done
      wait $id; echo $?
      """
    #expect(["0\n", "2\n"].contains(try MeasuredRun(line, in: folder).text))
  }

  @Test func aFolderWithLinksToItselfIsReadOnce() throws {
    let folder = try folder()
    let run = try MeasuredRun(
      "rm policy.yaml; ln -s . one; ln -s . two; ulimit -t 20; \"$program\" parse .", in: folder)
    #expect(run.status == 0)
    #expect(run.text.hasSuffix("1 rule; all understood\n"))
  }
}
