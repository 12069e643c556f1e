import RuleGraph

extension HostReading {
  /// Carries out the commands of some texts on the host, one after the other: the reading is then that of the host
  /// after them.
  ///
  /// The texts are scripts of a shell that call `iptables`, `ip6tables`, their `-restore`, `ipset`, `nft`, `sysctl`,
  /// `ufw` and `docker`. Nothing is passed over: where a program would end with an error, or where it is not known what
  /// a command does, nothing is changed and the failure tells why. A failure that the script itself deals with
  /// (`iptables -C ... || iptables -A ...`) is none.
  ///
  ///     var after = reading
  ///     try after.carryOut([DumpInput(name: "change.sh", bytes: Array("iptables -I INPUT -s 203.0.113.9 -j DROP\n".utf8))])
  public mutating func carryOut(_ inputs: [DumpInput]) throws(CommandFailure) {
    var copy = self
    var texts: [DumpText] = []
    for input in inputs {
      let bytes = InputEncoding.normalised(input.bytes)
      let source = copy.ruleset.sources.add(Source(name: input.name, bytes: bytes))
      texts.append(DumpText(source: source, memory: bytes, lines: Self.lines(of: bytes)))
    }
    var host = CommandHost()
    host.shown = ShownHost(copy.ruleset, copy.facts)
    var shell = ShellRun(host: host)
    withExtendedLifetime(texts) {
      for text in texts where shell.host.shown?.failure == nil { shell.run(ShellText(text)) }
    }
    guard var shown = shell.host.shown else { return }
    if let failure = shown.failure {
      throw CommandFailure(
        command: failure.command ?? copy.ruleset.sources.text(of: failure.span),
        source: copy.ruleset.sources.name(of: failure.span), line: Int(failure.span.line), problem: failure.problem)
    }
    shown.settle()
    copy.ruleset = shown.ruleset
    copy.facts = shown.facts
    copy.diagnostics += shown.notes
    self = copy
  }

  /// The host with the tables of iptables that commands made on it, empty as they are on a host that nobody told them
  /// of. Beside the host after the commands it shows what these changed.
  public func withTables(madeIn after: HostReading) -> HostReading {
    var copy = self
    for table in after.ruleset.tables where table.origin != .nftables {
      let isThere = ruleset.tables.contains {
        $0.family == table.family && $0.name == table.name && $0.origin == table.origin
      }
      if isThere { continue }
      var empty = table
      empty.chains = table.chains.filter { $0.base != nil }.map { chain in
        var chain = chain
        chain.rules = []
        chain.base?.policy = .accept
        return chain
      }
      copy.ruleset.tables.append(empty)
    }
    return copy
  }

  /// The lines of a script, which are what they are: nothing is taken off them.
  private static func lines(of bytes: SourceBytes) -> [DumpLine] {
    var lines: [DumpLine] = []
    var start = 0
    for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "\n") {
      lines.append(DumpLine(start: start, end: index, number: Int32(clamping: lines.count + 1)))
      start = index + 1
    }
    if start < bytes.count {
      lines.append(DumpLine(start: start, end: bytes.count, number: Int32(clamping: lines.count + 1)))
    }
    return lines
  }
}
