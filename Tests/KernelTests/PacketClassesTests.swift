import Foundation
import HostModel
import KernelLab
import RuleGraph
import RuleParser
import Testing

@testable import FlowTrace
@testable import Reports
@testable import Traffic

/// A batch gives one answer to all packets of a class. Whatever the rules are, it is the one that each question gets by itself.
@Suite struct PacketClassesTests {
  /// How an answer is made sure of; each has to be enough by itself.
  enum Way: CaseIterable, Sendable {
    /// As a batch does it.
    case usual
    /// By the constants that were found alone.
    case byConstants
  }

  /// Lines for each ruleset: `FWTRACE_CLASS_QUESTIONS=20000` asks for more.
  static let lines =
    ProcessInfo.processInfo.environment["FWTRACE_CLASS_QUESTIONS"].flatMap { Int($0) } ?? 25

  @Test(arguments: Scenario.Profile.allCases, Way.allCases)
  func generatedRulesGetTheAnswersThatEachQuestionGetsAlone(
    _ profile: Scenario.Profile, _ way: Way
  ) throws {
    var shared = 0
    for seed in UInt64(1)...IndexedWalkTests.seeds {
      for subject in try IndexedWalkTests.generated(profile, seed: seed) {
        shared += Self.compare(subject.reading, subject.name, way, seed: seed)
      }
    }
    #expect(shared > 5, "there should be answers for whole classes")
  }

  @Test(arguments: try Self.samples)
  func samplesGetTheAnswersThatEachQuestionGetsAlone(_ name: String) throws {
    let folder = Self.root.appending(path: "samples/\(name)")
    let inputs = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { file in
      DumpInput(name: file, bytes: Array(try Data(contentsOf: folder.appending(path: file))))
    }
    _ = Self.compare(DumpReader().read(inputs), name, .usual, seed: 1)
  }

  @Test(arguments: ClassRules.all, Way.allCases)
  func rulesThatLookAtPacketsInTheirOwnWayGetTheAnswersThatEachQuestionGetsAlone(
    _ rules: ClassRules, _ way: Way
  ) {
    for (number, host) in ["", ClassRules.host].enumerated() {
      let inputs = [rules.dump, host].map { DumpInput(name: "dump", bytes: Array($0.utf8)) }
      let shared = Self.compare(DumpReader().read(inputs), rules.name, way, seed: UInt64(number + 1))
      if number == 1 {
        #expect(shared > 0 || rules.isOpaque, "\(rules.name): there should be answers for whole classes")
      }
    }
  }

  /// Where no constant was found at all, the proof alone keeps classes from being given a wrong verdict.
  @Test(arguments: ClassRules.all)
  func aClassThatIsNoneIsGivenNoVerdict(_ rules: ClassRules) {
    let reading = DumpReader().read(
      [rules.dump, ClassRules.host].map { DumpInput(name: "dump", bytes: Array($0.utf8)) })
    let blind = BatchAnswers(
      reading.ruleset, facts: reading.facts, diagnostics: [], form: TraceJSON(reading.ruleset, indented: false),
      packets: PacketClasses(Ruleset(), HostFacts()))
    var questions = ClassQuestions(reading, PacketClasses(reading.ruleset, reading.facts), seed: 3)
    for (line, told, alone) in Self.answers(blind, questions.lines(Self.lines)) {
      #expect(Self.decision(told) == Self.decision(alone), "\(rules.name): \(line)")
    }
  }

  /// A kind of constants, and the rules that show whether it was left out.
  enum Source: CaseIterable, Sendable {
    case rules, sets, host

    var subjects: [ClassRules] {
      let names: [String] =
        switch self {
        case .rules: ["addresses and ports", "near misses"]
        case .sets: ["sets and maps of nft", "ipsets"]
        case .host: ["nothing", "kinds of addresses", "the connection and the routes"]
        }
      return ClassRules.all.filter { names.contains($0.name) }
    }
  }

  /// Without the proof, constants that were not found make wrong answers: these tests would show that one was forgotten.
  @Test(arguments: Source.allCases)
  func constantsThatAreLeftOutAreMissed(_ source: Source) {
    var wrong = 0
    for rules in source.subjects {
      let reading = DumpReader().read(
        [rules.dump, ClassRules.host].map { DumpInput(name: "dump", bytes: Array($0.utf8)) })
      var less = reading
      for table in less.ruleset.tables.indices {
        if source == .sets { less.ruleset.tables[table].sets = [] }
        if source == .rules { less.ruleset.tables[table].chains = [] }
      }
      if source == .sets { less.ruleset.ipsets = [] }
      if source == .host { less.facts = HostFacts() }
      let batch = BatchAnswers(
        reading.ruleset, facts: reading.facts, diagnostics: reading.diagnostics,
        form: TraceJSON(reading.ruleset, indented: false), packets: PacketClasses(less.ruleset, less.facts),
        proves: false)
      // Many of these are in classes that are too wide.
      var questions = ClassQuestions(reading, PacketClasses(less.ruleset, less.facts), seed: 1)
      wrong += Self.answers(batch, questions.lines((source == .sets ? 32 : 8) * Self.lines)).count {
        $0.told != $0.alone
      }
    }
    #expect(wrong > 0)
  }

  // MARK: - Comparing

  /// Compares a batch with its questions by themselves; gives the number of classes that got one answer.
  private static func compare(_ reading: HostReading, _ name: String, _ way: Way, seed: UInt64) -> Int {
    let packets = PacketClasses(reading.ruleset, reading.facts)
    let batch = BatchAnswers(
      reading.ruleset, facts: reading.facts, diagnostics: reading.diagnostics,
      form: TraceJSON(reading.ruleset, indented: false), packets: packets, proves: way == .usual)
    var questions = ClassQuestions(reading, packets, seed: seed)
    var wrong = 0
    for (line, told, alone) in answers(batch, questions.lines(lines)) where told != alone {
      wrong += 1
      if wrong < 4 { Issue.record("\(name), \(way): \(line)\ntold  \(told)\nalone \(alone)") }
    }
    #expect(wrong == 0)
    return batch.sharedAnswers
  }

  private static func answers(
    _ batch: BatchAnswers, _ lines: [String]
  ) -> [(line: String, told: Substring, alone: Substring)] {
    var answers = AnswerBytes(room: 1 << 20)
    _ = batch.answer(linesIn: Array(lines.joined(separator: "\n").utf8), firstLine: 1, to: &answers)
    let told = String(decoding: answers.bytes, as: UTF8.self).split(separator: "\n")
    #expect(told.count == lines.count)
    return zip(lines, told).enumerated().map { number, pair in
      let alone = String(decoding: batch.answer(alone: Array(pair.0.utf8), number: number + 1).answer, as: UTF8.self)
      return (pair.0, pair.1, alone.dropLast())
    }
  }

  /// The verdicts of an answer.
  private static func decision(_ answer: Substring) -> [Substring] {
    answer.matches(of: #/"(?:verdict|fate)": "[a-z]+"/#).map(\.output)
  }

  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private static var samples: [String] {
    get throws {
      let paths = try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: "samples").path)
      let folders = paths.filter { $0.hasSuffix("/README.md") }.map { String($0.dropLast("/README.md".count)) }
      return folders.filter { folder in !folders.contains { $0.hasPrefix(folder + "/") } }.sorted()
    }
  }
}

/// Rules that tell packets apart in one way each.
struct ClassRules: Sendable, CustomTestStringConvertible {
  var name: String
  var dump: String
  /// Whether nobody can say what the rules look at, so that no question shares its answer.
  var isOpaque = false

  var testDescription: String { name }

  /// A host with addresses, routes, sockets and settings.
  static let host = """
    $ ip addr
    1: lo: <LOOPBACK,UP> mtu 65536
        inet 127.0.0.1/8 scope host lo
    2: eth0: <BROADCAST,UP> mtu 1500
        inet 192.0.2.1/24 brd 192.0.2.255 scope global eth0
        inet 192.0.2.77/24 scope global secondary eth0
    3: docker0: <BROADCAST,UP> mtu 1500
        inet 172.17.0.1/16 scope global docker0
    4: eth1: <BROADCAST,UP> mtu 1500
        inet 10.9.0.1/20 scope global eth1
    $ ip route
    default via 192.0.2.254 dev eth0
    10.9.0.0/20 dev eth1 scope link
    10.20.0.0/14 via 10.9.0.7 dev eth1
    172.17.0.0/16 dev docker0 scope link
    192.0.2.0/24 dev eth0 scope link
    unreachable 198.51.100.0/24
    blackhole 203.0.113.64/26
    $ ss -tulnp
    Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process
    tcp   LISTEN 0      128    192.0.2.1:22       0.0.0.0:*         users:(("sshd",pid=7,fd=3))
    tcp   LISTEN 0      128    0.0.0.0:8080       0.0.0.0:*         users:(("docker-proxy",pid=8,fd=4))
    udp   UNCONN 0      0      127.0.0.1:53       0.0.0.0:*         users:(("named",pid=9,fd=5))
    $ sysctl -a
    net.ipv4.ip_forward = 1
    net.ipv4.conf.all.rp_filter = 1
    net.ipv4.conf.eth0.rp_filter = 1
    net.ipv4.conf.eth1.rp_filter = 0

    """

  private static func filter(_ rules: String) -> String {
    "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n\(rules)\nCOMMIT\n"
  }

  private static func nat(_ rules: String) -> String {
    "*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n\(rules)\nCOMMIT\n"
  }

  private static func nft(
    _ rules: String, sets: String = "", hook: String = "filter hook forward priority 0; policy drop"
  )
    -> String
  {
    "table ip t {\n\(sets)\n chain c {\n  type \(hook);\n\(rules)\n }\n}\n"
  }

  static let all: [ClassRules] = [
    ClassRules(name: "nothing", dump: filter("")),
    ClassRules(
      name: "addresses and ports",
      dump: filter(
        "-A FORWARD -s 10.1.0.0/16 -p tcp -m tcp --dport 80 -j ACCEPT\n-A FORWARD -s 10.1.2.0/24 -p tcp --dport 443 -j REJECT\n-A INPUT ! -s 10.0.0.0/8 -p udp --sport 53 -j ACCEPT"
      )),
    ClassRules(
      name: "near misses",
      dump: filter(
        "-A FORWARD -s 10.1.2.3/32 -p tcp -m tcp --dport 1024 -j ACCEPT\n-A FORWARD -s 10.1.2.4/32 -p tcp -m tcp --dport 1025 -j ACCEPT\n-A INPUT -d 192.0.2.1/32 -p tcp --dport 22 -j ACCEPT"
      )),
    ClassRules(
      name: "several ports and lengths",
      dump: filter(
        "-A FORWARD -p tcp -m multiport --dports 80,443,8000:8999 -j ACCEPT\n-A FORWARD -p udp -m multiport --ports 500,4500 -j ACCEPT\n-A FORWARD -m length --length 100:200 -j REJECT\n-A FORWARD -p tcp -m multiport ! --sports 1000:2000 -j ACCEPT"
      )),
    ClassRules(
      name: "ranges of addresses and masks",
      dump: filter(
        "-A FORWARD -m iprange --src-range 10.1.2.3-10.1.9.9 -j ACCEPT\n-A FORWARD -s 10.0.0.5/255.0.0.255 -j ACCEPT\n-A FORWARD -m mark --mark 0x50/0xf0 -j REJECT"
      )),
    ClassRules(
      name: "kinds of addresses",
      dump: filter(
        "-A FORWARD -m addrtype --src-type LOCAL -j ACCEPT\n-A FORWARD -m addrtype --dst-type MULTICAST -j ACCEPT\n-A INPUT -m addrtype --dst-type BROADCAST -j ACCEPT\n-A INPUT -m rpfilter -j ACCEPT\n-A FORWARD -m conntrack --ctstate NEW --ctorigdstport 80 -j ACCEPT\n-A FORWARD -m conntrack --ctorigdst 192.0.2.0/24 -j ACCEPT"
      )),
    ClassRules(
      name: "translations",
      dump: nat(
        "-A PREROUTING -d 192.0.2.1/32 -p tcp -m tcp --dport 8000:8009 -j DNAT --to-destination 172.17.0.2:80\n-A PREROUTING -p udp -m udp --dport 53 -j REDIRECT --to-ports 5353\n-A PREROUTING -p tcp --dport 9000 -j DNAT --to-destination 172.17.0.3-172.17.0.9:9000-9009\n-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\n-A POSTROUTING -s 10.9.0.0/20 -p tcp -j SNAT --to-source 192.0.2.77:4000-5000\n-A POSTROUTING -p udp -j MASQUERADE --to-ports 1001-1003"
      )
        + filter(
          "-A FORWARD -d 172.17.0.2/32 -p tcp --dport 80 -j ACCEPT\n-A FORWARD -m conntrack --ctorigdstport 8005 -j REJECT\n-A INPUT -p udp --dport 5353 -j ACCEPT\n-A FORWARD -s 172.17.0.5/32 -j ACCEPT"
        )),
    ClassRules(
      name: "whole networks are exchanged",
      dump: nat(
        "-A PREROUTING -d 10.20.0.0/16 -j NETMAP --to 172.17.0.0/16\n-A POSTROUTING -s 172.17.0.0/16 -j NETMAP --to 10.20.0.0/16"
      ) + filter("-A FORWARD -d 172.17.3.0/24 -j ACCEPT\n-A FORWARD -p tcp --dport 80 -j ACCEPT")),
    ClassRules(
      name: "ipsets",
      dump:
        "create nets hash:net family inet\nadd nets 10.1.0.0/16\nadd nets 10.1.7.0/24 nomatch\ncreate pairs hash:ip,port family inet\nadd pairs 10.2.0.1,tcp:80\nadd pairs 10.2.0.2,udp:53\ncreate list list:set\nadd list nets\n"
        + filter(
          "-A FORWARD -m set --match-set nets src -j ACCEPT\n-A FORWARD -m set --match-set pairs src,dst -j ACCEPT\n-A FORWARD -m set ! --match-set list dst -p udp -j REJECT\n-A INPUT -m set --match-set unknown src -j ACCEPT"
        )),
    ClassRules(
      name: "sets and maps of nft",
      dump: nft(
        "ip saddr @nets accept\nip saddr . tcp dport @pairs accept\ntcp dport vmap { 22 : accept, 100-199 : drop, 443 : jump d }\nip daddr != { 172.17.0.2, 172.17.0.4-172.17.0.9 } udp sport 53 reject\nmeta length < 100 accept\n }\n chain d {\n  ip saddr 10.3.0.0/16 accept",
        sets:
          " set nets {\n  type ipv4_addr; flags interval;\n  elements = { 10.1.0.0/16, 10.2.3.4-10.2.3.9 }\n }\n set pairs {\n  type ipv4_addr . inet_service;\n  elements = { 10.5.0.1 . 80, 10.5.0.2 . 443 }\n }"
      )),
    ClassRules(
      name: "marks made of packets",
      dump: nft(
        "meta mark set tcp sport map { 1001 : 7, 1002 : 8 }\nmeta mark 7 accept\nmeta mark set ip saddr map { 10.1.0.0/16 : 80 }\nmeta mark 80 accept\nct mark set tcp dport\nct mark 500 accept\nmeta length & 0x10 == 0x10 drop\ntcp dport & 0x1 == 1 accept"
      )),
    ClassRules(
      name: "raw bytes", dump: nft("@th,16,16 1001 drop\nip saddr 10.1.0.0/16 accept"), isOpaque: true),
    ClassRules(
      name: "hashes and bits",
      dump: nft(
        "meta mark set jhash ip saddr mod 4\nmeta mark 2 accept\nip saddr & 0.0.0.255 == 0.0.0.7 accept")),
    ClassRules(
      name: "the connection and the routes",
      dump: nft(
        "ct original ip daddr 192.0.2.1 accept\nct original proto-dst 80 accept\nct reply proto-dst 1002 drop\nfib saddr . iif oif missing drop\nfib daddr type local accept\nfib saddr oifname eth1 tcp dport 1000-1999 accept"
      )),
    ClassRules(
      name: "what is written into packets",
      dump: nft(
        "ip daddr set 172.17.0.9 tcp dport 8080 accept\ntcp dport set 81\ntcp dport 81 ip daddr 172.17.0.0/24 accept\nip saddr set 10.7.0.1 counter\nip saddr 10.7.0.1 udp dport 53 accept"
      )
        + "table ip n {\n chain p {\n  type nat hook prerouting priority -100;\n  dnat to tcp dport map { 8000 : 172.17.0.2, 8001 : 172.17.0.3 }\n  ip daddr 192.0.2.1 dnat ip to ip saddr map { 10.1.0.0/16 : 172.17.0.4 }\n }\n}\n"
    ),
  ]
}
