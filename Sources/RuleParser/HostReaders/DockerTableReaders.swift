import HostModel
import RuleGraph

/// A printed table whose columns stand under their titles, as `docker ps` and `docker network ls` print.
///
/// Values may hold blanks and may be empty, so that only the columns' places tell them apart. After a copy that changed
/// the blanks, the places do not fit any more; then two or more blanks part the values.
struct ColumnTable {
  private let text: DumpText
  private var titles: [(name: String, start: Int)] = []

  /// Reads the line of titles, which are parted by two or more blanks.
  init(_ text: DumpText, titles line: DumpLine) {
    self.text = text
    for cell in Self.cells(text, line) {
      titles.append((text.cursor(line).text(cell), Self.width(text, line.start..<cell.lowerBound)))
    }
  }

  /// The ranges of a line's parts between two or more blanks.
  private static func cells(_ text: DumpText, _ line: DumpLine) -> [Range<Int>] {
    var cells: [Range<Int>] = []
    var cursor = text.cursor(line)
    cursor.eatBlanks()
    var start = cursor.at
    var end = cursor.at
    while !cursor.isAtEnd {
      guard cursor.eatWord() != nil else { break }
      end = cursor.at
      let gap = text.bytes[cursor.at..<line.end].prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
      cursor.eatBlanks()
      if gap.count > 1 || gap.first == UInt8(ascii: "\t") {
        cells.append(start..<end)
        start = cursor.at
      }
    }
    if start < end { cells.append(start..<end) }
    return cells
  }

  /// The number of columns that some bytes take on a terminal: one a character, as far as it matters here.
  private static func width(_ text: DumpText, _ range: Range<Int>) -> Int {
    text.bytes[range].reduce(0) { $0 + ($1 & 0xc0 == 0x80 ? 0 : 1) }
  }

  /// The values of a row of `docker ps` whose titles were not copied, known by what they look like.
  static func values(ofContainer words: [String]) -> [String: String] {
    var values = [
      "PORTS": words.filter { $0.contains("/tcp") || $0.contains("/udp") || $0.contains("/sctp") }.joined(
        separator: " ")
    ]
    values["NAMES"] = words.last
    // Behind the command, which stands in quotation marks, and the time of creation.
    let rest = words.drop { !$0.hasSuffix("\"") }.dropFirst()
    values["STATUS"] = rest.first { ["Up", "Exited", "Created", "Restarting", "Paused", "Dead"].contains($0) }
    return values
  }

  /// The values of a line by their titles; values that are not there are empty.
  func values(_ line: DumpLine) -> [String: String] {
    let cells = Self.cells(text, line)
    var values: [String: String] = [:]
    if cells.count == titles.count {
      for (title, cell) in zip(titles, cells) { values[title.name] = text.cursor(line).text(cell) }
      return values
    }
    for cell in cells {
      let start = Self.width(text, line.start..<cell.lowerBound)
      // The last title that begins at or before the value.
      let title = titles.last { $0.start <= start } ?? titles.first
      guard let title else { continue }
      let value = text.cursor(line).text(cell)
      values[title.name] = values[title.name].map { $0 + "  " + value } ?? value
    }
    return values
  }
}

/// Reads `docker network ls`.
enum DockerNetworksReader {
  /// Reads a section.
  static func read(_ text: DumpText) -> FactFragment {
    var result = FactFragment()
    for line in text.lines where !text.isRemark(line) {
      let words = LineWords(text, line)
      if words[0] == "NETWORK" { continue }
      guard words.count >= 3, words[0].utf8.count >= 12,
        words[0].utf8.allSatisfy({ $0.hexDigitValue != nil || $0 > UInt8(ascii: "`") })
      else {
        result.unreadable(text, line, at: words.ranges.first?.lowerBound, expected: "a network's id, name and driver")
        continue
      }
      result.facts.networks.append(
        ContainerNetwork(
          name: words[1], id: words[0], driver: words[2],
          bridge: bridge(name: words[1], id: words[0], driver: words[2]),
          span: text.span(line)))
    }
    return result
  }

  /// The name that Docker gives a network's bridge when no option says otherwise.
  static func bridge(name: String, id: String, driver: String) -> String? {
    guard driver == "bridge" else { return nil }
    if name == "bridge" { return "docker0" }
    return id.utf8.count >= 12 ? "br-\(id.prefix(12))" : nil
  }
}

/// Reads `docker ps`, with `-a` and `--no-trunc` too, and `docker port`.
enum DockerContainersReader {
  /// Reads a section of `docker ps`.
  static func read(_ text: DumpText) -> FactFragment {
    var result = FactFragment()
    var table: ColumnTable?
    for line in text.lines where !text.isRemark(line) {
      let words = LineWords(text, line)
      if words[0] == "CONTAINER" {
        table = ColumnTable(text, titles: line)
        continue
      }
      guard words[0].utf8.count >= 12, words[0].utf8.allSatisfy({ $0.hexDigitValue != nil }) || table != nil else {
        result.unreadable(text, line, at: words.ranges.first?.lowerBound, expected: "a container's id below the titles")
        continue
      }
      let values = table?.values(line) ?? ColumnTable.values(ofContainer: words.all)
      guard let name = values["NAMES"] ?? words.all.last else { continue }
      let status = values["STATUS"] ?? ""
      // A linked container has names like `web/db` too.
      let names = name.split(separator: ",").map(String.init)
      result.facts.containers.append(
        Container(
          name: names.first { !$0.contains("/") } ?? name, id: words[0], ports: ports(values["PORTS"] ?? ""),
          isRunning: status.hasPrefix("Up") ? true : status.isEmpty ? nil : false, span: text.span(line)))
    }
    return result
  }

  /// Reads `docker port NAME`: `80/tcp -> 192.168.253.139:49153`.
  static func readPorts(_ text: DumpText, container: String) -> FactFragment {
    var result = FactFragment()
    var ports: [Container.PublishedPort] = []
    for line in text.lines where !text.isRemark(line) {
      let words = LineWords(text, line)
      guard words[1] == "->" else {
        result.unreadable(text, line, expected: "a port of the container, `->`, and where it is published")
        continue
      }
      ports += Self.ports("\(words[2])->\(words[0])")
    }
    result.facts.containers = [
      Container(name: container, id: "", ports: ports, span: text.lines.first.map { text.span($0) })
    ]
    return result
  }

  /// `0.0.0.0:32769->8080/tcp, :::32769->8080/tcp, 8009/tcp`; ranges `0.0.0.0:8000-8002->8000-8002/tcp`. Ports that are
  /// not published are left out.
  static func ports(_ text: String) -> [Container.PublishedPort] {
    var ports: [Container.PublishedPort] = []
    for entry in text.split(separator: ",") {
      let entry = String(entry).trimmedBlanks
      guard let arrow = entry.firstRange(of: "->") else { continue }
      let target = entry[arrow.upperBound...].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
      let transport = target.count > 1 ? RoutingRuleReader.protocolNumber(String(target[1])) : 6
      let host = entry[..<arrow.lowerBound]
      guard let colon = host.lastIndex(of: ":"), let transport, let inner = range(target[0]),
        let outer = range(host[host.index(after: colon)...])
      else { continue }
      var address = host[..<colon]
      if address.hasPrefix("[") { address.removeFirst() }
      if address.hasSuffix("]") { address.removeLast() }
      let parsed = IPAddress(address)
      let isAny = parsed.map { $0.isIPv4 ? $0.ipv4Number == 0 : $0.bits == 0 } ?? true
      for (offset, port) in outer.enumerated() where offset < inner.count || inner.count == 1 {
        let containerPort = inner.count == 1 ? inner.lowerBound : inner.lowerBound + UInt16(offset)
        let published = Container.PublishedPort(
          transport: transport, hostAddress: isAny ? nil : parsed, hostPort: port, containerPort: containerPort)
        if !ports.contains(published) { ports.append(published) }
      }
    }
    return ports
  }

  private static func range(_ text: some StringProtocol) -> ClosedRange<UInt16>? {
    let parts = text.split(separator: "-").map { UInt16($0) }
    guard let first = parts.first ?? nil, let last = parts.last ?? nil, first <= last else { return nil }
    return first...last
  }
}
