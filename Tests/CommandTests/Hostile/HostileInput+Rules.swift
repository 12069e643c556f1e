extension HostileInput {
  static let expressions: [HostileInput] = [
    of("flags", 16_000, by: "parse", "--json \(packet)") {
      nft("tcp flags & (\(list("syn", $0, by: " | "))) == syn accept")
    },
    of("or", 16_000, by: "parse", packet) { nft("meta mark set meta mark\(repeated(" or 0x1", $0))") },
    of("and", 16_000, by: "parse") { nft("meta mark set meta mark\(repeated(" and 0x1", $0))") },
    of("exclusive or", 16_000, by: "parse") { nft("meta mark\(repeated(" ^ 0x1", $0)) == 3 accept") },
    of("shifts", 16_000, by: "parse", packet) { nft("meta mark set meta mark\(repeated(" << 1", $0))") },
    of("brackets", 40_000, by: "parse") { nft("meta mark set \(repeated("(", $0))1\(repeated(")", $0))") },
    of("braces", 40_000, by: "parse") { nft("tcp dport \(repeated("{", $0))1\(repeated("}", $0))") },
    of("open braces", 40_000, by: "parse") { "table inet t \(repeated("{ ", $0))" },
    of("chains in chains", 10_000, by: "parse") { "table inet t {\n\(repeated("chain a { ", $0))\(repeated("}", $0))" },
    of("rules in jumps", 8000, by: "parse") { nft("\(repeated("jump { ", $0))accept\(repeated("}", $0))") },
    of("parts of a key", 8000, by: "parse") { nft("ip saddr\(repeated(" . tcp dport", $0)) 1 accept") },
    of("elements", 32_000, by: "parse", packet) { count in
      nft("ip saddr { \((0..<count).map { address($0 * 2) }.joined(separator: ", ")) } drop")
    },
    of("flags in JSON", 30_000, by: "parse", packet) {
      json(
        #"{"match": {"op": "==", "left": {"&": [{"payload": {"protocol": "tcp", "field": "flags"}}, {"|": [\#(list("\"syn\"", $0, by: ", "))]}]}, "right": "syn"}}"#
      )
    },
    of("or in JSON", 30_000, by: "parse", packet) {
      json(
        #"{"mangle": {"key": {"meta": {"key": "mark"}}, "value": {"|": [{"meta": {"key": "mark"}}\#(repeated(", 1", $0))]}}}"#
      )
    },
    of("operations in JSON", 20_000, by: "parse") {
      json(
        #"{"match": {"op": "==", "left": \#(repeated(#"{"|": ["#, $0))1\#(repeated(", 1]}", $0)), "right": 1}}"#)
    },
    of("unknown expressions in JSON", 5000, by: "parse", packet) { count in
      json((0..<count).map { #"{"foo": \#($0)}"# }.joined(separator: ", "))
    },
    of("arrays in arrays", 50_000, by: "parse") { #"{"nftables": \#(repeated("[", $0))\#(repeated("]", $0))}"# },
    of("objects in objects", 50_000, by: "parse") { repeated("{\"nftables\":", $0) },
    of("open objects", 32_000, by: "parse") { repeated("{\n", $0) },
    of("small rulesets", 4000, by: "parse") {
      repeated(#"{"nftables": [{"metainfo": {"version": "1.0.6"}}]}"# + "\n", $0)
    },
    of("bad objects", 16_000, by: "parse") {
      "{\"nftables\": [\n\(repeated("{\"rule\": {\"family\": \"inet\", \"table\": }},\n", $0))]}"
    },
    of("doubling defines", 30, by: "parse", packet) { count in
      "define a0 = { 1, 2 }\n\(lines(count) { "define a\($0 + 1) = { $a\($0), $a\($0) }" })"
        + nft("tcp dport $a\(count) accept")
    },
    of("doubling keys", 30, by: "parse") { count in
      "define a0 = 1\n\(lines(count) { "define a\($0 + 1) = $a\($0) . $a\($0)" })" + nft("tcp dport $a\(count) accept")
    },
    of("doubling flags", 30, by: "parse", packet) { count in
      "define a0 = 1\n\(lines(count) { "define a\($0 + 1) = $a\($0) | $a\($0)" })" + nft("meta mark set $a\(count)")
    },
    of("u32 operators", 5000, by: packet) { save("-A INPUT -m u32 --u32 \"0\(repeated(">>1", $0))=1\" -j DROP\n") },
    of("u32 tests", 5000, by: packet) {
      save("-A INPUT -m u32 --u32 \"\(list("0>>22&0x3C@4=1", $0, by: "&&"))\" -j DROP\n")
    },
  ].flatMap(\.self)

  static let jumps: [HostileInput] = [
    of("chains that jump twice", 20, by: packet, "audit", "exposure", "--in eth0 --dst 10.0.0.1") { count in
      save(
        "-A INPUT -j C0\n"
          + lines(count - 1) { "-A C\($0) -p tcp -j C\($0 + 1)\n-A C\($0) -s 10.0.0.0/\(8 + $0 % 20) -j C\($0 + 1)" }
          + "-A C\(count - 1) -p tcp --dport 80 -j ACCEPT\n", chains: chains(count))
    },
    of("chains that jump twice, and mark", 20, by: packet, "audit", "exposure") { count in
      save(
        "-A INPUT -j C0\n"
          + lines(count - 1) {
            "-A C\($0) -s 10.\($0).0.0/16 -j MARK --or-mark \(1 << $0)\n-A C\($0) -j C\($0 + 1)\n-A C\($0) -d 10.0.\($0).0/24 -j C\($0 + 1)"
          } + "-A C\(count - 1) -p tcp --dport 80 -j ACCEPT\n", chains: chains(count))
    },
    of("chains that jump twice for unread matches", 20, by: packet, "--json \(packet)") { count in
      save(
        "-A INPUT -j C0\n"
          + lines(count - 1) {
            "-A C\($0) -j MARK --set-mark \($0)\n-A C\($0) -m foo\($0) -j C\($0 + 1)\n-A C\($0) -j C\($0 + 1)"
          } + "-A C\(count - 1) -m bar -j ACCEPT\n", chains: chains(count))
    },
    of("chains one below the other", 4000, by: packet, "audit", "graph", "parse --json --canonical") { count in
      save("-A INPUT -j C0\n" + lines(count - 1) { "-A C\($0) -j C\($0 + 1)" }, chains: chains(count))
    },
    of("chains that go to the next", 4000, by: packet, "audit") { count in
      save("-A INPUT -g C0\n" + lines(count - 1) { "-A C\($0) -g C\($0 + 1)" }, chains: chains(count))
    },
    of("chains in a circle", 3000, by: packet, "audit") { count in
      save("-A INPUT -j C0\n" + lines(count) { "-A C\($0) -j C\(($0 + 1) % count)" }, chains: chains(count))
    },
    of("chains that nobody declared", 8000, by: packet, "parse") { count in
      save(lines(count) { "-A INPUT -s \(address($0)) -j U\($0)" })
    },
  ].flatMap(\.self)

  static let rules: [HostileInput] = [
    of("unread matches of one rule", 4000, by: packet, "--json \(packet)", "audit", "parse --as nft") { count in
      save("-A INPUT\((0..<count).map { " -m foo\($0) --bar \($0)" }.joined()) -j ACCEPT\n")
    },
    of("limits of one rule", 4000, by: packet) { count in
      save("-A INPUT\((0..<count).map { " -m limit --limit \($0 + 1)/sec" }.joined()) -j ACCEPT\n")
    },
    of("excluded ports of one rule", 4000, by: packet) { count in
      save("-A INPUT -p tcp\((0..<count).map { " -m tcp ! --dport \($0 + 100)" }.joined()) -j ACCEPT\n")
    },
    of("rules with unread matches", 300, by: packet) { count in
      save(
        lines(count) {
          "-A INPUT -s 10.\($0 % 250).0.0/16 -m foo\($0) --bar \($0) -j \($0 % 2 == 0 ? "ACCEPT" : "DROP")"
        })
    },
    of("marks behind unread matches", 20, by: packet) { count in
      save(lines(count) { "-A INPUT -s 10.\($0).0.0/16 -m foo -j MARK --or-mark \(1 << $0)" })
    },
    of("ports of one rule", 50_000, by: packet) { count in
      save(
        "-A INPUT -p tcp -m multiport --dports \((0..<count).map { String($0 % 65_535) }.joined(separator: ",")) -j DROP\n"
      )
    },
    of("bytes of a comment", 1_000_000, by: packet, "parse", "parse --as nft") {
      save("-A INPUT -m comment --comment \"\(repeated("x", $0))\" -j ACCEPT\n")
    },
    of("open quotation marks", 8000, by: "parse") {
      save(repeated("-A INPUT -m comment --comment \"x -j ACCEPT\n", $0))
    },
    of("garbled rules", 8000, by: "parse", packet) { save(repeated("-A INPUT garb age\n", $0)) },
    of("garbled rules of nft", 8000, by: "parse") { nft(repeated("garb age }{\n", $0)) },
    of("rules left out", 8000, by: packet) { save(repeated("-A INPUT -s 10.0.0.1 -j DROP\n...\n", $0)) },
    of("chains", 16_000, by: packet, "graph") { count in
      save(lines(count) { "-A INPUT -j C\($0)" }, chains: chains(count))
    },
    of("sets of nft", 4000, by: packet) { count in
      "table inet t {\n"
        + lines(count) { "\tset s\($0) {\n\t\ttype ipv4_addr\n\t\telements = { \(address($0)) }\n\t}" }
        + "\tchain c {\n\t\ttype filter hook input priority 0; policy accept;\n"
        + lines(count) { "\t\tip saddr @s\($0) drop" } + "\t}\n}\n"
    },
    of("tables of nft", 2000, by: packet, "parse") { count in
      lines(count) {
        "table inet t\($0) {\n\tchain c {\n\t\ttype filter hook input priority 0; policy accept;\n\t\tip saddr \(address($0)) drop\n\t}\n}"
      }
    },
    of("ipsets", 4000, by: packet) { count in
      "$ ipset save\n\(lines(count) { "create s\($0) hash:ip family inet\nadd s\($0) \(address($0))" })$ iptables-save\n"
        + save(lines(count) { "-A INPUT -m set --match-set s\($0) src -j DROP" })
    },
    of("ipsets in a circle", 500, by: packet) { count in
      "$ ipset save\n\(lines(count) { "create l\($0) list:set\nadd l\($0) l\(($0 + 1) % count)\nadd l\($0) l\(($0 + 1) % count)" })"
        + "$ iptables-save\n\(save("-A INPUT -m set --match-set l0 src -j DROP\n"))"
    },
  ].flatMap(\.self)
}
