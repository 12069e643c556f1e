/// Commands in headings and sentences: `### iptables -L FORWARD -n -v`, `**iptables -S**`, `` `nft list ruleset`: ``.
enum HeadingCommand {
  /// The command that a line of Markdown or prose announces; nil of any other line.
  static func command(in line: String) -> String? {
    guard line.utf8.count < 400 else { return nil }
    var text = line[...]
    while let first = text.first, "#*_`>- \t".contains(first) { text.removeFirst() }
    while let last = text.last, "*_`: \t".contains(last) { text.removeLast() }
    for beginning in ["cmd:", "command:", "Command:", "output of", "Output of", "$"] where text.hasPrefix(beginning) {
      text = text.dropFirst(beginning.count)
      while let first = text.first, "*_` \t".contains(first) { text.removeFirst() }
    }
    // A file's name above its content.
    if !text.contains(" "), let dot = text.lastIndex(of: "."),
      [".txt", ".json", ".log", ".out", ".rules", ".nft"].contains(text[dot...])
    {
      return FileNameHint(String(text)).command
    }
    if text.utf8.count < line.utf8.count, !text.contains("`"), ShellPrompt.isCommand(String(text)) {
      return String(text)
    }
    // A sentence that ends with a colon, in which a command stands as code.
    guard line.hasSuffix(":") || line.hasSuffix("`") else { return nil }
    let parts = line.split(separator: "`", omittingEmptySubsequences: false)
    guard parts.count == 3 else { return nil }
    return ShellPrompt.isCommand(String(parts[1])) ? String(parts[1]) : nil
  }
}
