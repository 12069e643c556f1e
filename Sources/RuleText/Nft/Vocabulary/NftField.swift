package import RuleGraph

/// A field together with the type that nft gives its values.
package struct NftField: Hashable, Sendable {
  /// The field.
  package var field: Field
  /// The type of its values.
  package var type: NftType
  /// The number of bits of a value.
  package var bits: Int

  package init(_ field: Field, _ type: NftType, bits: Int? = nil) {
    self.field = field
    self.type = type
    self.bits = bits ?? type.bits
  }
}
