import Randomness
import RuleGraph

/// Values that somebody hides before he shows his rules to others, the same way wherever they stand.
extension Wound {
  private static let addressMasks = [
    "x.x.x.x", "<IP>", "<REDACTED>", "XXX.XXX.XXX.XXX", "X.X.X.X", "[REDACTED]", "***",
  ]

  /// The addresses that the rules or the facts name.
  private var addresses: [String] {
    var found: Set<String> = []
    for output in dump.outputs {
      for line in output.lines {
        for word in line.split(whereSeparator: { !($0.isNumber || $0 == ".") }) {
          guard word.filter({ $0 == "." }).count == 3, let address = IPAddress(word) else { continue }
          let text = address.description
          if text == "0.0.0.0" || text.hasPrefix("127.") || text.hasPrefix("255.") { continue }
          found.insert(text)
        }
      }
    }
    return found.sorted()
  }

  mutating func maskAddress(_ random: inout RandomNumbers, inPart: Bool) -> Bool {
    let inRules = addresses.filter { address in
      texts.contains { $0.lines.contains { $0.contains(address) } }
    }
    guard !inRules.isEmpty else { return false }
    let address = random.pick(inRules)
    let mask = inPart ? Self.inPart(address, &random) : random.pick(Self.addressMasks)
    note("\(address) is \(mask)")
    lost.insert(address)
    return replace(address, with: mask)
  }

  private static func inPart(_ address: String, _ random: inout RandomNumbers) -> String {
    let parts = address.split(separator: ".").map(String.init)
    let hidden = random.pick(["xxx", "x", "XXX", "*"])
    return random.happens(70)
      ? (parts.prefix(3) + [hidden]).joined(separator: ".")
      : (parts.prefix(2) + [hidden, hidden]).joined(separator: ".")
  }

  mutating func maskAllAddresses(_ random: inout RandomNumbers) -> Bool {
    let mask = random.pick(Self.addressMasks)
    note("all addresses are \(mask)")
    var isDone = false
    lost.formUnion(addresses)
    for address in addresses { isDone = replace(address, with: mask) || isDone }
    return isDone
  }

  mutating func maskInterface(_ random: inout RandomNumbers) -> Bool {
    var names: Set<String> = []
    for row in dump.outputs.filter({ $0.form != nil }).flatMap(\.rows) where row.role == .rule {
      let words = row.text.split(whereSeparator: { " \t\"!".contains($0) }).map(String.init)
      for word in words
      where ["eth", "ens", "docker0", "br-"].contains(where: word.hasPrefix) && !word.hasSuffix("+")
        && !word.hasSuffix("*")
      {
        if word.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "-" }) { names.insert(word) }
      }
    }
    guard !names.isEmpty else { return false }
    let name = random.pick(names.sorted())
    let mask = random.pick(["<WAN>", "<IF>", "<REDACTED>", "XXXX", "[REDACTED]"])
    note("\(name) is \(mask)")
    return replace(name, with: mask)
  }

  mutating func maskPort(_ random: inout RandomNumbers) -> Bool {
    let before = ["--dport ", "--sport ", "dpt:", "spt:", "tcp dport ", "udp dport ", "--to-ports "]
    var ports: Set<String> = []
    for line in texts.flatMap(\.lines) {
      for word in before {
        for range in line.ranges(of: word) {
          let number = String(line[range.upperBound...].prefix { $0.isNumber })
          if !number.isEmpty { ports.insert(number) }
        }
      }
    }
    guard !ports.isEmpty else { return false }
    let port = random.pick(ports.sorted())
    let mask = random.pick(["XXXX", "<PORT>", "xxx", "<REDACTED>"])
    note("port \(port) is \(mask)")
    return replace(port, with: mask) { before, after in
      // A port stands after its option or an address; 22 of 10.0.0.22 or of a counter is none.
      guard let last = before.last, after.first.map({ !$0.isLetter && !$0.isNumber && $0 != "." }) ?? true else {
        return false
      }
      if last == ":" { return !before.hasSuffix("[:") && !(after.first == ":") }
      return last == " " && ["dport ", "sport ", "-ports "].contains { before.hasSuffix($0) }
    }
  }

  mutating func maskHardwareAddresses() -> Bool {
    var isDone = false
    for text in texts.indices {
      for at in texts[text].lines.indices where texts[text].lines[at].contains(":") {
        let words = texts[text].lines[at].split(separator: " ", omittingEmptySubsequences: false).map { word in
          let isAddress =
            word.count == 17 && word.split(separator: ":").count == 6 && word.allSatisfy { $0.isHexDigit || $0 == ":" }
          if isAddress { isDone = true }
          return isAddress ? "XX:XX:XX:XX:XX:XX" : word
        }
        texts[text].lines[at] = words.joined(separator: " ")
      }
    }
    note("hardware addresses are masked")
    return isDone
  }

  /// Replaces a word everywhere; whether it was there.
  private mutating func replace(
    _ word: String, with mask: String, where fits: (_ before: Substring, _ after: Substring) -> Bool = Wound.isApart
  ) -> Bool {
    var isDone = false
    for text in texts.indices {
      for at in texts[text].lines.indices where texts[text].lines[at].contains(word) {
        let line = texts[text].lines[at]
        var masked = ""
        var rest = line[...]
        while let range = rest.firstRange(of: word) {
          let isOne = fits(line[..<range.lowerBound], line[range.upperBound...])
          masked += rest[..<range.lowerBound] + (isOne ? mask[...] : rest[range])
          isDone = isDone || isOne
          rest = rest[range.upperBound...]
        }
        texts[text].lines[at] = masked + rest
      }
    }
    return isDone
  }

  /// Whether a name or an address stands there by itself, not as a part of a longer one.
  private static func isApart(_ before: Substring, _ after: Substring) -> Bool {
    let inside: (Character) -> Bool = { $0.isNumber || $0.isLetter || $0 == "." || $0 == "-" || $0 == "_" }
    return !(before.last.map(inside) ?? false) && !(after.first.map(inside) ?? false)
  }
}
