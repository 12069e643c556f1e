/// A named set or map of a table, or an ipset.
public struct NamedSet: Hashable, Sendable {
  /// The name.
  public var name: String
  /// The types of the key's parts as nft names them (`ipv4_addr`, `inet_service`), several in a concatenation; for an
  /// ipset the parts of its type, where a port stands for two parts, protocol and port (`hash:ip,port` is `["ip",
  /// "proto", "port"]`).
  public var keyTypes: [String]
  /// The types of a map's values (`verdict`, `ipv4_addr`); nil for a set.
  public var dataTypes: [String]?
  /// The elements.
  public var elements: [SetElement]
  /// Whether the elements can be relied on. A dump without them (`nft -t`, iptables without `ipset save`) leaves them
  /// unknown. Single elements that are missing or masked are elements with ``SetElement/masks`` instead.
  public var elementsKnown: Bool
  /// The flags as printed: `interval`, `constant`, `timeout`, `dynamic`.
  public var flags: [String]
  /// For an ipset its type (`hash:net,port`); nil for nft's sets.
  public var ipsetType: String?
  /// The family of an ipset's addresses.
  public var family: AddressFamily?
  /// Everything else that was printed (timeout, size, policy, auto-merge), for printing it back.
  public var arguments: [Argument]
  /// The handle that nft prints.
  public var handle: UInt64?
  /// The comment.
  public var comment: String?
  /// Where it stands.
  public var span: SourceSpan?

  /// Makes a named set.
  public init(
    _ name: String, keyTypes: [String], dataTypes: [String]? = nil, elements: [SetElement] = [],
    elementsKnown: Bool = true,
    flags: [String] = [], ipsetType: String? = nil, family: AddressFamily? = nil, arguments: [Argument] = [],
    handle: UInt64? = nil, comment: String? = nil, span: SourceSpan? = nil
  ) {
    self.name = name
    self.keyTypes = keyTypes
    self.dataTypes = dataTypes
    self.elements = elements
    self.elementsKnown = elementsKnown
    self.flags = flags
    self.ipsetType = ipsetType
    self.family = family
    self.arguments = arguments
    self.handle = handle
    self.comment = comment
    self.span = span
  }
}

extension NamedSet {
  /// Whether the dump shows every element whole.
  public var isShownWhole: Bool { elementsKnown && elements.allSatisfy(\.masks.isEmpty) }

  /// Whether the type of an ipset knows exceptions, members with `nomatch` (ipset(8); `IPSET_TYPE_NOMATCH` in
  /// `net/netfilter/ipset/`).
  public var knowsExceptions: Bool {
    guard let ipsetType, ipsetType.hasPrefix("hash:") else { return false }
    return ipsetType.dropFirst(5).split(separator: ",").contains("net")
  }
}

/// An element of a set or map.
public struct SetElement: Hashable, Sendable {
  /// The values of each part of the key: one part, or several in a concatenation. The catch-all element `*` has
  /// ``isCatchAll`` set.
  ///
  /// Of an element with ``masks`` these are values that may be meant.
  public var key: [ValueSet]
  /// Whether the element stands for every key that no other element holds (nft `*`).
  public var isCatchAll: Bool
  /// What a map holds for the key.
  public var data: SetData?
  /// Whether keys of this element are excepted from the set (ipset `nomatch`).
  public var nomatch: Bool
  /// For an element of a `list:set`: the set it stands for.
  public var member: String?
  /// The element's comment.
  public var comment: String?
  /// Everything else that was printed (timeout, expires, counter), for printing it back.
  public var arguments: [Argument]
  /// What the dump shows of each part of a masked key; empty of an element that is shown whole.
  ///
  /// One mask without a key stands for elements that were left out (`...`): any key may be among them.
  public var masks: [MaskedValue] = []

  /// Makes an element.
  public init(
    _ key: [ValueSet], data: SetData? = nil, isCatchAll: Bool = false, nomatch: Bool = false, member: String? = nil,
    comment: String? = nil, arguments: [Argument] = []
  ) {
    self.key = key
    self.data = data
    self.isCatchAll = isCatchAll
    self.nomatch = nomatch
    self.member = member
    self.comment = comment
    self.arguments = arguments
  }
}

extension SetElement {
  /// Makes an element whose key is masked.
  public init(masked masks: [MaskedValue], data: SetData? = nil) {
    self.init(masks.map(\.possible), data: data)
    self.masks = masks
  }

  /// Elements that the dump leaves out; `text` stands in their place.
  public static func elided(_ text: String) -> SetElement {
    var element = SetElement([])
    element.masks = [MaskedValue(text, within: .all)]
    return element
  }

  /// What has to hold, beside the key, for the element to let a rule go on: a rate, a quota, a number of connections.
  /// Empty of most elements.
  ///
  /// A rule that finds its packet in an element whose limit is used up ends there, as if the element was not in the
  /// set. Source: nft(8), "SETS"; `nft_set_elem_update_expr` in `include/net/netfilter/nf_tables.h`, called by
  /// `net/netfilter/nft_lookup.c`.
  public var conditions: [EnvironmentCondition] {
    arguments.compactMap { argument in
      func about(_ kind: EnvironmentCondition.Kind) -> EnvironmentCondition {
        let own = arguments.filter { $0.name.hasPrefix(argument.name + " ") }.map { own in
          Argument(String(own.name.dropFirst(argument.name.count + 1)), own.value)
        }
        return EnvironmentCondition(kind, own, negated: argument.value == "over")
      }
      switch argument.name {
      case "limit": return about(.limit)
      case "quota": return about(.quota)
      case "ct count":
        let isOver = argument.value.hasPrefix("over ")
        let count = isOver ? String(argument.value.dropFirst(5)) : argument.value
        return EnvironmentCondition(.connlimit, [Argument("count", count)], negated: !isOver)
      default: return nil
      }
    }
  }

  /// Whether the element stands for elements that were left out.
  public var isElision: Bool { key.isEmpty && !masks.isEmpty }
}

/// What a map holds for a key.
public enum SetData: Hashable, Sendable {
  /// A verdict (verdict map).
  case verdict(Verdict)
  /// Values, one set a part; a range where the kernel chooses (an address range to translate to).
  case values([ValueSet])
  /// Values of which the dump masks some, one a part.
  case masked([MaskedValue])
}
