import Glibc

/// Writes files so that a reader sees the old content or the new, never a part, and so that nobody else who may write
/// in the folder can choose what is written to.
///
/// The content goes into a file of its own, made under a name that nobody can guess and that did not exist, which then
/// takes the place of the target. A link stays a link: what it leads to is replaced. The target keeps its mode and its
/// owner.
enum OutputFile {
  /// Who may read what is written.
  enum Audience {
    /// A new file is for whom the umask leaves, one that exists for whom it was.
    case everybody
    /// The owner alone, also of a file that exists.
    case owner
  }

  /// Writes bytes to a path; `-` is standard output.
  static func write(_ bytes: [UInt8], to path: String, for audience: Audience = .everybody) throws(Failure) {
    if path == "-" { return Output.write(bytes) }
    // Opened first, so that the kernel decides whether this user may write here, and whether a link may be followed
    // (`fs.protected_symlinks`).
    let target = unsafe open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY)
    if target < 0 {
      guard errno == ENOENT else { throw Failure("\(path): \(reason())") }
      guard !isLink(path) else { throw Failure("\(path): the link leads to no file") }
      return try replace(path, bytes, mode: audience == .owner ? 0o600 : nil, like: nil, path)
    }
    defer { _ = close(target) }
    var status = stat()
    guard unsafe fstat(target, &status) == 0 else { throw Failure("\(path): \(reason())") }
    // A device or a pipe can't be replaced.
    guard status.st_mode & S_IFMT == S_IFREG else { return try fill(target, bytes, path) }
    let mode = audience == .owner ? 0o600 : status.st_mode & 0o7777
    guard status.st_nlink == 1, let place = unsafe realpath(path, nil) else {
      // Its other names are to show the new content, too.
      return try overwrite(target, bytes, mode: mode, path)
    }
    defer { unsafe free(place) }
    try replace(unsafe String(cString: place), bytes, mode: mode, like: (target, status), path)
  }

  /// Makes an empty file, for its owner alone, in the folder of a path, under a name that nobody can guess.
  private static func draft(beside path: String) throws(Failure) -> (path: String, descriptor: Int32) {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    while true {
      let draft = "\(folder).fwtrace-\(String(UInt64.random(in: .min ... .max), radix: 36))"
      let file = unsafe open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
      if file >= 0 { return (draft, file) }
      guard errno == EEXIST else { throw Failure("\(path): \(reason())") }
    }
  }

  /// Writes all bytes to an open file.
  private static func fill(_ descriptor: Int32, _ bytes: [UInt8], _ path: String) throws(Failure) {
    guard Output.write(bytes[...], to: descriptor) else { throw Failure("\(path): \(reason())") }
  }

  /// Puts a new file in the place of a path.
  ///
  /// - Parameters:
  ///   - mode: The new file's mode; nil is what the umask leaves.
  ///   - old: The file that is replaced, open for writing.
  private static func replace(
    _ place: String, _ bytes: [UInt8], mode: mode_t?, like old: (descriptor: Int32, status: stat)?, _ path: String
  ) throws(Failure) {
    let (draft, file) = try self.draft(beside: place)
    var isOpen = true
    var isKept = false
    defer {
      if isOpen { _ = close(file) }
      if !isKept { _ = unsafe unlink(draft) }
    }
    if let old, old.status.st_uid != geteuid() || old.status.st_gid != getegid(),
      fchown(file, old.status.st_uid, old.status.st_gid) != 0
    {
      return try overwrite(old.descriptor, bytes, mode: mode, path)
    }
    try fill(file, bytes, path)
    guard fchmod(file, mode ?? 0o666 & ~umask) == 0 else { throw Failure("\(path): \(reason())") }
    isOpen = false
    guard close(file) == 0, unsafe rename(draft, place) == 0 else { throw Failure("\(path): \(reason())") }
    isKept = true
  }

  /// Writes into the file itself, where another one can't take its place.
  private static func overwrite(
    _ descriptor: Int32, _ bytes: [UInt8], mode: mode_t?, _ path: String
  ) throws(Failure) {
    // Closed to others before there is something to read.
    if let mode, fchmod(descriptor, mode) != 0, mode == 0o600 { throw Failure("\(path): \(reason())") }
    guard ftruncate(descriptor, 0) == 0 else { throw Failure("\(path): \(reason())") }
    try fill(descriptor, bytes, path)
  }

  /// The umask, which can be read only by setting it.
  private static var umask: mode_t {
    let mask = Glibc.umask(0o077)
    _ = Glibc.umask(mask)
    return mask
  }

  private static func isLink(_ path: String) -> Bool {
    var status = stat()
    return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
  }

  private static func reason() -> String { unsafe String(cString: strerror(errno)) }
}
