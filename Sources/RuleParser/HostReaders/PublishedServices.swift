import HostModel
import RuleGraph

/// Reads which ports a compose file, `docker service ls` and `kubectl get services` say to be published.
enum PublishedServices {
  // MARK: - Compose files

  /// Whether the list of a compose file's ports begins here: `ports:`, and an item below.
  static func isComposeStart(_ cursor: ByteCursor, next: ByteCursor?) -> Bool {
    var cursor = cursor
    guard cursor.eat("ports:") else { return false }
    cursor.eatBlanks()
    guard cursor.isAtEnd, var next else { return false }
    next.eatBlanks()
    return next.eat("- ")
  }

  /// Reads a section: `- "8080:80"`, `- 127.0.0.1:53:53/udp` (the short form of compose files).
  static func readCompose(_ text: DumpText) -> FactFragment {
    var result = FactFragment()
    for line in text.lines {
      var item = text.string(line).trimmedBlanks
      guard item.hasPrefix("- ") else { continue }
      item = String(item.dropFirst(2).prefix { $0 != "#" }).filter { $0 != "\"" && $0 != "'" }.trimmedBlanks
      guard let colon = item.lastIndex(of: ":") else { continue }
      add(
        "\(item[..<colon].contains(":") ? "" : ":")\(item[..<colon])->\(item[item.index(after: colon)...])", text, line,
        &result)
    }
    return result
  }

  // MARK: - Services

  /// Whether a line is a row of such a table: a service's name or id, and more.
  static func isRow(_ cursor: ByteCursor) -> Bool {
    var cursor = cursor
    var count = 0
    while let word = cursor.eatWord() {
      if count == 0, cursor.bytes[word.lowerBound] < UInt8(ascii: "0") { return false }
      count += 1
      cursor.eatBlanks()
    }
    return count >= 4
  }

  /// Reads `docker service ls`: `*:8080->80/tcp`.
  static func readDocker(_ text: DumpText) -> FactFragment {
    var result = FactFragment()
    for line in text.lines {
      for word in LineWords(text, line).all where word.contains("->") { add(word, text, line, &result) }
    }
    return result
  }

  /// Reads `kubectl get services`: `80:30080/TCP` is port 80 of the service's own addresses, and port 30080 of every
  /// node.
  static func readCluster(_ text: DumpText) -> FactFragment {
    var result = FactFragment()
    for line in text.lines {
      let words = LineWords(text, line).all
      guard let at = words.firstIndex(where: { isList($0) }), at >= 2 else { continue }
      let addresses = words[..<at].flatMap { $0.split(separator: ",") }.filter { IPAddress($0) != nil }
      for entry in words[at].split(separator: ",") {
        let parts = entry.split(separator: "/")
        let ports = parts[0].split(separator: ":")
        let transport = parts.count > 1 ? parts[1].lowercased() : "tcp"
        for address in addresses { add("\(address):\(ports[0])->\(ports[0])/\(transport)", text, line, &result) }
        // A balancer of the cluster's own takes the port on the nodes, too.
        let own = words.contains("LoadBalancer") ? ports[...] : ports.dropFirst()
        for port in own { add(":\(port)->\(ports[0])/\(transport)", text, line, &result) }
      }
    }
    return result
  }

  private static func isList(_ word: String) -> Bool {
    word.first?.isNumber == true && ["/TCP", "/UDP", "/SCTP"].contains { word.hasSuffix($0) }
  }

  private static func add(_ written: String, _ text: DumpText, _ line: DumpLine, _ result: inout FactFragment) {
    for port in DockerContainersReader.ports(written) {
      result.facts.announcedPorts.append(AnnouncedPort(port, span: text.span(line)))
    }
  }
}
