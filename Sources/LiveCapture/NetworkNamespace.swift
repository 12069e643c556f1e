import CNFTables
import Glibc

/// A network namespace other than the one that the program was started in.
enum NetworkNamespace {
  /// The file of a namespace: of `ip netns`, of a process, or of a container.
  ///
  /// A name is looked up in `/run/netns` first (ip-netns(8)), then a number is a process id, then docker is asked.
  static func path(
    _ name: String, files: any KernelFiles, containers: (any ContainerLookup)?
  ) throws(LiveFailure) -> String {
    if files.names(in: "/run/netns").contains(name) { return "/run/netns/\(name)" }
    if let process = Int32(name), process > 0 {
      guard files.target(ofLink: "/proc/\(process)/ns/net") != nil else {
        throw LiveFailure(
          .noSuchNamespace, "--netns \(name): no process \(process), or no permission to inspect it")
      }
      return "/proc/\(process)/ns/net"
    }
    if let container = DockerObject(name), let process = containers?.process(ofContainer: container) {
      guard process > 0 else {
        throw LiveFailure(
          .noSuchNamespace, "--netns \(name): the container does not run, so it has no network namespace")
      }
      return "/proc/\(process)/ns/net"
    }
    throw LiveFailure(
      .noSuchNamespace, "--netns \(name): no namespace of `ip netns`, no process and no running container has this name"
    )
  }

  /// Moves the calling thread, and the threads that it starts from now on, into a namespace (setns(2)).
  static func enter(_ path: String, name: String) throws(LiveFailure) {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw LiveFailure(.namespaceClosed, "--netns \(name): \(path): \(reason)") }
    defer { _ = close(descriptor) }
    guard setns(descriptor, FWTRACE_CLONE_NEWNET) == 0 else {
      throw LiveFailure(.namespaceClosed, "--netns \(name): can't enter \(path): \(reason)")
    }
  }

  private static var reason: String { unsafe String(cString: strerror(errno)) }
}
