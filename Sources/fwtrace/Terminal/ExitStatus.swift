import FlowTrace

/// What the exit status says, for scripts.
enum ExitStatus: Int32, Error {
  /// Every case is accepted, and no reply, where replies were traced, is known to fail.
  case accepted = 0
  /// Some case is dropped or rejected, its reply is, or nothing listens.
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

extension ExitStatus {
  /// The status of the verdict, and of accepted packets that of their connections. A reply that the dumps leave open
  /// does not count against it.
  init(_ trace: Trace) {
    self = ExitStatus(trace.verdict)
    if self == .accepted, trace.tellsConnections, trace.cases.contains(where: \.failsForSome) { self = .notAccepted }
  }
}

/// Input that can't be used, in words for the user.
struct Failure: Error {
  /// What is wrong and what would be right.
  var message: String

  init(_ message: String) { self.message = message }
}
