/// When and where a host was read, from the first line of its capture.
enum CaptureWords {
  /// The words `key=value`.
  static func words(_ captured: String) -> [(key: String, value: String)] {
    captured.split(separator: " ").compactMap { word in
      guard let equals = word.firstIndex(of: "="), equals != word.startIndex else { return nil }
      return (String(word[..<equals]), String(word[word.index(after: equals)...]))
    }
  }

  /// `Read  at 2026-11-21T03:27:29Z on web1`.
  static func sentence(_ captured: String) -> String {
    let words = words(captured)
    func value(_ key: String, _ before: String) -> String {
      words.first { $0.key == key }.map { " \(before) \($0.value)" } ?? ""
    }
    return "Read " + value("date", "at") + value("host", "on") + value("netns", "in the network namespace")
  }
}
