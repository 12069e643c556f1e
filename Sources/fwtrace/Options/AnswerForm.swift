/// The forms in which an answer is printed: one at a time.
enum AnswerForm {
  /// Refuses several of the options that choose one.
  ///
  /// - Parameter given: For each option whether it was given.
  static func check(_ given: KeyValuePairs<String, Bool>) throws(Failure) {
    let chosen = given.filter(\.value).map(\.key)
    if chosen.count > 1 {
      throw Failure("\(chosen[1]): an answer has one form, and \(chosen[0]) asks for another")
    }
  }
}
