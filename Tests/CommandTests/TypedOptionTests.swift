import Foundation
import Testing

/// What people type wrongly, and what they are told.
@Suite struct TypedOptionTests {
  private static let host = "samples/user-network"
  private static let whole = "samples/questions/15-docker-user-and-replies"

  /// What was typed, and what the error says: the option, and what would be right.
  static let mistakes: [([String], [String])] = [
    (["192.0.2.10:22", host], ["192.0.2.10:22 is an address, not a file", "fwtrace --dst 192.0.2.10:22"]),
    (["10.0.0.0/8", host], ["fwtrace --dst 10.0.0.0/8"]), (["http://web/", host], ["--packet http://web/"]),
    (["!", "-i", "eth0", host], ["--in '!eth0'"]),
    (["--dst", "192.0.2.10:99999", host], ["--dst 192.0.2.10:99999", "port 99999 is out of range (0 to 65535)"]),
    (["--dport", "70000", host], ["--dport 70000", "out of range"]),
    (["--dport", "80-70", host], ["--dport 80-70", "70-80"]),
    (["--dst", ":htpp", host], ["--dst :htpp", "htpp is not a port", "did you mean http?"]),
    (["--dst", "172.17.0.2:", host], ["a port is missing"]),
    (["--dst", "localhost:22", host], ["--dst localhost:22", "127.0.0.1 or ::1"]),
    (["--dst", "example.com:443", "samples/one-tomcat"], ["example.com is not an address", "not looked up"]),
    (["--dst", "tomcat-net-03", host], ["did you mean tomcat-net-01?"]),
    (["--dst", "192.0.2.300", host], ["--dst 192.0.2.300", "not an address, a prefix"]),
    (
      ["--state", "NEW,ESTABLISHD", host],
      ["--state NEW,ESTABLISHD", "ESTABLISHD is not a state", "did you mean established?"]
    ),
    (["--state", "new,established", host], ["a packet has one state"]),
    (["--from", "host", "--in", "ens33", "--dst", "192.0.2.1", host], ["--in ens33", "--from host"]),
    (["--from", "outside", "--in", "docker0", host], ["--in docker0", "--from outside"]),
    (["--in", "ens34", "--dst", "10.10.10.1", host], ["--in ens34", "no interface ens34", "did you mean ens33?"]),
    (["--out", "eth9", "--dst", "1.1.1.1", whole], ["--out eth9", "did you mean eth0?"]),
    (["--dst", "192.0.2.1", "--dst", "192.0.2.2", host], ["--dst is given twice", "--dst 192.0.2.1,192.0.2.2"]),
    (["-d", "192.0.2.1:1", "--dst", "192.0.2.2:2", host], ["--dst is given twice", "ask once for each"]),
    (["--destination", "192.0.2.1", host], ["--destination", "it is --dst here"]),
    (["--ctstate", "NEW", host], ["it is --state here"]),
    (["-p", "tcp", "-m", "tcp", "--dport", "22", host], ["-m", "belongs to a rule"]),
    (["-j", "DROP", host], ["-j", "belongs to a rule"]),
    (["--case", "9", "--dst", "10.10.10.1:8081", host], ["--case 9", "the answer has"]),
    (["--case", "1", "--json", "--dst", "10.10.10.1:8081", host], ["--case 1", "JSON"]),
  ]

  @Test(arguments: mistakes)
  func anErrorNamesWhatWasTypedAndWhatWouldBeRight(_ arguments: [String], _ words: [String]) throws {
    let outcome = try Command.run(arguments)
    #expect(outcome.status == 2)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.hasPrefix("fwtrace: "))
    for word in words { #expect(outcome.errors.contains(word), "\(outcome.errors)") }
  }

  /// Spellings that are right, or right for iptables and plain enough.
  @Test(arguments: [
    ["-s", "203.0.113.9", "-d", "10.10.10.1", "-p", "tcp", "--dport", "8081", "-i", "ens33"],
    ["--src", "203.0.113.9", "--dst", "10.10.10.1:8081", "--in", "ens33", "--state", "NEW"],
    ["--src", "203.0.113.9", "--dst", "10.10.10.1:8081", "--in", "ens3+"],
    ["--src", "203.0.113.9", "--dst", "10.10.10.1:8081", "--in", "!docker9", "--from", "outside"],
  ])
  func theSameQuestionInOtherWords(_ arguments: [String]) throws {
    let outcome = try Command.run(arguments + [Self.host])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("192.168.0.2:8080"))
  }

  @Test func servicesHaveNames() throws {
    let question = ["--from", "host", "--dst", "10.10.10.1:", Self.host]
    let named = try Command.run(question.map { $0.hasSuffix(":") ? $0 + "https" : $0 })
    let numbered = try Command.run(question.map { $0.hasSuffix(":") ? $0 + "443" : $0 })
    #expect(named.output == numbered.output)
    #expect(!named.output.isEmpty)
  }

  @Test(arguments: [
    ["samples/user-network"], ["--dport", "1-65535", "samples/user-network"],
    ["samples/empty-host", "samples/one-tomcat"],
  ])
  func aBriefAnswerIsOneScreen(_ question: [String]) throws {
    let outcome = try Command.run(["--explain", "brief"] + question)
    #expect(outcome.status != 2, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    #expect((2...15).contains(lines.count), "\(outcome.output)")
  }

  // MARK: Standard input and output

  private static func dump() throws -> String {
    try String(contentsOf: Command.root.appending(path: "samples/docker29-nft/nft.json"), encoding: .utf8)
  }

  @Test(arguments: [
    ["--from", "host", "--dst", "192.0.2.2:80"], ["exposure"], ["parse"], ["who", "192.0.2.2:80"], ["graph"],
  ])
  func aPipeIsReadWithoutAHyphen(_ arguments: [String]) throws {
    let piped = try Command.run(arguments, input: Self.dump())
    let named = try Command.run(arguments + ["-"], input: Self.dump())
    #expect(piped.output == named.output)
    #expect(piped.status == named.status)
    #expect(!piped.output.isEmpty)
  }

  @Test func aPipeThatHoldsNothingIsNoAnswer() throws {
    let outcome = try Command.run(["--dst", "192.0.2.2:80"], input: "")
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("standard input is empty"))
  }

  @Test func aPipeBesideDumpsIsLeftAlone() throws {
    let outcome = try Command.run(["--from", "host", "--dst", "192.0.2.2:80", "samples/docker29-nft"], input: "junk")
    #expect(outcome.status == 0)
  }

  @Test(arguments: [
    ["--dst", "10.10.10.1:8081", host], ["--json", "--dst", "10.10.10.1:8081", host], ["exposure", host],
    ["parse", host],
  ])
  func outputThatIsLostIsBadInput(_ arguments: [String]) throws {
    let process = Process()
    process.executableURL = Command.program
    process.arguments = arguments
    process.currentDirectoryURL = Command.root
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: URL(filePath: "/dev/full"))
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 2)
    #expect(text.contains("standard output"))
  }

  // MARK: A terminal

  /// Runs the program on a terminal of its own, types something and returns what stands on it.
  private static func onTerminal(_ arguments: [String], typing: String = "") throws -> (status: Int32, screen: String) {
    let master = unsafe open("/dev/ptmx", O_RDWR | O_NOCTTY)
    // Unlock the other end, and ask for its number (pts(4), ioctl_tty(2): TIOCSPTLCK, TIOCGPTN).
    var lock: Int32 = 0
    var number: UInt32 = 0
    let isOpen =
      unsafe master >= 0 && ioctl(master, 0x4004_5431, &lock) == 0 && ioctl(master, 0x8004_5430, &number) == 0
    try #require(isOpen)
    let path = "/dev/pts/\(number)"
    // Else it would become the terminal of whoever runs the tests in a session without one, and the program would be in the background of it.
    let descriptor = unsafe open(path, O_RDWR | O_NOCTTY)
    try #require(descriptor >= 0)
    let terminal = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    let screen = FileHandle(fileDescriptor: master, closeOnDealloc: true)
    let process = Process()
    process.executableURL = Command.program
    process.arguments = arguments
    process.currentDirectoryURL = Command.root
    process.standardInput = terminal
    process.standardOutput = terminal
    process.standardError = terminal
    try process.run()
    if !typing.isEmpty { try screen.write(contentsOf: Data(typing.utf8)) }
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: screen.availableData, as: UTF8.self))
  }

  @Test func theBareCommandOnATerminalExplainsItself() throws {
    let run = try Self.onTerminal([])
    #expect(run.status == 0)
    #expect(run.screen.contains("fwtrace --dst 192.0.2.10:443 dump.txt"))
    #expect(run.screen.contains("sudo fwtrace exposure"))
  }

  @Test func whoTypesAHyphenIsToldToPaste() throws {
    let run = try Self.onTerminal(
      ["--dst", "192.0.2.2:80", "-"], typing: "*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n\u{4}")
    #expect(run.screen.contains("press Ctrl-D"))
    #expect(run.status != 2, "\(run.screen)")
  }
}
