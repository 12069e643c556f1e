import Foundation
import RuleGraph

@testable import RuleParser

/// The dumps beside the project that tests read in place; absent on most machines.
enum NftCorpus {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "../shared/corpus").standardizedFileURL

  static func exists(_ folder: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appending(path: folder).path)
  }

  /// The files of a folder with an extension, sorted, without it.
  static func names(_ folder: String, ext: String) -> [String] {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path)) ?? []
    return files.filter { $0.hasSuffix("." + ext) }.map { String($0.dropLast(ext.count + 1)) }.sorted()
  }

  static func bytes(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: root.appending(path: path))) }
}

/// A text as the finder of dumps would hand it to a reader.
func dumpText(_ bytes: [UInt8]) -> DumpText {
  var lines: [DumpLine] = []
  var start = 0
  for (offset, byte) in bytes.enumerated() where byte == 0x0a {
    lines.append(DumpLine(start: start, end: offset, number: Int32(lines.count + 1)))
    start = offset + 1
  }
  if start < bytes.count { lines.append(DumpLine(start: start, end: bytes.count, number: Int32(lines.count + 1))) }
  return DumpText(source: 0, memory: SourceBytes(bytes), lines: lines)
}

func dumpText(_ text: String) -> DumpText { dumpText(Array(text.utf8)) }

extension RuleFragment {
  /// All statements of all rules.
  var statements: [Statement] { tables.flatMap { $0.chains.flatMap { $0.rules.flatMap(\.statements) } } }

  /// The opaque statements.
  var opaque: [Opaque] {
    statements.compactMap {
      switch $0 {
      case .opaqueMatch(let opaque), .opaqueTarget(let opaque): opaque
      default: nil
      }
    }
  }
}
