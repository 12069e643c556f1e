/// Damages a text as texts are damaged on their way: bytes changed, lost and put in, pieces cut and doubled, lines swapped and cut short.
///
/// One to five such changes are made, drawn from `random`.
///
///     var random = RandomNumbers(seed: 1)
///     let damaged = mutated(Array("-A INPUT -j DROP\n".utf8), by: &random)
public func mutated(_ bytes: [UInt8], by random: inout RandomNumbers) -> [UInt8] {
  var bytes = bytes
  for _ in 0..<random.number(1...5) where !bytes.isEmpty {
    let at = random.number(0...bytes.count - 1)
    let end = min(at + random.number(1...80), bytes.count)
    switch random.number(0...9) {
    case 0: bytes[at] = UInt8(random.number(0...255))
    case 1: bytes.remove(at: at)
    case 2: bytes.insert(random.pick(Array(" \t\r\n:;=.,/*-!<>&|@(){}[]'\"\\`>#$0fF\u{1b}\u{0}".utf8)), at: at)
    case 3: bytes.removeSubrange(at..<end)
    case 4: bytes.removeSubrange(at...)
    case 5: bytes.insert(contentsOf: Array(bytes[at..<end]), at: random.number(0...bytes.count - 1))
    case 6: bytes.insert(contentsOf: Array("99999999999999999999".utf8), at: at)
    case 7: bytes.insert(0xff, at: at)
    default: bytes = withLinesChanged(bytes, by: &random)
    }
  }
  return bytes
}

/// Two lines change places, one is lost, or one ends early.
private func withLinesChanged(_ bytes: [UInt8], by random: inout RandomNumbers) -> [UInt8] {
  var lines = bytes.split(separator: 0x0a, omittingEmptySubsequences: false)
  let line = random.number(0...lines.count - 1)
  switch random.number(0...2) {
  case 0: lines.swapAt(line, random.number(0...lines.count - 1))
  case 1: lines.remove(at: line)
  default: lines[line] = lines[line].prefix(random.number(0...lines[line].count))
  }
  return Array(lines.joined(separator: [0x0a]))
}
