import Foundation
import RuleGraph
import RuleParser
import Testing

/// Files as people write them, loaded by the nft of this machine in a network namespace of its own.
@Suite struct NftRealTests {
  private static let files = [
    "names.nft": """
    define wan = "eth0"
    define lan = { eth1, eth2 }
    define servers = { 10.0.0.1, 10.0.1.0/24 }

    """,
    "rules.nft": """
    #!/usr/sbin/nft -f
    flush ruleset
    include "names.nft"
    define web = { 80, https }

    table inet filter {
      set blocked { type ipv4_addr; flags interval; }
      map decisions { type ipv4_addr : verdict; elements = { 10.0.0.1 : accept, 10.0.0.2 : drop } }
      counter hits { }
      chain input {
        type filter hook input priority filter - 5; policy drop;
        iifname $lan accept; ct state established,related accept
        iifname $wan ip saddr $servers tcp dport $web \\
          accept
        ip saddr @blocked drop # what nobody wants
        tcp flags syn / syn,ack counter name "hits"
        tcp flags & (fin | syn) == syn ip saddr vmap @decisions
        meta mark set ct mark and 0xff
        ip saddr . tcp dport { 10.0.0.1 . 22, 10.0.0.2 . 1024-2048 } jump checks
      }
      chain checks {
        icmp type { echo-request, echo-reply } limit rate 5/second burst 9 packets accept
        ip dscp ef meta day "Monday" return
      }
    }
    add element inet filter blocked { 192.0.2.0/24, 198.51.100.7 }
    add rule inet filter input udp dport 53 accept comment "dns"
    insert rule inet filter input iif lo accept
    add chain inet filter output { type filter hook output priority 0; }
    add table ip nat
    add chain ip nat prerouting { type nat hook prerouting priority dstnat; }
    add rule ip nat prerouting iifname $wan tcp dport $web dnat to 10.0.0.1:8080-8090

    """,
  ]

  /// With handles, without state, with numbers for names, priorities, protocols, times and users, and with names for ports.
  @Test(
    .enabled(if: (try? RealIptables.run("nft list ruleset"))?.status == 0, "needs network namespaces"),
    arguments: ["", "-a", "-s", "-n", "-nn", "-y", "-p", "-T", "-u", "-S", "-a -s -nn -y -p -T -u"])
  func aFileIsWhatNftMakesOfIt(flags: String) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "fwtrace-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in Self.files { try Data(text.utf8).write(to: folder.appending(path: name)) }
    let loaded = try RealIptables.run("cd '\(folder.path)' && nft -I . -f rules.nft && nft \(flags) list ruleset")
    #expect(loaded.status == 0, "\(loaded.output)")

    let reader = DumpReader { path, _ in
      Self.files[path].map { [DumpInput(name: path, bytes: Array($0.utf8))] }
    }
    let written = reader.read([DumpInput(name: "rules.nft", bytes: Array((Self.files["rules.nft"] ?? "").utf8))])
    let listed = DumpReader().read([DumpInput(name: "nft-list-ruleset.txt", text: loaded.output)])
    #expect(written.diagnostics.filter { $0.severity != .note } == [])
    let (file, listing) = (written.ruleset.canonical.tables, listed.ruleset.canonical.tables)
    #expect(listing.map(\.name) == ["filter", "nat"])
    #expect(file.map(\.name) == listing.map(\.name))
    for (table, twin) in zip(file, listing) {
      #expect(table.chains.map(\.name) == twin.chains.map(\.name))
      for (chain, other) in zip(table.chains, twin.chains) { #expect(chain == other, "\(chain.name)") }
      #expect(table.sets == twin.sets)
      #expect(table.objects.map(\.name) == twin.objects.map(\.name))
    }
  }
}
