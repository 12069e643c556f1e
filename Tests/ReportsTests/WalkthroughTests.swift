import FlowTrace
import Foundation
import HostModel
import Reports
import RuleParser
import Testing

/// Answers as they look on a terminal: narrow and wide, with and without colour.
@Suite struct WalkthroughTests {
  struct Picture: Sendable, CustomTestStringConvertible {
    var sample: String
    var options: [(QueryOption, String)]
    /// The file's name: the sample's folder.
    var name: String { String(sample.split(separator: "/").last ?? "") }
    var testDescription: String { sample }
  }

  static let published: [(QueryOption, String)] = [
    (.input, "eth0"), (.src, "203.0.113.9"), (.dst, "192.0.2.10:8080"),
  ]

  static let pictures = [
    Picture(sample: "questions/01-ufw-and-published-port", options: published),
    Picture(sample: "questions/02-docker-user-port", options: published),
    Picture(
      sample: "questions/03-routed-access-docker-28",
      options: [(.input, "wg0"), (.src, "10.8.0.2"), (.dst, "172.17.0.2:80")]),
    Picture(
      sample: "questions/04-virtual-machines",
      options: [(.input, "virbr0"), (.src, "192.168.122.20"), (.dst, "1.1.1.1:443")]),
    Picture(sample: "questions/05-accept-is-not-final", options: [(.input, "eth0"), (.dst, "192.0.2.10:443")]),
    Picture(
      sample: "questions/06-published-port-from-a-container",
      options: [(.input, "docker0"), (.src, "172.17.0.5"), (.dst, "192.0.2.10:8080")]),
    Picture(
      sample: "questions/09-service-of-the-host",
      options: [(.input, "docker0"), (.src, "172.17.0.2"), (.dst, "172.17.0.1:5432")]),
    Picture(
      sample: "questions/15-docker-user-and-replies",
      options: [(.input, "docker0"), (.src, "172.17.0.2"), (.dst, "1.1.1.1:443")]),
    Picture(sample: "connectivity/network-connect-before", options: [(.from, "tomcat02"), (.dst, "redis01:6379")]),
    Picture(
      sample: "docker29-nft",
      options: [(.input, "eth0"), (.src, "10.0.0.9"), (.dst, "10.0.0.5:8080"), (.hostAddress, "10.0.0.5")]),
    Picture(sample: "connectivity/macvlan", options: [(.from, "host"), (.dst, "web:80")]),
  ]

  private static func text(_ picture: Picture, _ terminal: TerminalSettings) throws -> String {
    let reading = try Samples.read(picture.sample)
    // As the command asks.
    var settings = Tracer.Options()
    settings.tracesReply = true
    settings.findsRulesOffPath = true
    let trace = Tracer(reading.ruleset, facts: reading.facts).trace(
      try Samples.query(picture.options, facts: reading.facts), options: settings)
    return TraceText(reading.ruleset, facts: reading.facts, terminal: terminal)
      .text(of: trace, diagnostics: reading.diagnostics)
  }

  @Test(arguments: WalkthroughTests.pictures, [80, 120])
  func theAnswerLooksAsOnFile(_ picture: Picture, _ width: Int) throws {
    let plain = try Self.text(picture, TerminalSettings(width: width))
    let colored = try Self.text(picture, TerminalSettings(width: width, inColor: true))
    try expectSnapshot(plain, named: "\(picture.name)-\(width)")
    try expectSnapshot(colored, named: "\(picture.name)-\(width)-in-color")
    #expect(colored.replacing(try Regex("\u{1b}\\[[0-9;]*m"), with: "") == plain)
    for line in plain.split(separator: "\n") { #expect(line.count <= width, "\(line)") }
  }

  @Test(arguments: WalkthroughTests.pictures, [80, 120])
  func whatDecidesStandsInTheFirstFifteenLines(_ picture: Picture, _ width: Int) throws {
    let lines = try Self.text(picture, TerminalSettings(width: width)).split(
      separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.prefix(15).contains { $0.contains("<- decides") || $0.hasPrefix("DROPPED") && $0.contains(": ") })
  }
}
