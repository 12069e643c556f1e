import RuleGraph
import RuleText

/// A statement that the elements of a set carry: it decides, or it is only an argument.
struct NftElementStatement {
  var condition: EnvironmentCondition?
  var arguments: [Argument]
}

/// Statements of nft's text beside matches (nft(8), "STATEMENTS").
extension NftTextReader {
  // MARK: - Counters, limits, quotas

  mutating func readCounter(_ rule: inout Rule, _ lowering: NftLowering) throws {
    tokens.advance()
    if eat("name") {
      if kind == .string || (kind == .word && isObjectName) {
        rule.statements.append(.effect(Effect(.object, [Argument("counter", try name("a name"))])))
        return
      }
      rule.statements.append(contentsOf: try objectMap("counter", lowering))
      return
    }
    guard let counter = try counts() else {
      rule.statements.append(.effect(Effect(.counter)))
      return
    }
    if rule.counter == nil {
      rule.counter = counter
    } else {
      rule.statements.append(
        .effect(
          Effect(
            .counter, [Argument("packets", String(counter.packets)), Argument("bytes", String(counter.bytes))])))
    }
  }

  /// Whether a word is the name of an object and not the first word of a map's key.
  private var isObjectName: Bool {
    var ahead = tokens
    ahead.advance()
    switch ahead.current.kind {
    case .end, .newline, .semicolon, .closeBrace, .handle: return true
    case .word:
      return Header(rawValue: word) == nil && word != "meta" && word != "ct" && MetaKey(rawValue: word) == nil
    default: return false
    }
  }

  private mutating func objectMap(_ kind: String, _ lowering: NftLowering) throws -> [Statement] {
    let key = try leftSide()
    guard eat("map") else { throw fail("map") }
    return try lowering.objectMap(kind, key, try mapData())
  }

  /// `packets 3 bytes 252`
  private mutating func counts() throws(SyntaxError) -> Counter? {
    guard eat("packets") else { return nil }
    let packets = try number()
    guard eat("bytes") else { throw fail("bytes") }
    return Counter(packets: packets, bytes: try number())
  }

  mutating func rate(_ lowering: NftLowering) throws -> [Statement] {
    let isLimit = tokens.isWord("limit")
    tokens.advance()
    if eat("name") {
      if kind == .string || (kind == .word && isObjectName) {
        return [
          .environment(EnvironmentCondition(isLimit ? .limit : .quota, [Argument("name", try name("a name"))]))
        ]
      }
      return try objectMap(isLimit ? "limit" : "quota", lowering)
    }
    if isLimit {
      guard eat("rate") else { throw fail("rate") }
      return [.environment(try limit())]
    }
    return [.environment(try quota())]
  }

  /// `[over] 10 mbytes/second [burst 5 kbytes]`, behind the word `rate`.
  mutating func limit() throws(SyntaxError) -> EnvironmentCondition {
    let isOver = eat("over")
    if !isOver { _ = eat("until") }
    let rate = try number()
    var unit: String?
    var per: String?
    if kind == .word {
      // `mbytes/second` is one word for the tokens.
      let parts = word.split(separator: "/", maxSplits: 1).map { String($0) }
      unit = parts.first
      per = parts.count == 2 ? parts[1] : nil
      guard unit?.allSatisfy(\.isLetter) != false else { throw fail("packets, bytes, kbytes or mbytes, or /") }
      tokens.advance()
    }
    if per == nil {
      try expect(.slash, "/")
      per = try name("second, minute, hour, day or week")
    }
    guard NftArguments.isTimeUnit(per), NftArguments.isSizeUnit(unit) else {
      throw SyntaxError(offset: tokens.previousEnd, expected: "second, minute, hour, day or week")
    }
    var burst: UInt64?
    var burstUnit: String?
    if eat("burst") {
      burst = try number()
      burstUnit = try name("packets or bytes")
    }
    return EnvironmentCondition(
      .limit,
      NftArguments.limit(rate: rate, unit: unit, per: per ?? "second", burst: burst, burstUnit: burstUnit),
      negated: isOver)
  }

  /// `[over] 10 mbytes [used 5 kbytes]`
  mutating func quota() throws(SyntaxError) -> EnvironmentCondition {
    let isOver = eat("over")
    if !isOver { _ = eat("until") }
    let amount = try number()
    let unit = try name("bytes, kbytes or mbytes")
    var used: UInt64?
    var usedUnit: String?
    if eat("used") {
      used = try number()
      usedUnit = try name("bytes, kbytes or mbytes")
    }
    return EnvironmentCondition(
      .quota, NftArguments.quota(amount, unit: unit, used: used, usedUnit: usedUnit), negated: isOver)
  }

  /// `ct count [over] 20`, behind `count`.
  private mutating func connectionCount() throws(SyntaxError) -> EnvironmentCondition {
    let isOver = eat("over")
    return EnvironmentCondition(.connlimit, NftArguments.connectionCount(try number()), negated: !isOver)
  }

  /// The counters, limits, quotas and counts of connections that an element of a set carries.
  mutating func elementStatements() throws(SyntaxError) -> [NftElementStatement] {
    var found: [NftElementStatement] = []
    while kind == .word {
      if eat("counter") {
        var arguments = [Argument("counter")]
        if let counter = try counts() {
          arguments.append(Argument("counter packets", String(counter.packets)))
          arguments.append(Argument("counter bytes", String(counter.bytes)))
        }
        found.append(NftElementStatement(condition: nil, arguments: arguments))
      } else if tokens.isWord("limit") || tokens.isWord("quota") {
        let name = word
        tokens.advance()
        if name == "limit" { _ = eat("rate") }
        let condition = name == "limit" ? try limit() : try quota()
        found.append(
          NftElementStatement(
            condition: condition,
            arguments: [Argument(name, condition.negated ? "over" : "")]
              + condition.arguments.map { Argument("\(name) \($0.name)", $0.value) }))
      } else if tokens.isWord("ct") {
        tokens.advance()
        guard eat("count") else { throw fail("count") }
        let condition = try connectionCount()
        let count = condition.arguments.first?.value ?? ""
        found.append(
          NftElementStatement(
            condition: condition, arguments: [Argument("ct count", condition.negated ? count : "over " + count)]))
      } else if eat("last") {
        if eat("used") { _ = try name("a time") }
        found.append(NftElementStatement(condition: nil, arguments: [Argument("last")]))
      } else {
        break
      }
    }
    return found
  }

  // MARK: - Log, reject, queue

  /// `log prefix "x" level debug flags tcp sequence,options`, with the arguments that its JSON form has.
  mutating func log() throws(SyntaxError) -> Effect {
    tokens.advance()
    var arguments: [Argument] = []
    while kind == .word {
      switch word {
      case "prefix", "level":
        let option = word
        tokens.advance()
        arguments.append(Argument(option, try name("a word")))
      case "group", "snaplen", "queue-threshold":
        let option = word
        tokens.advance()
        arguments.append(Argument(option, String(try number())))
      case "flags":
        tokens.advance()
        let first = try name("all, skuid, ether, tcp or ip")
        guard first == "tcp" || first == "ip" else {
          arguments.append(Argument("flags", first))
          continue
        }
        for flag in try nameList() { arguments.append(Argument("flags", "\(first) \(flag)")) }
      default: return Effect(.log, NftArguments.log(arguments))
      }
    }
    return Effect(.log, NftArguments.log(arguments))
  }

  mutating func reject(_ lowering: NftLowering) throws -> Statement {
    tokens.advance()
    guard eat("with") else { return try lowering.rejection(type: nil, code: nil) }
    let type = try name("icmp, icmpv6, icmpx or tcp")
    if type == "tcp" {
      guard eat("reset") else { throw fail("reset") }
      return try lowering.rejection(type: "tcp reset", code: nil)
    }
    _ = eat("type")
    return try lowering.rejection(type: type, code: try rightSide(allowList: false))
  }

  /// `queue num 3-5 bypass`, `queue flags bypass,fanout to 1-3`, `queue to numgen inc mod 4`
  mutating func queue(_ lowering: NftLowering) throws -> Statement {
    tokens.advance()
    var flags: [String] = []
    var numbers: NftExpression?
    while kind == .word {
      switch word {
      case "num", "to":
        tokens.advance()
        numbers = try value()
      case "flags":
        tokens.advance()
        flags = try nameList()
      case "bypass", "fanout": flags.append(contentsOf: try nameList())
      default: return try lowering.queue(numbers, flags: flags)
      }
    }
    return try lowering.queue(numbers, flags: flags)
  }

  // MARK: - Translations

  /// `dnat ip to 10.0.0.1:80 random,persistent` and its relatives.
  mutating func translation() throws(SyntaxError) -> NftTranslation {
    guard let kind = Translation.Kind(rawValue: word) else { throw fail("a translation") }
    tokens.advance()
    var written = NftTranslation(kind: kind)
    if tokens.isWord("ip") || tokens.isWord("ip6"), !isFieldAhead {
      written.family = word
      tokens.advance()
    }
    // What the map gives: an address, an address and a port, an interval of them.
    while tokens.isWord("prefix") || tokens.isWord("interval") || tokens.isWord("addr") {
      written.isPrefix = written.isPrefix || tokens.isWord("prefix")
      let isAddress = tokens.isWord("addr")
      tokens.advance()
      if isAddress, eat(.dot) { _ = eat("port") }
    }
    if eat("to") || (!isStatementEnd && self.kind != .handle && kind != .masquerade && kind != .redirect && !isFlag) {
      if self.kind != .colon, self.kind != .handle, !isStatementEnd { written.address = try value() }
      if eat(.colon), !isStatementEnd { written.port = try value() }
    }
    if kind == .dnat || kind == .snat, written.address == nil, written.port == nil { throw fail("an address") }
    if kind == .masquerade || kind == .redirect, let address = written.address {
      // Without a colon, the number is the port all the same.
      written.port = address
      written.address = nil
    }
    while self.kind == .word, isFlag {
      written.flags.append(contentsOf: try nameList())
    }
    return written
  }

  private var isFlag: Bool {
    tokens.isWord("random") || tokens.isWord("fully-random") || tokens.isWord("persistent") || tokens.isWord("netmap")
  }

  /// Whether `ip` begins a field here (`dnat ip saddr map …`) and is not the family.
  private var isFieldAhead: Bool {
    var ahead = tokens
    ahead.advance()
    return ahead.current.kind == .word && !ahead.isWord("to") && !ahead.isWord("prefix") && !ahead.isWord("interval")
      && !ahead.isWord("addr") && NftPayload.field(word, ahead.text(ahead.current)) != nil
  }

  // MARK: - Sets

  /// `add @set { ip saddr timeout 10s limit rate 3/minute : data }`
  mutating func setUpdate(_ lowering: NftLowering) throws -> Statement {
    guard let operation = SetUpdate.Operation(rawValue: word) else { throw fail("add, update or delete") }
    tokens.advance()
    try expect(.at, "@")
    let set = try name("the name of a set")
    try expect(.openBrace, "{")
    skipNewlines()
    let key = try leftSide()
    var (conditions, arguments) = try updateOptions()
    var data: NftExpression?
    if eat(.colon) {
      data = try value()
      let more = try updateOptions()
      conditions += more.0
      arguments += more.1
    }
    skipNewlines()
    try expect(.closeBrace, "}")
    return try lowering.setUpdate(
      operation, set: set, key: key, data: data, conditions: conditions, arguments: arguments)
  }

  /// The older form: `set add ip saddr timeout 10s @set`.
  mutating func oldSetUpdate(_ lowering: NftLowering) throws -> Statement {
    tokens.advance()
    guard let operation = SetUpdate.Operation(rawValue: word) else { throw fail("add, update or delete") }
    tokens.advance()
    let key = try leftSide()
    let (conditions, arguments) = try updateOptions()
    try expect(.at, "@")
    let set = try name("the name of a set")
    return try lowering.setUpdate(
      operation, set: set, key: key, data: nil, conditions: conditions, arguments: arguments)
  }

  private mutating func updateOptions() throws(SyntaxError) -> ([EnvironmentCondition], [Argument]) {
    var conditions: [EnvironmentCondition] = []
    var arguments: [Argument] = []
    while kind == .word {
      if tokens.isWord("timeout") || tokens.isWord("expires") {
        let option = word
        tokens.advance()
        arguments.append(Argument(option, try seconds()))
      } else if eat("comment") {
        arguments.append(Argument("comment", try name("a comment")))
      } else {
        let found = try elementStatements()
        if found.isEmpty { break }
        for statement in found {
          if let condition = statement.condition {
            conditions.append(condition)
          } else {
            arguments.append(contentsOf: statement.arguments)
          }
        }
      }
    }
    return (conditions, arguments)
  }

  /// `meter name size 1024 { ip saddr limit rate 10/second }`, `flow add @name`
  mutating func meterOrFlow(_ lowering: NftLowering) throws -> Statement {
    let isFlow = tokens.isWord("flow")
    tokens.advance()
    if isFlow, tokens.isWord("add") || tokens.isWord("offload") {
      tokens.advance()
      try expect(.at, "@")
      return .effect(Effect(.flowOffload, [Argument("flowtable", try name("the name of a flow table"))]))
    }
    // `flow table name { … }` is the older spelling of a meter.
    if isFlow { _ = eat("table") }
    let name = try name("the name of a meter")
    var arguments: [Argument] = []
    let size = eat("size") ? try number() : nil
    try expect(.openBrace, "{")
    let key = try leftSide()
    let options = try updateOptions()
    try expect(.closeBrace, "}")
    arguments = options.1 + [Argument("meter")]
    if let size { arguments.append(Argument("size", String(size))) }
    return try lowering.setUpdate(
      .update, set: name, key: key, data: nil, conditions: options.0, arguments: arguments)
  }

  // MARK: - The rest

  /// `dup to 10.0.0.1 device "eth0"`, `fwd to "eth0"`, `fwd ip to 10.0.0.1 device "eth0"`
  mutating func copy(_ lowering: NftLowering) throws -> Statement {
    let isCopy = tokens.isWord("dup")
    tokens.advance()
    if tokens.isWord("ip") || tokens.isWord("ip6") { tokens.advance() }
    guard eat("to") else { throw fail("to") }
    let start = tokens.current.start
    let target = try value()
    let written = String(decoding: text.bytes[start..<max(tokens.previousEnd, start)], as: UTF8.self)
    var device: String?
    if eat("device") { device = try name("a device") }
    if isCopy {
      let address = NftLowering.device(target) ?? written
      return .effect(
        Effect(.dup, [Argument("addr", address)] + (device.map { [Argument("dev", $0)] } ?? [])))
    }
    return try lowering.forward(to: device.map { .word($0) } ?? target)
  }

  /// `mss 1460 wscale 7 timestamp sack-perm`
  mutating func synproxyArguments() throws(SyntaxError) -> [Argument] {
    var arguments: [Argument] = []
    while kind == .word {
      switch word {
      case "mss", "wscale":
        let option = word
        tokens.advance()
        arguments.append(Argument(option, String(try number())))
      case "timestamp", "sack-perm":
        arguments.append(Argument("flags", word))
        tokens.advance()
      default: return arguments
      }
    }
    return arguments
  }

  /// `reset tcp option sack-perm`
  mutating func reset() throws -> Statement {
    tokens.advance()
    guard eat("tcp"), eat("option") else { throw fail("tcp option") }
    return .effect(Effect(.tcpoptstrip, [Argument("name", try name("the name of an option"))]))
  }

  /// `ct helper set "ftp"`, `ct count over 20`, `meta secmark set …`; nil, with nothing taken, of everything else.
  mutating func conntrackOrMetaStatement() throws -> Statement? {
    let start = tokens.mark
    tokens.advance()
    let key = kind == .word ? word : ""
    switch key {
    case "count":
      tokens.advance()
      return .environment(try connectionCount())
    case "helper", "timeout", "expectation":
      tokens.advance()
      guard eat("set") else { break }
      let name = try name("a name")
      let kind: Effect.Kind = key == "helper" ? .helper : key == "timeout" ? .timeout : .expectation
      return .effect(Effect(kind, [Argument("name", name)]))
    case "secmark":
      tokens.advance()
      guard eat("set") else { break }
      return .effect(Effect(.secmark, [Argument("name", try securityMark())]))
    default: break
    }
    tokens.back(to: start)
    return nil
  }

  /// Takes what a security mark is set to, and gives its text: a name, another mark (`meta secmark`), or what a map
  /// gives. Nothing that decides on a packet's path looks at it.
  private mutating func securityMark() throws(SyntaxError) -> String {
    let start = tokens.current.start
    if kind == .string {
      let name = word
      tokens.advance()
      return name
    }
    if eat("meta") || eat("ct") {
      guard eat("secmark") else { throw fail("secmark") }
    } else {
      _ = try value()
    }
    return text.bytes.text(start..<max(start, tokens.previousEnd))
  }
}
