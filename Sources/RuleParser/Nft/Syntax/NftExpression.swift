import RuleGraph
import RuleText

/// An expression of nft's language as it is written, in JSON or in text, before its types are applied.
///
/// Both readers make these, and ``NftLowering`` alone gives them their meaning, so that the two forms cannot drift
/// apart.
/// Source: libnftables-json(5), "EXPRESSIONS"; nft(8), "EXPRESSIONS".
indirect enum NftExpression: Hashable, Sendable {
  /// A word or string, whose meaning depends on the type of what it is compared with: `ssh`, `docker0`, `10.0.0.1`,
  /// `established`.
  case word(String)
  /// A number.
  case number(UInt128)
  /// `exists` (true) or `missing` (false).
  case presence(Bool)
  /// `*`, the element that stands for every other key.
  case wildcard
  /// Something of the packet.
  case field(NftField)
  /// `@name`: a set or map of the table.
  case reference(String)
  /// `low-high`.
  case range(NftExpression, NftExpression)
  /// `address/length`.
  case prefix(NftExpression, Int)
  /// `a,b`: alternatives that become one mask of bits.
  case list([NftExpression])
  /// `{ a, b }`, a set or a map written in place.
  case set([NftElement])
  /// `a . b`.
  case concatenation([NftExpression])
  /// Two operands and an operation on bits.
  case binary(NftOperation, NftExpression, NftExpression)
  /// `key map data`.
  case map(key: NftExpression, data: NftExpression)
  /// `numgen`, `jhash`, `symhash`.
  case generator(NftGenerator)
  /// A verdict, as the data of a map.
  case verdict(Verdict)
  /// Something that no dump holds and whose values are no numbers: a fingerprint, a control group, a helper's name,
  /// which is kept as the named argument.
  case environment(EnvironmentCondition.Kind, [Argument], valueName: String)
  /// Something about the packet that no field of the rule graph holds, by its text: the header inside a tunnel.
  case unknown(String)
}

/// An operation on bits.
enum NftOperation: String, Hashable, Sendable {
  case and = "&"
  case or = "|"
  case xor = "^"
  case shiftLeft = "<<"
  case shiftRight = ">>"
}

/// How the two sides of a match are compared (nft(8), "RELATIONAL").
enum NftRelation: String, Hashable, Sendable {
  /// Nothing is written between the sides (JSON `in`): equality, or for flags, whether a bit is shared.
  case implicit = "in"
  case equal = "=="
  case notEqual = "!="
  case less = "<"
  case greater = ">"
  case lessOrEqual = "<="
  case greaterOrEqual = ">="
  /// None of the flags is set.
  case noneOf = "!"
}

/// An element of a set or map as it is written.
struct NftElement: Hashable, Sendable {
  /// The key.
  var key: NftExpression
  /// What a map holds for it.
  var data: NftExpression?
  /// The comment.
  var comment: String?
  /// Timeouts and statements.
  var arguments: [Argument] = []

  init(_ key: NftExpression, _ data: NftExpression? = nil) {
    self.key = key
    self.data = data
  }
}

/// A number that the kernel makes (nft(8), "NUMGEN", "HASH").
struct NftGenerator: Hashable, Sendable {
  /// `numgen inc`, `numgen random`, `jhash`, `symhash`.
  var name: String
  /// How many different numbers there are.
  var modulus: UInt64
  /// The smallest.
  var offset: UInt64 = 0
  /// The seed of a hash.
  var seed: UInt64?
  /// What is hashed.
  var input: NftExpression?
}

/// Why an expression has no meaning in the rule graph.
struct NftProblem: Error, Hashable, Sendable {
  /// What the expression is, for the name of the opaque statement.
  var message: String

  init(_ message: String) { self.message = message }
}
