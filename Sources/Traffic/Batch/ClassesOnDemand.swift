import FlowTrace
import Synchronization

/// The classes of a batch's packets, which are found when enough questions were asked to be worth it: a handful of
/// questions is answered sooner without them.
final class ClassesOnDemand: Sendable {
  private enum State {
    /// So many questions were answered without them.
    case waiting(Int)
    /// Somebody is finding them.
    case searching
    case found(PacketClasses)
  }

  private let state: Mutex<State>
  private let find: @Sendable () -> PacketClasses
  /// To find the classes of a ruleset takes as long as to answer some hundred questions about it.
  private static let fewQuestions = 256

  /// Classes to be found.
  init(_ find: @escaping @Sendable () -> PacketClasses) {
    state = Mutex(.waiting(0))
    self.find = find
  }

  /// Classes that are known.
  init(known: PacketClasses) {
    state = Mutex(.found(known))
    find = { known }
  }

  /// The classes; nil as long as there were few questions, and while another processor is finding them.
  func take() -> PacketClasses? {
    let (known, isMine) = state.withLock { state -> (PacketClasses?, Bool) in
      switch state {
      case .found(let classes): return (classes, false)
      case .waiting(let questions) where questions >= Self.fewQuestions:
        state = .searching
        return (nil, true)
      case .waiting, .searching: return (nil, false)
      }
    }
    guard isMine else { return known }
    let found = find()
    state.withLock { $0 = .found(found) }
    return found
  }

  /// Takes note of questions that were answered without the classes.
  func count(_ questions: Int) {
    state.withLock { state in
      if case .waiting(let before) = state { state = .waiting(before + questions) }
    }
  }
}
