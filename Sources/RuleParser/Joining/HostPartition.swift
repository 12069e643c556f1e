import HostModel
import RuleGraph

/// Tells which outputs are of which host: two hosts in one paste are two hosts, and nothing is merged across them.
///
/// Hosts are told apart by the names in their prompts and bundles, and by two lists of addresses that give one
/// interface other addresses.
struct HostPartition {
  /// One host's outputs.
  struct Part {
    /// What it is called: the name in its prompts or bundle, or the heading before its outputs; nil where nothing names
    /// it.
    var name: String?
    /// The indexes of its sections.
    var sections: [Int]
  }

  /// The hosts, in the order of their first output; one where nothing tells several apart.
  private(set) var parts: [Part] = []

  init(_ sections: [DumpSection]) {
    var groups: [(name: String?, sections: [Int])] = []
    var places: [String?: Int] = [:]
    for (index, name) in Self.names(of: sections).enumerated() {
      if let known = places[name] {
        groups[known].sections.append(index)
      } else {
        places[name] = groups.count
        groups.append((name, [index]))
      }
    }
    for group in groups {
      // One name is one machine: where its addresses change they do so from one moment to the next.
      let cut = group.name == nil ? Self.split(group.sections, sections) : [group.sections]
      parts += cut.map { Part(name: group.name, sections: $0) }
    }
    if parts.count > 1, parts.allSatisfy({ $0.name == nil }) {
      for index in parts.indices { parts[index].name = Self.heading(above: sections[parts[index].sections[0]]) }
    }
  }

  /// The name of the machine that printed each section: what stands before the first prompt of an input is of the
  /// machine that prompts next, and what stands behind the last prompt of the one that prompted last.
  private static func names(of sections: [DumpSection]) -> [String?] {
    var names = sections.map(\.host)
    guard let first = names.lazy.compactMap(\.self).first else { return names }
    var next: [Int32: String] = [:]
    for index in sections.indices.reversed() {
      let source = sections[index].text.source
      if let host = sections[index].host { next[source] = host } else { names[index] = next[source] }
    }
    var last: [Int32: String] = [:]
    for index in sections.indices {
      let source = sections[index].text.source
      if let host = sections[index].host { last[source] = host }
      names[index] = names[index] ?? last[source] ?? first
    }
    return names
  }

  // MARK: - Addresses

  /// Cuts sections where addresses of another host begin.
  private static func split(_ indexes: [Int], _ sections: [DumpSection]) -> [[Int]] {
    let lists = indexes.filter { isAddresses(sections[$0]) }
    guard lists.count > 1 else { return [indexes] }
    var parts: [[Int]] = []
    var begin = 0
    var last: (place: Int, addresses: [String: Set<IPAddress>])?
    for list in lists {
      guard let place = indexes.firstIndex(of: list) else { continue }
      let addresses = addresses(of: sections[list])
      if addresses.isEmpty { continue }
      if let known = last, contradict(known.addresses, addresses) {
        let cut = boundary(from: begin, behind: known.place, to: place, indexes, sections)
        parts.append(Array(indexes[begin..<cut]))
        begin = cut
        last = (place, addresses)
      } else {
        last = (place, (last?.addresses ?? [:]).merging(addresses) { $0.union($1) })
      }
    }
    parts.append(Array(indexes[begin...]))
    return parts
  }

  /// Where the next host's outputs begin: with its addresses, or with what the first host had printed already.
  private static func boundary(
    from begin: Int, behind first: Int, to second: Int, _ indexes: [Int], _ sections: [DumpSection]
  ) -> Int {
    let seen = Set(indexes[begin...first].map { Output(sections[$0]) })
    for place in first + 1..<second where sections[indexes[place]].strand == sections[indexes[second]].strand {
      if seen.contains(Output(sections[indexes[place]])) { return place }
    }
    return second
  }

  private struct Output: Hashable {
    var kind: OutputKind
    var family: AddressFamily?
    var table: String?

    init(_ section: DumpSection) {
      kind = section.kind
      family = section.output.family
      table = section.output.table
    }
  }

  private static func isAddresses(_ section: DumpSection) -> Bool {
    guard section.place == .host else { return false }
    switch section.kind {
    case .ipAddress, .ipAddressOneLine, .ipAddressBrief, .ifconfig: return true
    default: return false
    }
  }

  /// The IPv4 addresses of the interfaces that every host has its own of: neither loopback nor the bridges of engines,
  /// which are alike everywhere.
  private static func addresses(of section: DumpSection) -> [String: Set<IPAddress>] {
    let facts =
      section.kind == .ifconfig
      ? IfconfigReader.read(section.text).facts
      : AddressReader.read(section.text, kind: section.kind, output: section.output).facts
    var found: [String: Set<IPAddress>] = [:]
    for interface in facts.interfaces {
      let isInner = ["lo", "docker", "br-", "virbr", "veth", "cni", "lxdbr", "incusbr", "podman"]
        .contains { interface.name.hasPrefix($0) }
      let addresses = interface.addresses.map(\.address).filter(\.isIPv4)
      if !isInner, !addresses.isEmpty { found[interface.name] = Set(addresses) }
    }
    return found
  }

  /// Whether no interface that both have shares an address.
  private static func contradict(_ a: [String: Set<IPAddress>], _ b: [String: Set<IPAddress>]) -> Bool {
    let common = Set(a.keys).intersection(b.keys)
    return !common.isEmpty && common.allSatisfy { a[$0, default: []].isDisjoint(with: b[$0, default: []]) }
  }

  // MARK: - Headings

  /// The heading above a section: one of the three lines before it that is short and ends with a colon or begins with
  /// `#`.
  private static func heading(above section: DumpSection) -> String? {
    guard let first = section.text.lines.first else { return nil }
    let bytes = section.text.bytes
    var end = first.start
    for _ in 0..<4 {
      while end > 0, bytes[end - 1] <= UInt8(ascii: " ") { end -= 1 }
      var start = end
      while start > 0, bytes[start - 1] != UInt8(ascii: "\n") { start -= 1 }
      guard end > start else { return nil }
      var line = bytes[start..<end]
      if line.count < 60 {
        let isTitle =
          line.first == UInt8(ascii: "#")
          && line.dropFirst().first.map { $0 == UInt8(ascii: "#") || $0 == UInt8(ascii: " ") } ?? false
        if line.last == UInt8(ascii: ":") || isTitle {
          while let byte = line.first,
            byte == UInt8(ascii: "#") || byte == UInt8(ascii: " ") || byte == UInt8(ascii: "*")
          { line = line.dropFirst() }
          while let byte = line.last,
            byte == UInt8(ascii: ":") || byte == UInt8(ascii: " ") || byte == UInt8(ascii: "*")
          { line = line.dropLast() }
          let text = bytes.text(line.startIndex..<line.endIndex)
          if !text.isEmpty, !ShellPrompt.isCommand(text) { return text }
        }
      }
      end = start
    }
    return nil
  }
}
