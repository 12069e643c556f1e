/// How the value that a match tests, or that a statement assigns, is computed from the packet.
///
/// Most are fields. Whatever else there is lies apart, so that a match is small.
public enum ValueExpression: Hashable, Sendable {
  /// A field as it is.
  case field(Field)
  /// One value.
  indirect case constant(UInt128)
  /// One of a set of values, chosen by the kernel (a range of addresses or ports to translate to).
  indirect case anyOf(ValueSet)
  /// One value, which the dump masks (`dnat to x.x.x.x`).
  indirect case masked(MaskedValue)
  /// `(operand & and) ^ xor`, the kernel's one form of bit arithmetic with constants (`net/netfilter/nft_bitwise.c`).
  indirect case bitwise(ValueExpression, and: UInt128, xor: UInt128)
  /// The operand moved left by a number of bits; right when negative.
  indirect case shift(ValueExpression, left: Int)
  /// Two computed values combined bit by bit.
  indirect case combine(BitOperation, ValueExpression, ValueExpression)
  /// Several values side by side: the key of a concatenated set (nft(8), "CONCATENATIONS").
  case concatenation([ValueExpression])
  /// The value that a map holds for a key; where the map holds none, the rule does not match.
  indirect case map(key: ValueExpression, MapReference)
  /// A number that the kernel makes: counting, random or a hash (nft(8), "NUMGEN", "HASH"); any of `values`, which one
  /// the dump can't tell.
  indirect case generated(Generator)
}

/// An operation on bits.
public enum BitOperation: String, Hashable, Sendable {
  case and = "&"
  case or = "|"
  case xor = "^"
}

/// A number that the kernel makes anew for each packet or computes from it in a way that a dump can't tell.
public struct Generator: Hashable, Sendable {
  /// What makes the number: `numgen inc`, `numgen random`, `jhash`, `symhash`.
  public var name: String
  /// The numbers it may give.
  public var values: ValueSet
  /// Everything else that was printed, for printing it back.
  public var arguments: [Argument]
  /// What a hash is computed from; nil of a counter.
  public var inputs: [ValueExpression]

  /// Makes a generator.
  public init(name: String, values: ValueSet, arguments: [Argument] = [], inputs: [ValueExpression] = []) {
    self.name = name
    self.values = values
    self.arguments = arguments
    self.inputs = inputs
  }
}

/// A named argument of something that the tracer does not need to understand, kept for printing it back.
public struct Argument: Hashable, Sendable {
  /// The argument's name, in the spelling of nft's JSON where it has one.
  public var name: String
  /// Its value as text; empty for a flag.
  public var value: String

  /// Makes an argument.
  public init(_ name: String, _ value: String = "") {
    self.name = name
    self.value = value
  }
}

/// A map that a rule looks values up in.
public enum MapReference: Hashable, Sendable {
  /// A map of the rule's table, by name.
  case named(String)
  /// A map written in the rule itself.
  case anonymous([SetElement])
  /// An ipset whose members hold a mark or a priority (`skbinfo`; iptables `SET --map-set`), by name. The key has one
  /// address field for each flag, as in ``MatchValues/ipset(_:)``.
  case ipset(String)
}
