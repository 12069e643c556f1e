import Foundation
import Glibc
import RuleGraph
import RuleParser

/// Where everything is measured: the program, a folder of rulesets, and a network namespace whose kernel holds one of them at a time.
final class Lab {
  /// The forms in which tools print rules.
  enum Form: String {
    case save, listing, nftText, nftJSON
  }

  /// The program that is measured.
  let program: String
  /// The numbers of rules that rows about growth measure.
  let sizes: [Int]
  /// The number of rules that the other rows measure.
  let large: Int
  /// How long one comparison may go on, in seconds.
  let seconds: Double
  /// Up to this size the tools write the dumps; larger ones are the generator's, whose smaller output the tools accept.
  let toolLimit = 100_000

  private let folder: String
  private var loaded: (shape: Shape, rules: Int)?
  private var written: Set<String> = []
  /// A listing is so slow that its first run counts, too.
  private var firstPrinting: [String: Timing] = [:]

  init(program: String, sizes: [Int], seconds: Double, folder: String) throws {
    self.program = program
    self.sizes = sizes.sorted()
    large = sizes.max() ?? 1000
    self.seconds = seconds
    self.folder = folder
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  // MARK: - Files

  /// A file of the lab's folder.
  func path(_ name: String) -> String { "\(folder)/\(name)" }

  /// Writes a file of the lab's folder.
  func write(_ text: String, to name: String) throws -> String {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path(name)))
    return path(name)
  }

  /// The rules as the generator writes them.
  func generated(_ shape: Shape, _ rules: Int) throws -> String {
    let name = "\(shape)-\(rules).rules"
    if written.insert(name).inserted { _ = try write(shape.text(rules: rules), to: name) }
    return path(name)
  }

  /// The host around the rules.
  func surroundings() throws -> String { try write(Surroundings.text, to: "host.txt") }

  /// The rules as a tool prints them, or as the generator writes them where that is the same and the tool would take too long.
  func dump(_ shape: Shape, _ rules: Int, _ form: Form) throws -> String {
    if rules > toolLimit, form == .save || form == .nftText { return try generated(shape, rules) }
    let name = "\(shape)-\(rules).\(form)"
    if written.insert(name).inserted { firstPrinting[name] = try print(shape, rules, form).timing }
    return path(name)
  }

  /// The bytes of a file.
  /// A dump as the program itself reads it.
  static func source(_ path: String) throws -> SourceBytes {
    guard let bytes = SourceBytes(ofFile: path) else { throw Program.Failure(description: "\(path) can't be read") }
    return bytes
  }

  static func bytes(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) }

  // MARK: - The namespace

  /// The command that prints the rules.
  func printer(_ shape: Shape, _ form: Form) -> [String] {
    switch form {
    case .save: ["iptables-save"]
    case .listing: ["iptables", "-t", shape.table, "-vnL"]
    case .nftText: ["nft", "list", "ruleset"]
    case .nftJSON: ["nft", "-j", "list", "ruleset"]
    }
  }

  /// Loads a ruleset and lets the tool print it into a file.
  @discardableResult
  func print(_ shape: Shape, _ rules: Int, _ form: Form) throws -> Program.Outcome {
    try load(shape, rules)
    return try Program(printer(shape, form), output: path("\(shape)-\(rules).\(form)")).run()
  }

  /// How long the tool takes to print a ruleset; the run that wrote the dump is the first measurement.
  func printing(_ shape: Shape, _ rules: Int, _ form: Form) throws -> Timing {
    if let first = firstPrinting.removeValue(forKey: "\(shape)-\(rules).\(form)") { return first }
    return try print(shape, rules, form).timing
  }

  /// Makes the kernel of the namespace hold a ruleset.
  func load(_ shape: Shape, _ rules: Int) throws {
    if let loaded, loaded == (shape, rules) { return }
    try Program(["nft", "flush", "ruleset"]).run()
    loaded = nil
    let file = try generated(shape, rules)
    let command = shape.isIptables ? ["iptables-restore"] : ["nft", "-f", file]
    try Program(command, input: shape.isIptables ? file : "/dev/null").run()
    loaded = (shape, rules)
  }

  /// Starts this program again in a network namespace of its own, unless it is there already. Returns only there.
  static func enterNamespace() throws {
    let mark = "FWTRACE_BENCH_NAMESPACE"
    if unsafe getenv(mark) != nil { return }
    unsafe setenv(mark, "1", 1)
    let asRoot = geteuid() == 0 ? [] : ["--user", "--map-root-user"]
    let command =
      ["unshare", "--net"] + asRoot + [
        "--", try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"),
      ]
      + CommandLine.arguments.dropFirst()
    var arguments: [UnsafeMutablePointer<CChar>?] = unsafe command.map { unsafe strdup($0) }
    unsafe arguments.append(nil)
    unsafe execvp("unshare", arguments)
    throw Program.Failure(description: "unshare can't be run: the benchmark needs a network namespace of its own")
  }
}
