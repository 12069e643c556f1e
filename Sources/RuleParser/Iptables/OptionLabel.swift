import Glibc
import Synchronization

/// The name of an option without its dashes: `dport`.
///
/// A string's users would be counted for each option of a dump; this is the place of a text that stays as long as the
/// program.
struct OptionLabel: Hashable, Sendable, ExpressibleByStringInterpolation, CustomStringConvertible {
  private let literal: ByteView

  /// Makes the name that a literal spells.
  init(stringLiteral literal: StaticString) { self.literal = ByteView(literal) }

  /// Makes a name that is put together; each is made once.
  init(stringInterpolation: StringInterpolation) {
    let text = stringInterpolation.text
    self = Self.made.withLock { made in
      if let known = made[text] { return known }
      let new = OptionLabel(ByteView(PermanentList(Array(text.utf8))))
      made[text] = new
      return new
    }
  }

  /// The pieces that a name is put together from.
  struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var text = ""

    init(literalCapacity: Int, interpolationCount: Int) {}

    mutating func appendLiteral(_ literal: StaticString) { text += literal.description }

    mutating func appendInterpolation(_ word: String) { text += word }
  }

  private init(_ literal: ByteView) { self.literal = literal }

  private static let made = Mutex<[String: OptionLabel]>([:])

  /// The name as text.
  var text: String { literal.text(0..<literal.count) }

  var description: String { text }

  /// Its bytes.
  var bytes: ByteView { literal }

  func hasPrefix(_ text: StaticString) -> Bool { literal.has(text, at: 0) }

  func hasSuffix(_ text: StaticString) -> Bool { literal.has(text, at: literal.count - text.utf8CodeUnitCount) }

  static func == (a: OptionLabel, b: OptionLabel) -> Bool {
    a.literal.count == b.literal.count && a.literal.isEqual(0..<a.literal.count, to: b.literal, 0..<b.literal.count)
  }

  func hash(into hasher: inout Hasher) { hasher.combine(literal.hash(of: 0..<literal.count, seed: 0)) }
}
