import Randomness

/// What mailers, terminals, forums and word processors do to a text: nothing of it is lost.
extension Wound {
  private mutating func changeLines(_ change: (String) -> [String]) {
    for at in texts.indices { texts[at].lines = texts[at].lines.flatMap(change) }
  }

  mutating func fold(_ random: inout RandomNumbers, isHard: Bool) -> Bool {
    let width = random.number(60...132)
    // A terminal shows tabs as blanks, and these are what is copied.
    changeLines { line in
      var text = ""
      for character in line {
        text += character == "\t" ? String(repeating: " ", count: 8 - text.count % 8) : String(character)
      }
      return [text]
    }
    guard texts.contains(where: { $0.lines.contains { $0.count > width } }) else { return false }
    note("folded at \(width), \(isHard ? "hard" : "at blanks")")
    changeLines { isHard ? Self.cut($0, width) : Self.wrapped($0, width) }
    return true
  }

  private static func cut(_ line: String, _ width: Int) -> [String] {
    var rest = line[...]
    var parts: [String] = []
    while rest.count > width {
      parts.append(String(rest.prefix(width)))
      rest = rest.dropFirst(width)
    }
    return parts + [String(rest)]
  }

  private static func wrapped(_ line: String, _ width: Int) -> [String] {
    var parts: [String] = []
    var rest = Array(line)
    while rest.count > width {
      let start = rest.firstIndex { $0 != " " } ?? 0
      guard let blank = rest[..<width].lastIndex(of: " "), blank > start else { break }
      parts.append(String(rest[..<blank]))
      rest = Array(rest[rest.index(after: blank)...])
    }
    return parts + [String(rest)]
  }

  mutating func prefix(_ mark: String) -> Bool {
    changeLines { line in
      // Mailers quote an empty line without a blank at its end.
      [
        line.isEmpty && mark.hasSuffix(" ")
          ? String(mark.dropLast(mark.allSatisfy { $0 == " " } ? mark.count : 1)) : mark + line
      ]
    }
    note("each line after \"\(mark)\"")
    return true
  }

  mutating func fence(_ random: inout RandomNumbers) -> Bool {
    let language = random.pick(["", "", "bash", "console", "text"])
    for at in texts.indices { texts[at].lines = ["```" + language] + texts[at].lines + ["```"] }
    note("in a fence")
    return texts.allSatisfy { !$0.isOpenEnded }
  }

  mutating func numberLines() -> Bool {
    for at in texts.indices {
      texts[at].lines = texts[at].lines.enumerated().map { number, line in
        let text = String(number + 1)
        return String(repeating: " ", count: max(0, 6 - text.count)) + text + "\t" + line
      }
    }
    note("cat -n")
    return true
  }

  mutating func joinDashes(_ random: inout RandomNumbers) -> Bool {
    let dash = random.pick(["–", "—"])
    guard texts.contains(where: { $0.lines.contains { $0.contains("--") } }) else { return false }
    changeLines { [$0.split(separator: "--", omittingEmptySubsequences: false).joined(separator: dash)] }
    note("\(dash) for --")
    return true
  }

  mutating func curlQuotes() -> Bool {
    guard texts.contains(where: { $0.lines.contains { $0.contains("\"") } }) else { return false }
    changeLines { line in
      var isOpen = false
      return [
        String(
          line.map { character -> Character in
            guard character == "\"" else { return character }
            isOpen.toggle()
            return isOpen ? "“" : "”"
          })
      ]
    }
    note("curly quotes")
    return true
  }

  mutating func hardenBlanks(_ random: inout RandomNumbers) -> Bool {
    let isEach = random.happens(50)
    changeLines { line in
      var text = ""
      for character in line {
        if character == " ", isEach || text.last == " " || text.isEmpty || text.last == "\u{a0}" {
          text.append("\u{a0}")
        } else {
          text.append(character)
        }
      }
      return [text]
    }
    note("no-break blanks")
    return true
  }

  mutating func addProse(_ random: inout RandomNumbers) -> Bool {
    let before = random.pick([
      ["Hi all,", "", "my container can't be reached from outside any more, and I don't see why.", ""],
      ["Here are my rules:", ""], ["Salut, voici mes règles :", ""],
      ["I tried `iptables -F` and rebooted, no luck. Output below.", ""],
    ])
    let after = random.pick([
      ["", "Thanks in advance!"], ["", "Any idea what drops it?", "-- ", "John"],
      ["", "Edit: it worked before the update to Debian 12."],
    ])
    for at in texts.indices where texts[at].isOpenEnded == false { texts[at].lines = before + texts[at].lines + after }
    note("prose around")
    return true
  }
}
