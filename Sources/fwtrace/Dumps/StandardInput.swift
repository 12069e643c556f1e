import Glibc

/// Standard input as a dump.
enum StandardInput {
  /// Whether something is piped or redirected into the program. A terminal, /dev/null and an empty file are not, nor is
  /// a socket, which a service manager or a remote shell may have left open.
  static var isPiped: Bool {
    var status = stat()
    guard unsafe fstat(STDIN_FILENO, &status) == 0 else { return false }
    let kind = status.st_mode & S_IFMT
    return kind == S_IFIFO || kind == S_IFREG && status.st_size > 0
  }

  /// Says what is awaited, where that may not be plain: on a terminal at once, of a pipe that is silent after a while.
  static func announce() {
    if isatty(STDIN_FILENO) == 1 {
      Output.error("fwtrace: paste what iptables-save or nft list ruleset printed, then press Ctrl-D\n")
      return
    }
    var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    if unsafe poll(&descriptor, 1, 2_000) == 0 { Output.error("fwtrace: waiting for dumps on standard input\n") }
  }
}
