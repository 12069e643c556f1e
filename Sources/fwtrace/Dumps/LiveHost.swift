import ArgumentParser
import FlowTrace
import HostModel
import LiveCapture
import RuleGraph
import RuleParser

/// The machine that the program runs on, when no dump is given.
enum LiveHost {
  /// Reads the host, or a network namespace of it, through the same text that a capture bundle holds.
  static func read(namespace: String?) throws(Failure) -> HostReading {
    DumpReader().read([DumpInput(name: "this host", bytes: try bundle(namespace: namespace).bytes)])
  }

  /// Reads the host into a bundle, which also says what could not be read.
  static func bundle(namespace: String?) throws(Failure) -> CaptureBundle {
    do {
      return try HostCapture(version: Fwtrace.configuration.version, namespace: namespace).read()
    } catch {
      throw Failure(error.code == .notPermitted ? error.message + advice : error.message)
    }
  }

  /// The container's own network namespace, where a container of this host sends the packets of a question; nil where
  /// none does. What could not be read is a warning.
  static func sender(
    of query: Query, in reading: HostReading, options: Tracer.Options, _ warnings: inout [Diagnostic]
  ) -> SenderNamespace? {
    guard let container = SenderNamespace.container(of: query, facts: reading.facts) else { return nil }
    do {
      let capture = HostCapture(version: Fwtrace.configuration.version)
      let bytes = try capture.readNamespace(ofContainer: container.pid.map(String.init) ?? container.name)
      let inside = DumpReader().read([DumpInput(name: "inside \(container.name)", bytes: bytes)])
      warnings += inside.diagnostics.filter { $0.severity != .note }.map {
        Diagnostic($0.id, $0.severity, "inside \(container.name): \($0.message)", expected: $0.expected)
      }
      return SenderNamespace(
        container.name, ruleset: inside.ruleset, facts: inside.facts, query: query, options: options)
    } catch {
      warnings.append(
        Diagnostic(
          "sender-not-read", .warning,
          "the rules inside \(container.name) could not be read (\(error.message)): its packets are taken to leave it unchanged"
        ))
      return nil
    }
  }

  /// What to do without root: the command again with sudo, and what needs none.
  private static var advice: String {
    let words = CommandLine.arguments.dropFirst().map(quoted).joined(separator: " ")
    return """
      . Run it as root:
        sudo fwtrace \(words)
      Without root fwtrace answers from dumps: let someone who may run `sudo fwtrace capture -o host.txt` (or the script that \
      `fwtrace capture --script` prints), and give it host.txt.
      """
  }

  private static func quoted(_ word: String) -> String {
    let plain = word.utf8.allSatisfy { byte in
      byte.isLetter || byte.isDigit || "-_./:,=+@%".utf8.contains(byte)
    }
    return plain && !word.isEmpty ? word : "'" + word.replacing("'", with: "'\\''") + "'"
  }
}
