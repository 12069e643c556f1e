import Glibc
import RuleGraph

/// Asks docker's daemon through its socket, on the calling thread.
///
/// A thread that is about to enter a network namespace must not have started others before: they would stay behind. So
/// the one thing that has to be known beforehand, where a container's namespace is, is asked here and not of a program.
protocol ContainerLookup: Sendable {
  /// The id of the first process of a running container; nil when there is no such container or daemon, 0 when it does
  /// not run.
  func process(ofContainer container: DockerObject) -> Int32?
}

/// The daemon at `DOCKER_HOST`, when that is a socket of this machine, else at `/var/run/docker.sock`.
struct DockerSocket: ContainerLookup {
  /// The path of the socket.
  let path: String
  /// How long the daemon may take, in seconds.
  static let timeLimit = 5

  init?(environment: (String) -> String?) {
    let address = environment("DOCKER_HOST") ?? "unix:///var/run/docker.sock"
    guard address.hasPrefix("unix://") else { return nil }
    path = String(address.dropFirst(7))
  }

  func process(ofContainer container: DockerObject) -> Int32? {
    guard let answer = get("/containers/\(container.id)/json") else { return nil }
    return Self.process(inAnswer: answer)
  }

  /// The `State.Pid` of an answer to `GET /containers/NAME/json`: no other key of it is called `Pid`.
  static func process(inAnswer answer: [UInt8]) -> Int32? {
    guard answer.starts(with: "HTTP/1.".utf8), answer.dropFirst(8).starts(with: " 200".utf8) else { return nil }
    let key = Array("\"Pid\":".utf8)
    guard answer.count > key.count,
      let at = answer.indices.dropLast(key.count).first(where: { answer[$0..<($0 + key.count)].elementsEqual(key) })
    else { return nil }
    let digits = answer[(at + key.count)...].drop { $0 == UInt8(ascii: " ") }.prefix(while: \.isDigit)
    return Int32(String(decoding: digits, as: UTF8.self))
  }

  /// The answer to a GET of the API (docker's Engine API reference), with its head.
  private func get(_ resource: String) -> [UInt8]? {
    let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard socket >= 0 else { return nil }
    defer { _ = close(socket) }
    var limit = timeval(tv_sec: Self.timeLimit, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      _ = unsafe setsockopt(socket, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
    }
    guard connect(socket), write(Array("GET \(resource) HTTP/1.0\r\nHost: docker\r\n\r\n".utf8), to: socket) else {
      return nil
    }
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    while answer.count < 1 << 24 {
      let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(socket, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      answer += buffer[..<count]
    }
    return answer
  }

  private func connect(_ socket: Int32) -> Bool {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let room = MemoryLayout.size(ofValue: address.sun_path)
    guard !bytes.isEmpty, bytes.count < room else { return false }
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    return unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe Glibc.connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
      }
    }
  }

  private func write(_ bytes: [UInt8], to socket: Int32) -> Bool {
    unsafe bytes.withUnsafeBytes {
      unsafe send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) == $0.count
    }
  }
}
