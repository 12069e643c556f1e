import RuleGraph

/// The words that stand for numbers in nft's types (nft(8), "DATA TYPES"; `nft describe TYPE` prints each list).
package enum NftSymbols {
  /// The number that a word stands for in a type, or nil when it is no word of the type.
  package static func value(of word: String, in type: NftType) -> UInt128? {
    tables[type]?[word]
  }

  /// The word for a number of a type, as nft prints it, or nil when it has none.
  package static func word(for value: UInt128, in type: NftType) -> String? {
    words[type]?[value]
  }

  /// The flags of `log`, from the lowest bit (`NF_LOG_*` in `include/uapi/linux/netfilter/nf_log.h`).
  package static let logFlags = ["tcp sequence", "tcp options", "ip options", "skuid", "ether"]

  private static let tables: [NftType: [String: UInt128]] = lists.mapValues { list in
    Dictionary(list.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
  }

  private static let words: [NftType: [UInt128: String]] = lists.mapValues { list in
    Dictionary(list.map { ($0.value, $0.name) }, uniquingKeysWith: { first, _ in first })
  }

  private static func list(_ names: KeyValuePairs<String, UInt128>) -> [NamedValue] {
    names.map { NamedValue($0.value, $0.key) }
  }

  private static let lists: [NftType: [NamedValue]] = [
    .inetProtocol: NamedNumbers.transports + NamedNumbers.transportAliases
      + list([
        "comp": 108, "ip": 0, "ggp": 3, "st": 5, "igp": 9, "pup": 12, "hmp": 20, "xns-idp": 22, "rdp": 27,
        "iso-tp4": 29,
        "xtp": 36, "ddp": 37, "idpr-cmtp": 38, "ipv6-route": 43, "ipv6-frag": 44, "idrp": 45, "skip": 57,
        "ipv6-nonxt": 59, "ipv6-opts": 60, "rspf": 73, "vmtp": 81, "ax.25": 93, "etherip": 97, "encap": 98, "isis": 124,
        "fc": 133, "mpls-in-ip": 137, "manet": 138, "hip": 139, "shim6": 140, "wesp": 141, "rohc": 142, "ethernet": 143,
        "mptcp": 262,
      ]),
    .etherType: NamedNumbers.etherTypes + list(["8021q": 0x8100]),
    .tcpFlag: NamedNumbers.tcpFlags,
    .ctState: ConntrackState.names.map { NamedValue($0.bit, $0.name) },
    .ctStatus: ConntrackStatus.names.map { NamedValue($0.bit, $0.name) },
    .ctDirection: list(["original": 0, "reply": 1]),
    .ctEvent: list([
      "new": 1, "related": 2, "destroy": 4, "reply": 8, "assured": 16, "protoinfo": 32, "helper": 64, "mark": 128,
      "seqadj": 256, "secmark": 512, "label": 1024,
    ]),
    .icmpType: NamedNumbers.icmpTypes,
    .icmpCode: list([
      "net-unreachable": 0, "host-unreachable": 1, "prot-unreachable": 2, "port-unreachable": 3, "frag-needed": 4,
      "net-prohibited": 9, "host-prohibited": 10, "admin-prohibited": 13,
    ]),
    .icmpv6Type: NamedNumbers.icmpv6Types + list(["mld-listener-reduction": 132]),
    .icmpv6Code: list([
      "no-route": 0, "admin-prohibited": 1, "addr-unreachable": 3, "port-unreachable": 4, "policy-fail": 5,
      "reject-route": 6,
    ]),
    .icmpxCode: list(["port-unreachable": 1, "no-route": 0, "host-unreachable": 2, "admin-prohibited": 3]),
    .igmpType: list([
      "membership-query": 0x11, "membership-report-v1": 0x12, "membership-report-v2": 0x16,
      "membership-report-v3": 0x22, "leave-group": 0x17,
    ]),
    .networkProtocol: list(["ipv4": 2, "ipv6": 10, "ip": 2, "ip6": 10]),
    .packetType: list(["host": 0, "unicast": 0, "broadcast": 1, "multicast": 2, "other": 3]),
    .addressType: AddressType.allCases.map { NamedValue(UInt128($0.rawValue), $0.name) },
    .dscp: list([
      "cs0": 0, "cs1": 8, "cs2": 16, "cs3": 24, "cs4": 32, "cs5": 40, "cs6": 48, "cs7": 56, "df": 0, "be": 0,
      "lephb": 1,
      "af11": 10, "af12": 12, "af13": 14, "af21": 18, "af22": 20, "af23": 22, "af31": 26, "af32": 28, "af33": 30,
      "af41": 34, "af42": 36, "af43": 38, "va": 44, "ef": 46,
    ]),
    .ecn: list(["not-ect": 0, "ect1": 1, "ect0": 2, "ce": 3]),
    .arpOperation: list([
      "request": 1, "reply": 2, "rrequest": 3, "rreply": 4, "inrequest": 8, "inreply": 9, "nak": 10,
    ]),
    .dccpType: list([
      "request": 0, "response": 1, "data": 2, "ack": 3, "dataack": 4, "closereq": 5, "close": 6, "reset": 7, "sync": 8,
      "syncack": 9,
    ]),
    .mobilityType: list([
      "binding-refresh-request": 0, "home-test-init": 1, "careof-test-init": 2, "home-test": 3, "careof-test": 4,
      "binding-update": 5, "binding-acknowledgement": 6, "binding-error": 7, "fast-binding-update": 8,
      "fast-binding-acknowledgement": 9, "fast-binding-advertisement": 10, "experimental-mobility-header": 11,
      "home-agent-switch-message": 12,
    ]),
    .interfaceType: list([
      "ether": 1, "ppp": 512, "ipip": 768, "ipip6": 769, "loopback": 772, "sit": 776, "ipgre": 778,
    ]),
    .day: list([
      "Sunday": 0, "Monday": 1, "Tuesday": 2, "Wednesday": 3, "Thursday": 4, "Friday": 5, "Saturday": 6,
    ]),
    .boolean: list(["missing": 0, "exists": 1, "false": 0, "true": 1]),
    .uid: list(["root": 0]),
    .gid: list(["root": 0]),
    .classid: list(["none": 0, "root": 0xffff_ffff]),
    .realm: list(["cosmos": 0]),
    .deviceGroup: list(["default": 0]),
  ]
}
