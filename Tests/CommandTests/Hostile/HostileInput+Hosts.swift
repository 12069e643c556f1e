extension HostileInput {
  static let facts: [HostileInput] = [
    of("routes", 8000, by: packet, "parse") { count in
      host("ip route", lines(count) { "\(address($0)) via 10.0.0.254 dev eth0" })
    },
    of("routes, asked openly", 4000, by: "--in eth0 --proto tcp --dport 22") { count in
      host("ip route", lines(count) { "\(address($0)) via 10.0.0.254 dev eth0" })
    },
    of("routing tables", 2000, by: packet) { count in
      host("ip route show table all", lines(count) { "\(address($0)) via 10.0.0.254 dev eth0 table \($0 + 1000)" })
    },
    of("routes of route -n", 8000, by: packet) { count in
      host(
        "route -n",
        "Kernel IP routing table\nDestination     Gateway         Genmask         Flags Metric Ref    Use Iface\n"
          + lines(count) { "\(address($0))  10.0.0.254  255.255.255.255  UGH  0  0  0 eth0" })
    },
    of("policy rules", 8000, by: packet, "exposure") { count in
      host("ip rule", lines(count) { "\($0 + 1):\tfrom \(address($0)) lookup main" })
    },
    of("policy rules with unknown tables", 4000, by: packet) { count in
      host("ip rule", lines(count) { "\($0 + 1):\tfrom all lookup \($0 + 1000)" })
    },
    of("interfaces", 4000, by: packet, "parse") { count in
      host(
        "ip addr",
        lines(count) {
          "\($0 + 1): eth\($0): <BROADCAST,UP,LOWER_UP> mtu 1500 qdisc noop state UP group default\n    inet \(address($0 * 4 + 1))/30 scope global eth\($0)"
        })
    },
    of("ports of bridges", 4000, by: packet) { count in
      host(
        "ip link",
        lines(count) {
          "\($0 + 1): eth\($0): <BROADCAST,UP,LOWER_UP> mtu 1500 qdisc noop master br\($0) state UP mode DEFAULT"
        })
    },
    of("addresses of one interface", 8000, by: packet) { count in
      host("ip addr", "2: eth0: <UP> mtu 1500\n\(lines(count) { "    inet \(address($0))/32 scope global eth0" })")
    },
    of("interfaces of ifconfig", 4000, by: packet) { count in
      host(
        "ifconfig",
        lines(count) {
          "eth\($0): flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1500\n        inet \(address($0 * 4 + 1))  netmask 255.255.255.252\n"
        })
    },
    of("sockets", 8000, by: packet) { count in
      host(
        "ss -tlnp",
        "State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n"
          + lines(count) {
            "LISTEN 0 128 \(address($0)):\($0 % 65_535 + 1) 0.0.0.0:* users:((\"p\",pid=\($0),fd=3))"
          })
    },
    of("sockets of netstat", 8000, by: packet) { count in
      host(
        "netstat -tlnp",
        "Active Internet connections (only servers)\nProto Recv-Q Send-Q Local Address   Foreign Address   State    PID/Program name\n"
          + lines(count) { "tcp        0      0 \(address($0)):\($0 % 65_535 + 1)   0.0.0.0:*   LISTEN   \($0)/p" })
    },
    of("neighbours", 8000, by: packet) { count in
      host("ip neigh", lines(count) { "\(address($0)) dev eth0 lladdr 02:42:00:00:00:01 REACHABLE" })
    },
    of("connections", 8000, by: packet) { count in
      host(
        "conntrack -L",
        lines(count) {
          "tcp      6 431999 ESTABLISHED src=\(address($0)) dst=10.0.0.1 sport=\($0 % 65_535) dport=22 src=10.0.0.1 dst=\(address($0)) sport=22 dport=\($0 % 65_535) [ASSURED] mark=0 use=1"
        })
    },
    of("settings", 8000, by: packet) { count in
      host("sysctl -a", lines(count) { "net.ipv4.conf.eth\($0).rp_filter = 1" })
    },
    of("garbled interfaces", 8000, by: "parse") { host("ip addr", repeated("1: foo bar\n", $0)) },
    of("garbled containers", 4000, by: "parse") { host("docker inspect x", repeated("[{\"Id\": \"abc\"\n", $0)) },
  ].flatMap(\.self)

  private static let listing = """
    Chain INPUT (policy ACCEPT)
    target     prot opt source               destination
    ACCEPT     tcp  --  10.0.0.1             0.0.0.0/0            tcp dpt:22


    """

  static let pastes: [HostileInput] = [
    of("listings", 2000, by: "parse", packet) { repeated(listing, $0) },
    of("listings with prompts", 2000, by: "parse", packet) { repeated("$ iptables -L -n\n\(listing)", $0) },
    of("saves", 3000, by: packet) { repeated(save("-A INPUT -s 10.0.0.1 -j DROP\n"), $0) },
    of("saves with prompts", 1000, by: packet) {
      repeated("$ iptables-save\n\(save("-A INPUT -s 10.0.0.1 -j DROP\n"))", $0)
    },
    of("hosts", 500, by: "parse") { count in
      lines(count) { "root@host\($0):~# iptables-save\n\(save("-A INPUT -s 10.0.0.1 -j DROP\n"))" }
    },
    of("fences", 32_000, by: "parse") { repeated("```\n", $0) },
    of("fenced rules", 8000, by: packet) { repeated("```\n-A INPUT -s 10.0.0.1 -j DROP\n```\nblah\n", $0) },
    of("tildes", 32_000, by: "parse") { repeated("~~~\n", $0) },
    of("tags", 16_000, by: "parse") { repeated("<pre>iptables -A INPUT -j DROP</pre>\n", $0) },
    of("quoted lines", 16_000, by: "parse") { repeated("> -A INPUT -j DROP\n", $0) },
    of("prompts", 16_000, by: "parse") { repeated("$ iptables -L\n", $0) },
    of("prompts of root", 16_000, by: "parse") { repeated("root@h:~# ip addr\n", $0) },
    of("line ends", 4_000_000, by: "parse") { repeated("\n", $0) },
    of("blanks", 4_000_000, by: "parse") { repeated(" ", $0) },
    of("bytes of one line", 2_000_000, by: "parse") { repeated("a", $0) },
    of("words of one line", 500_000, by: "parse") { repeated("a ", $0) },
    of("backslashes", 500_000, by: "parse") {
      save("-A INPUT -m comment --comment \"\(repeated("\\\\", $0))\" -j ACCEPT\n")
    },
    of("semicolons", 300_000, by: "parse") { nft(repeated(";", $0)) },
    of("folded rules", 3000, by: packet) {
      save(repeated("-A INPUT -s 10.0.0.1 -m comment\n --comment \"aa bb\"\n -j DROP\n", $0))
    },
    of("folded rules of nft", 2000, by: packet) { nft(repeated("ip saddr 10.0.0.1\n tcp dport\n 22 accept\n", $0)) },
  ].flatMap(\.self)

  static let scripts: [HostileInput] = [
    of("doubling variables", 30, by: "parse") { count in
      "#!/bin/sh\nA0=xx\n\(lines(count) { "A\($0 + 1)=$A\($0)$A\($0)" })iptables -A INPUT -m comment --comment $A\(count) -j DROP\n"
    },
    of("loops in loops", 12, by: "parse") { count in
      "#!/bin/sh\n\(lines(count) { "for a\($0) in 1 2 3 4; do" })iptables -A INPUT -j ACCEPT\n\(repeated("done\n", count))"
    },
    of("functions that call twice", 30, by: "parse") { count in
      "#!/bin/sh\nf0() { iptables -A INPUT -j ACCEPT; }\n\(lines(count) { "f\($0 + 1)() { f\($0); f\($0); }" })f\(count)\n"
    },
    of("conditions in conditions", 5000, by: "parse") {
      "#!/bin/sh\n\(repeated("if true; then\n", $0))iptables -A INPUT -j ACCEPT\n\(repeated("fi\n", $0))"
    },
    of("substitutions", 10_000, by: "parse") {
      "#!/bin/sh\niptables -A INPUT -s \(repeated("$(", $0))x\(repeated(")", $0)) -j DROP\n"
    },
    of("groups", 10_000, by: "parse") {
      "#!/bin/sh\n\(repeated("(", $0))iptables -A INPUT -j DROP\(repeated(")", $0))\n"
    },
    of("commands", 3000, by: "parse") { count in
      "#!/bin/sh\n\(lines(count) { "iptables -A INPUT -s \(address($0)) -j ACCEPT" })"
    },
    of("braces of a shell", 40, by: "parse") {
      "#!/bin/sh\niptables -A INPUT -p tcp --dport \(repeated("{1,2}", $0)) -j ACCEPT\n"
    },
  ].flatMap(\.self)
}
