import Glibc
import PolicyCheck
import RuleParser

/// The files that a rule file may include: those in its own folder and below, never others, and no hidden ones.
enum IncludedFiles {
  /// The files of an `include`, in the order of their names; nil when the path leads out of the folder or a file can't
  /// be read.
  ///
  /// As in nft, the last part of the path may be a pattern (``Wildcard``), and one that no file fits includes nothing.
  static func read(_ path: String, includedBy name: String) -> [DumpInput]? {
    guard name != "-" else { return nil }
    let folder = name.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    var relative = path
    if path.hasPrefix("/") {
      guard !folder.isEmpty, path.hasPrefix(folder + "/") else { return nil }
      relative = String(path.dropFirst(folder.utf8.count + 1))
    }
    let parts = relative.split(separator: "/").filter { $0 != "." }
    guard !parts.contains(".."), !parts.contains(where: { $0.hasPrefix(".") }), let pattern = parts.last else {
      return nil
    }
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
    guard pattern.contains(where: { $0 == "*" || $0 == "?" }) else { return read([full(String(pattern))]) }
    guard let names = try? DumpFiles.names(in: base.isEmpty ? "." : base) else { return nil }
    return read(names.filter { Wildcard.fits($0, pattern) && !$0.hasPrefix(".") }.map { full($0) })
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
}
