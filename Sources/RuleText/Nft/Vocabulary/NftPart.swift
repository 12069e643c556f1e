package import RuleGraph

/// The type and width of one part of a value.
package struct NftPart: Hashable, Sendable {
  package var type: NftType
  package var bits: Int

  package init(_ type: NftType, _ bits: Int? = nil) {
    self.type = type
    self.bits = bits ?? type.bits
  }

  /// The highest value: of a time of day, the last second of the day.
  package var maximum: UInt128 { type == .hour ? 86399 : Self.mask(bits) }

  /// All ones of a width.
  package static func mask(_ bits: Int) -> UInt128 {
    bits >= 128 ? .max : (UInt128(1) << UInt128(max(bits, 0))) - 1
  }
}

/// The types of a set or map.
package struct NftSetTypes: Hashable, Sendable {
  package var key: [NftPart]
  package var data: [NftPart]?

  package init(key: [NftPart], data: [NftPart]?) {
    self.key = key
    self.data = data
  }

  /// The types that a set's declaration names.
  package init(of set: NamedSet) {
    func part(_ name: String) -> NftPart { NftPart(NftType(rawValue: name) ?? .invalid) }
    key = set.keyTypes.map(part)
    data = set.dataTypes.map { types in
      types.count == 1 && NftType.objectKinds.contains(types[0]) ? [NftPart(.object)] : types.map(part)
    }
  }
}
