import FlowTrace

/// What the exit status says, for scripts.
enum ExitStatus: Int32, Error {
  /// Every case is accepted.
  case accepted = 0
  /// Some case is dropped or rejected.
  case notAccepted = 1
  /// The input or the usage is bad.
  case badInput = 2
  /// The dumps do not tell enough.
  case undetermined = 3

  init(_ verdict: OverallVerdict) {
    switch verdict {
    case .accept: self = .accepted
    case .drop, .reject, .mixed: self = .notAccepted
    case .undetermined: self = .undetermined
    }
  }
}

/// Input that can't be used, in words for the user.
struct Failure: Error {
  /// What is wrong and what would be right.
  var message: String

  init(_ message: String) { self.message = message }
}
