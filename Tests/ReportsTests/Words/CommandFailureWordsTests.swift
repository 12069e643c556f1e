import Reports
import RuleGraph
import RuleParser
import Testing

@Suite struct CommandFailureWordsTests {
  private static let rows: [(CommandFailure.Problem, String)] = [
    (.refused("iptables: Chain already exists."), "iptables: Chain already exists."),
    (.failed, "the command fails"),
    (
      .unknownProgram("podman"),
      "not carried out: which rules podman would make is not known; give them as iptables commands"
    ),
    (
      .unknownProgram("firewall-cmd"),
      "not carried out: firewall-cmd is none of iptables, ip6tables, ipset, nft, sysctl, ufw, docker"
    ),
    (.unsupported("-P"), "not carried out: fwtrace does not know what this does: -P"),
    (.computed("$(date)"), "not carried out: it depends on what the shell would find: $(date)"),
    (.inputMissing, "not carried out: it reads a text that is not given; a here-document holds one"),
    (.tooMany, "not carried out: more commands than fwtrace carries out"),
    (.notShown(.table(.ip, "nat")), "not carried out: the dumps do not show all of table ip nat"),
    (
      .notShown(.chain(.ip6, "filter", "WEB")),
      "not carried out: the dumps show only a part of table ip6 filter, and whether chain WEB is there is unknown"
    ),
    (
      .notShown(.rules(.ip, "filter", "INPUT")),
      "not carried out: the dumps do not show every rule of filter INPUT, and which rule is meant depends on those that are missing"
    ),
    (
      .notShown(.handles(.inet, "one")),
      "not carried out: the dumps do not show the handles of table inet one; `nft -a list ruleset` does"
    ),
    (
      .notShown(.variant(.ip6, "nat")),
      "not carried out: the host has tables of both variants of iptables; name the one that has nat: ip6tables-nft or ip6tables-legacy"
    ),
    (.notShown(.ipset("bad")), "not carried out: the dumps do not show ipset bad; `ipset save` does"),
    (.notShown(.chainsOf("ufw")), "not carried out: the dumps do not show the chains of ufw"),
    (
      .notShown(.container("web")), "not carried out: the dumps do not show container web; `docker inspect` does"
    ),
    (
      .notShown(.network("front")),
      "not carried out: the dumps do not show network front; `docker network inspect` does"
    ),
  ]

  @Test(arguments: rows)
  func aFailureReadsSo(_ problem: CommandFailure.Problem, _ sentence: String) {
    let failure = CommandFailure(command: "first\nsecond", source: "change.sh", line: 3, problem: problem)
    #expect(CommandFailureWords.text(of: failure) == "change.sh:3: \(sentence)\n  first\n  second")
  }

  @Test func aFailedOptionIsNamedWithoutALine() {
    let failure = CommandFailure(
      command: "--as-docker 29", source: "--as-docker 29", line: 0, problem: .notShown(.chainsOf("Docker")))
    #expect(
      CommandFailureWords.text(of: failure)
        == "--as-docker 29: not carried out: the dumps do not show the chains of Docker")
  }
}
