import RuleGraph

/// The readers of rules, one for each form of dump.
enum RuleReaders {
  /// `iptables -L`.
  static func listing(
    _ text: DumpText, family: AddressFamily?, table: String?, isWhole: Bool = false
  ) -> RuleFragment {
    IptablesListingReader.read(text, family: family, table: table, isWhole: isWhole)
  }

  /// `iptables-save`, `iptables -S`.
  static func save(_ text: DumpText, family: AddressFamily, table: String?) -> RuleFragment {
    IptablesSaveReader.read(text, family: family, table: table)
  }

  /// `ipset list`, `ipset save`.
  static func ipset(_ text: DumpText) -> RuleFragment { IpsetReader.read(text) }

  /// `nft -j list`.
  static func nftJSON(_ text: DumpText) -> RuleFragment { NftJSONReader.read(text) }

  /// `nft list`.
  static func nftText(_ text: DumpText, includes: (String) -> [DumpText]?) -> RuleFragment {
    NftTextReader.read(text, includes: includes)
  }
}
