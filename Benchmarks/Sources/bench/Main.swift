import ArgumentParser
import Foundation
import RuleParser

/// The benchmark: what is fast, against what, and whether that is fast enough.
@main struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures fwtrace against the programs whose output it reads.",
    subcommands: [Measure.self, Generate.self, Hold.self, Read.self], defaultSubcommand: Measure.self)
}

/// `bench measure`: rows of figures.
struct Measure: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure rows and print them as a table.",
    discussion: "Rows: \(rows.map { $0.name }.joined(separator: ", ")).")

  static var rows: [any Row.Type] {
    [
      Start.self, Live.self, ReadSave.self, ReadListing.self, ReadNftJSON.self, ReadNftText.self, ReadOthers.self,
      Memory.self, Whole.self, AskPacket.self, AskOpen.self, AskFirewalls.self, AskHosts.self, AuditFirewalls.self,
      AskBatch.self, TestPolicy.self, Growth.self,
      Instructions.self,
    ]
  }

  @Option(help: "Numbers of rules, with commas; rows that don't grow use the largest.") var sizes = "1000,10000,100000"
  @Option(help: "The rows to measure, with commas; all without it.") var rows: String?
  @Option(help: "How long one comparison may go on, in seconds.") var seconds = 12.0
  @Option(help: "The program to measure.") var program = ".build/release/fwtrace"
  @Option(help: "The folder for rulesets.") var folder = ".build/bench-rulesets"
  @Option(help: "Write the results as JSON to this file.") var json: String?
  @Option(help: "Write how the figures grow as SVG to this file.") var plot: String?

  func run() throws {
    let numbers = sizes.split(separator: ",").compactMap { Int($0) }
    guard !numbers.isEmpty, numbers.allSatisfy({ $0 >= 100 }) else {
      throw ValidationError("--sizes: numbers of at least 100, with commas")
    }
    let chosen = try chosenRows()
    try Lab.enterNamespace()
    let lab = try Lab(program: program, sizes: numbers, seconds: seconds, folder: folder)
    var results: [RowResult] = []
    var table = Table()
    for row in chosen {
      FileHandle.standardError.write(Data("\(row.name) ...\n".utf8))
      var result = RowResult(row: row.name, claims: [])
      do { result.claims = try row.claims(lab) } catch let failure as Program.Failure {
        result.skipped = failure.description
      }
      table.add(result)
      results.append(result)
    }
    print(table.text, terminator: "")
    if let json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
      try (encoder.encode(results) + Data("\n".utf8)).write(to: URL(fileURLWithPath: json))
    }
    if let plot, let picture = GrowthPlot(results) {
      try Data(picture.svg.utf8).write(to: URL(fileURLWithPath: plot))
    }
  }

  private func chosenRows() throws -> [any Row.Type] {
    guard let rows else { return Self.rows }
    return try rows.split(separator: ",").map { name in
      guard let row = Self.rows.first(where: { $0.name == name }) else {
        throw ValidationError("--rows: there is no row \(name)")
      }
      return row
    }
  }
}

/// `bench generate SHAPE RULES`: a ruleset for `iptables-restore` or `nft -f`.
struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print a ruleset.",
    discussion: "Shapes: \(Shape.allCases.map(\.rawValue).joined(separator: ", ")).")

  @Argument var shape: String
  @Argument var rules: Int

  func run() throws {
    guard let shape = Shape(rawValue: shape) else { throw ValidationError("there is no shape \(shape)") }
    print(shape.text(rules: rules), terminator: "")
  }
}

/// `bench read DUMP`: reads a dump again and again, for a profiler to look at.
struct Read: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Print how long reading a dump takes, in milliseconds.")

  @Argument var dump: String
  @Option(help: "How often it is read.") var times = 10

  func run() throws {
    let bytes = try Lab.source(dump)
    let timings = (0..<max(1, times)).map { _ in Reading.time(bytes) }
    for (name, figure) in [("clock", timings.map(\.seconds)), ("processors", timings.map(\.processor))] {
      let spread = Spread(figure.map { $0 * 1000 })
      print("\(name) \(Table.short(spread.median)), at least \(Table.short(figure.min().map { $0 * 1000 } ?? 0))")
    }
  }
}

/// `bench hold DUMP`: reads a dump and prints by how many bytes that has made the process larger.
struct Hold: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Print how much memory the graph of a dump holds.")

  @Argument var dump: String

  func run() throws {
    let before = try Self.resident()
    let reading = DumpReader().read([DumpInput(name: dump, bytes: try Lab.source(dump))])
    let after = try Self.resident()
    withExtendedLifetime(reading) { print(after - before) }
  }

  /// The bytes of this process that are in memory: proc(5), `/proc/pid/statm`.
  private static func resident() throws -> Int {
    let fields = String(decoding: try Lab.bytes("/proc/self/statm"), as: UTF8.self).split(separator: " ")
    return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
  }
}
