import Foundation

/// Which files of a module name types of which others, as far as their text tells.
///
/// A type counts as named where its name stands as a word, outside comments and texts. What a file declares as private is nobody else's.
struct Layers {
  /// A file of the module, by its path below the module's folder.
  struct File {
    var path: String
    var declared: Set<String>
    var named: Set<String>

    /// The topmost folder: the layer.
    var layer: String { path.split(separator: "/").first.map(String.init) ?? "" }
    /// The folder that the file is in.
    var folder: String { path.split(separator: "/").dropLast().joined(separator: "/") }
  }

  /// A file names a type of another one.
  struct Arrow: Hashable {
    var from: String
    var to: String
    var type: String
  }

  private(set) var files: [File] = []

  init(of module: String) throws {
    let folder = ImportTests.root.appending(path: "Sources/\(module)")
    let paths = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".swift") }
    for path in paths.sorted() {
      let text = try String(contentsOf: folder.appending(path: path), encoding: .utf8)
      files.append(File(path: path, declared: Self.declared(in: text), named: Self.named(in: text)))
    }
  }

  /// The types that a file declares at its top level.
  static func declared(in text: String) -> Set<String> {
    let access = "(?:public |package |internal |final |indirect )*"
    guard let pattern = try? Regex("(?m)^\(access)(?:struct|class|enum|protocol|typealias|actor) ([A-Z][A-Za-z0-9]*)")
    else { return [] }
    return Set(text.matches(of: pattern).compactMap { $0.output[1].substring.map(String.init) })
  }

  /// The words of a file that begin with a capital letter.
  static func named(in text: String) -> Set<String> {
    var words: Set<String> = []
    for line in text.split(separator: "\n") {
      var code = Substring(line)
      if let comment = code.range(of: "//") { code = code[..<comment.lowerBound] }
      // What stands between quotation marks is text, but for what is put in.
      for (index, piece) in code.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
      where index.isMultiple(of: 2) || piece.contains("\\(") {
        words.formUnion(
          piece.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.filter { $0.first?.isUppercase ?? false }
            .map(String.init))
      }
    }
    return words
  }

  /// The arrows between files that a function tells apart, such as by their layer.
  func arrows(between part: (File) -> String) -> Set<Arrow> {
    var home: [String: File] = [:]
    for file in files { for type in file.declared where home[type] == nil { home[type] = file } }
    var arrows: Set<Arrow> = []
    for file in files {
      for type in file.named {
        guard let other = home[type], part(other) != part(file) else { continue }
        arrows.insert(Arrow(from: part(file), to: part(other), type: type))
      }
    }
    return arrows
  }
}
