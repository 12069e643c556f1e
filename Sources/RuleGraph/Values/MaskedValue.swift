/// A value of which a dump hides a part, or all: `x.x.x.62`, `<MY_IP>`, `203.0.113.10-203.0.113.xxx`, `$WAN` without a
/// definition.
///
/// People redact dumps before they post them. What is left still tells something: an address that does not end in .62
/// is certainly not `x.x.x.62`.
public struct MaskedValue: Hashable, Sendable {
  /// The text as the dump has it.
  public var text: String
  /// Whether the text names the value, so that the same text elsewhere means the same value (`<WAN>`); `x.x.x.x` may be
  /// another address each time.
  public var isNamed: Bool
  /// The values that are meant whatever is hidden: of a range with one masked end, the other end.
  public var certain: ValueSet
  /// The values that may be meant, as far as intervals can say it.
  public var possible: ValueSet
  /// The bits that are shown although bits before them are not, and what they are: of `x.x.x.62` the last eight.
  public var shownBits: UInt128
  /// What the shown bits are; zero elsewhere.
  public var bits: UInt128

  /// Makes a masked value.
  public init(
    _ text: String, within possible: ValueSet, shownBits: UInt128 = 0, bits: UInt128 = 0, certain: ValueSet = .empty,
    isNamed: Bool = false
  ) {
    self.text = text
    self.isNamed = isNamed
    self.certain = certain
    self.possible = possible
    self.shownBits = shownBits
    self.bits = bits
  }

  /// A part of a masked key that is not masked itself.
  public init(known values: ValueSet) {
    self.init("", within: values, certain: values)
  }

  /// Whether nothing is masked.
  public var isKnown: Bool { certain == possible }

  /// Whether a value may be what is masked.
  public func mayBe(_ value: UInt128) -> Bool { possible.contains(value) && value & shownBits == bits }
}

/// The values of a match some of which are masked: `{ 22, XXXX, 443 }`.
public struct MaskedValues: Hashable, Sendable {
  /// The values that are not masked.
  public var known: ValueSet
  /// The masked ones.
  public var masked: [MaskedValue]

  /// Makes values.
  public init(known: ValueSet = .empty, _ masked: [MaskedValue]) {
    self.known = known
    self.masked = masked
  }

  /// The values that are certainly among them.
  public var certain: ValueSet { masked.reduce(known) { $0.union($1.certain) } }

  /// All values that may be among them; none outside is.
  public var possible: ValueSet { masked.reduce(known) { $0.union($1.possible) } }
}
