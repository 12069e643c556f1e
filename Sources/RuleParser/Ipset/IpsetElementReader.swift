import RuleGraph

/// Reads the members of ipsets: `10.0.0.0/8,tcp:80-90 timeout 299 nomatch`.
struct IpsetElementReader: ~Copyable {
  private let bytes: ByteView
  private let ipv4: RuleDraft
  private let ipv6: RuleDraft

  /// Makes a reader for members in one source.
  init(bytes: ByteView) {
    self.bytes = bytes
    ipv4 = RuleDraft(bytes: bytes, family: .ipv4)
    ipv6 = RuleDraft(bytes: bytes, family: .ipv6)
  }

  /// Reads a member of a set whose type is known; nil when it is not understood, with the cursor where that was.
  func read(_ cursor: inout ByteCursor, of set: NamedSet) -> SetElement? {
    let start = cursor.at
    guard let type = set.ipsetType, let word = cursor.eatWord() else { return nil }
    var element = SetElement([])
    if type == "list:set" {
      element.member = cursor.text(word)
    } else {
      let isWildcard = readOptions(cursor, &element)
      let key =
        set.family == .ipv6
        ? key(word, type, set, ipv6, isWildcard: isWildcard) : key(word, type, set, ipv4, isWildcard: isWildcard)
      if let key {
        element.key = key
        return element
      }
      let masks =
        set.family == .ipv6
        ? masks(word, type, set, ipv6, isWildcard: isWildcard) : masks(word, type, set, ipv4, isWildcard: isWildcard)
      guard let masks else {
        cursor.at = start
        return nil
      }
      element.key = masks.map(\.possible)
      if !masks.allSatisfy(\.isKnown) { element.masks = masks }
      return element
    }
    _ = readOptions(cursor, &element)
    return element
  }

  /// The values of each part of the key, a port as protocol and port.
  private func key(
    _ word: Range<Int>, _ type: String, _ set: NamedSet, _ values: borrowing RuleDraft, isWildcard: Bool
  ) -> [ValueSet]? {
    guard let colon = type.firstIndex(of: ":") else { return nil }
    let kinds = type[type.index(after: colon)...].split(separator: ",")
    let parts = values.list(word)
    var key: [ValueSet] = []
    for (index, kind) in kinds.enumerated() {
      guard index < parts.count else {
        // A bitmap:ip,mac member without an address takes the first packet's.
        guard kind == "mac" else { return nil }
        key.append(.bits(48))
        continue
      }
      guard let one = self.values(parts[index], of: kind, type, set, values, isWildcard: isWildcard) else { return nil }
      key += one
    }
    return parts.count <= kinds.count ? key : nil
  }

  /// The values of one part of a member, of a port two.
  private func values(
    _ part: Range<Int>, of kind: Substring, _ type: String, _ set: NamedSet, _ values: borrowing RuleDraft,
    isWildcard: Bool
  ) -> [ValueSet]? {
    switch kind {
    case "ip", "net": return addresses(part, set, values).map { [$0] }
    case "mac": return MACMatch.address(part, values).map { [ValueSet($0)] }
    case "port": return ports(part, type, values).map { [$0.0, $0.1] }
    case "mark":
      guard let mark = values.number(part), mark <= 0xffff_ffff else { return nil }
      return [ValueSet(mark)]
    case "iface":
      // A member of a bridge port (physdev:) asks another field than the others.
      let name = values.text(part)
      guard !name.hasPrefix("physdev:"), !MaskedName.mayBeMasked(name.utf8) || MaskedText.read(name, .interface) == nil
      else { return nil }
      return InterfaceName.set(matching: name, wildcard: isWildcard).map { [$0] }
    default: return nil
    }
  }

  /// The parts of a member that is masked; nil where one is neither shown nor masked.
  private func masks(
    _ word: Range<Int>, _ type: String, _ set: NamedSet, _ draft: borrowing RuleDraft, isWildcard: Bool
  ) -> [MaskedValue]? {
    guard let colon = type.firstIndex(of: ":") else { return nil }
    let kinds = type[type.index(after: colon)...].split(separator: ",")
    let parts = draft.list(word)
    guard parts.count == kinds.count else { return nil }
    var masks: [MaskedValue] = []
    for (part, kind) in zip(parts, kinds) {
      if let known = values(part, of: kind, type, set, draft, isWildcard: isWildcard) {
        masks += known.map { MaskedValue(known: $0) }
        continue
      }
      let text = Array(bytes[part])
      switch kind {
      case "ip", "net":
        let family = set.family ?? .ipv4
        guard let value = Self.mask(text, .address(family)) else { return nil }
        // A netmask of the set widens what is left.
        let isWidened = set.arguments.contains { $0.name == "netmask" || $0.name == "bitmask" }
        masks.append(isWidened ? MaskedValue(value.text, within: family.allAddresses) : value)
      case "mac":
        guard let value = Self.mask(text, .hardwareAddress) else { return nil }
        masks.append(value)
      case "port":
        var protocols = type == "bitmap:port" ? ValueSet([6...6, 17...17]) : ValueSet(6)
        var ports = text[...]
        if let sign = text.firstIndex(of: UInt8(ascii: ":")) {
          guard let transport = draft.transport(part.lowerBound..<part.lowerBound + sign) else { return nil }
          protocols = ValueSet(transport)
          ports = text[(sign + 1)...]
        }
        guard let value = Self.mask(Array(ports), .number(bits: 16)) else { return nil }
        masks += [MaskedValue(known: protocols), value]
      case "mark":
        guard let value = Self.mask(text, .number(bits: 32)) else { return nil }
        masks.append(value)
      case "iface":
        guard let value = Self.mask(text, .interface) else { return nil }
        masks.append(value)
      default: return nil
      }
    }
    return masks
  }

  private static func mask(_ text: [UInt8], _ kind: MaskedText.Kind) -> MaskedValue? {
    switch MaskedText.read(text, kind) {
    case .known(let values)?: MaskedValue(known: values)
    case .masked(let value)?: value
    case nil: nil
    }
  }

  /// `10.0.0.1`, `10.0.0.0/8`, `10.0.0.1-10.0.0.9`; a netmask of the set widens it.
  private func addresses(_ part: Range<Int>, _ set: NamedSet, _ values: borrowing RuleDraft) -> ValueSet? {
    let isNetwork = values.position(of: UInt8(ascii: "/"), in: part) != nil
    if values.position(of: UInt8(ascii: "-"), in: part) != nil { return values.addressRange(part).map { ValueSet($0) } }
    if isNetwork {
      guard let (address, mask) = values.network(part),
        let length = Prefix.length(ofMask: address.isIPv4 ? IPAddress(ipv4: UInt32(mask)) : IPAddress(bits: mask))
      else { return nil }
      return Prefix(address, length: length)?.values
    }
    guard let address = values.address(part) else { return nil }
    var length = address.family.addressBits
    for argument in set.arguments where argument.name == "netmask" || argument.name == "bitmask" {
      if let number = Int(argument.value) {
        length = number
      } else if let mask = IPAddress(argument.value), let ones = Prefix.length(ofMask: mask) {
        length = ones
      }
    }
    return Prefix(address, length: length)?.values
  }

  /// `tcp:80`, `udp:1000-2000`, `icmp:echo-request`, `icmp:8/0`, `esp:0`, or a bare port of a bitmap, which means TCP
  /// and UDP.
  ///
  /// ICMP's type and code stand in the first two bytes of the header, where other protocols have the source port, and
  /// the set holds them as one number (`net/netfilter/ipset/ip_set_getport.c`). Protocols without ports match whatever
  /// their header holds.
  private func ports(_ part: Range<Int>, _ type: String, _ values: borrowing RuleDraft) -> (ValueSet, ValueSet)? {
    guard let colon = values.position(of: UInt8(ascii: ":"), in: part) else {
      guard let ports = values.ports(part, separator: UInt8(ascii: "-")) else { return nil }
      return (type == "bitmap:port" ? [6, 17] : [6], ValueSet(ports))
    }
    guard let transport = values.transport(part.lowerBound..<colon) else { return nil }
    let behind = colon + 1..<part.upperBound
    switch transport {
    case 6, 17, 132, 136:
      return values.ports(behind, separator: UInt8(ascii: "-")).map { (ValueSet(transport), ValueSet($0)) }
    case 1, 58:
      let family: AddressFamily = transport == 1 ? .ipv4 : .ipv6
      if let slash = values.position(of: UInt8(ascii: "/"), in: behind) {
        guard let icmpType = values.number(behind.lowerBound..<slash), icmpType <= 255,
          let code = values.number(slash + 1..<behind.upperBound), code <= 255
        else { return nil }
        return (ValueSet(transport), ValueSet(icmpType << 8 | code))
      }
      if let number = values.number(behind) { return number <= 65535 ? (ValueSet(transport), ValueSet(number)) : nil }
      guard let meaning = ICMPNames.find(values.text(behind), family) else { return nil }
      return (ValueSet(transport), ValueSet(UInt64(meaning.type) << 8 | UInt64(meaning.code ?? 0)))
    default:
      return (ValueSet(transport), .bits(16))
    }
  }

  /// Reads what stands behind the key: `timeout 299 nomatch packets 0 bytes 0 comment "words"`. True when a name is the
  /// beginning of names.
  private func readOptions(_ start: ByteCursor, _ element: inout SetElement) -> Bool {
    var cursor = start
    var isWildcard = false
    while cursor.eatBlanks() > 0, let word = cursor.eatWord() {
      let name = cursor.text(word)
      switch name {
      case "nomatch": element.nomatch = true
      case "wildcard": isWildcard = true
      case "comment":
        cursor.eatBlanks()
        if cursor.eat(UInt8(ascii: "\"")) {
          let range = cursor.eat(while: { $0 != UInt8(ascii: "\"") })
          _ = cursor.eat(UInt8(ascii: "\""))
          element.comment = cursor.text(range)
        } else if let range = cursor.eatWord() {
          element.comment = cursor.text(range)
        }
      default:
        cursor.eatBlanks()
        guard let range = cursor.eatWord() else { return isWildcard }
        element.arguments.append(Argument(name, cursor.text(range)))
      }
    }
    return isWildcard
  }
}
