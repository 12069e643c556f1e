import RuleGraph

extension Step {
  /// What was done at a step; the raw value is its name in JSON.
  public enum Action: String, Hashable, Sendable, CaseIterable {
    // Verdicts.
    case accept, drop, reject, `return`, `continue`, jump, goto, queue, synproxy
    /// Out of another device (nft `fwd to`).
    case forwardTo = "fwd"
    // Translations.
    case dnat, snat, masquerade, redirect, netmap, tproxy
    /// IPv6 prefix translation (`NPTv6`).
    case npt
    // Changes.
    case mark, connmark, notrack
    /// Another field was given a value.
    case set
    /// The rule did not match.
    case noMatch = "no match"
    // Rules that no dump shows, or that were not understood.
    case missing, unknown
    // The routing decision.
    case local, forward
    // Others.
    case bridged, loopback
    /// The packet never meets this host's rules.
    case past

    /// Whether the packet was given another address or port.
    public var isTranslation: Bool {
      switch self {
      case .dnat, .snat, .masquerade, .redirect, .netmap, .tproxy: true
      default: false
      }
    }

    /// Whether the base chain ends with it.
    public var isFinal: Bool {
      switch self {
      case .accept, .drop, .reject, .queue: true
      default: false
      }
    }
  }
}

extension Translation.Kind {
  /// What the path shows of the translation.
  var action: Step.Action {
    switch self {
    case .dnat: .dnat
    case .snat: .snat
    case .masquerade: .masquerade
    case .redirect: .redirect
    case .netmap: .netmap
    case .tproxy: .tproxy
    case .npt: .npt
    }
  }
}
