import ArgumentParser

/// The root of the commands; without the name of one, `trace` is meant.
struct Fwtrace: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fwtrace",
    abstract: "Why is this packet accepted, dropped or NATed?",
    discussion: """
      fwtrace reads what iptables, nft, ip and docker print, follows a packet through the rules as the Linux kernel would, and says which rule \
      decides and where it stands in your dump. It never touches the firewall.

        fwtrace --dst 172.17.0.2:8080 dump.txt
        sudo fwtrace --dst 172.17.0.2:8080
        iptables-save | fwtrace --from outside --dst 192.168.0.140:32769 -
        fwtrace exposure dump.txt
        fwtrace audit dump.txt
        fwtrace diff old.txt new.txt
        fwtrace replay conn.log dump.txt
        fwtrace parse dump.txt

      The options for the packet: fwtrace trace --help.
      """,
    version: "0.1.0",
    subcommands: [
      TraceCommand.self, ExposureCommand.self, WhoCommand.self, AuditCommand.self, RuleCommand.self, DiffCommand.self,
      ReplayCommand.self, VerifyCommand.self, ParseCommand.self,
      GraphCommand.self,
      TestCommand.self,
      CaptureCommand.self,
    ],
    defaultSubcommand: TraceCommand.self)
}
