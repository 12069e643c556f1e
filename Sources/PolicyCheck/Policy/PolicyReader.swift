import FlowTrace

/// Reads a policy from the nodes of its file, with every mistake at once.
///
///     let (policy, mistakes) = PolicyReader.read(root)
///
/// A policy with mistakes is as complete as can be, so that what is left of it can be looked at for further mistakes;
/// it must not be run.
public struct PolicyReader {
  private var mistakes: [PolicyMistake] = []

  /// Reads a policy.
  public static func read(_ root: PolicyNode) -> (policy: Policy, mistakes: [PolicyMistake]) {
    var reader = PolicyReader()
    let policy = reader.policy(root)
    return (policy, reader.mistakes)
  }

  static let keys = ["hosts", "names", "packet", "undetermined", "tests"]
  static let testKeys = ["name", "tags", "hosts", "packet", "matrix", "undetermined", "skip"]
  static let expectationKeys = [
    "expect", "with", "fate", "to", "source", "out", "via", "never-via", "only", "reply", "one-of",
  ]

  private mutating func report(_ place: PolicyPlace, _ message: String) {
    mistakes.append(PolicyMistake(place, message))
  }

  // MARK: - The file

  private mutating func policy(_ root: PolicyNode) -> Policy {
    var policy = Policy()
    guard case .mapping(let members) = root.content else {
      report(root.place, "a policy is a mapping with the keys \(Self.keys.joined(separator: ", "))")
      return policy
    }
    var hasTests = false
    for member in members {
      switch key(member, among: Self.keys, of: "a policy") {
      case "hosts": policy.hosts = hosts(member.value)
      case "names": policy.names = names(member.value)
      case "packet": policy.packet = packet(member.value)
      case "undetermined": policy.undetermined = word(member.value, "undetermined") ?? .fail
      case "tests":
        hasTests = true
        policy.tests = list(member.value, "tests").compactMap { test($0) }
      default: break
      }
    }
    if !hasTests { report(root.place, "a policy needs the key `tests`") }
    return policy
  }

  /// The key of a member when it is one of those that may stand there.
  private mutating func key(_ member: PolicyNode.Member, among keys: [String], of owner: String) -> String? {
    guard let name = member.key.text else {
      report(member.key.place, "a key is a text")
      return nil
    }
    if keys.contains(name) { return name }
    let near = Spelling.nearest(to: name, among: keys)
    let help = near.map { "; did you mean \($0)?" } ?? "; the keys are \(keys.joined(separator: ", "))"
    report(member.key.place, "unknown key \(name) of \(owner)\(help)")
    return nil
  }

  private mutating func list(_ node: PolicyNode, _ owner: String) -> [PolicyNode] {
    switch node.content {
    case .list(let elements): return elements
    case .scalar where node.isNull: return []
    default:
      report(node.place, "\(owner) must be a list, not \(node.kindInWords)")
      return []
    }
  }

  private mutating func word<Word: RawRepresentable & CaseIterable>(
    _ node: PolicyNode, _ owner: String
  ) -> Word? where Word.RawValue == String {
    let words = Word.allCases.map(\.rawValue)
    return choice(node, owner, words).flatMap { Word(rawValue: $0) }
  }

  private mutating func choice(_ node: PolicyNode, _ owner: String, _ words: [String]) -> String? {
    guard let text = node.text else {
      report(node.place, "\(owner) must be one of \(words.joined(separator: ", ")), not \(node.kindInWords)")
      return nil
    }
    if words.contains(text) { return text }
    let near = Spelling.nearest(to: text, among: words).map { "did you mean \($0)?" }
    report(node.place, "\(owner): \(text) is unknown; " + (near ?? "it is one of \(words.joined(separator: ", "))"))
    return nil
  }

  /// A word or a list of them.
  private mutating func choices(_ node: PolicyNode, _ owner: String, _ words: [String]) -> [String] {
    guard case .list(let elements) = node.content else { return choice(node, owner, words).map { [$0] } ?? [] }
    return elements.compactMap { choice($0, owner, words) }
  }

  /// A text or a list of texts.
  private mutating func value(_ node: PolicyNode, _ owner: String) -> PolicyValue? {
    let parts: [PolicyNode]
    switch node.content {
    case .scalar where node.isNull: parts = []
    case .scalar: parts = [node]
    case .list(let elements): parts = elements
    case .mapping(let members):
      // `{not: X}`, as in a batch of questions.
      if members.count == 1, let only = members.first, only.key.text == "not", let inner = value(only.value, owner),
        !inner.parts.isEmpty
      {
        return PolicyValue(parts: [.init(text: "!" + inner.text, place: only.value.place)], place: node.place)
      }
      report(node.place, "\(owner) must be a text or a list of texts, not a mapping")
      return nil
    }
    var texts: [PolicyValue.Part] = []
    for part in parts {
      guard let text = part.text, !text.isEmpty else {
        report(part.place, "\(owner) must be a text or a list of texts, not \(part.kindInWords)")
        return nil
      }
      texts.append(.init(text: text, place: part.place))
    }
    return PolicyValue(parts: texts, place: node.place)
  }

  private mutating func someValue(_ node: PolicyNode, _ owner: String) -> PolicyValue? {
    guard let value = value(node, owner) else { return nil }
    if value.parts.isEmpty { report(node.place, "\(owner) is empty") }
    return value.parts.isEmpty ? nil : value
  }

  // MARK: - Hosts and names

  private mutating func hosts(_ node: PolicyNode) -> [HostPattern] {
    func patterns(_ value: PolicyValue) -> [HostPattern] {
      value.parts.map { HostPattern(name: nil, dumps: [$0], isOneHostEach: true) }
    }
    guard case .mapping(let members) = node.content else { return someValue(node, "hosts").map(patterns) ?? [] }
    if members.contains(where: { $0.key.text == "dumps" }) {
      var found: [HostPattern] = []
      for member in members where key(member, among: ["dumps"], of: "hosts") != nil {
        guard let value = someValue(member.value, "dumps") else { continue }
        found = [HostPattern(name: nil, dumps: value.parts, isOneHostEach: false)]
      }
      return found
    }
    return members.compactMap { member in
      guard let name = member.key.text else {
        report(member.key.place, "a host's name is a text")
        return nil
      }
      guard let value = someValue(member.value, "the host \(name)") else { return nil }
      return HostPattern(name: name, dumps: value.parts, isOneHostEach: false)
    }
  }

  private mutating func names(_ node: PolicyNode) -> [String: PolicyValue] {
    guard case .mapping(let members) = node.content else {
      if !node.isNull {
        report(node.place, "names is a mapping from names to addresses, interfaces, ports or services")
      }
      return [:]
    }
    var names: [String: PolicyValue] = [:]
    for member in members {
      guard let name = member.key.text, !name.isEmpty, !name.contains(where: { "!, :/".contains($0) }) else {
        report(member.key.place, "a name holds no blank, comma, colon, slash or exclamation mark")
        continue
      }
      if let value = someValue(member.value, "the name \(name)") { names[name] = value }
    }
    return names
  }

  // MARK: - Packets

  private mutating func packet(_ node: PolicyNode) -> PacketText {
    var packet = PacketText()
    packet.place = node.place
    guard case .mapping(let members) = node.content else {
      if !node.isNull { report(node.place, "a packet is a mapping such as {dst: 192.0.2.1, dport: 80}") }
      return packet
    }
    for member in members {
      guard let name = member.key.text, let key = PacketKey(name) else {
        _ = key(member, among: PacketKey.spellings, of: "a packet")
        continue
      }
      guard let value = value(member.value, name) else { continue }
      if value.parts.isEmpty, key != .option(.input) {
        report(member.value.place, "\(name) is empty; leave out the key to leave the field open")
        continue
      }
      packet.fields.append(.init(key: key, place: member.key.place, value: value))
    }
    return packet
  }

  private mutating func matrix(_ node: PolicyNode) -> [MatrixAxis] {
    guard case .mapping(let members) = node.content else {
      report(node.place, "a matrix is a mapping from keys of a packet to lists of values")
      return []
    }
    var axes: [MatrixAxis] = []
    for member in members {
      guard let name = member.key.text, let key = PacketKey(name) else {
        _ = key(member, among: PacketKey.spellings, of: "a matrix")
        continue
      }
      let values = list(member.value, name).compactMap { someValue($0, name) }
      if values.isEmpty {
        report(member.value.place, "\(name) has no values")
      } else {
        axes.append(MatrixAxis(key: key, place: member.key.place, values: values))
      }
    }
    return axes
  }

  // MARK: - Tests

  private mutating func test(_ node: PolicyNode) -> PolicyTest? {
    guard case .mapping(let members) = node.content else {
      report(node.place, "a test is a mapping with the keys name, packet, expect and others")
      return nil
    }
    var test = PolicyTest(name: "", place: node.place)
    let expected = members.filter { $0.key.text.map(Self.expectationKeys.contains) ?? false }
    for member in members where !expected.contains(member) {
      switch key(member, among: Self.testKeys + Self.expectationKeys, of: "a test") {
      case "name": test.name = someValue(member.value, "name")?.text ?? ""
      case "tags": test.tags = value(member.value, "tags")?.parts.map(\.text) ?? []
      case "hosts": test.hosts = someValue(member.value, "hosts")?.parts.map(\.text) ?? []
      case "packet": test.packet = packet(member.value)
      case "matrix": test.matrix = matrix(member.value)
      case "undetermined": test.undetermined = word(member.value, "undetermined")
      case "skip": test.skip = someValue(member.value, "skip")?.text
      default: break
      }
    }
    test.expectation = expectation(expected, at: node.place)
    if test.expectation.isEmpty {
      report(
        node.place,
        "this test expects nothing; say one of \(Self.expectationKeys.joined(separator: ", "))")
    }
    if test.name.isEmpty { test.name = "line \(node.place.line)" }
    return test
  }

  static let verdicts = ["accept", "drop", "reject"]
  static let fates = ["local", "forward", "sent", "bridged", "discarded"]

  private mutating func expectation(_ members: [PolicyNode.Member], at place: PolicyPlace) -> ExpectationText {
    var result = ExpectationText()
    result.place = place
    for member in members {
      guard let name = member.key.text else { continue }
      let value = member.value
      result.keys.insert(name)
      if let text = value.text { result.texts[name] = .init(text: text, place: value.place) }
      switch name {
      case "expect":
        let words = choices(value, name, Self.verdicts + [ConnectionFate.Outcome.works.rawValue])
        result.verdicts = words.compactMap { .init(rawValue: $0) }
        result.works = words.count > result.verdicts.count
      case "with": result.rejectWith = someValue(value, name)
      case "fate": result.fates = choices(value, name, Self.fates).compactMap { .init(rawValue: $0) }
      case "to": result.destination = someValue(value, name)
      case "source": result.source = someValue(value, name)
      case "out": result.output = someValue(value, name)
      case "via": result.via = patterns(value, name)
      case "never-via": result.neverVia = patterns(value, name)
      case "reply": result.reply = choices(value, name, Self.verdicts).compactMap { .init(rawValue: $0) }
      case "only":
        result.hasOnly = true
        if case .mapping = value.content {
          result.only = [packet(value)]
        } else {
          result.only = list(value, name).map { packet($0) }
        }
      case "one-of": result.oneOf = alternatives(value)
      default: break
      }
    }
    if result.hasOnly, result.verdicts.count + (result.works ? 1 : 0) > 1 {
      report(
        place, "only needs one verdict: expect says which of them these packets alone get (accept, when it is left out)"
      )
    }
    if result.rejectWith != nil, result.verdicts != [.reject] {
      report(place, "with says how a packet is rejected, so expect is reject")
    }
    return result
  }

  private mutating func alternatives(_ node: PolicyNode) -> [ExpectationText] {
    let elements = list(node, "one-of")
    if elements.count < 2 { report(node.place, "one-of holds at least two expectations") }
    return elements.compactMap { element in
      guard case .mapping(let members) = element.content else {
        report(element.place, "each expectation of one-of is a mapping such as {expect: drop}")
        return nil
      }
      let keys = Self.expectationKeys.filter { $0 != "only" && $0 != "one-of" }
      let known = members.filter { key($0, among: keys, of: "an expectation of one-of") != nil }
      return expectation(known, at: element.place)
    }
  }

  private mutating func patterns(_ node: PolicyNode, _ owner: String) -> [RulePattern] {
    guard let value = someValue(node, owner) else { return [] }
    return value.parts.compactMap { part in
      guard let pattern = RulePattern(part.text, at: part.place) else {
        report(part.place, "\(owner): a chain or rule is named as in FORWARD, filter FORWARD, or ip filter FORWARD 3")
        return nil
      }
      return pattern
    }
  }
}
