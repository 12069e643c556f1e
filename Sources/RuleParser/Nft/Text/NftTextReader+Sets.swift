import RuleGraph
import RuleText

// Sets, maps and stateful objects.

extension NftTextReader {
  /// Reads a set or map behind its keyword.
  mutating func readSet(_ index: Int, isMap: Bool, start: Int) throws(SyntaxError) {
    let nameStart = tokens.current.start
    var set = NamedSet(try name("the name of a set"), keyTypes: [])
    set.span = text.span(nameStart..<tokens.previousEnd)
    var types = NftSetTypes(key: [NftPart(.invalid)], data: isMap ? [NftPart(.invalid)] : nil)
    let isClosed = try readBlock(.other) { reader throws(SyntaxError) in
      do throws(SyntaxError) {
        try reader.readSetItem(index, &set, &types, isMap: isMap)
      } catch {
        // What could not be read may have held elements.
        set.elementsKnown = false
        throw error
      }
      reader.builder.lowerings[index].sets[set.name] = types
    }
    // Where the elements were cut off, one that stands for the others is among them.
    if !isClosed, !set.elements.contains(where: \.isElision) { set.elementsKnown = false }
    set.flags = NftArguments.flags(set.flags)
    builder.lowerings[index].sets[set.name] = types
    builder.add(set, to: index)
  }

  mutating func readSetItem(
    _ index: Int, _ set: inout NamedSet, _ types: inout NftSetTypes, isMap: Bool
  ) throws(SyntaxError) {
    if let handle = eatHandle() {
      set.handle = handle
      return
    }
    guard kind == .word else { throw fail("a property of a set") }
    let property = word
    let start = tokens.mark
    tokens.advance()
    switch property {
    case "type":
      types.key = try typeList()
      set.keyTypes = types.key.map(\.type.rawValue)
      if eat(.colon) {
        _ = eat("interval")
        let object = kind == .word && NftType.objectKinds.contains(word) ? word : nil
        types.data = try typeList()
        set.dataTypes = object.map { [$0] } ?? types.data?.map(\.type.rawValue)
        if object != nil { types.data = [NftPart(.object)] }
      }
    case "typeof":
      let typeStart = tokens.current.start
      types.key = try typeOf(index)
      set.keyTypes = types.key.map(\.type.rawValue)
      if eat(.colon) {
        _ = eat("interval")
        let object = kind == .word && NftType.objectKinds.contains(word) ? word : nil
        if eat("verdict") {
          types.data = [NftPart(.verdict)]
        } else if object != nil {
          tokens.advance()
          types.data = [NftPart(.object)]
        } else {
          types.data = try typeOf(index)
        }
        set.dataTypes = object.map { [$0] } ?? types.data?.map(\.type.rawValue)
      }
      // A type without a name of its own can only be written as it was.
      if (types.key + (types.data ?? [])).contains(where: { $0.type == .integer || $0.type == .invalid }) {
        let written = text.bytes[typeStart..<max(tokens.previousEnd, typeStart)]
        set.arguments.append(Argument("typeof", String(decoding: written, as: UTF8.self)))
      }
    case "flags": set.flags = try nameList()
    case "timeout", "gc-interval": set.arguments.append(Argument(property, try seconds()))
    case "size": set.arguments.append(Argument("size", String(try number())))
    case "policy": set.arguments.append(Argument("policy", try name("performance or memory")))
    case "auto-merge": set.arguments.append(Argument("auto-merge"))
    case "comment": set.comment = try name("a comment")
    case "elements":
      _ = eat(.assign)
      let wasKnown = set.elementsKnown
      // What breaks off leaves a set of which nobody knows what else it holds.
      set.elementsKnown = false
      set.elements.append(contentsOf: try readElements(index, key: types.key, data: isMap ? types.data : nil))
      set.elementsKnown = wasKnown
    default:
      tokens.back(to: start)
      let found = try elementStatements()
      guard !found.isEmpty else { throw fail("a property of a set") }
      for statement in found { set.arguments.append(contentsOf: statement.arguments) }
    }
  }

  /// `ipv4_addr . inet_service`
  mutating func typeList() throws(SyntaxError) -> [NftPart] {
    var parts: [NftPart] = []
    repeat {
      let type = try name("a type")
      parts.append(NftPart(NftType(rawValue: type) ?? .invalid))
      // `counter`, `quota` and `ct helper` name objects, the last in two words.
      if type == "ct" { _ = try name("helper, timeout or expectation") }
    } while eat(.dot)
    return parts
  }

  /// `ip saddr . tcp dport`
  mutating func typeOf(_ index: Int) throws(SyntaxError) -> [NftPart] {
    let expression = try leftSide()
    guard let typed = try? builder.lowerings[index].typed(expression) else { return [NftPart(.invalid)] }
    return typed.parts
  }

  /// A duration in seconds, as JSON prints it.
  mutating func seconds() throws(SyntaxError) -> String {
    guard kind == .word || kind == .string, let milliseconds = NftDate.duration(word) else { throw fail("a time") }
    tokens.advance()
    return String(milliseconds / 1000)
  }

  /// `{ key, key : data, … }` of a declared set.
  mutating func readElements(
    _ index: Int, key: [NftPart], data: [NftPart]?
  ) throws(SyntaxError) -> [SetElement] {
    var elements: [SetElement] = []
    let written: [NftElement]
    let start = tokens.current.start
    if kind == .dollar {
      let value = try variableOrMask()
      if case .set(let defined) = value { written = defined } else { written = [NftElement(value)] }
    } else {
      expectsTrafficClass = key.contains { $0.type == .classid } || data?.first?.type == .classid
      keepsCutElements = true
      defer {
        expectsTrafficClass = false
        keepsCutElements = false
      }
      written = try setElements()
    }
    elements.reserveCapacity(written.count)
    for element in written {
      do {
        elements.append(try builder.lowerings[index].element(element, key: key, data: data))
      } catch {
        elements.append(.elided("..."))
        warn(
          "unreadable-element", "an element of this set is not understood: \(error.message)",
          tokens.current.start..<tokens.current.end)
      }
    }
    let masked = elements.flatMap { $0.masks.isEmpty && $0.data == nil ? [] : $0.maskedValues }
    if !masked.isEmpty { report(masked: masked, in: start..<max(tokens.previousEnd, start)) }
    return elements
  }

  // MARK: - Objects

  /// Reads a stateful object or flow table behind its kind, as the arguments that its JSON form has.
  mutating func readObject(_ kind: String, _ index: Int) throws(SyntaxError) {
    let start = tokens.current.start
    var object = NamedObject(kind: kind, name: try name("a name"))
    object.span = text.span(start..<tokens.previousEnd)
    if self.kind == .openBrace {
      try readBlock(.other) { reader throws(SyntaxError) in try reader.readObjectItem(kind, &object) }
    }
    builder.tables[index].objects.append(object)
  }

  mutating func readObjectItem(_ kind: String, _ object: inout NamedObject) throws(SyntaxError) {
    if let handle = eatHandle() {
      object.handle = handle
      return
    }
    if eat("comment") {
      object.comment = try name("a comment")
      return
    }
    switch kind {
    case "counter":
      while eat("packets") || eat("bytes") || self.kind == .word {
        let before = tokens.previousEnd
        object.arguments.append(
          Argument(object.arguments.isEmpty ? "packets" : "bytes", String(try number())))
        if tokens.previousEnd == before { break }
      }
    case "quota":
      let condition = try quota()
      object.arguments = condition.arguments + (condition.negated ? [Argument("inv")] : [])
    case "limit":
      _ = eat("rate")
      let condition = try limit()
      object.arguments = condition.arguments + (condition.negated ? [Argument("inv")] : [])
    case "secmark": object.arguments.append(Argument("context", try name("a context")))
    case "synproxy": object.arguments.append(contentsOf: try synproxyArguments())
    case "flowtable": try readFlowtableItem(&object)
    case "tunnel":
      // No rule asks what a tunnel is made of.
      while !isStatementEnd, self.kind != .openBrace { tokens.advance() }
      if self.kind == .openBrace {
        try readBlock(.other) { reader throws(SyntaxError) in try reader.readObjectItem("tunnel", &object) }
      }
    default: try readConntrackItem(kind, &object)
    }
  }

  mutating func readFlowtableItem(_ object: inout NamedObject) throws(SyntaxError) {
    if eat("hook") {
      object.arguments.append(Argument("hook", try name("ingress")))
      guard eat("priority") else { throw fail("priority") }
      object.arguments.append(Argument("prio", String(try priority(.ingress, .netdev))))
    } else if tokens.isWord("devices") || tokens.isWord("device") {
      object.arguments.append(contentsOf: try devices().map { Argument("dev", $0) })
    } else if eat("flags") {
      object.arguments.append(contentsOf: try nameList().map { Argument("flags", $0) })
    } else if eat("counter") {
      object.arguments.append(Argument("counter"))
    } else {
      throw fail("a property of a flow table")
    }
  }

  mutating func readConntrackItem(_ kind: String, _ object: inout NamedObject) throws(SyntaxError) {
    let property = try name("a property")
    switch property {
    case "type":
      object.arguments.append(Argument("type", try name("the name of a helper")))
      if eat("protocol") { object.arguments.append(Argument("protocol", try name("a protocol"))) }
    case "protocol", "l3proto": object.arguments.append(Argument(property, try name("a protocol")))
    case "dport", "size": object.arguments.append(Argument(property, String(try number())))
    case "timeout":
      guard self.kind == .word, let milliseconds = NftDate.duration(word) else { throw fail("a time") }
      tokens.advance()
      object.arguments.append(Argument("timeout", String(milliseconds)))
    case "policy":
      try expect(.assign, "=")
      try expect(.openBrace, "{")
      while true {
        skipNewlines()
        if eat(.closeBrace) { return }
        let state = try name("a state")
        try expect(.colon, ":")
        object.arguments.append(Argument("policy \(state)", try seconds()))
        skipNewlines()
        if !eat(.comma), self.kind != .closeBrace { throw fail(", or }") }
      }
    default: throw fail("a property of a \(kind)")
    }
  }
}
