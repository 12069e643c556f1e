import HostModel
import RuleGraph
import Testing

@testable import RuleParser

/// Commands in pastes: which lines are some, and what they are beside dumps.
@Suite struct PastedCommandTests {
  private func inputRules(_ reading: HostReading) -> Int? {
    reading.ruleset.table(.ip, "filter")?.chains.first { $0.name == "INPUT" }?.rules.count
  }

  @Test(arguments: [
    "iptables -A INPUT -p tcp --dport 22 -j ACCEPT\niptables -A INPUT -j DROP",
    "# iptables -A INPUT -p tcp --dport 22 -j ACCEPT\n# iptables -A INPUT -j DROP",
    "$ sudo iptables -A INPUT -p tcp --dport 22 -j ACCEPT\n$ sudo iptables -A INPUT -j DROP",
    "root@h:~# iptables -A INPUT -p tcp --dport 22 -j ACCEPT\nroot@h:~# iptables -A INPUT -j DROP\nroot@h:~#",
    "I typed these:\n\n    iptables -A INPUT -p tcp --dport 22 -j ACCEPT\n    iptables -A INPUT -j DROP\n\nand now it's closed.",
    "1. `iptables -A INPUT -p tcp --dport 22 -j ACCEPT`\n2. `iptables -A INPUT -j DROP`",
    "- iptables -A INPUT -p tcp --dport 22 -j ACCEPT\n- iptables -A INPUT -j DROP",
    "```sh\nIPT=/sbin/iptables\n# ssh\n$IPT -A INPUT -p tcp --dport 22 -j ACCEPT\n\n# the rest\n$IPT -A INPUT -j DROP\n```",
    "root@h:~# for p in 22 80; do\n> iptables -A INPUT -p tcp --dport $p -j ACCEPT\n> done\nroot@h:~#",
    "Don't mind me, I'm prose.\n\niptables -A INPUT -p tcp --dport 22 -j ACCEPT \\\n  -m comment --comment \"it's ssh\"\niptables -A INPUT -j DROP",
    "root@h:~# iptables-restore <<EOF\n*filter\n-A INPUT -i lo -j ACCEPT\n-A INPUT -j DROP\nCOMMIT\nEOF\nroot@h:~#",
  ])
  func commandsAreFoundBehindPromptsInListsFencesAndProse(_ paste: String) {
    let reading = Script.read(paste)
    #expect(inputRules(reading) == 2)
    #expect(reading.diagnostics.contains { $0.id == "rules-from-commands" && $0.severity == .note })
  }

  @Test(arguments: [
    "I think that iptables -A INPUT -j DROP would help.", "You could try `iptables -F` and see.",
    "Then iptables -P INPUT DROP made it worse",
    "# ufw denies a port, and it is open", "ipset is what I use", "nft table inet filter looks wrong",
    "iptables is not what decides here", "sysctl says so",
  ])
  func aSentenceThatMentionsACommandIsNone(_ prose: String) {
    let reading = Script.read(prose)
    #expect(reading.ruleset.tables.isEmpty && reading.diagnostics.map(\.id) == ["nothing-recognised"])
  }

  @Test func behindAMarkACommandThatIsSwitchedOffStaysOff() {
    let reading = Script.read(
      "iptables -A INPUT -i lo -j ACCEPT\n#iptables -A INPUT -j DROP\n# iptables -A INPUT -j REJECT\n")
    #expect(inputRules(reading) == 1)
  }

  @Test(arguments: [
    "# nft add table inet t\n# nft add chain inet t c '{ type filter hook input priority 0 ; policy drop ; }'\n# nft add rule inet t c tcp dport 22 accept",
    "nft add table inet t\nnft add chain inet t c { type filter hook input priority 0\\; policy drop\\; }\nnft add rule inet t c tcp dport 22 accept",
    "nft add table inet t\nnft add chain inet t c { type filter hook input priority 0; policy drop; }\nnft add rule inet t c tcp dport 22 accept",
    "How it was made:\nadd table inet t\nadd chain inet t c { type filter hook input priority 0; policy drop; }\nadd rule inet t c tcp dport 22 accept",
    "root@h:~# nft -f - <<EOF\ntable inet t {\n chain c {\n  type filter hook input priority 0; policy drop;\n  tcp dport 22 accept\n }\n}\nEOF\nroot@h:~#",
    "echo 'add table inet t; add chain inet t c { type filter hook input priority 0; policy drop; }; add rule inet t c tcp dport 22 accept' | nft -f -",
  ])
  func commandsOfNftAreFoundInEveryWayThatPeopleWriteThem(_ paste: String) {
    let reading = Script.read(paste.hasPrefix("echo") ? "#!/bin/sh\n" + paste : paste)
    let chain = reading.ruleset.table(.inet, "t")?.chains.first
    #expect(chain?.base?.policy == .drop)
    #expect(chain?.base?.hook == .input)
    #expect(chain?.rules.count == 1)
  }

  @Test func commandsOfIpsetMakeSets() {
    let reading = Script.read(
      "ipset create bad hash:ip\nipset add bad 192.0.2.1\nipset add bad 192.0.2.2\nipset del bad 192.0.2.1\n"
        + "iptables -A INPUT -m set --match-set bad src -j DROP")
    #expect(reading.ruleset.ipsets.first?.elements.count == 1)
    #expect(inputRules(reading) == 1)
  }

  @Test(arguments: [
    "root@h:~# iptables -A INPUT -j DROP\nroot@h:~# iptables-save\n\(save)\nroot@h:~#",
    "How I made it:\niptables -F\n\nWhat I have:\n\(save)",
  ])
  func aDumpOfTheTableAnswersAndCommandsBeforeItAreOnlyToldOf(_ paste: String) {
    let reading = Script.read(paste)
    #expect(inputRules(reading) == 1)
    #expect(reading.diagnostics.contains { $0.id == "commands-beside-a-dump" && $0.severity == .note })
    #expect(!reading.diagnostics.contains { $0.id == "rules-from-commands" })
  }

  private static let save = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT"

  // MARK: - Commands after a dump

  /// The rules of INPUT, in short.
  private func input(_ reading: HostReading) -> [String] {
    let chain = reading.ruleset.table(.ip, "filter")?.chains.first { $0.name == "INPUT" }
    return (chain?.rules ?? []).map { rule in
      if rule.missing != nil { return "?" }
      let name =
        switch rule.statements.last {
        case .verdict(.accept): "accept"
        case .verdict(.drop): "drop"
        case .verdict(.jump(let name)): name
        default: "other"
        }
      return rule.isInDoubt ? "\(name)?" : name
    }
  }

  private static let listing =
    "Chain INPUT (policy DROP 0 packets, 0 bytes)\nnum   pkts bytes target     prot opt in     out     source               destination\n"
    + "1        0     0 ACCEPT     tcp  --  *      *       0.0.0.0/0            0.0.0.0/0            tcp dpt:22\n"
    + "2        0     0 DROP       tcp  --  *      *       0.0.0.0/0            0.0.0.0/0            tcp dpt:80\n"

  @Test(arguments: [
    (["iptables -A INPUT -p udp -j ACCEPT"], ["accept", "drop", "accept"]),
    (["iptables -I INPUT -p udp -j DROP"], ["drop", "accept", "drop"]),
    (["sudo iptables -D INPUT 2"], ["accept"]),
    (["iptables -D INPUT -p tcp --dport 22 -j ACCEPT"], ["drop"]),
    (["iptables -D INPUT -p tcp -m multiport --dports 80 -j DROP"], ["accept"]),
    (["iptables -D INPUT -p tcp --dport 443 -j DROP"], ["accept?", "drop?"]),
    (["iptables -F"], []), (["iptables -Z", "iptables -L OUTPUT"], ["accept", "drop"]),
    (["iptables -N WEB", "iptables -I INPUT 2 -j WEB"], ["accept", "WEB", "drop"]),
    (["for p in 1 2; do iptables -A INPUT -p tcp --dport $p -j ACCEPT; done"], ["accept", "drop", "accept", "accept"]),
    (["iptables -D INPUT 7"], ["?", "accept", "drop", "?"]),
    (["iptables-restore < rules.v4"], ["?", "accept", "drop", "?"]),
    (["iptables -t nat -F"], ["accept", "drop"]), (["ip6tables -F"], ["accept", "drop"]),
  ])
  func commandsAtAPromptAfterAListingAreAppliedToIt(_ commands: [String], _ rules: [String]) {
    let typed = commands.map { "root@h:~# \($0)\n" }.joined()
    let reading = Script.read("root@h:~# iptables -vnL INPUT --line-numbers\n\(Self.listing)\(typed)root@h:~#\n")
    #expect(input(reading) == rules)
    let isChanged = rules != ["accept", "drop"]
    #expect(
      reading.diagnostics.contains {
        $0.severity == .warning && $0.id.hasPrefix("commands-") && $0.id != "commands-from-a-file"
      }
        == isChanged)
  }

  @Test(arguments: [
    // An error below it.
    ("root@h:~# iptables -D INPUT 9\niptables: Index of deletion too big.\nroot@h:~#\n", ["accept", "drop"]),
    // Prose between the two, or something that may be an error.
    ("\nThen:\n\nroot@h:~# iptables -F\nroot@h:~#\n", ["accept?", "drop?"]),
    ("root@h:~# iptables -F\nno such thing\nroot@h:~#\n", ["accept?", "drop?"]),
    // Prose that speaks of commands.
    ("\nI tried iptables -F and it did nothing.\n", ["accept", "drop"]),
    ("\nI tried:\n\n    iptables -F\n", ["accept", "drop"]),
    // Printed again.
    ("root@h:~# iptables -A INPUT -j DROP\nroot@h:~# iptables -S INPUT\n-P INPUT DROP\n-A INPUT -j DROP\n", ["drop"]),
    // Of another machine.
    ("root@other:~# iptables -F\n", ["accept", "drop"]), ("root@h:~# ssh other iptables -F\n", ["accept", "drop"]),
  ])
  func aCommandThatPerhapsRanChangesTheListingPerhaps(_ more: String, _ rules: [String]) {
    let reading = DumpReader().readHosts([
      DumpInput(name: "-", bytes: Array("root@h:~# iptables -vnL INPUT --line-numbers\n\(Self.listing)\(more)".utf8))
    ])
    #expect(reading.first.map(input) == rules)
  }

  @Test func aCommentAmongOtherPromptsIsPerhapsACommand() {
    let reading = Script.read("$ sudo iptables -vnL INPUT --line-numbers\n\(Self.listing)# iptables -F\n$ date\n")
    #expect(input(reading) == ["accept?", "drop?"])
  }

  @Test(arguments: [
    ("root@h:~# iptables-save\nroot@h:~# iptables -A INPUT -j DROP\nroot@h:~#", ["drop"]),
    (
      "root@h:~# iptables-save\nroot@h:~#\n\nThen:\nroot@h:~# iptables -A INPUT -j DROP\nroot@h:~#", ["?", "drop", "?"]
    ),
    ("root@h:~# iptables -A INPUT -j DROP\nroot@h:~# iptables -F\nroot@h:~# iptables-save\nroot@h:~#", []),
  ])
  func whereAllWasEmptyBeforeTheCommandsTheyMadeWhatThereIs(_ paste: String, _ rules: [String]) {
    #expect(input(Script.read(paste)) == rules)
  }

  @Test func commandsOfNftAndIpsetAfterADumpMakeWhatTheyNameUnknown() throws {
    let reading = Script.read(
      "# nft list ruleset\ntable inet a {\n  chain c {\n    type filter hook input priority 0; policy drop;\n  }\n}\ntable inet b {\n  chain c {\n    tcp dport 1 accept\n  }\n}\n"
        + "# ipset list\nName: bad\nType: hash:ip\nMembers:\n192.0.2.1\n# nft add rule inet a c tcp dport 22 accept\n# ipset add bad 192.0.2.2\n# nft list tables\n"
    )
    #expect(reading.ruleset.table(.inet, "a")?.shown == .part)
    #expect(reading.ruleset.table(.inet, "b")?.shown == .whole)
    #expect(reading.ruleset.ipsets.first?.elementsKnown == false)
    #expect(reading.diagnostics.count { $0.id == "commands-not-applied" } == 2)
  }

  @Test func whereDumpsTellOfOtherTablesWhatCommandsFoundInTheirsIsUnknown() {
    let listing = "Chain INPUT (policy ACCEPT)\ntarget     prot opt source               destination\n"
    let reading = Script.read(
      "root@h:~# iptables -L -n\n\(listing)root@h:~# iptables -t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to 192.0.2.20\nroot@h:~#"
    )
    let nat = reading.ruleset.table(.ip, "nat")
    #expect(nat?.shown == .part)
    #expect(nat?.chains.first?.rules.map { $0.missing?.evidence } == [.notShown, nil, .notShown])
  }

  @Test(arguments: [
    ("", Shown.part), ("root@h:~# iptables --version\niptables v1.8.9 (nf_tables)\n", nil),
    ("root@h:~# iptables-save\n", nil),
  ])
  func nftThatListsNoRulesSaysNothingOfIptablesUnlessThatWorksOnNfTables(
    _ more: String, _ shown: Shown?
  ) {
    let reading = Script.read(
      "root@h:~# iptables -A INPUT -j DROP\nroot@h:~# nft list ruleset\n\(more)root@h:~#")
    #expect(reading.ruleset.table(.ip, "filter")?.shown == shown)
    #expect(reading.coverage.allOfNftables)
  }

  @Test func aCommandBehindWhichItsProgramComplainsMadeNothing() {
    let reading = Script.read(
      "root@h:~# iptables -A INPUT -i lo -j ACCEPT\nroot@h:~# iptables -A INPUT -p tcp -j DROPP\n"
        + "iptables v1.8.9 (nf_tables): Chain 'DROPP' does not exist\nTry `iptables -h' or 'iptables --help' for more information.\nroot@h:~#"
    )
    #expect(inputRules(reading) == 1)
  }

  @Test func commandsInAContainerAreNotTheHosts() {
    let reading = Script.read(
      "root@h:~# docker exec -it web bash\nroot@4f1d2c3b4a59:/# iptables -A INPUT -j DROP\nroot@4f1d2c3b4a59:/# exit\nroot@h:~#"
    )
    #expect(reading.ruleset.tables.isEmpty)
  }

  @Test func whatUfwSaysOfItselfIsAFactAndShowsNoRules() {
    let reading = Script.read(
      "$ sudo ufw status verbose\nStatus: active\nLogging: on (low)\nDefault: deny (incoming), allow (outgoing), disabled (routed)\n"
        + "New profiles: skip\n\nTo                         Action      From\n--                         ------      ----\n"
        + "22/tcp                     ALLOW IN    Anywhere\n[ 2] 80/tcp                DENY IN     192.0.2.0/24\n\nWhat now?\n"
    )
    let ufw = reading.facts.ufw
    #expect(ufw?.isActive == true && ufw?.rules.count == 2)
    #expect(ufw?.defaults == ["incoming": "deny", "outgoing": "allow", "routed": "disabled"])
    // Its rules are in filter, and nobody has shown them.
    #expect(reading.ruleset.tables.map(\.name) == ["filter", "filter"])
    #expect(reading.ruleset.tables.allSatisfy { $0.shown == .nothing })
  }

  // MARK: - Answers without a word

  @Test(arguments: [
    ("root@h:~# iptables-save\nroot@h:~# ip6tables-save\nroot@h:~#", true, true, false),
    ("root@h:~# nft list ruleset\nroot@h:~#", false, false, true),
    ("$ sudo nft list ruleset\n$ sudo iptables-save\n", false, false, true),
    ("root@h:~# nft list ruleset\n", false, false, false),
    ("root@h:~# nft list ruleset > rules.nft\nroot@h:~#", false, false, false),
    ("root@h:~# iptables-save | grep foo\nroot@h:~#", false, false, false),
    ("root@h:~# nft list tables\nroot@h:~#", false, false, false),
    ("root@h:~# iptables -L\nroot@h:~#", false, false, false),
  ])
  func aCommandThatPrintedNothingBeforeTheNextPromptSaysThatThereAreNoRules(
    _ paste: String, _ ipv4: Bool, _ ipv6: Bool, _ nft: Bool
  ) {
    let coverage = Script.read(paste).coverage
    #expect(coverage.allOfIptables.contains(.ipv4) == ipv4)
    #expect(coverage.allOfIptables.contains(.ipv6) == ipv6)
    #expect(coverage.allOfNftables == nft)
  }

  @Test(arguments: [
    ("root@h:~# iptables -S | grep 80\nroot@h:~#", "filter"), ("$ sudo iptables -vnL | grep -i docker", "filter"),
    ("root@h:~# iptables -S INPUT | grep -E '80|443'\nroot@h:~# docker ps\n", "filter"),
    ("root@h:~# iptables -S | grep -c DROP\n0\nroot@h:~#", "filter"),
    ("root@h:~# iptables -t nat -S | grep 80\n", "nat"), ("root@h:~# iptables-save | grep 80\nroot@h:~#", "nat"),
    ("I ran `iptables -L -n | grep 80`:\n\n", "filter"), ("$ iptables -L -n | tac | wc -l\n12\n", "filter"),
  ])
  func aFilterThatLetNothingThroughSaysNothingOfTheRules(_ paste: String, _ table: String) {
    let reading = Script.read(paste)
    #expect(!reading.coverage.tells(table, .ipv4))
    let chains = reading.ruleset.table(.ip, table)?.chains ?? []
    #expect(!chains.isEmpty && chains.allSatisfy { $0.rules.map { $0.missing?.evidence } == [.filtered] })
    #expect(reading.diagnostics.contains { $0.id == "filtered-output" })
  }

  @Test func whatAnotherOutputShowsIsNotUnknownBecauseAFilterLetNothingThrough() {
    let reading = Script.read(
      "root@h:~# iptables -S | grep 80\nroot@h:~# iptables -S\n-P INPUT DROP\n-P FORWARD DROP\n-P OUTPUT ACCEPT\nroot@h:~#"
    )
    #expect(reading.ruleset.table(.ip, "filter")?.shown == .whole && input(reading) == [])
  }

  @Test func oneTableThatPrintedNothingIsToldAlone() {
    let coverage = Script.read("root@h:~# iptables-save -t nat\nroot@h:~#").coverage
    #expect(coverage.tells("nat", .ipv4) && !coverage.tells("filter", .ipv4))
  }

  @Test func jsonOfNftThatHoldsNothingButItsVersionSaysThatThereAreNoRules() {
    let json = #"{"nftables": [{"metainfo": {"version": "1.0.6", "release_name": "x", "json_schema_version": 1}}]}"#
    #expect(Script.read(json).coverage.allOfNftables)
    #expect(!Script.read("root@h:~# nft -j list tables\n\(json)\n").coverage.allOfNftables)
  }

  // MARK: - Failures

  @Test(arguments: [
    "iptables v1.8.7 (legacy): can't initialize iptables table `filter': Permission denied (you must be root)",
    "iptables v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)",
    "-bash: iptables-save: command not found", "sudo: iptables-save: command not found",
    "Fatal: can't open lock file /run/xtables.lock: Permission denied",
  ])
  func aProgramThatFailsHasNotAnswered(_ complaint: String) {
    let reading = Script.read("user@h:~$ iptables-save\n\(complaint)\nuser@h:~$ ip addr\n")
    #expect(reading.coverage.allOfIptables.isEmpty && reading.ruleset.tables.isEmpty)
    #expect(reading.diagnostics.contains { $0.id == "output-failed" && $0.span?.line == 2 })
    #expect(reading.facts.versions["iptables"] == nil)
  }

  @Test(arguments: [
    "netlink: Error: cache initialization failed: Operation not permitted",
    "internal:0:0-0: Error: Could not receive tables from kernel: Operation not permitted",
    "zsh: command not found: nft", "Error: Could not process rule: Operation not supported",
  ])
  func nftThatFailsHasNotAnswered(_ complaint: String) {
    let reading = Script.read("user@h:~$ nft list ruleset\n\(complaint)\nuser@h:~$ \n")
    #expect(!reading.coverage.allOfNftables)
    #expect(reading.diagnostics.contains { $0.id == "output-failed" })
  }

  @Test func anIptablesSaveThatLeavesATableOutHasNotToldAll() {
    let reading = Script.read(
      "root@h:~# iptables-save\n# Table `nat' is incompatible, use 'nft' tool.\n*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\nroot@h:~#"
    )
    #expect(reading.coverage.tells("filter", .ipv4) && !reading.coverage.tells("nat", .ipv4))
  }
}
