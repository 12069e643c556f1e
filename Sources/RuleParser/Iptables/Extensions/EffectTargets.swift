import RuleGraph

/// `-j AUDIT`: an entry in the audit log (iptables-extensions(8), "AUDIT").
struct AuditTarget: EffectTarget {
  let names = ["AUDIT"]
  let effect = Effect.Kind.audit
  let listingWords = ["AUDIT"]
  let options = [OptionSpelling("type")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    text.eat(named: "AUDIT", as: "type", &found)
  }
}

/// `-j CHECKSUM`: computes a missing checksum (iptables-extensions(8), "CHECKSUM").
struct ChecksumTarget: EffectTarget {
  let names = ["CHECKSUM"]
  let effect = Effect.Kind.checksum
  let listingWords = ["CHECKSUM"]
  let options = [OptionSpelling("checksum-fill", values: .none)]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    text.eat(word: "CHECKSUM") && text.eat(flag: "fill", as: "checksum-fill", &found)
  }
}

/// `-j CONNSECMARK`: copies the security mark (iptables-extensions(8), "CONNSECMARK").
struct ConnectionSecurityMarkTarget: EffectTarget {
  let names = ["CONNSECMARK"]
  let effect = Effect.Kind.connsecmark
  let listingWords = ["CONNSECMARK"]
  let options = [OptionSpelling("save", values: .none), OptionSpelling("restore", values: .none)]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    text.eat(word: "CONNSECMARK")
      && (text.eat(flag: "save", as: "save", &found) || text.eat(flag: "restore", as: "restore", &found))
  }
}

/// `-j SECMARK`: sets the security mark (iptables-extensions(8), "SECMARK").
struct SecurityMarkTarget: EffectTarget {
  let names = ["SECMARK"]
  let effect = Effect.Kind.secmark
  let listingWords = ["SECMARK"]
  let options = [OptionSpelling("selctx")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    text.eat(word: "SECMARK") && text.eat(named: "selctx", as: "selctx", &found)
  }
}

/// `-j IDLETIMER`: tells user space when an interface is idle (iptables-extensions(8), "IDLETIMER").
struct IdleTimerTarget: EffectTarget {
  let names = ["IDLETIMER"]
  let effect = Effect.Kind.idletimer
  let listingWords = ["timeout:"]
  let options = [OptionSpelling("timeout"), OptionSpelling("label"), OptionSpelling("alarm", values: .none)]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(label: "timeout:", as: "timeout", &found), text.eat(label: "label:", as: "label", &found) else {
      return false
    }
    _ = text.eat(flag: "alarm", as: "alarm", &found)
    return true
  }
}

/// `-j LED`: lights a lamp (iptables-extensions(8), "LED").
struct LampTarget: EffectTarget {
  let names = ["LED"]
  let effect = Effect.Kind.led
  let listingWords = ["led-trigger-id:"]
  let options = [
    OptionSpelling("led-trigger-id"), OptionSpelling("led-delay"), OptionSpelling("led-always-blink", values: .none),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(prefix: "led-trigger-id:"), let value = text.eatQuoted() else { return false }
    found.append(ExtensionOption(name: "led-trigger-id", value: value))
    while text.eat(label: "led-delay:", as: "led-delay", &found)
      || text.eat(flag: "led-always-blink", as: "led-always-blink", &found)
    {}
    return true
  }
}

/// `-j RATEEST`: estimates a rate for `-m rateest` (iptables-extensions(8), "RATEEST").
struct RateEstimatorTarget: EffectTarget {
  let names = ["RATEEST"]
  let effect = Effect.Kind.rateest
  let listingWords = ["name"]
  let options = [OptionSpelling("rateest-name"), OptionSpelling("rateest-interval"), OptionSpelling("rateest-ewmalog")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    text.eat(named: "name", as: "rateest-name", &found) && text.eat(named: "interval", as: "rateest-interval", &found)
      && text.eat(named: "ewmalog", as: "rateest-ewmalog", &found)
  }
}

/// `-j TCPMSS`: changes the segment size that a SYN offers (iptables-extensions(8), "TCPMSS").
struct SegmentSizeTarget: EffectTarget {
  let names = ["TCPMSS"]
  let effect = Effect.Kind.tcpmss
  let listingWords = ["TCPMSS"]
  let options = [OptionSpelling("set-mss"), OptionSpelling("clamp-mss-to-pmtu", values: .none)]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "TCPMSS") else { return false }
    if text.eat(named: "set", as: "set-mss", &found) { return true }
    guard text.eat(word: "clamp"), text.eat(word: "to"), text.eat(word: "PMTU") else { return false }
    found.append(ExtensionOption(name: "clamp-mss-to-pmtu"))
    return true
  }
}

/// `-j TCPOPTSTRIP`: removes TCP options (iptables-extensions(8), "TCPOPTSTRIP").
struct OptionStripTarget: EffectTarget {
  let names = ["TCPOPTSTRIP"]
  let effect = Effect.Kind.tcpoptstrip
  let listingWords = ["TCPOPTSTRIP"]
  let options = [OptionSpelling("strip-options")]

  private static let numbers = [
    "mss": "2", "wscale": "3", "sack-permitted": "4", "sack": "5", "timestamp": "8", "md5": "19",
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "TCPOPTSTRIP") else { return true }
    return text.eat(named: "options", as: "strip-options", &found)
  }

  func value(_ option: ExtensionOption, _ rule: borrowing RuleDraft) -> String? {
    rule.list(option.value).map { rule.text($0) }.map { Self.numbers[$0] ?? $0 }.joined(separator: ",")
  }
}

/// `-j TEE`: sends a copy of the packet elsewhere (iptables-extensions(8), "TEE").
struct CopyTarget: EffectTarget {
  let names = ["TEE"]
  let effect = Effect.Kind.dup
  let listingWords = ["TEE"]
  let options = [OptionSpelling("gateway"), OptionSpelling("oif")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "TEE"), text.eat(label: "gw:", as: "gateway", &found) else { return false }
    _ = text.eat(label: "oif=", as: "oif", &found)
    return true
  }
}

/// `-j ECN`: takes congestion notification out of the headers (iptables-extensions(8), "ECN").
struct CongestionTarget: EffectTarget {
  let names = ["ECN"]
  let effect = Effect.Kind.ecn
  let listingWords = ["ECN"]
  let options = [
    OptionSpelling("ecn-tcp-remove", values: .none), OptionSpelling("ecn-tcp-ece"), OptionSpelling("ecn-tcp-cwr"),
    OptionSpelling("ecn-ip-ect"),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "ECN") else { return false }
    while true {
      if text.eat(word: "TCP") {
        guard text.eat(flag: "remove", as: "ecn-tcp-remove", &found) else { return false }
      } else if text.eat(word: "ECT") {
        guard text.eat(label: "codepoint=", as: "ecn-ip-ect", &found) else { return false }
      } else if !(text.eat(label: "ECE=", as: "ecn-tcp-ece", &found)
        || text.eat(label: "CWR=", as: "ecn-tcp-cwr", &found))
      {
        return !found.isEmpty
      }
    }
  }
}

/// `-j TRACE`: the kernel tells which rules see the packet (iptables-extensions(8), "TRACE").
struct TraceTarget: EffectTarget {
  let names = ["TRACE"]
  let effect = Effect.Kind.trace
  let listingWords: [String] = []
  let options: [OptionSpelling] = []

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool { true }
}
