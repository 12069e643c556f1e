import KernelLab
import RuleGraph

/// Hosts that stand in network namespaces of their own, where the real programs print them in every form.
enum LaboratoryHosts {
  /// A host with its rules loaded again, to have them in the forms that nobody captured. The host as it is where there are no namespaces.
  static func inEveryForm(_ source: HostSource) -> HostSource {
    guard let save = source.rules[.save], Lab.obstacle == nil else { return source }
    let ruleset = Self.ruleset(save.flatMap(\.lines), sets: source.ipsets.flatMap(\.lines))
    guard let forms = try? Lab.inOwnThread({ try forms(Lab(Topology()), ruleset) }) else { return source }
    var whole = source
    // What nft prints of an ipset is its name alone, and of tables of its own nothing that a file beside would not say twice.
    let hasOwnTables = source.facts.contains { $0.file.hasSuffix(".nft") }
    for (form, outputs) in forms where form != .save && !(form == .nftText && (hasOwnTables || !ruleset.ipset.isEmpty))
    {
      if form == .nftJSON, hasOwnTables || !ruleset.ipset.isEmpty { continue }
      whole.rules[form] = outputs
    }
    return whole
  }

  private static func ruleset(_ lines: [String], sets: [String]) -> RulesetText {
    var ruleset = RulesetText()
    ruleset.ipv4 = lines
    ruleset.ipset = sets
    return ruleset
  }

  /// Routers of the kernel laboratory's generators, with their packets.
  static func generated(_ count: Int, seed: UInt64) -> [HostSource] {
    guard Lab.obstacle == nil else { return [] }
    return Scenario.Profile.allCases.flatMap { profile in
      (0..<UInt64(count)).compactMap { index in
        generated(profile, seed: (seed &- 1) &* 1000 &+ index &+ 1)
      }
    }
  }

  private static func generated(_ profile: Scenario.Profile, seed: UInt64) -> HostSource? {
    let scenario = Scenario(profile, seed: seed, probes: 60)
    return try? Lab.inOwnThread {
      let lab = try Lab(scenario.topology)
      var source = HostSource("\(profile.rawValue) \(seed)")
      source.rules = try forms(lab, scenario.ruleset)
      if source.rules.isEmpty { throw Nothing() }
      source.facts = try lab.hostDumps().filter { !$0.name.contains("neigh") }.map { name, text in
        let command = name.split(separator: ".")[0].split(separator: "-").joined(separator: " ")
        return Output(text, file: name, command: command == "sysctl" ? "sysctl -a" : command, form: nil)
      }
      if !scenario.ruleset.ipset.isEmpty {
        source.ipsets = [Output(try run(["ipset", "save"]), file: "ipset-save.txt", command: "ipset save", form: nil)]
      }
      source.questions = scenario.probes.map { Question($0, scenario.topology) }
      return source
    }
  }

  private struct Nothing: Error {}

  private static func run(_ command: [String]) throws -> String { try runCommand(command).output }

  /// The rules as the programs print them. Rules of both dialects together have one form: each dialect's own, which damages take apart.
  private static func forms(_ lab: Lab, _ ruleset: RulesetText) throws -> [Form: [Output]] {
    let loaded = try lab.loadWhatIsAccepted(ruleset)
    var forms: [Form: [Output]] = [:]
    let hasIptables = !(loaded.ipv4.isEmpty && loaded.ipv6.isEmpty)
    if hasIptables, loaded.nft.isEmpty {
      for (tool, lines, family) in [("iptables", loaded.ipv4, "ip"), ("ip6tables", loaded.ipv6, "ip6")]
      where !lines.isEmpty {
        let program = "\(tool)-\(loaded.backend.rawValue)"
        // Listing a table makes it, so this comes first.
        for table in ["raw", "mangle", "nat", "filter"] {
          let option = table == "filter" ? "" : "-t \(table) "
          let stem = table == "filter" ? "\(tool)-" : "\(tool)-t-\(table)-"
          for (form, words, ending) in [
            (Form.listing, "-vnL", "vnL"), (.numbered, "-vnL --line-numbers", "vnL-line-numbers"), (.rules, "-S", "S"),
          ] {
            let text = try run([program, "-t", table] + words.split(separator: " ").map(String.init))
            forms[form, default: []].append(
              Output(
                text, file: "\(stem)\(ending).txt", command: "\(tool) \(option)\(words)", form: form,
                table: "\(family) \(table)"))
          }
        }
        forms[.save, default: []].append(
          Output(try run(["\(program)-save"]), file: "\(tool)-save.txt", command: "\(tool)-save", form: .save))
      }
    }
    guard !hasIptables || (loaded.backend == .nft && loaded.nft.isEmpty) || (loaded.ipv4.isEmpty && loaded.ipv6.isEmpty)
    else { return forms }
    forms[.nftText] = [
      Output(
        try run(["nft", "list", "ruleset"]), file: "nft-list-ruleset.txt", command: "nft list ruleset", form: .nftText)
    ]
    forms[.nftJSON] = [
      Output(
        try run(["nft", "-j", "list", "ruleset"]), file: "nft-j-list-ruleset.json", command: "nft -j list ruleset",
        form: .nftJSON)
    ]
    return forms
  }
}
