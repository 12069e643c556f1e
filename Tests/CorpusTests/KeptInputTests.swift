import Foundation
import ReaderFuzzing
import Testing

/// The inputs that fuzzing found to reach something new in a reader, and those that once crashed or hung it.
@Suite struct KeptInputTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/fuzz")

  /// The kept inputs of a reader: `Scripts/fuzz --keep` writes a line of Base64 for each.
  private static func inputs(_ reader: FuzzedReader) throws -> [[UInt8]] {
    let text = try String(contentsOf: folder.appending(path: "\(reader.rawValue).base64"), encoding: .utf8)
    return try text.split(separator: "\n").map { line in
      Array(try #require(Data(base64Encoded: String(line)), "no Base64: \(line)"))
    }
  }

  @Test(arguments: FuzzedReader.allCases)
  func everyKeptInputIsReadToItsEnd(_ reader: FuzzedReader) throws {
    let inputs = try Self.inputs(reader)
    #expect(inputs.count > 20)
    for input in inputs { #expect(reader.read(input), "this is no input of the reader: \(input.prefix(40))") }
  }
}
