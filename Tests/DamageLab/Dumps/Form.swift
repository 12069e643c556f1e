/// The form in which a host's rules are printed.
public enum Form: String, CaseIterable, Sendable {
  /// `iptables-save`, all tables in one output.
  case save
  /// `iptables -vnL`, an output a table.
  case listing
  /// `iptables -vnL --line-numbers`.
  case numbered
  /// `iptables -S`, an output a table.
  case rules = "-S"
  /// `nft list ruleset`.
  case nftText = "nft"
  /// `nft -j list ruleset`.
  case nftJSON = "nft-json"

  /// Whether chains are blocks that begin with `Chain NAME`.
  var isListing: Bool { self == .listing || self == .numbered }
}

/// How the outputs come to the reader.
public enum Layout: String, CaseIterable, Sendable {
  /// A file an output, named after its command.
  case files
  /// One text, each output after its prompt.
  case prompts
  /// One text of outputs alone: nothing says which command printed them.
  case bare
}
