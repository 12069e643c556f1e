/// The commands that change the host, in groups of those that stand one behind the other.
struct CommandGroups {
  /// Commands of one host and session between which no output stands.
  struct Group {
    /// Where they stand.
    var origin: Origin
    /// Their lines, those of one prompt or script together.
    var blocks: [[DumpLine]]
    /// Whether something that is no prompt follows them, which they may have printed.
    var isFollowed = false

    /// The lines of all of them.
    var lines: [DumpLine] { blocks.flatMap(\.self) }
  }

  /// Whose commands they are, and where they stand.
  struct Origin: Equatable {
    var host: String?
    var promptName: String?
    /// The session of their prompts; nil of commands without one.
    var session: Int32?
    /// How many outputs stand before them.
    var place: Int
  }

  private var groups: [Group] = []
  /// Behind which line the last command stands; nil where its answer was seen.
  private var lastEnd: Int?

  /// The groups of which something is left.
  var all: [Group] { groups.filter { !$0.blocks.isEmpty } }

  /// Adds the commands of a block.
  mutating func append(_ block: CommandLines.Block, _ origin: Origin) {
    if let last = groups.last, last.origin == origin, !last.isFollowed {
      groups[groups.count - 1].blocks.append(block.lines)
    } else {
      groups.append(Group(origin: origin, blocks: [block.lines]))
    }
    lastEnd = block.end
  }

  /// The lines between the last command and a place; nil where there is no command whose answer may stand there.
  func answer(before index: Int) -> Range<Int>? { lastEnd.flatMap { $0 <= index ? $0..<index : nil } }

  /// Takes in that the last command printed something that it should not.
  mutating func follow() {
    guard let last = groups.indices.last else { return }
    groups[last].isFollowed = true
  }

  /// Takes in that a program says why it did nothing: of a command alone right before it nothing remains.
  mutating func fail() {
    if let last = groups.indices.last, groups[last].blocks.last?.count == 1 {
      groups[last].blocks.removeLast()
    } else {
      follow()
    }
    lastEnd = nil
  }
}
