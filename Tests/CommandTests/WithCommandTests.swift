import Foundation
import Testing

/// `--with`: what is printed where commands can't be carried out, and where they come from.
@Suite struct WithCommandTests {
  private static let host = "Documentation/Differences/gateway.rules"

  @Test func aCommandThatIsRefusedEndsWithItsWordsItsPlaceAndTwo() throws {
    let run = try Command.run([
      "diff", Self.host, "--with", "iptables -F", "--with", "iptables -A NOWHERE -j DROP",
    ])
    #expect(run.status == 2)
    #expect(run.output == "")
    #expect(
      run.errors
        == "fwtrace: --with:2: iptables: No chain/target/match by that name.\n  iptables -A NOWHERE -j DROP\n")
  }

  @Test func whatIsNotCarriedOutSaysSo() throws {
    let run = try Command.run(["parse", Self.host, "--with", "firewall-cmd --reload"])
    #expect(run.status == 2)
    #expect(run.errors.contains("not carried out: firewall-cmd is none of"))
  }

  @Test func commandsStandInFilesToo() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).sh")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data("PORT=22\niptables -D INPUT -p tcp --dport $PORT -j ACCEPT\n".utf8).write(to: file)
    let question = ["--in", "eth0", "--src", "203.0.113.9", "--dst", "192.0.2.1:22", "--host-address", "192.0.2.1"]
    let open = try Command.run(question + [Self.host])
    #expect(open.status == 0)
    let closed = try Command.run(question + [Self.host, "--with", "@\(file.path)"])
    #expect(closed.status == 1)
    let again = try Command.run(
      question + [Self.host, "--with", "@\(file.path)", "--with", "iptables -A INPUT -p tcp --dport 22 -j ACCEPT"])
    #expect(again.status == 0)
    #expect(again.output.contains("--with:2"))
  }

  @Test func withoutAHostThereIsNothingToCompare() throws {
    let run = try Command.run(["diff"])
    #expect(run.status == 2)
    #expect(run.errors.contains("fwtrace diff HOST --with COMMAND"))
  }
}
