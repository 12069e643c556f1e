import Foundation
import HostModel
import RuleGraph
import Testing

@testable import RuleParser

/// The outputs that are found in a paste, each as `first line-last line kind place <command>`.
@Suite struct SectionTests {
  static func sections(_ text: String, name: String = "-") -> [String] { sections(Array(text.utf8), name: name) }

  static func sections(_ bytes: [UInt8], name: String = "-") -> [String] {
    SectionFinder(source: 0, name: name, bytes: SourceBytes(bytes), strand: 0).sections.map { section in
      let first = section.text.lines.first?.number ?? 0
      let last = section.text.lines.last?.number ?? 0
      var words = "\(first)-\(last) \(section.kind.rawValue)"
      if let table = section.output.table { words += " table=\(table)" }
      switch section.place {
      case .host: break
      case .container(let name): words += " container=\(name)"
      case .namespace(let name): words += " namespace=\(name)"
      case .machine(let name): words += " machine=\(name)"
      }
      if let command = section.command { words += " <\(command)>" }
      return words
    }
  }

  private static let listing = """
    Chain INPUT (policy ACCEPT)
    target     prot opt source               destination
    ACCEPT     all  --  0.0.0.0/0            0.0.0.0/0
    """

  @Test(arguments: [
    "root@host:~# iptables -vnL", "[root@x ~]# iptables -vnL", "[root@x ~]# sudo iptables -vnL", "$ iptables -vnL",
    "# iptables -vnL", "➜  ~ iptables -vnL", "host:~# iptables -vnL", "(venv) me@host:/tmp$ iptables -vnL",
    "/ # iptables -vnL", "bash-5.1# iptables -vnL", "iptables -vnL", "user@host ~ % iptables -vnL",
    "+ iptables -vnL", "root@host:/etc# PATH=/sbin iptables -vnL",
  ])
  func aPromptNamesTheOutput(_ line: String) {
    let found = Self.sections(line + "\n" + Self.listing)
    #expect(found.count == 1)
    #expect(found.first?.hasPrefix("2-4 iptables -L table=filter <") == true)
    #expect(found.first?.contains("iptables -vnL>") == true)
  }

  @Test(arguments: [
    ("docker exec web iptables -nL", "container=web"), ("docker exec -it web sh -c 'iptables -nL'", "container=web"),
    ("sudo ip netns exec blue iptables -nL", "namespace=blue"), ("nsenter -t 4711 -n iptables -nL", "namespace=4711"),
    ("nsenter -t 1 -n iptables -nL", ""), ("docker run --rm --net=host --cap-add NET_ADMIN tools iptables -nL", ""),
    ("docker run --rm --net container:db tools iptables -nL", "container=db"),
    ("podman exec web iptables -nL", "container=web"),
    ("ssh -p 2222 root@web2 iptables -nL", "machine=web2"), ("ssh web2 'sudo iptables -nL'", "machine=web2"),
    ("sshpass -p x ssh web2 -- iptables -nL", "machine=web2"), ("ssh localhost iptables -nL", ""),
    ("vagrant ssh db -c 'sudo iptables -nL'", "machine=db"), ("vagrant ssh -- iptables -nL", "machine="),
    ("gcloud compute ssh web2 --zone=a --command='iptables -nL'", "machine=web2"),
    ("lxc-attach -n c1 -- iptables -nL", "container=c1"), ("incus exec c1 -- iptables -nL", "container=c1"),
    ("machinectl shell root@c1 /sbin/iptables -nL", "container=c1"), ("adb -s 1 shell iptables -nL", "machine=1"),
    (
      "nsenter -t $(docker inspect -f '{{.State.Pid}}' web) -n iptables -nL",
      "namespace=$(docker inspect -f '{{.State.Pid}}' web)"
    ),
    ("nsenter -at `pidof x` iptables -nL", "namespace=`pidof x`"), ("nsenter -t 4711 -m iptables -nL", ""),
    ("for h in a b; do ssh $h iptables -nL; done", "machine=a"), ("unshare -rn iptables -nL", "namespace="),
    ("unshare -m iptables -nL", ""),
    ("on-all-nodes iptables -nL", "machine="), ("setsid iptables -nL", ""),
  ])
  func whereACommandRanIsKnown(_ command: String, _ place: String) {
    let found = Self.sections("root@host:~# \(command)\n" + Self.listing)
    #expect(found == ["2-4 iptables -L table=filter \(place.isEmpty ? "" : place + " ")<\(command)>"])
  }

  @Test func aShellInAContainerIsLeftAgain() {
    let paste = """
      root@host:~# docker exec -it web sh
      / # ip a
      1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536
          inet 127.0.0.1/8 scope host lo
      / # exit
      root@host:~# ip a
      1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536
          inet 127.0.0.1/8 scope host lo
      root@e0841aa13c5b:/# ip a
      1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536
      """
    #expect(
      Self.sections(paste) == [
        "3-4 ip addr container=web <ip a>", "7-8 ip addr <ip a>", "10-10 ip addr container=e0841aa13c5b <ip a>",
      ])
  }

  @Test func fencesQuotingAndProseStayOutside() {
    let paste = """
      看看规则:

      > > ```shell
      > > $ iptables -t nat -nL
      > > ```

      > > ~~~
      > > Chain PREROUTING (policy ACCEPT)
      > > target     prot opt source               destination
      > > ~~~
      > > Chain of thought (not a listing)

      - a list

          Chain INPUT (policy DROP)
          target     prot opt source               destination
          DROP       all  --  0.0.0.0/0            0.0.0.0/0

      That was all.
      """
    for ending in ["\n", "\r\n"] {
      #expect(
        Self.sections(paste.replacing("\n", with: ending)) == [
          "8-9 iptables -L table=nat <iptables -t nat -nL>", "15-17 iptables -L",
        ])
    }
  }

  @Test func webMarkupAndColoursAreTakenOff() throws {
    let paste = """
      <pre class="bash"><span>1: docker0: &lt;BROADCAST,UP&gt; mtu 1500</span>
          inet \u{1b}[35m172.17.0.1\u{1b}[0m/16 scope&nbsp;global docker0</pre>
      """
    let finder = SectionFinder(source: 0, name: "-", bytes: SourceBytes(Array(paste.utf8)), strand: 0)
    let section = try #require(finder.sections.first)
    let lines = section.text.lines.map { section.text.cursor($0).text($0.range).trimmedBlanks }
    #expect(lines == ["1: docker0: <BROADCAST,UP> mtu 1500", "inet 172.17.0.1/16 scope global docker0"])
  }

  @Test(arguments: ["\t", " | ", "│"])
  func lineNumbersAreTakenOff(_ separator: String) throws {
    let numbered = Self.listing.split(separator: "\n").enumerated().map {
      "  \($0.offset + 7)\(separator)\($0.element)"
    }
    let finder = SectionFinder(
      source: 0, name: "-", bytes: SourceBytes(Array(numbered.joined(separator: "\n").utf8)), strand: 0)
    let section = try #require(finder.sections.first)
    #expect(section.text.lines.map { section.text.string($0) } == Self.listing.split(separator: "\n").map(String.init))
  }

  @Test func theNumbersOfRulesStay() throws {
    let rows = (1...4).map { "\($0)    ACCEPT     all  --  0.0.0.0/0            0.0.0.0/0" }.joined(separator: "\n")
    let text = "Chain INPUT (policy ACCEPT)\nnum  target     prot opt source               destination\n\(rows)\n"
    let section = try #require(
      SectionFinder(source: 0, name: "-", bytes: SourceBytes(Array(text.utf8)), strand: 0).sections.first)
    #expect(section.text.lines.count == 6)
    #expect(section.text.string(section.text.lines[2]).hasPrefix("1    ACCEPT"))
  }

  @Test func whatABundleLacksIsSaid() {
    let bundle =
      "#### fwtrace capture 1 host=web1\n#### fwtrace could not read: nft: not installed\n#### fwtrace: ss -tulnp\n#### fwtrace capture ends\n"
    let reading = DumpReader().read([DumpInput(name: "b.txt", text: bundle)])
    #expect(reading.diagnostics.map(\.id) == ["capture-incomplete"])
    #expect(reading.diagnostics.first?.message.contains("nft: not installed") == true)
    // Nothing listens, and that is known.
    #expect(reading.facts.socketsKnown)
    #expect(reading.facts.hostName == "web1")
  }

  @Test func aRuleCommentMayLookLikeMarkup() {
    let line = #"-A INPUT -m comment --comment "a &gt; b <b" -j ACCEPT"#
    let lines = PasteLines(SourceBytes(Array(line.utf8)))
    #expect(Array(lines.bytes) == Array(line.utf8))
  }

  @Test func listingsWithoutPromptsArePartedByTheirChains() {
    let paste = """
      Chain INPUT (policy ACCEPT)
      Chain FORWARD (policy ACCEPT)
      Chain OUTPUT (policy ACCEPT)
      Chain DOCKER (1 references)
      Chain PREROUTING (policy ACCEPT)
      Chain INPUT (policy ACCEPT)
      Chain OUTPUT (policy ACCEPT)
      Chain POSTROUTING (policy ACCEPT)
      Chain DOCKER (2 references)
      """
    #expect(Self.sections(paste) == ["1-4 iptables -L", "5-9 iptables -L"])
  }

  @Test func severalCommandsInOneLinePrintOneAfterTheOther() {
    let paste =
      "$ iptables -nL; iptables -t nat -nL && docker ps\n" + Self.listing + """

        Chain PREROUTING (policy ACCEPT)
        target     prot opt source               destination
        CONTAINER ID   IMAGE   COMMAND   CREATED   STATUS   PORTS   NAMES
        """
    let kinds = Self.sections(paste).map { $0.split(separator: " <")[0] }
    #expect(kinds == ["2-4 iptables -L table=filter", "5-6 iptables -L table=nat", "7-7 docker ps"])
  }

  @Test func aBundlePartIsTheWholeOutput() throws {
    let bundle = """
      #### fwtrace capture 1 date=2026-11-21T03:27:29Z host=web1
      #### fwtrace: iptables-save
      # Generated by iptables-save v1.8.9 (nf_tables)
      *filter
      COMMIT
      #### fwtrace: ip6tables-save
      #### fwtrace: ip -j addr
      []
      """
    let finder = SectionFinder(source: 0, name: "-", bytes: SourceBytes(Array(bundle.utf8)), strand: 0)
    #expect(finder.captured == "date=2026-11-21T03:27:29Z host=web1")
    #expect(
      Self.sections(bundle) == [
        "3-5 iptables-save <iptables-save>", "0-0 iptables-save <ip6tables-save>", "8-8 json <ip -j addr>",
      ])
    #expect(Set(finder.sections.map(\.strand)).count == 3)
    #expect(finder.sections.map(\.output.isWhole) == [true, true, false])
  }

  @Test(arguments: [
    ("iptables-t-nat-S.txt", "iptables -t nat -S"),
    ("host/iptables-vnL-line-numbers.txt", "iptables -vnL --line-numbers"),
    ("iptables-legacy-t-nat-vnxL.txt", "iptables-legacy -t nat -vnxL"), ("ip6tables-save.txt", "ip6tables-save"),
    ("iptables-nft-save.txt", "iptables-nft-save"), ("nat.txt", "iptables -t nat -L"),
    ("filter-S.txt", "iptables -t filter -S"), ("nft-j-list-ruleset.json", "nft -j list ruleset"),
    ("ip-6-route.txt", "ip -6 route"), ("docker-ps-no-trunc.txt", "docker ps --no-trunc"),
    ("ss-tulnp.txt", "ss -tulnp"), ("ip-route-table-all.txt", "ip route table all"),
    ("docker-proxy.txt", "pgrep -a docker-proxy"), ("rules.v4", "iptables-save"),
  ])
  func aFileNameSpellsACommand(_ name: String, _ command: String) {
    #expect(FileNameHint(name).command == command)
  }

  @Test func aFolderNamesAContainer() {
    #expect(FileNameHint("04-mynet/containers/tomcat01/ip-addr.txt").place == .container("tomcat01"))
    #expect(FileNameHint("containers/README.md").place == nil)
  }

  @Test(arguments: ["", "\n\n", "just prose about iptables -L and Chain reactions\n", "ip addr is a command\n"])
  func proseHoldsNoOutput(_ text: String) {
    #expect(Self.sections(text).isEmpty)
  }
}
