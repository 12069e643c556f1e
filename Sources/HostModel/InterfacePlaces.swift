import Synchronization

/// Where interfaces are in a list, by name, made when it is first asked for: a host may have tens of thousands, and
/// each is asked for by name many times.
struct InterfacePlaces: Hashable, Sendable {
  private final class Index: Sendable {
    let places: [String: Int]
    let masters: Set<String>

    init(_ interfaces: [Interface]) {
      places = Dictionary(interfaces.enumerated().map { ($1.name, $0) }) { first, _ in first }
      masters = Set(interfaces.compactMap(\.master))
    }
  }

  private final class Memory: Sendable {
    let index = AtomicLazyReference<Index>()
  }

  private let memory = Memory()

  private func index(of interfaces: [Interface]) -> Index {
    memory.index.load() ?? memory.index.storeIfNil(Index(interfaces))
  }

  func place(of name: String, in interfaces: [Interface]) -> Int? { index(of: interfaces).places[name] }

  func isMaster(_ name: String, in interfaces: [Interface]) -> Bool { index(of: interfaces).masters.contains(name) }

  /// What is remembered of a list says nothing that the list does not.
  static func == (a: Self, b: Self) -> Bool { true }

  func hash(into hasher: inout Hasher) {}
}
