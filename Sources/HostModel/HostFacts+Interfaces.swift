extension HostFacts {
  /// Whether the dumps list every interface: what lists loopback lists all, nobody asks for it alone with the addresses
  /// of others.
  public var listsEveryInterface: Bool {
    !addressesKnown.isEmpty && interface("lo") != nil && interfaces.count > 1
  }
}
