import Synchronization

/// Where interfaces are in a list, by name, made when it is first asked for: a host may have tens of thousands, and
/// each is asked for by name many times.
struct InterfacePlaces: Hashable, Sendable {
  private struct Index: Sendable {
    var places: [String: Int] = [:]
    var masters: Set<String> = []

    init(_ interfaces: [Interface]) {
      for (place, interface) in interfaces.enumerated() {
        if places[interface.name] == nil { places[interface.name] = place }
        if let master = interface.master { masters.insert(master) }
      }
    }
  }

  private final class Memory: Sendable {
    let index = Mutex<Index?>(nil)

    func with<Value: Sendable>(_ interfaces: [Interface], _ read: (Index) -> Value) -> Value {
      index.withLock { index in
        let known = index ?? Index(interfaces)
        if index == nil { index = known }
        return read(known)
      }
    }
  }

  /// Empty of a list that is short enough to be searched.
  private let memory = Memory()

  func place(of name: String, in interfaces: [Interface]) -> Int? {
    if interfaces.count < 16 { return interfaces.firstIndex { $0.name == name } }
    return memory.with(interfaces) { $0.places[name] }
  }

  func isMaster(_ name: String, in interfaces: [Interface]) -> Bool {
    if interfaces.count < 16 { return interfaces.contains { $0.master == name } }
    return memory.with(interfaces) { $0.masters.contains(name) }
  }

  /// What is remembered of a list says nothing that the list does not.
  static func == (a: Self, b: Self) -> Bool { true }

  func hash(into hasher: inout Hasher) {}
}
