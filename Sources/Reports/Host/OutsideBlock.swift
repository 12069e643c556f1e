import FlowTrace
import HostAnalysis
import HostModel
import RuleGraph

/// What can be reached from the outside: a row for each service, with who, what answers and what decides.
struct OutsideBlock {
  /// The zones that all this is true of.
  private var zones: [Int]
  private let lines: [ExposureLine]
  private let words: ExposureWords

  /// The blocks of an exposure; zones from which everything is the same share one.
  static func blocks(of exposure: Exposure, _ words: ExposureWords) -> [OutsideBlock] {
    var blocks: [(block: OutsideBlock, text: String)] = []
    for index in exposure.zones.indices where exposure.zones[index].isOutside {
      let block = OutsideBlock(zones: [index], lines: exposure.lines(from: index), words: words)
      var page = Page(TerminalSettings(width: 400))
      block.addBody(to: &page)
      if let same = blocks.firstIndex(where: { $0.text == page.text }) {
        blocks[same].block.zones.append(index)
      } else {
        blocks.append((block, page.text))
      }
    }
    return blocks.map(\.block)
  }

  func add(to page: inout Page) {
    page.addGap()
    let exposure = words.exposure
    var title = "Open from " + zones.map { words.name(exposure.zones[$0]) }.joined(separator: ", ")
    if zones.count == 1, let first = zones.first, case .outside(_?) = exposure.zones[first].kind {
      let own = exposure.zones[first].gateways.map(\.description)
      if !own.isEmpty { title += " (" + own.prefix(3).joined(separator: ", ") + ")" }
    }
    page.add(StyledText(title, .strong), hanging: 2)
    addBody(to: &page)
  }

  private func addBody(to page: inout Page) {
    let open = lines.filter { $0.outcome == .open && $0.service.subject == .hostPort }
    var rows = open.map(row) + others()
    ColumnRow.shortenPlaces(&rows)
    if rows.isEmpty {
      page.add(lines.contains { $0.outcome == .unknown } ? "nothing for certain" : "nothing", indent: 2)
    }
    ColumnRows(rows: rows).add(to: &page, indent: 2)
    addContainers(to: &page)
    addClosed(to: &page, open: open)
  }

  // MARK: Rows

  private func row(_ line: ExposureLine) -> ColumnRow {
    let first = line.first
    var answer = StyledText(words.answer(line))
    if let address = words.address(line) { answer += StyledText(" " + address, .faint) }
    return ColumnRow(
      cells: [
        StyledText(words.port(line.service)), StyledText(words.who(line)), answer,
        StyledText(words.deciders.place(first.deciders)),
        StyledText(words.deciders.source(first.decidedBy) ?? "", .faint),
      ], below: words.notes(below: line))
  }

  /// The ports of the host that nobody is known to listen on and that rules let through.
  private func others() -> [ColumnRow] {
    let shown = lines.filter {
      $0.service.subject == .otherHostPorts && ($0.outcome == .open || $0.outcome == .unanswered)
    }
    // A port that is bound to another address alone is one of all those that nobody has.
    let rest = shown.filter { $0.service.ports.count > 1_000 }
    return shown.filter { line in
      line.service.ports.count > 1_000
        || !rest.contains { other in
          other.outcome == line.outcome && other.who == line.who && other.first.deciders == line.first.deciders
            && other.service.transport == line.service.transport && other.service.family == line.service.family
        }
    }.map(row)
  }

  // MARK: Containers

  /// Containers that can be reached at their own addresses, by who knows a route to them.
  private func addContainers(to page: inout Page) {
    let open = lines.filter {
      $0.outcome == .open && ($0.service.subject == .containerPort || $0.service.subject.isOtherContainerPorts)
    }
    guard !open.isEmpty else { return }
    var items: [String] = []
    for line in open {
      let isKnown = line.service.subject == .containerPort
      let places = ValueSet.shortList(line.service.addresses.pieces(as: .address))
      let protocolName =
        line.service.transport == .tcp ? "" : "/" + ValueSet(line.service.transport).text(as: .transport)
      let item = isKnown ? words.answer(line) + protocolName : "\(words.port(line.service)) of \(places)"
      let whole = item + words.whoBehind(line)
      if !items.contains(whole) { items.append(whole) }
    }
    page.add(
      StyledText("Containers at their own addresses, for hosts with a route to them: ")
        + StyledText(items.listed(upTo: 8)), indent: 2,
      hanging: 2)
  }

  // MARK: Closed

  private func addClosed(to page: inout Page, open: [ExposureLine]) {
    let opened = Set(open.map { OpenPort($0.service) })
    var items: [String] = []
    var local: [String] = []
    for line in lines where line.service.subject == .hostPort {
      guard case .closed = line.outcome, !opened.contains(OpenPort(line.service)) else { continue }
      var item = words.port(line.service)
      if let listener = words.listener(line.service) { item += " " + listener }
      if line.service.isOnLoopback {
        if !local.contains(item) { local.append(item) }
        continue
      }
      item += " (" + words.reason(line) + ")"
      if !items.contains(item) { items.append(item) }
    }
    for (label, items) in [("Closed though something listens: ", items), ("Bound to loopback: ", local)]
    where !items.isEmpty {
      page.add(StyledText(label) + StyledText(items.listed(upTo: 10)), indent: 2, hanging: 2)
    }
  }

  private struct OpenPort: Hashable {
    var transport: IPProtocol
    var family: AddressFamily
    var ports: ValueSet

    init(_ service: Service) {
      transport = service.transport
      family = service.family
      ports = service.ports
    }
  }
}

extension Service {
  /// Whether it is at an address of the host that no wire leads to.
  var isOnLoopback: Bool {
    addresses.single.map { IPAddress(bits: $0).isLoopback } ?? false
  }
}

extension Service.Subject {
  var isOtherContainerPorts: Bool { if case .otherContainerPorts = self { true } else { false } }
}

extension ExposureWords {
  /// What stops a connection: `filter ufw-user-input 3`, `its reply by filter DOCKER-USER 2`.
  func reason(_ line: ExposureLine) -> String {
    let place = deciders.place(line.first.deciders)
    return switch line.outcome {
    case .closed(.reply): "its reply by \(place)"
    case .closed(.proxy): "docker-proxy's connection by \(place)"
    default: place
    }
  }
}

/// A row of a table whose columns stand below each other, with lines of its own below it.
struct ColumnRow {
  var cells: [StyledText]
  var below: [StyledText] = []

  /// The place in a dump stands in the last column: its file is named where it is another one than in the row above.
  static func shortenPlaces(_ rows: inout [ColumnRow]) {
    var above = ""
    for index in rows.indices {
      guard let text = rows[index].cells.last?.rendered(inColor: false), let colon = text.lastIndex(of: ":") else {
        continue
      }
      let file = String(text[..<colon])
      if file == above { rows[index].cells[rows[index].cells.count - 1] = StyledText(String(text[colon...]), .faint) }
      above = file
    }
  }
}

/// Rows whose columns are as wide as their widest cell; what doesn't fit goes on below, in the third column.
struct ColumnRows {
  let rows: [ColumnRow]

  func add(to page: inout Page, indent: Int) {
    let count = rows.map(\.cells.count).max() ?? 0
    var widths = (0..<count).map { column in
      rows.map { $0.cells.indices.contains(column) ? $0.cells[column].width : 0 }.max() ?? 0
    }
    let room = page.terminal.width - indent
    // A single long cell must not push all others off the screen.
    for column in widths.indices where widths[column] > 40 && total(widths) > room {
      widths[column] = max(28, min(widths[column], widths[column] - (total(widths) - room)))
    }
    for row in rows {
      add(row, widths, room, to: &page, indent: indent)
      let left = widths.prefix(1).reduce(0) { $0 + $1 + 2 }
      for line in row.below { page.add(line, indent: indent + left, hanging: 2) }
    }
  }

  private func total(_ widths: [Int]) -> Int { widths.reduce(0, +) + 2 * max(widths.count - 1, 0) }

  private func add(_ row: ColumnRow, _ widths: [Int], _ room: Int, to page: inout Page, indent: Int) {
    let blank = StyledText(String(repeating: " ", count: indent))
    let cells = zip(row.cells, widths).map { $0.wrapped(to: max($1, 8)) }
    // The last column needs no more room than its cell.
    var own = Array(widths.prefix(cells.count))
    if let last = row.cells.last { own[own.count - 1] = last.width }
    var fitting = cells.count
    // Without room for all columns the last ones stand below.
    while fitting > 3, total(Array(own.prefix(fitting))) > room { fitting -= 1 }
    let height = cells.prefix(fitting).map(\.count).max() ?? 0
    for line in 0..<height {
      var text = blank
      for (column, cell) in cells.prefix(fitting).enumerated() {
        text += (line < cell.count ? cell[line] : "").padded(to: widths[column] + 2)
      }
      page.addUnbroken(text)
    }
    guard fitting < cells.count else { return }
    let rest = row.cells[fitting...].filter { !$0.isEmpty }.reduce(StyledText("")) { $0.isEmpty ? $1 : $0 + "  " + $1 }
    page.add(rest, indent: indent + widths[0] + 2, hanging: 2)
  }
}
