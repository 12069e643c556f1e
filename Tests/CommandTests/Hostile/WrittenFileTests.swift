import Foundation
import Testing

/// Files that the program writes: nobody else chooses where, and what was there stays as it was but for its content.
@Suite struct WrittenFileTests {
  private func folder() throws -> ScratchFolder {
    let folder = try ScratchFolder()
    try folder.write(HostileInput.save("-A INPUT -p tcp --dport 22 -j DROP\n"), to: "dump.txt")
    try folder.write(
      """
      hosts: { dumps: [dump.txt] }
      tests:
        - name: ssh
          packet: { in: eth0, dst: "10.0.0.1:22", host-address: 10.0.0.1 }
          expect: drop

      """, to: "policy.yaml")
    return folder
  }

  private static let record =
    "\"$program\" test policy.yaml --record --in eth0 --dst 10.0.0.1:23 --host-address 10.0.0.1"

  @Test func recordingKeepsTheModeAndTheNeighbours() throws {
    let folder = try folder()
    try folder.write("mine\n", to: "policy.yaml.new")
    let run = try MeasuredRun(
      "chmod 600 policy.yaml; \(Self.record) >said && stat -c %a policy.yaml; ls -A", in: folder)
    #expect(run.status == 0, "\(run.message)")
    #expect(run.text.hasPrefix("600\n"))
    #expect(try folder.content(of: "policy.yaml.new") == "mine\n")
    #expect(!run.text.contains(".fwtrace-"))
    #expect(try folder.content(of: "policy.yaml").contains(":23"))
  }

  @Test func aLinkStaysALinkAndItsTargetIsUpdated() throws {
    let folder = try folder()
    let run = try MeasuredRun(
      "mkdir real; mv policy.yaml dump.txt real; ln -s real/policy.yaml policy.yaml; ln -s real/dump.txt .; \(Self.record) >said; test -L policy.yaml && grep -q :23 real/policy.yaml && echo 1; ls -A real",
      in: folder)
    #expect(run.text == "1\ndump.txt\npolicy.yaml\n", "\(run.message)")
  }

  @Test func aFileWithTwoNamesHasOneContent() throws {
    let run = try MeasuredRun(
      "ln policy.yaml other.yaml; \(Self.record) >said; cmp policy.yaml other.yaml", in: folder())
    #expect(run.status == 0)
  }

  @Test func aLinkToNothingIsRefused() throws {
    let run = try MeasuredRun(
      "ln -s nowhere report; \"$program\" test --tap report policy.yaml; ls nowhere", in: folder())
    #expect(run.message.contains("report: the link leads to no file"))
  }

  @Test func aReportThatCannotBeWrittenLeavesTheOldOne() throws {
    let folder = try folder()
    try folder.write("old\n", to: "report")
    let run = try MeasuredRun("ulimit -f 0; \"$program\" test --json report policy.yaml >/dev/full", in: folder)
    #expect(run.status != 0)
    #expect(try folder.content(of: "report") == "old\n")
  }

  @Test func anExistingCaptureIsClosedToOthers() throws {
    let line =
      "touch script; chmod 644 script; \"$program\" capture --script -o script; stat -c %a script; \"$program\" capture --script -o new; stat -c %a new"
    let run = try MeasuredRun(line, in: folder())
    #expect(run.text == "600\n600\n", "\(run.message)")
  }

  @Test func aPolicyComesFromAPipe() throws {
    let run = try MeasuredRun("cat policy.yaml | \"$program\" test /dev/stdin dump.txt", in: folder())
    #expect(run.status == 0, "\(run.message)")
  }

  @Test func aPolicyMayBeginWithAByteOrderMark() throws {
    let run = try MeasuredRun(
      "{ printf '\\357\\273\\277'; cat policy.yaml; } >with.yaml; \"$program\" test with.yaml", in: folder())
    #expect(run.status == 0, "\(run.message)")
  }
}
