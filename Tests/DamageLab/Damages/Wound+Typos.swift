import Randomness

/// Slips of the hand in one line.
extension Wound {
  /// A rule of a text form.
  private func rule(_ random: inout RandomNumbers, where fits: (Row) -> Bool) -> (Int, Int)? {
    let places = dump.ruleOutputs.filter { dump.outputs[$0].form != .nftJSON }.flatMap { index in
      dump.outputs[index].rows.indices.filter {
        dump.outputs[index].rows[$0].role == .rule && fits(dump.outputs[index].rows[$0])
      }
      .map { (index, $0) }
    }
    return places.isEmpty ? nil : random.pick(places)
  }

  private mutating func change(_ place: (Int, Int), to text: String) {
    note("\"\(dump.outputs[place.0].rows[place.1].text)\" is \"\(text)\"")
    dump.outputs[place.0].rows[place.1].text = text
  }

  /// A quote that was opened and not closed, or a stray one.
  mutating func openQuote(_ random: inout RandomNumbers) -> Bool {
    guard let place = rule(&random, where: { _ in true }) else { return false }
    var text = dump.outputs[place.0].rows[place.1].text
    if let last = text.lastIndex(of: "\"") {
      text.remove(at: last)
    } else {
      let blanks = text.indices.filter { text[$0] == " " }
      guard let at = blanks.isEmpty ? nil : random.pick(blanks) else { return false }
      text.insert("\"", at: text.index(after: at))
    }
    change(place, to: text)
    return true
  }

  /// A single blank between two words, gone.
  mutating func loseBlank(_ random: inout RandomNumbers) -> Bool {
    guard let place = rule(&random, where: { _ in true }) else { return false }
    var text = dump.outputs[place.0].rows[place.1].text
    let single = text.indices.filter { at in
      guard text[at] == " ", at > text.startIndex, text.index(after: at) < text.endIndex else { return false }
      return text[text.index(before: at)] != " " && text[text.index(after: at)] != " "
    }
    guard !single.isEmpty else { return false }
    text.remove(at: random.pick(single))
    change(place, to: text)
    return true
  }

  /// One of the two counters, or both, gone.
  mutating func loseCounter(_ random: inout RandomNumbers) -> Bool {
    guard
      let place = rule(
        &random,
        where: {
          $0.text.contains("counter packets ") || $0.text.hasPrefix("[") || $0.text.first == " "
            || $0.text.first?.isNumber == true
        })
    else { return false }
    let text = dump.outputs[place.0].rows[place.1].text
    if let range = text.firstRange(of: "packets ") {
      let lost = text[range.lowerBound...].split(separator: " ").prefix(random.pick([2, 4])).joined(separator: " ")
      guard let part = text.firstRange(of: lost + " ") else { return false }
      change(place, to: String(text[..<part.lowerBound] + text[part.upperBound...]))
    } else if text.hasPrefix("[") {
      guard let end = text.firstIndex(of: "]"), let colon = text.firstIndex(of: ":") else { return false }
      change(
        place,
        to: random.happens(50) ? String(text[text.index(end, offsetBy: 2)...]) : "[" + text[text.index(after: colon)...]
      )
    } else {
      var words = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
      let numbers = words.indices.filter { !words[$0].isEmpty }.prefix(dump.outputs[place.0].form == .numbered ? 3 : 2)
      guard let at = numbers.last, Int(words[at].filter(\.isNumber)) != nil else { return false }
      words[at] = String(repeating: " ", count: random.happens(50) ? words[at].count : 0)
      change(place, to: words.joined(separator: " "))
    }
    return true
  }
}
