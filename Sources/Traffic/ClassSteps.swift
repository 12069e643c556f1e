/// For which fields of a packet a class may stand, the most first: where a class turns out to be none, that of fewer
/// fields is tried.
///
/// Each is a bit for the number of each field, as ``PacketClasses/Field`` has it.
enum ClassSteps {
  /// How many there are.
  static let count = 5

  /// The fields of a step; none behind the last one.
  @inline(__always)
  static func open(_ step: Int) -> UInt8 {
    switch step {
    case 0: 0b11111
    case 1: 0b11101  // without the destination
    case 2: 0b11100  // without the source, too
    case 3: 0b00100  // the source port
    default: 0
    }
  }
}
