import Foundation

/// The real iptables, run in a network namespace of the test's own, so that nothing of this host is touched.
enum RealIptables {
  /// Whether a namespace can be made and iptables is there.
  static let isThere: Bool = (try? run("iptables -w -nL >/dev/null && iptables-restore --version"))?.status == 0

  static let absence = "iptables can't be run in a network namespace here"

  /// Runs a shell command in a new namespace, with this text as its input.
  static func run(_ command: String, input: String = "") throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["unshare", "-n", "sh", "-c", command]
    let folder = FileManager.default.temporaryDirectory.appending(path: "fwtrace-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    // Files instead of pipes: nothing can fill up and block.
    let inputFile = folder.appending(path: "input")
    let outputFile = folder.appending(path: "output")
    try Data(input.utf8).write(to: inputFile)
    try Data().write(to: outputFile)
    let reading = try FileHandle(forReadingFrom: inputFile)
    let writing = try FileHandle(forWritingTo: outputFile)
    process.standardInput = reading
    process.standardOutput = writing
    process.standardError = writing
    try process.run()
    process.waitUntilExit()
    try reading.close()
    try writing.close()
    return (process.terminationStatus, try String(contentsOf: outputFile, encoding: .utf8))
  }
}
