import Testing

/// Nothing ends the program but its own exit statuses, and nothing grows beyond its input.
@Suite struct HostileInputTests {
  /// What each input may take: so much in any case, and so much for each of its bytes. A build for debugging on a busy
  /// machine stays below it; what grows with the square of the input does not.
  private static let seconds = (fixed: 12.0, perByte: 30e-6)
  private static let memory = (fixed: 400 << 20, perByte: 300)

  @Test func thereAreAtLeastAHundredAndFifty() { #expect(HostileInput.all.count >= 150) }

  @Test(arguments: HostileInput.all)
  func everyInputIsAnsweredWithinItsLimits(_ input: HostileInput) throws {
    let folder = try ScratchFolder()
    let text = input.text(input.count)
    try folder.write(text, to: "dump.txt")
    let size = text.utf8.count
    let run = try MeasuredRun(
      "ulimit -c 0; ulimit -t 120; ulimit -v 6000000; exec \"$program\" \(input.options) dump.txt", in: folder)
    #expect((0...3).contains(run.status), "status \(run.status): \(run.message.prefix(300))")
    #expect(run.seconds < Self.seconds.fixed + Self.seconds.perByte * Double(size))
    #expect(run.memory < Self.memory.fixed + Self.memory.perByte * size)
  }
}
