import FlowTrace
import Foundation
import KernelLab

/// The hosts there are to damage.
public enum Catalogue {
  private static let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// `shared` beside the package, or, for a worktree in a folder of its own, one level up.
  private static let shared: URL? = [
    package.deletingLastPathComponent(), package.deletingLastPathComponent().deletingLastPathComponent(),
  ]
  .map { $0.appending(path: "shared") }.first {
    FileManager.default.fileExists(atPath: $0.appending(path: "corpus").path)
  }

  /// Whether the corpus of real hosts is here.
  public static var hasCorpus: Bool { shared != nil }

  /// Which hosts, and how many.
  public enum Extent: Sendable {
    /// A few of each kind, for every test run.
    case few
    case all
  }

  /// The whole dumps.
  ///
  /// - Parameter seed: which rulesets the kernel laboratory's generators make.
  public static func wholes(_ extent: Extent, questions: Int, seed: UInt64 = 1) -> [Whole] {
    var sources = samples()
    if extent == .few { sources = sources.indices.filter { $0 % 4 == 0 }.map { sources[$0] } }
    sources = sources.map { LaboratoryHosts.inEveryForm($0) }
    sources += dockerHosts() + edge().map { LaboratoryHosts.inEveryForm($0) }
    sources += LaboratoryHosts.generated(extent == .few ? 2 : 16, seed: seed)
    return sources.flatMap { $0.wholes(keeping: questions) }
  }

  private static func text(_ file: URL) -> String? {
    guard let data = try? Data(contentsOf: file), !data.isEmpty else { return nil }
    return String(decoding: data, as: UTF8.self)
  }

  private static func names(in folder: URL) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()
  }

  // MARK: Samples

  static func samples() -> [HostSource] {
    let root = package.appending(path: "samples")
    let folders = (FileManager.default.subpaths(atPath: root.path) ?? []).filter { $0.hasSuffix("/README.md") }
      .map { String($0.dropLast("/README.md".count)) }.sorted()
    return folders.compactMap { sample(root.appending(path: $0), name: $0) }
  }

  /// A sample whose rules are whole: `iptables-save`, both tables listed, or nft.
  private static func sample(_ folder: URL, name: String) -> HostSource? {
    var source = HostSource(name)
    let files = names(in: folder)
    func output(_ file: String, _ command: String, _ form: Form?, table: String = "") -> Output? {
      text(folder.appending(path: file)).map { Output($0, file: file, command: command, form: form, table: table) }
    }
    for (file, command) in factFiles where files.contains(file) {
      if let output = output(file, command, nil) { source.facts.append(output) }
    }
    if let sets = output("ipset-save.txt", "ipset save", nil) { source.ipsets = [sets] }
    // A host with rules of two variants tells more than one form can print again.
    if files.contains("iptables-legacy-save.txt") { return nil }
    if let save = output("iptables-save.txt", "iptables-save", .save) {
      if save.rows.contains(where: { $0.text.hasPrefix("# Warning") }) { return nil }
      source.rules[.save] = [save]
      for file in files where file.hasSuffix(".nft") {
        if let own = output(file, "nft list ruleset", nil) { source.facts.append(own) }
      }
    } else if files.contains("filter.txt"), files.contains("nat.txt") {
      guard !name.contains("without"), !name.contains("lost") else { return nil }
      let tables = ["raw", "nat", "filter"].filter { files.contains("\($0).txt") }
      source.rules[.listing] = tables.compactMap { table in
        guard let listed = text(folder.appending(path: "\(table).txt")) else { return nil }
        let lines = listed.split(separator: "\n", omittingEmptySubsequences: false).filter {
          !$0.contains("# iptables")
        }
        let option = table == "filter" ? "" : "-t \(table) "
        return Output(
          lines.joined(separator: "\n"), file: "\(table).txt", command: "iptables \(option)-vnL", form: .listing,
          table: "ip \(table)")
      }
      if source.facts.isEmpty { source.address = "192.168.0.140" }
    } else if let nft = output("nft.txt", "nft list ruleset", .nftText) {
      source.rules[.nftText] = [nft]
    } else if let nft = output("nft.json", "nft -j list ruleset", .nftJSON) {
      source.rules[.nftJSON] = [nft]
      source.address = "192.168.0.140"
    } else {
      return nil
    }
    return source
  }

  private static let factFiles: [(file: String, command: String)] = [
    ("ip-addr.txt", "ip addr"), ("ip-route.txt", "ip route"), ("sysctl.txt", "sysctl -a"),
    ("docker-ps.txt", "docker ps"),
    ("docker-network-inspect.json", "docker network inspect bridge"),
  ]

  // MARK: The corpus

  private static func edge() -> [HostSource] {
    guard let folder = shared?.appending(path: "corpus/edge"),
      let save = text(folder.appending(path: "iptables-save.txt")),
      let facts = text(folder.appending(path: "host.txt"))
    else { return [] }
    var source = HostSource("edge")
    source.rules[.save] = [Output(save, file: "iptables-save.txt", command: "iptables-save -c", form: .save)]
    // The facts stand in one paste: its prompts divide it again.
    for part in facts.split(separator: "root@edge1:~# ") {
      guard let end = part.firstIndex(of: "\n") else { continue }
      let command = String(part[..<end])
      let name = command.split(separator: " ").prefix(2).joined(separator: "-")
      source.facts.append(
        Output(String(part[part.index(after: end)...]), file: "\(name).txt", command: command, form: nil))
    }
    return [source]
  }

  static func dockerHosts() -> [HostSource] {
    guard let folder = shared?.appending(path: "corpus/docker-20.10") else { return [] }
    return names(in: folder).filter { !$0.hasSuffix(".md") }.flatMap { name -> [HostSource] in
      let plain = dockerHost(folder.appending(path: name), name: name)
      return [plain, counted(plain, folder.appending(path: "\(name)/after"))].compactMap { $0 }
    }
  }

  private static func dockerHost(_ folder: URL, name: String) -> HostSource {
    var source = HostSource(name)
    func add(_ file: String, _ command: String, _ form: Form, table: String = "") {
      guard let text = text(folder.appending(path: file)) else { return }
      source.rules[form, default: []].append(Output(text, file: file, command: command, form: form, table: table))
    }
    add("iptables-save.txt", "iptables-save", .save)
    for table in ["raw", "mangle", "nat", "filter"] {
      let option = table == "filter" ? "" : "-t \(table) "
      let stem = table == "filter" ? "iptables-" : "iptables-t-\(table)-"
      add("\(stem)vnL.txt", "iptables \(option)-vnL", .listing, table: "ip \(table)")
      let isNumbered = table == "nat" || table == "filter"
      if isNumbered {
        add("\(stem)vnL-line-numbers.txt", "iptables \(option)-vnL --line-numbers", .numbered, table: "ip \(table)")
        add("\(stem)S.txt", "iptables \(option)-S", .rules, table: "ip \(table)")
      } else {
        add("\(stem)vnL.txt", "iptables \(option)-vnL", .numbered, table: "ip \(table)")
      }
    }
    // Without -S of the other two, their listings stand beside; both are empty.
    let others = (source.rules[.listing] ?? []).filter { $0.table == "ip raw" || $0.table == "ip mangle" }
    source.rules[.rules] = others + (source.rules[.rules] ?? [])
    add("nft-list-ruleset.txt", "nft list ruleset", .nftText)
    if name.hasPrefix("30") {
      source.rules[.nftText] = nil
    } else {
      add("nft-j-list-ruleset.json", "nft -j list ruleset", .nftJSON)
    }
    for (file, command) in factFiles {
      if let text = text(folder.appending(path: file)) {
        source.facts.append(Output(text, file: file, command: command, form: nil))
      }
    }
    for (file, table) in [("iptables-nL.txt", "ip filter"), ("iptables-t-nat-nL.txt", "ip nat")] {
      guard let text = text(folder.appending(path: file)) else { continue }
      let command = table == "ip nat" ? "iptables -t nat -nL" : "iptables -nL"
      source.briefListing.append(Output(text, file: file, command: command, form: .listing, table: table))
    }
    source.questions = probes(folder.appending(path: "truth.json"))
    return source
  }

  /// The same host after the probes: its rules have counted packets.
  private static func counted(_ plain: HostSource, _ folder: URL) -> HostSource? {
    var source = plain
    source.name += " counted"
    source.briefListing = []
    guard let save = text(folder.appending(path: "iptables-save-c.txt")),
      let filter = text(folder.appending(path: "iptables-vnL.txt")),
      let nat = text(folder.appending(path: "iptables-t-nat-vnL.txt"))
    else { return nil }
    let others = (plain.rules[.listing] ?? []).filter { $0.table == "ip raw" || $0.table == "ip mangle" }
    source.rules = [
      .save: [Output(save, file: "iptables-save-c.txt", command: "iptables-save -c", form: .save)],
      .listing: others + [
        Output(nat, file: "iptables-t-nat-vnL.txt", command: "iptables -t nat -vnL", form: .listing, table: "ip nat"),
        Output(filter, file: "iptables-vnL.txt", command: "iptables -vnL", form: .listing, table: "ip filter"),
      ],
    ]
    if let nft = text(folder.appending(path: "nft-list-ruleset.txt")), plain.rules[.nftText] != nil {
      source.rules[.nftText] = [
        Output(nft, file: "nft-list-ruleset.txt", command: "nft list ruleset", form: .nftText)
      ]
    }
    return source
  }

  /// A probe that was really sent.
  private struct SentProbe: Decodable {
    var from: String
    var src_ip: String
    var src_port: Int?
    var dst_ip: String
    var dport: Int?
    var proto: String
    var in_interface: String?
  }

  private static func probes(_ file: URL) -> [Question] {
    guard let data = try? Data(contentsOf: file), let all = try? JSONDecoder().decode([SentProbe].self, from: data)
    else {
      return []
    }
    return all.filter { ($0.in_interface != nil || $0.from == "host") && !$0.dst_ip.contains(":") }.map { probe in
      let origin: Question.Option =
        probe.from == "host" ? .init(.from, "host") : .init(.input, probe.in_interface ?? "")
      return Question(
        [.init(.proto, probe.proto), origin, .init(.src, probe.src_ip + (probe.src_port.map { ":\($0)" } ?? ""))]
          + [.init(.dst, probe.dst_ip + (probe.dport.map { ":\($0)" } ?? ""))])
    }
  }
}
