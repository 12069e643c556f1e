import HostModel
import RuleGraph

/// Reads what shows that another firewall runs: `pve-firewall status`, OpenWrt's `fw4 print`, `uci show firewall` and `/etc/init.d/firewall status`.
enum FirewallStatusReader {
  /// Reads a section.
  static func read(_ text: DumpText, command: String?) -> FactFragment {
    var result = FactFragment()
    guard let first = text.lines.first else { return result }
    let line = text.string(first).trimmedBlanks
    let isStopped = ["disabled", "stopped", "inactive", "not running"].contains { line.contains($0) }
    if isStopped { return result }
    let isProxmox = command?.contains("pve-firewall") ?? false
    result.facts.firewalls = [
      RunningFirewall(marks: isProxmox ? ["PVEFW-", "proxmox-firewall"] : ["fw4", "zone_"], span: text.span(first))
    ]
    return result
  }
}
