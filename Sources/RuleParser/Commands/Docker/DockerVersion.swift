/// A version of Docker, as far as its rules of iptables depend on it.
public struct DockerVersion: Hashable, Sendable {
  /// How Docker lays its rules out (measured on hosts with these versions; Docker's own "iptables" documentation has
  /// the rules of 28 and 29).
  enum Layout: Hashable {
    /// 18.05 to 27: rules for each network in FORWARD.
    case forwardRules
    /// 28.0.1 to 28.5: chains below DOCKER-FORWARD, the isolation chains among them; a container's unpublished ports
    /// are closed.
    case forwardChains
    /// From 29 on: the same without isolation chains.
    case internalChain
  }

  let layout: Layout
  /// Whether the raw table drops what is sent to a container from elsewhere port by port (28.0 and 28.1), not container
  /// by container.
  let guardsEachPort: Bool
  /// Whether what a container sends to its own published port is masqueraded although docker-proxy listens there (to
  /// 26).
  let masqueradesBesideProxy: Bool
  /// As it was typed.
  public let text: String

  /// Reads a version: `27`, `28.1`, `29.0.2`.
  ///
  /// - Returns: Nil where it is no version whose layout is known: 18.05 is the first, and 28.0.0 had one of its own.
  public init?(_ text: String) {
    let numbers = text.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
    guard let first = numbers.first, let major = first, !numbers.contains(nil), numbers.count <= 3 else { return nil }
    let minor = numbers.count > 1 ? numbers[1] : nil
    switch (major, minor) {
    case (18, let minor?) where minor >= 5: layout = .forwardRules
    case (19...27, _): layout = .forwardRules
    case (28, 0?) where numbers.count > 2 && numbers[2] == 0: return nil
    case (28, _): layout = .forwardChains
    case (29..., _): layout = .internalChain
    default: return nil
    }
    guardsEachPort = major == 28 && (minor ?? .max) < 2
    masqueradesBesideProxy = major < 27
    self.text = text
  }
}
