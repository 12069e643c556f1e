import HostModel

/// Finds the container of which another output speaks, by its identifier or name, among thousands.
struct ContainerIndex {
  /// Identifiers are cut as `docker ps` cuts them.
  private static let shortLength = 12

  private var byID: [Substring: [Int]] = [:]
  private var byName: [String: [Int]] = [:]
  /// Those whose identifier is shorter than any program prints it: they are looked at one by one.
  private var withShorterID: [Int] = []

  /// The containers of a list.
  init(_ containers: [Container] = []) {
    for (place, container) in containers.enumerated() { add(container, at: place) }
  }

  mutating func add(_ container: Container, at place: Int) {
    byName[container.name, default: []].append(place)
    if container.id.isEmpty { return }
    if container.id.utf8.count < Self.shortLength {
      withShorterID.append(place)
    } else {
      byID[container.id.prefix(Self.shortLength), default: []].append(place)
    }
  }

  /// The places of the containers that may be the same one, in rising order, and perhaps of some that are not; nil where
  /// only looking at all of them tells.
  func candidates(for new: Container) -> [Int]? {
    var places = byName[new.name] ?? []
    for name in [new.id, new.name] where !name.isEmpty {
      // Another container's identifier may begin with a few hexadecimal digits, and with nothing else.
      if name.utf8.count >= Self.shortLength {
        places += byID[name.prefix(Self.shortLength)] ?? []
      } else if name.allSatisfy(\.isHexDigit) {
        return nil
      }
    }
    return (places + withShorterID).sorted()
  }

  /// Whether a container of a name is known.
  func knows(_ name: String) -> Bool { byName[name] != nil }
}
