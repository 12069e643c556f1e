import Glibc
import PolicyCheck
import RuleGraph
import RuleParser

/// A policy's file, read through `fwtrace-yaml`: the YAML library needs Foundation, which `fwtrace` itself does
/// without.
struct PolicyFile {
  /// The path as the user gave it.
  let path: String
  /// The file's bytes.
  let bytes: SourceBytes
  /// The file's root; nil when it is not YAML.
  let root: PolicyNode?
  /// The policy and what is wrong with it.
  let policy: Policy
  let mistakes: [PolicyMistake]

  init(_ path: String) throws(Failure) {
    guard let input = try DumpFiles.read([path]).first else { throw Failure("\(path): no policy") }
    try self.init(path, bytes: input.bytes)
  }

  /// Makes a policy of a text that is, or is to be, at a path.
  init(_ path: String, bytes: SourceBytes) throws(Failure) {
    self.path = path
    self.bytes = bytes
    switch NodeStream.node(try Self.nodes(bytes, path)) {
    case .success(let root):
      self.root = root
      (policy, mistakes) = PolicyReader.read(root)
    case .failure(let mistake):
      root = nil
      (policy, mistakes) = (Policy(), [mistake])
    }
  }

  /// The folder that the policy's paths start from.
  var folder: String {
    guard let slash = path.lastIndex(of: "/") else { return "" }
    return String(path[...slash])
  }

  /// What `fwtrace-yaml`, which is installed beside `fwtrace`, makes of a text. It reads the bytes that were read here:
  /// a pipe can be read but once, and a file may have changed.
  private static func nodes(_ bytes: SourceBytes, _ path: String) throws(Failure) -> [UInt8] {
    let program = try beside("fwtrace-yaml")
    var ends: [Int32] = [-1, -1]
    var inputs: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0, unsafe pipe(&inputs) == 0 else { throw Failure("\(program): no pipe") }
    for end in ends + inputs { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = unsafe posix_spawn_file_actions_t()
    _ = unsafe posix_spawn_file_actions_init(&actions)
    defer { _ = unsafe posix_spawn_file_actions_destroy(&actions) }
    _ = unsafe posix_spawn_file_actions_adddup2(&actions, inputs[0], STDIN_FILENO)
    _ = unsafe posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
    var process: pid_t = 0
    let arguments = unsafe [strdup(program), nil]
    defer { unsafe free(arguments[0]) }
    let status = unsafe posix_spawn(&process, program, &actions, nil, arguments, environ)
    _ = close(ends[1])
    _ = close(inputs[0])
    defer { _ = close(ends[0]) }
    guard status == 0 else {
      _ = close(inputs[1])
      throw Failure(
        "\(program): \(unsafe String(cString: strerror(status))); it is installed beside fwtrace and reads policies")
    }
    // It reads everything before it writes; one that ended early is told by what it wrote.
    let pipeSignal = signal(SIGPIPE, SIG_IGN)
    _ = Output.write(Array(bytes)[...], to: inputs[1])
    _ = close(inputs[1])
    _ = signal(SIGPIPE, pipeSignal)
    let nodes = try DumpFiles.contents(of: ends[0], name: program)
    var code: Int32 = 0
    while unsafe waitpid(process, &code, 0) < 0, errno == EINTR {}
    return nodes
  }

  /// The path of a program in the folder of this one.
  private static func beside(_ name: String) throws(Failure) -> String {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
    guard count > 0 else { throw Failure("/proc/self/exe can't be read, so \(name) can't be found") }
    let own = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard let slash = own.lastIndex(of: "/") else { return name }
    return String(own[...slash]) + name
  }
}

/// Finds the dumps of a policy's hosts.
enum PolicyHosts {
  /// The dumps of one host.
  struct Found {
    var name: String
    var dumps: [String]
  }

  /// The hosts that patterns stand for; a pattern without a file is a mistake.
  static func find(_ patterns: [HostPattern], from folder: String) -> (hosts: [Found], mistakes: [PolicyMistake]) {
    var hosts: [Found] = []
    var mistakes: [PolicyMistake] = []
    for pattern in patterns {
      var dumps: [String] = []
      for part in pattern.dumps {
        let found = glob(part.text.hasPrefix("/") ? part.text : folder + part.text)
        if found.isEmpty { mistakes.append(PolicyMistake(part.place, "\(part.text): no such file or folder")) }
        dumps += found
      }
      if pattern.isOneHostEach {
        hosts += dumps.map { Found(name: name(of: $0), dumps: [$0]) }
      } else if let first = dumps.first {
        hosts.append(Found(name: pattern.name ?? name(of: first), dumps: dumps))
      }
    }
    return (hosts, mistakes)
  }

  /// The last part of a path, which names a host.
  static func name(of path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

  /// The paths that fit a pattern of a shell (glob(7)), sorted.
  private static func glob(_ pattern: String) -> [String] {
    var result = unsafe glob_t()
    defer { unsafe globfree(&result) }
    guard unsafe Glibc.glob(pattern, 0, nil, &result) == 0 else { return [] }
    var paths: [String] = []
    for index in 0..<Int(unsafe result.gl_pathc) {
      if let path = unsafe result.gl_pathv[index] { paths.append(unsafe String(cString: path)) }
    }
    return paths
  }
}
