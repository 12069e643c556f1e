import HostModel
import RuleGraph

/// Reads whether a firewall other than ufw runs: `firewall-cmd --list-all` and `--state` (firewall-cmd(1)), `systemctl
/// status firewalld`, `pve-firewall status`, OpenWrt's `fw4 print`, `uci show firewall` and `/etc/init.d/firewall
/// status`.
///
/// What they print says what someone wants; the rules themselves are in the ruleset of nftables, or in iptables'
/// tables.
enum FirewallStatusReader {
  /// Reads a section.
  ///
  ///     public (active)
  ///       target: default
  ///       services: ssh
  static func read(_ text: DumpText, kind: OutputKind, command: String?) -> FactFragment {
    var result = FactFragment()
    guard let first = text.lines.first else { return result }
    var status: FirewallStatus
    if kind == .firewalld {
      let isStopped = text.lines.contains { isStoppedFirewalld(text.string($0).trimmedBlanks) }
      status = FirewallStatus(.firewalld, isActive: !isStopped)
    } else {
      let line = text.string(first)
      let isStopped = ["disabled", "stopped", "inactive", "not running"].contains { line.contains($0) }
      let isProxmox = command?.contains("pve-firewall") ?? false
      status = FirewallStatus(isProxmox ? .proxmox : .openWrt, isActive: !isStopped)
    }
    status.span = text.span(first)
    result.facts.firewalls = [status]
    return result
  }

  /// Whether a line can be the answer of a command that asks for it, and no complaint.
  static func isAnswer(_ cursor: ByteCursor) -> Bool {
    let text = cursor.text(cursor.at..<min(cursor.end, cursor.at + 300))
    return !["not found", "No such", "denied", "rror", "Unit ", "Usage", "usage"].contains { text.contains($0) }
  }

  private static func isStoppedFirewalld(_ line: String) -> Bool {
    ["not running", "inactive", "failed", "unknown"].contains(line) || line.hasPrefix("FirewallD is not running")
      || line.hasPrefix("Active: inactive") || line.hasPrefix("Active: failed")
  }

  /// Whether a line begins what firewalld prints: a zone's head, or the unit's.
  static func beginsFirewalld(_ cursor: ByteCursor, next: ByteCursor?) -> Bool {
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
