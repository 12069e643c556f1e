import ArgumentParser

@main
struct Fwtrace: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fwtrace", abstract: "Why is this packet accepted, dropped or NATed?")
}
