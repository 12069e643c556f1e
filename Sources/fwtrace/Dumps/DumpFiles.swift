import ArgumentParser
import FlowTrace
import Glibc
import RuleGraph
import RuleParser

/// Reads the dumps that the user names: files, folders with everything in them, and `-` for standard input.
enum DumpFiles {
  /// Larger files are refused; a dump of a hundred thousand rules has about twenty megabytes.
  static let maximumSize = 1 << 30
  /// Deeper folders are not entered.
  static let maximumDepth = 16

  /// Reads all dumps in the order given, a folder's files in the order of their names.
  static func read(_ paths: [String]) throws(Failure) -> [DumpInput] {
    var inputs: [DumpInput] = []
    var folders = VisitedFolders()
    for path in paths {
      if path == "-" {
        StandardInput.announce()
        let bytes = try contents(of: STDIN_FILENO, name: "standard input")
        guard !bytes.isEmpty else {
          throw Failure(
            "standard input is empty: the command before the pipe printed nothing (to read this host, redirect from /dev/null)"
          )
        }
        inputs.append(DumpInput(name: "-", bytes: bytes))
      } else if isFolder(path) {
        let before = inputs.count
        try addFolder(path, depth: 0, &folders, to: &inputs)
        if inputs.count == before { throw Failure("\(path): the folder holds no text files") }
      } else {
        inputs.append(DumpInput(name: path, bytes: try file(path)))
      }
    }
    return inputs
  }

  /// What is shown while dumps are read that take long.
  static func readingWords(_ inputs: [DumpInput]) -> String {
    "reading \(inputs.reduce(0) { $0 + $1.bytes.count } >> 20) MB of dumps"
  }

  private static func addFolder(
    _ path: String, depth: Int, _ folders: inout VisitedFolders, to inputs: inout [DumpInput]
  ) throws(Failure) {
    guard depth < maximumDepth, folders.enter(path) else { return }
    for name in try names(in: path) where !name.hasPrefix(".") {
      let below = path.hasSuffix("/") ? path + name : "\(path)/\(name)"
      if isFolder(below) {
        try addFolder(below, depth: depth + 1, &folders, to: &inputs)
      } else if isRegularFile(below) {
        let bytes = try file(below)
        if isText(bytes) { inputs.append(DumpInput(name: below, bytes: bytes)) }
      }
    }
  }

  /// Whether a file of a folder is a dump: packet captures, archives and pictures hold zero bytes.
  private static func isText(_ bytes: SourceBytes) -> Bool { !bytes.prefix(8192).contains(0) }

  static func names(in path: String) throws(Failure) -> [String] {
    guard let folder = unsafe opendir(path) else { throw Failure("\(path): \(reason())") }
    defer { unsafe closedir(folder) }
    var names: [String] = []
    while let entry = unsafe readdir(folder) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  private static func file(_ path: String) throws(Failure) -> SourceBytes {
    let descriptor = try open(path)
    defer { _ = close(descriptor) }
    let size = size(of: descriptor)
    if size > maximumSize { throw Failure("\(path): larger than a gigabyte") }
    if size > 0, let bytes = SourceBytes(reading: descriptor, count: size) { return bytes }
    return SourceBytes(try contents(of: descriptor, name: path))
  }

  /// Opens a file for reading.
  static func open(_ path: String) throws(Failure) -> Int32 {
    let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
    if descriptor >= 0 { return descriptor }
    let isMissing = errno == ENOENT
    var message = "\(path): \(reason())"
    let commands = Fwtrace.configuration.subcommands.compactMap { $0.configuration.commandName }
    if isMissing, let option = QueryArguments.option(for: path) {
      throw Failure("\(path) is \(option.what), not a file; did you mean fwtrace \(option.spelling)?")
    }
    if isMissing, let near = Spelling.nearest(to: path, among: commands) {
      message += "; did you mean the command \(near)?"
    }
    throw Failure(message)
  }

  /// Reads at most `limit` bytes, whatever is there; none at the end.
  static func read(from descriptor: Int32, name: String, limit: Int) throws(Failure) -> [UInt8] {
    while true {
      var count = 0
      let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, initialized in
        unsafe count = Glibc.read(descriptor, buffer.baseAddress, limit)
        initialized = max(count, 0)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw Failure("\(name): \(reason())") }
      return bytes
    }
  }

  static func contents(of descriptor: Int32, name: String) throws(Failure) -> [UInt8] {
    var bytes = beginning(of: descriptor)
    while true {
      let next = try read(from: descriptor, name: name, limit: 1 << 16)
      if next.isEmpty { return bytes }
      bytes += next
      if bytes.count > maximumSize { throw Failure("\(name): larger than a gigabyte") }
    }
  }

  /// What a file holds as far as its size tells, read in one piece into the memory that all readers share.
  ///
  /// Empty of what has no size, like standard input. A file that grows goes on behind it, and an error is met again
  /// there.
  private static func beginning(of descriptor: Int32) -> [UInt8] {
    let size = min(size(of: descriptor), maximumSize)
    return unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      while count < size {
        let read = unsafe Glibc.read(descriptor, buffer.baseAddress?.advanced(by: count), size - count)
        if read < 0, errno == EINTR { continue }
        if read <= 0 { break }
        count += read
      }
    }
  }

  /// The size of a regular file; 0 of anything else.
  private static func size(of descriptor: Int32) -> Int {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return 0 }
    return max(0, Int(status.st_size))
  }

  private static func mode(_ path: String) -> mode_t? {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
  }

  /// Whether a path is one of a folder.
  static func isFolder(_ path: String) -> Bool { mode(path) == S_IFDIR }

  private static func isRegularFile(_ path: String) -> Bool { mode(path) == S_IFREG }

  private static func reason() -> String { unsafe String(cString: strerror(errno)) }
}

/// The folders that were read. Links may lead to one again and again, each time along another path.
struct VisitedFolders {
  private struct Identity: Hashable {
    var device: dev_t
    var number: ino_t
  }

  private var seen: Set<Identity> = []

  /// Whether a folder is met for the first time.
  mutating func enter(_ path: String) -> Bool {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return true }
    return seen.insert(Identity(device: status.st_dev, number: status.st_ino)).inserted
  }
}
