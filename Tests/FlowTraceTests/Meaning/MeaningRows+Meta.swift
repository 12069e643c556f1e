extension MeaningRow {
  /// Interfaces, marks and what else the kernel keeps beside the packet: nft(8), "META EXPRESSIONS".
  static let meta: [MeaningRow] = [
    MeaningRow("iifname \"eth0\"", fits: ["in=eth0"], fails: ["in=eth1 src=10.1.0.8 dst=10.0.0.9"]),
    MeaningRow("iifname \"eth*\"", fits: ["in=eth0", "in=eth7"], fails: ["in=br0 src=10.2.0.2"]),
    MeaningRow("iifname != \"eth0\"", fits: ["in=br0 src=10.2.0.2"], fails: ["in=eth0"]),
    // In output there is no input interface: its name is empty.
    MeaningRow("iifname != \"eth0\"", in: "OUTPUT", fits: ["from=host"]),
    MeaningRow("oifname \"eth1\"", fits: ["dst=10.1.0.9"], fails: ["dst=10.2.0.9"]),
    MeaningRow("iif \"eth0\"", fits: ["in=eth0"], fails: ["in=br0 src=10.2.0.2"]),
    MeaningRow("iif 2", fits: ["in=eth0"], fails: ["in=br0 src=10.2.0.2"]),
    MeaningRow("oif 3", fits: ["dst=10.1.0.9"], fails: ["dst=10.2.0.9"]),
    MeaningRow("oif \"eth1\"", fits: ["dst=10.1.0.9"], fails: ["dst=10.2.0.9"]),
    MeaningRow(
      "-m physdev --physdev-in vA", fits: ["in=br0 physin=vA src=10.2.0.2"],
      fails: ["in=br0 physin=vB src=10.2.0.2", "in=eth0"]),
    // Only a packet that is bridged has a port that it leaves through.
    MeaningRow("-m physdev --physdev-out vB", fails: ["in=eth0 dst=10.2.0.3"]),
    MeaningRow(
      "-m physdev --physdev-is-bridged", fits: ["in=br0 physin=vA src=10.2.0.2 dst=10.2.0.3"], fails: ["in=eth0"]),
    MeaningRow("meta ibrname \"br0\"", value: "br0", not: "br1"),
    MeaningRow("meta obrname \"br0\"", value: "br0", not: "br1"),
    MeaningRow("meta ibrvproto 8021q", value: "33024", not: "34984"),
    MeaningRow("meta ibrpvid 10", value: "10", not: "11"),
    MeaningRow("meta mark 0x10", fits: ["mark=0x10"], fails: ["mark=0x11", ""]),
    MeaningRow("meta mark & 0xff == 0x10", fits: ["mark=0x10", "mark=0x110"], fails: ["mark=0x11"]),
    MeaningRow("meta mark >> 4 == 1", fits: ["mark=0x10", "mark=0x1f"], fails: ["mark=0x1", "mark=0x20"]),
    MeaningRow("meta l4proto { tcp, udp }", fits: ["proto=tcp", "proto=udp"], fails: ["proto=icmp"]),
    MeaningRow("meta nfproto ipv4", fits: ["dst=10.1.0.9"], fails: ["dst=2001:db8:1::9"]),
    MeaningRow("meta protocol ip6", fits: ["dst=2001:db8:1::9"], fails: ["dst=10.1.0.9"]),
    MeaningRow("meta length 100-200", fits: ["length=100", "length=200"], fails: ["length=99"], open: [""]),
    // What is addressed to one host is no broadcast.
    MeaningRow("meta pkttype broadcast", fits: ["self=1"], fails: ["self=0", ""]),
    MeaningRow("meta skuid 1000", in: "OUTPUT", of: "from=host", fits: ["uid=1000"], fails: ["uid=0"], open: [""]),
    // A packet from another host has no socket here.
    MeaningRow("meta skuid != 1000", fails: [""]),
    MeaningRow("meta skgid 100", in: "OUTPUT", of: "from=host", fits: ["gid=100"], fails: ["gid=0"], open: [""]),
    MeaningRow("-m owner --socket-exists", in: "OUTPUT", fits: ["from=host"]),
    MeaningRow("-m owner --socket-exists", fails: [""]),
    MeaningRow("meta cgroup 1048577", value: "1048577", not: "1"),
    MeaningRow("meta priority 1:10", value: "65552", not: "65553"),
    MeaningRow("meta iifgroup 5", value: "5", not: "0"),
    MeaningRow("meta oifgroup 5", value: "5", not: "0"),
    MeaningRow("meta iiftype ether", value: "1", not: "772"),
    MeaningRow("meta oiftype ether", value: "1", not: "772"),
    MeaningRow("meta iifkind \"vlan\"", value: "vlan", not: "bridge"),
    MeaningRow("meta oifkind \"vlan\"", value: "vlan", not: "bridge"),
    MeaningRow("meta rtclassid 5", value: "5", not: "6"),
    // Nothing was decrypted unless the question says so.
    MeaningRow("meta secpath exists", fits: ["self=1"], fails: [""]),
    MeaningRow("meta cpu 2", value: "2", not: "3"),
    MeaningRow("meta nftrace 1", value: "1", not: "0"),
    MeaningRow("meta random 7", value: "7", not: "8"),
    MeaningRow("meta time 1700000000", value: "1700000000", not: "1700000001"),
    MeaningRow("meta day \"Sunday\"", value: "0", not: "1"),
    MeaningRow("meta hour \"00:01\"", value: "60", not: "61"),
    MeaningRow("meta sdif 2", value: "2", not: "3"),
    MeaningRow("meta sdifname \"eth0\"", value: "eth0", not: "eth1"),
  ]

  /// The operators and the computed values: nft(8), "EXPRESSIONS", "NUMGEN EXPRESSION", "HASH EXPRESSIONS".
  static let expressions: [MeaningRow] = [
    MeaningRow(
      "ip saddr . tcp dport { 10.0.0.9 . 80, 10.0.0.8 . 443 }", fits: ["dport=80"],
      fails: ["dport=443", "dst=10.1.0.8 dport=443"]),
    MeaningRow("tcp dport != { 80, 443 }", fits: ["dport=81"], fails: ["dport=443", "proto=udp dport=81"]),
    MeaningRow(
      "meta mark set tcp dport map { 80 : 1, 443 : 2 } meta mark 1", fits: ["dport=80"],
      fails: ["dport=443", "dport=22"]),
    MeaningRow(
      "meta mark set meta mark or 0x4 meta mark 0x5", fits: ["mark=1", "mark=5"], fails: ["mark=2", ""]),
    MeaningRow(
      "ct mark set meta mark meta mark set ct mark and 0xf meta mark 3", fits: ["mark=0x13"], fails: ["mark=4"]),
    MeaningRow("meta mark set meta mark or ct mark meta mark 5", fits: ["mark=5"], fails: ["mark=4"]),
    MeaningRow("numgen inc mod 4 0", open: [""]),
    MeaningRow("numgen inc mod 4 5", fails: [""]),
    MeaningRow("jhash ip saddr mod 4 0", open: [""]),
    MeaningRow("symhash mod 4 0", open: [""]),
    MeaningRow("tcp dport vmap { 80 : drop, 443 : accept }", fits: ["dport=80"], fails: ["dport=443"]),
  ]
}
