import Glibc
import RuleParser

/// The files that a rule file may include: those in its own folder and below, never others.
enum IncludedFiles {
  /// The files of an `include`, in the order of their names; nil when the path leads out of the folder or a file can't be read.
  ///
  /// As in nft, a `*` in the last part of the path stands for any text, and no match is no error.
  static func read(_ path: String, includedBy name: String) -> [DumpInput]? {
    guard name != "-" else { return nil }
    let folder = name.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    var relative = path
    if path.hasPrefix("/") {
      guard !folder.isEmpty, path.hasPrefix(folder + "/") else { return nil }
      relative = String(path.dropFirst(folder.utf8.count + 1))
    }
    let parts = relative.split(separator: "/").filter { $0 != "." }
    guard !parts.contains(".."), let pattern = parts.last else { return nil }
    let base = ([folder].filter { !$0.isEmpty || name.hasPrefix("/") } + parts.dropLast().map { String($0) })
      .joined(separator: "/")
    func full(_ file: String) -> String { base.isEmpty && !name.hasPrefix("/") ? file : "\(base)/\(file)" }
    func read(_ paths: [String]) -> [DumpInput]? {
      guard paths.allSatisfy({ isInside($0, folder: folder.isEmpty && !name.hasPrefix("/") ? "." : folder + "/") })
      else {
        return nil
      }
      return try? DumpFiles.read(paths)
    }
    guard pattern.contains("*") else { return read([full(String(pattern))]) }
    guard let names = try? DumpFiles.names(in: base.isEmpty ? "." : base) else { return nil }
    return read(names.filter { matches($0, pattern) && !$0.hasPrefix(".") }.map { full($0) })
  }

  /// Whether a path leads, links followed, to a plain file below a folder.
  private static func isInside(_ path: String, folder: String) -> Bool {
    guard let file = resolved(path), let folder = resolved(folder) else { return false }
    var status = stat()
    guard unsafe stat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
    return file.hasPrefix(folder == "/" ? "/" : folder + "/")
  }

  private static func resolved(_ path: String) -> String? {
    guard let text = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(text) }
    return unsafe String(cString: text)
  }

  /// Whether a name fits a pattern with one or more `*`.
  private static func matches(_ name: String, _ pattern: Substring) -> Bool {
    let pieces = pattern.split(separator: "*", omittingEmptySubsequences: false)
    guard let first = pieces.first, let last = pieces.last, name.hasPrefix(first) else { return false }
    var rest = name.dropFirst(first.count)
    for piece in pieces.dropFirst().dropLast() where !piece.isEmpty {
      guard let found = end(of: piece, in: rest) else { return false }
      rest = rest[found...]
    }
    return rest.count >= last.count && rest.hasSuffix(last)
  }

  /// The place behind the first occurrence of a text.
  private static func end(of piece: Substring, in text: Substring) -> Substring.Index? {
    var start = text.startIndex
    while start < text.endIndex {
      if text[start...].hasPrefix(piece) { return text.index(start, offsetBy: piece.count) }
      start = text.index(after: start)
    }
    return nil
  }
}
