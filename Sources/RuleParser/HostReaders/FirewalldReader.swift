import HostModel
import RuleGraph

/// Reads whether firewalld runs: `firewall-cmd --list-all`, `--state` (firewall-cmd(1)), `systemctl status firewalld`.
///
/// Its zones say what someone wants; the rules themselves are in the ruleset of nftables, or in iptables' tables where `FirewallBackend=iptables`.
enum FirewalldReader {
  /// Reads a section.
  ///
  ///     public (active)
  ///       target: default
  ///       services: ssh
  static func read(_ text: DumpText) -> FactFragment {
    var result = FactFragment()
    var status = FirewalldStatus(isActive: true)
    status.span = text.lines.first.map { text.span($0) }
    for line in text.lines {
      let words = text.string(line).trimmedBlanks
      if isStopped(words) { status.isActive = false }
    }
    result.facts.firewalld = status
    return result
  }

  /// Whether a line can be the answer of a command that asks for it, and no complaint.
  static func isAnswer(_ cursor: ByteCursor) -> Bool {
    let text = cursor.text(cursor.at..<min(cursor.end, cursor.at + 300))
    return !["not found", "No such", "denied", "rror", "Unit ", "Usage", "usage"].contains { text.contains($0) }
  }

  private static func isStopped(_ line: String) -> Bool {
    ["not running", "inactive", "failed", "unknown"].contains(line) || line.hasPrefix("FirewallD is not running")
      || line.hasPrefix("Active: inactive") || line.hasPrefix("Active: failed")
  }

  /// Whether a line begins such an output: a zone's head, or the unit's.
  static func isStart(_ cursor: ByteCursor, next: ByteCursor?) -> Bool {
    var cursor = cursor
    if cursor.eat("FirewallD is not running") { return true }
    if cursor.eat("\u{25cf} ") || cursor.eat("* ") || cursor.eat("\u{25cb} ") {
      return cursor.eat("firewalld.service ")
    }
    guard cursor.eatWord() != nil else { return false }
    cursor.eatBlanks()
    guard cursor.isAtEnd || cursor.eat("(active)") || cursor.eat("(default, active)"), var next else { return false }
    return next.eatBlanks() > 0 && next.eat("target: ")
  }
}
