/// The forms in which nftables prints its ruleset.
enum NftablesForm: Hashable, Sendable, CaseIterable {
  /// libnftables-json(5).
  case json
  /// nft(8), with the handles of the rules.
  case text

  /// The options of nft(8) for the form.
  var options: [String] { self == .json ? ["-j"] : ["-a"] }

  /// The command that prints it.
  var line: String { ReadCommand.nftRuleset(self).line }
}

/// Reads the nftables ruleset of the network namespace that the thread is in. It has no other power: nothing can be
/// said to it.
protocol NftablesReading: Sendable {
  /// The whole ruleset in a form, as `nft list ruleset` prints it.
  func ruleset(_ form: NftablesForm) throws(NftablesFailure) -> [UInt8]
}

/// Why the nftables ruleset could not be read.
enum NftablesFailure: Error, Hashable {
  /// The library can't be opened; the text is the dynamic linker's.
  case libraryMissing(String)
  /// The library said no, in its own words.
  case refused(String)

  /// The reason in words, with what to install.
  var message: String {
    switch self {
    case .libraryMissing(let text):
      "libnftables can't be opened (\(text)); Debian and Ubuntu: apt install libnftables1, Fedora: dnf install nftables-libs, "
        + "Alpine: apk add nftables"
    case .refused(let text): "libnftables: \(text)"
    }
  }
}
