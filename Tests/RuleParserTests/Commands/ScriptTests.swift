import HostModel
import Randomness
import RuleGraph
import Testing

@testable import RuleParser

/// What scripts compute, and what they leave to chance.
@Suite struct ScriptTests {
  /// The rules of a chain, as the canonical graph has them, after a script.
  private func rules(_ script: String, table: String = "filter", chain: String = "INPUT") -> [Rule] {
    let reading = Script.read(script)
    return reading.ruleset.table(.ip, table)?.chains.first { $0.name == chain }?.rules ?? []
  }

  /// The same rules as `iptables-save` prints them.
  private func saved(_ lines: [String]) -> [[Statement]] {
    let dump = "*filter\n" + lines.map { $0 + "\n" }.joined() + "COMMIT\n"
    let reading = DumpReader().read([DumpInput(name: "iptables-save.txt", text: dump)])
    return reading.ruleset.table(.ip, "filter")?.chains.first { $0.name == "INPUT" }?.rules
      .map { $0.canonicalStatements(in: .ip) } ?? []
  }

  /// A script, and the rules that it makes in INPUT.
  static let scripts: [(script: String, rules: [String])] = [
    (
      "for ((i = 81; i < 83; i++)); do iptables -A INPUT -p tcp --dport $i -j ACCEPT; done",
      ["-A INPUT -p tcp -m tcp --dport 81 -j ACCEPT", "-A INPUT -p tcp -m tcp --dport 82 -j ACCEPT"]
    ),
    (
      "N=5\nfor ((i=9;i>=N;i-=4)) do iptables -A INPUT -p tcp --dport $i -j ACCEPT; done\niptables -A INPUT -p tcp --dport $i -j DROP",
      [
        "-A INPUT -p tcp -m tcp --dport 9 -j ACCEPT", "-A INPUT -p tcp -m tcp --dport 5 -j ACCEPT",
        "-A INPUT -p tcp -m tcp --dport 1 -j DROP",
      ]
    ),
    ("iptables -A INPUT -s 192.0.2.1 -j DROP", ["-A INPUT -s 192.0.2.1/32 -j DROP"]),
    ("iptables --table=filter --append INPUT --source=192.0.2.1 --jump DROP", ["-A INPUT -s 192.0.2.1/32 -j DROP"]),
    ("iptables -t filter -vA INPUT -p TCP --dport=22 -jACCEPT", ["-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT"]),
    (
      "sudo -n /sbin/iptables -w 5 -I INPUT -p tcp --dport 22 -j ACCEPT",
      ["-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT"]
    ),
    (
      "IPT=/sbin/iptables\nWAN=eth0\n$IPT -A INPUT -i \"$WAN\" -j DROP\n${IPT} -A INPUT -i ${WAN}+ -j DROP",
      ["-A INPUT -i eth0 -j DROP", "-A INPUT -i eth0+ -j DROP"]
    ),
    ("IPT=`which iptables`\n$IPT -A INPUT -j DROP", ["-A INPUT -j DROP"]),
    ("$IPTABLES -A INPUT -j DROP", ["-A INPUT -j DROP"]),
    ("OPTS='-p tcp --dport 22'\niptables -A INPUT $OPTS -j ACCEPT", ["-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT"]),
    (
      "for p in 22 80; do iptables -A INPUT -p tcp --dport $p -j ACCEPT; done",
      ["-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT", "-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT"]
    ),
    (
      "for p in {22..23} 8{0,1}; do iptables -A INPUT -p udp --dport $p -j ACCEPT; done",
      [
        "-A INPUT -p udp -m udp --dport 22 -j ACCEPT", "-A INPUT -p udp -m udp --dport 23 -j ACCEPT",
        "-A INPUT -p udp -m udp --dport 80 -j ACCEPT", "-A INPUT -p udp -m udp --dport 81 -j ACCEPT",
      ]
    ),
    (
      "LIST=(192.0.2.1 192.0.2.2)\nfor a in \"${LIST[@]}\"; do iptables -I INPUT -s $a -j DROP; done",
      ["-A INPUT -s 192.0.2.2/32 -j DROP", "-A INPUT -s 192.0.2.1/32 -j DROP"]
    ),
    (
      "open() {\n  iptables -A INPUT -p $1 --dport \"$2\" -j ACCEPT\n}\nopen tcp 22; open udp 53",
      ["-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT", "-A INPUT -p udp -m udp --dport 53 -j ACCEPT"]
    ),
    (
      "iptables -A INPUT \\\n  -p udp \\\n  --dport 53 \\\n  -j ACCEPT # dns",
      ["-A INPUT -p udp -m udp --dport 53 -j ACCEPT"]
    ),
    (
      "iptables -A INPUT -j DROP && iptables -A INPUT -j ACCEPT || iptables -A INPUT -j RETURN",
      ["-A INPUT -j DROP", "-A INPUT -j ACCEPT"]
    ),
    (
      "iptables -A INPUT -j NOWHERE && iptables -A INPUT -j ACCEPT || iptables -A INPUT -j RETURN",
      ["-A INPUT -j RETURN"]
    ),
    (
      "iptables -C INPUT -i lo -j ACCEPT || iptables -A INPUT -i lo -j ACCEPT\niptables -C INPUT -i lo -j ACCEPT || iptables -A INPUT -i lo -j ACCEPT",
      ["-A INPUT -i lo -j ACCEPT"]
    ),
    ("if [ \"$(id -u)\" -ne 0 ]; then echo root; exit 1; fi\niptables -A INPUT -j DROP", ["-A INPUT -j DROP"]),
    ("[ -x /sbin/iptables ] || exit 0\niptables -A INPUT -j DROP", ["-A INPUT -j DROP"]),
    (
      "MODE=open\nif [ \"$MODE\" = closed ]; then iptables -A INPUT -j DROP; elif [ -n \"$MODE\" ]; then iptables -A INPUT -j ACCEPT; fi",
      ["-A INPUT -j ACCEPT"]
    ),
    (
      "case \"$1\" in\nstop) iptables -F; exit ;;\nstart|restart)\n iptables -A INPUT -j DROP\n ;;\nesac",
      ["-A INPUT -j DROP"]
    ),
    (
      "iptables -A INPUT -s 192.0.2.1 -j DROP\niptables -A INPUT -s 192.0.2.1 -j DROP\nwhile iptables -D INPUT -s 192.0.2.1 -j DROP; do :; done\niptables -A INPUT -j ACCEPT",
      ["-A INPUT -j ACCEPT"]
    ),
    (
      "while read net; do iptables -A INPUT -s $net -j DROP; done <<EOF\n192.0.2.0/24\n198.51.100.0/24\nEOF",
      ["-A INPUT -s 192.0.2.0/24 -j DROP", "-A INPUT -s 198.51.100.0/24 -j DROP"]
    ),
    (
      "iptables-restore -n <<EOF\n*filter\n-A INPUT -s 192.0.2.1 -j DROP\nCOMMIT\nEOF",
      ["-A INPUT -s 192.0.2.1/32 -j DROP"]
    ),
    ("echo '*filter\n-A INPUT -j DROP\nCOMMIT' | iptables-restore", ["-A INPUT -j DROP"]),
    (
      "iptables-restore <<EOF\n*filter\n-A INPUT -j DROP\n-A NOWHERE -j DROP\nCOMMIT\nEOF\niptables -A INPUT -j ACCEPT",
      ["-A INPUT -j ACCEPT"]
    ),
    ("sh -c 'iptables -A INPUT -j DROP'", ["-A INPUT -j DROP"]),
    (
      "iptables -A INPUT -s 192.0.2.1,192.0.2.2 -j DROP",
      ["-A INPUT -s 192.0.2.1/32 -j DROP", "-A INPUT -s 192.0.2.2/32 -j DROP"]
    ),
    (
      "iptables -A INPUT --dport 22 -j ACCEPT\niptables -A INPUT -o eth0 -j ACCEPT\niptables -A INPUT -s 192.0.2.1 ! -s 192.0.2.2 -j DROP",
      []
    ),
    ("#iptables -A INPUT -j DROP\n# iptables -A INPUT -j DROP\niptables -A INPUT -j ACCEPT", ["-A INPUT -j ACCEPT"]),
    ("iptables -N X\niptables -E X Y\niptables -A INPUT -j Y", ["-A INPUT -j Y"]),
  ]

  @Test(arguments: scripts)
  func aScriptMakesTheRulesThatAShellWould(_ script: String, _ expected: [String]) {
    #expect(rules("#!/bin/bash\n" + script).map { $0.canonicalStatements(in: .ip) } == saved(expected))
  }

  @Test func aValueThatTheScriptComputesStaysInTheRuleAsWritten() {
    let rule = rules("#!/bin/sh\niptables -A INPUT -s $(cat /etc/friend) -p tcp --dport 22 -j ACCEPT")[0]
    #expect(rule.missing == nil)
    #expect(rule.statements.last == .verdict(.accept))
    #expect(
      rule.statements.contains { if case .opaqueMatch(let part) = $0 { part.text.contains("$(cat") } else { false } })
  }

  @Test func aRuleBehindAConditionThatNobodyKnowsIsPerhapsThere() {
    let rule = rules("#!/bin/sh\nif [ -f /etc/strict ]; then iptables -A INPUT -p tcp -j DROP; fi")[0]
    let parts = rule.statements.compactMap { if case .opaqueMatch(let part) = $0 { part.text } else { nil } }
    #expect(parts == ["if [ -f /etc/strict ]"])
    #expect(rule.statements.last == .verdict(.drop))
  }

  @Test(arguments: [
    "while read net; do iptables -A INPUT -s $net -j DROP; done < /etc/blocked",
    "cat /etc/blocked | while read net; do iptables -A INPUT -s $net -j DROP; done",
    "for net in $(cat /etc/blocked); do iptables -A INPUT -s $net -j DROP; done",
  ])
  func rulesThatALoopComputesAreMissingAtTheirPlaceAndCanOnlyDoWhatTheirTargetDoes(_ loop: String) {
    let found = rules("#!/bin/sh\niptables -A INPUT -i lo -j ACCEPT\n\(loop)\niptables -A INPUT -p tcp -j ACCEPT")
    #expect(found.count == 3)
    #expect(found[1].missing == MissingRules(.computed, effects: .drop))
  }

  @Test(arguments: [
    ("iptables -A INPUT -j $ACTION", 1), ("iptables -A INPUT $RULE", 1), ("iptables -A $CHAIN -j DROP", 1),
    ("iptables -A INPUT -i lo -j ACCEPT\niptables -D INPUT $N", 1),
  ])
  func whatACommandDoesWithAnUnknownWordIsUnknown(_ script: String, _ count: Int) {
    let found = rules("#!/bin/sh\n" + script)
    #expect(found.count == count)
    #expect(
      found.allSatisfy { rule in
        rule.missing != nil || rule.statements.contains { if case .opaqueTarget = $0 { true } else { false } }
      })
  }

  @Test func aPolicyThatIsPerhapsSetIsUnknown() {
    let reading = Script.read(
      "#!/bin/sh\nif [ -f /etc/strict ]; then iptables -P INPUT DROP; fi\niptables -P FORWARD DROP")
    let chains = reading.ruleset.table(.ip, "filter")?.chains ?? []
    #expect(chains.map(\.base?.policy) == [nil, .drop, .accept])
  }

  @Test func aFileThatIsRestoredAndNotShownMayHoldAnything() {
    let reading = Script.read("#!/bin/sh\niptables-restore < /etc/iptables.rules\niptables -A INPUT -j DROP")
    let table = reading.ruleset.table(.ip, "filter")
    #expect(table?.shown == .part)
    #expect(table?.chains[0].base?.policy == nil)
    #expect(table?.chains[0].rules.first?.missing != nil)
    #expect(reading.diagnostics.contains { $0.id == "commands-from-a-file" })
  }

  /// A command of nft with a part that the script computes.
  static let computed: [(String, @Sendable (Table) -> Bool)] = [
    ("nft add element inet t s { $A }", { !$0.sets[0].elementsKnown }),
    ("nft add element inet t s { $(cat /a) }", { !$0.sets[0].elementsKnown }),
    ("nft delete element inet t s { $A }", { !$0.sets[0].elementsKnown && $0.sets[0].elements.isEmpty }),
    ("while read a; do nft add element inet t s \"{ $a }\"; done < /a", { !$0.sets[0].elementsKnown }),
    ("nft add rule inet t $CHAIN drop", { $0.shown == .part && $0.chains[0].rules.last?.missing != nil }),
    ("nft delete chain inet t ${CHAIN}", { $0.shown == .part && $0.chains[0].rules.count == 3 }),
    ("nft add rule inet t c tcp dport $(cat /p) accept", { !$0.chains[0].rules[1].maskedValues.isEmpty }),
    ("while read p; do nft add rule inet t c tcp dport $p drop; done < /p", { $0.chains[0].rules[1].missing != nil }),
    ("[ -f /a ] && nft add rule inet t c tcp dport 22 drop", { $0.chains[0].rules[1].isInDoubt }),
    ("[ -f /a ] && nft flush chain inet t c", { $0.chains[0].rules[0].isInDoubt }),
    ("[ -f /a ] && nft add chain inet t c '{ policy drop; }'", { $0.chains[0].base?.policy == nil }),
    ("nft delete rule inet t c handle 9", { $0.chains[0].rules.count == 1 }),
  ]

  @Test(arguments: computed.indices)
  func whatNftGetsComputedIsUnknownAtItsPlace(_ index: Int) throws {
    let (command, holds) = Self.computed[index]
    let reading = Script.read(
      "#!/bin/sh\nnft add table inet t\nnft add chain inet t c '{ type filter hook input priority 0; }'\n"
        + "nft add set inet t s '{ type ipv4_addr; }'\nnft add element inet t s { 192.0.2.1 }\n"
        + "nft add rule inet t c ip saddr @s accept\n" + command)
    #expect(holds(try #require(reading.ruleset.table(.inet, "t"))), "\(command)")
  }

  @Test func aChainThatAnotherProgramMadeShowsThatTheHostIsNotFreshlyStarted() {
    let reading = Script.read("iptables -I DOCKER-USER -i eth0 -j DROP")
    let table = reading.ruleset.table(.ip, "filter")
    #expect(table?.shown == .part)
    #expect(table?.chains.last?.rules.map { $0.missing?.evidence } == [nil, .notShown])
    #expect(table?.chains.first { $0.name == "FORWARD" }?.base?.policy == nil)
    #expect(reading.diagnostics.contains { $0.id == "chain-of-another-program" })
    let own = Script.read("iptables -N DOCKER-USER\niptables -I DOCKER-USER -i eth0 -j DROP")
    #expect(own.ruleset.table(.ip, "filter")?.shown == .whole)
  }

  @Test(arguments: [
    "for ((i=0;i<$COUNT;i++)); do iptables -A INPUT -p tcp --dport $i -j ACCEPT; done",
    "for ((i=0;i<3;i++)); do i=$(next $i); iptables -A INPUT -p tcp --dport $i -j ACCEPT; done",
    "for ((;;)); do iptables -A INPUT -p tcp --dport $i -j ACCEPT; break; done",
    "for ((i=1;i>0;i++)); do iptables -A INPUT -p tcp --dport $i -j ACCEPT; done",
    ". /etc/firewall.conf\niptables -A INPUT -p tcp --dport ${HTTP_PORT:-80} -j ACCEPT",
  ])
  func whatALoopCountsToOrAFileSetsNobodyKnows(_ script: String) {
    let found = rules("#!/bin/bash\niptables -P INPUT DROP\n" + script)
    #expect(!found.isEmpty && found.allSatisfy { $0.hasUnknownPart })
  }

  @Test func aScriptThatIsReadInAndNotShownMaySetAnyVariable() {
    let script = "#!/bin/sh\nNET=192.0.2.0/24\n. /etc/fw.conf\niptables -A INPUT -s $NET -j DROP"
    let rule = rules(script)[0]
    #expect(!rule.maskedValues.isEmpty)
    #expect(Script.read(script).diagnostics.contains { $0.id == "commands-from-a-file" && $0.span?.line == 3 })
    #expect(rules(script.replacing("/etc/fw.conf", with: "/lib/lsb/init-functions"))[0].statements.count == 2)
  }

  @Test(arguments: [
    ("iptables -A INPUT -j NOWHERE", "Chain 'NOWHERE' does not exist"),
    ("iptables -A NOWHERE -j DROP", "No chain/target/match by that name."),
    ("iptables -I INPUT 3 -j DROP", "Index of insertion too big."),
    ("iptables -D INPUT 1", "Index of deletion too big."),
    ("iptables -P INPUT REJECT", "Bad policy name."),
    ("iptables -A INPUT --dport 22 -j ACCEPT", "unknown option \"--dport\""),
    ("iptables -A INPUT -j MASQUERADE", "Invalid argument"),
    ("iptables -t nat -A PREROUTING -j DROP", "the use of DROP is therefore inhibited"),
    ("nft add rule ip filter input accept", "No such file or directory"),
  ])
  func whatTheProgramWouldRefuseMakesNothingAndIsToldWithItsOwnWords(_ command: String, _ words: String) {
    let reading = Script.read("#!/bin/sh\niptables -P OUTPUT ACCEPT\n" + command)
    let found = reading.diagnostics.filter { $0.id == "command-failed" }
    #expect(found.count == 1 && found[0].message.contains(words) && found[0].span?.line == 3)
    #expect(reading.ruleset.tables.allSatisfy { $0.chains.allSatisfy(\.rules.isEmpty) })
  }

  @Test func aRulesPlaceIsItsCommand() {
    let reading = Script.read("#!/bin/sh\nIPT=iptables\n\n$IPT -A INPUT \\\n  -j DROP\n")
    let rule = reading.ruleset.table(.ip, "filter")?.chains[0].rules[0]
    #expect(rule?.span.line == 4)
    #expect(rule.map { reading.ruleset.sources.text(of: $0.span) } == "$IPT -A INPUT \\\n  -j DROP")
  }

  @Test func settingsThatAScriptMakesAreFacts() {
    let reading = Script.read(
      "#!/bin/sh\necho 1 > /proc/sys/net/ipv4/ip_forward\nsysctl -w net.ipv4.conf.all.rp_filter=2\n"
        + "ip addr add 192.0.2.1/24 dev eth0\nip route add default via 192.0.2.254 dev eth0\niptables -P INPUT DROP")
    #expect(reading.facts.sysctls["net.ipv4.ip_forward"]?.value == "1")
    #expect(reading.facts.sysctls["net.ipv4.conf.all.rp_filter"]?.value == "2")
    #expect(reading.facts.interface("eth0")?.addresses.first?.prefixLength == 24)
    #expect(reading.facts.routes.first?.nextHops.first?.interface == "eth0")
    #expect(reading.facts.addressesKnown.isEmpty && reading.facts.routesKnown.isEmpty)
  }

  @Test(arguments: ["ufw allow 22/tcp", "systemctl restart docker", "firewall-cmd --add-port=80/tcp"])
  func commandsOfOtherToolsAreToldOfAndNotCarriedOut(_ command: String) {
    let reading = Script.read("#!/bin/sh\niptables -P INPUT DROP\n" + command)
    #expect(reading.diagnostics.contains { $0.id == "command-not-carried-out" && $0.span?.line == 3 })
  }

  @Test(arguments: [
    "#!/usr/bin/python3\nprint('iptables -F')\n", "#!/bin/sh\necho hello\n", "#!/bin/sh\niptables -L -n\n",
  ])
  func aScriptThatMakesNoRulesSaysNothingOfAHost(_ script: String) {
    let reading = Script.read(script)
    #expect(reading.ruleset.tables.isEmpty)
    #expect(reading.diagnostics.contains { $0.id == "nothing-recognised" && $0.severity == .error })
  }

  @Test(arguments: [
    "#!/bin/sh\n" + String(repeating: "(", count: 5000),
    "#!/bin/sh\n" + String(repeating: "if iptables -F; then ", count: 3000),
    "#!/bin/sh\nf() { f; f; iptables -A INPUT -j DROP; }\nf",
    "#!/bin/sh\na() " + String(repeating: "b() ", count: 3000),
    "#!/bin/sh\nwhile true; do iptables -A INPUT -j DROP; done",
    "#!/bin/sh\nfor a in {1..4000}; do for b in {1..4000}; do iptables -I INPUT -s 10.0.0.1 -j DROP; done; done",
    "#!/bin/sh\niptables -A INPUT -m comment --comment 'open\n$(((${${", "#!/bin/sh\ncat <<EOF\niptables -F",
  ])
  func noScriptMakesTheReaderHang(_ script: String) {
    _ = Script.read(script)
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func aDamagedScriptIsReadToItsEnd(_ seed: UInt64) {
    var random = RandomNumbers(seed: seed)
    let whole = Array(("#!/bin/bash\n" + Self.scripts.map(\.script).joined(separator: "\n")).utf8)
    for _ in 0..<25 {
      let reading = DumpReader().read([DumpInput(name: "rules.sh", bytes: mutated(whole, by: &random))])
      let sources = reading.ruleset.sources.sources
      let spans =
        reading.diagnostics.compactMap(\.span)
        + reading.ruleset.tables.flatMap { $0.chains.flatMap { $0.rules.map(\.span) } }
      for span in spans where span.source >= 0 {
        #expect(span.line >= 1 && span.offset + span.length <= sources[Int(span.source)].bytes.count, "\(span)")
      }
    }
  }
}

/// Reads a script alone.
enum Script {
  static func read(_ text: String) -> HostReading {
    DumpReader().read([DumpInput(name: "rules.txt", text: text)])
  }
}
