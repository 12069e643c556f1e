package import RuleGraph

/// Whether the connection that a packet begins comes about: what people mean who ask whether something works.
///
/// A packet that is accepted is no connection yet: its reply has to come back, and somebody has to listen.
public enum ConnectionFate: Hashable, Sendable {
  /// The packet is accepted, its reply comes back, and nothing is known to refuse it.
  case works
  /// It fails for certain, at this step.
  case fails(at: Stage)
  /// Some of the packets fail at this step and others don't, or the dumps do not show whether they do.
  case depends(on: Stage)

  /// The steps of a connection, in their order.
  public enum Stage: String, Sendable, CaseIterable {
    /// The packet itself.
    case packet
    /// The reply to it.
    case reply
    /// The program that it is for.
    case listener
    /// The connection that docker-proxy makes on to the container.
    case proxy
  }

  /// How it comes out, without the step; the raw value is used in the JSON form.
  public enum Outcome: String, Sendable, CaseIterable {
    case works, fails, depends
  }

  /// How it comes out, without the step.
  public var outcome: Outcome {
    switch self {
    case .works: .works
    case .fails: .fails
    case .depends: .depends
    }
  }

  /// The step at which it fails, or may fail.
  public var stage: Stage? {
    switch self {
    case .works: nil
    case .fails(let stage), .depends(let stage): stage
    }
  }

  /// The connections of several cases as one, at a step of a connection that they are all part of.
  fileprivate init(_ parts: [Case], at stage: Stage, succeeds: (Case) -> Outcome) {
    let outcomes = Set(parts.map(succeeds))
    if outcomes.isEmpty || outcomes == [.works] {
      self = .works
    } else {
      self = outcomes == [.fails] ? .fails(at: stage) : .depends(on: stage)
    }
  }
}

extension Case {
  /// Whether the connection comes about. Replies count where they were traced; see ``Trace/connection`` for whether
  /// they were.
  public var connection: ConnectionFate {
    switch verdict {
    case .drop, .reject: return .fails(at: .packet)
    case .undetermined: return .depends(on: .packet)
    case .accept: break
    }
    let reply = ConnectionFate(tellingReplies, at: .reply) { $0.verdictAlone }
    if case .fails = reply { return reply }
    if remarks.contains(where: \.isClosedPort) { return .fails(at: .listener) }
    let proxy = ConnectionFate(continuation ?? [], at: .proxy) { $0.connection.outcome }
    if case .fails = proxy { return proxy }
    return reply == .works ? proxy : reply
  }

  /// The replies that tell how the connection comes out: not those to source ports that no client chooses by itself,
  /// where the question leaves the source port open.
  package var tellingReplies: [Case] {
    let replies = reply ?? []
    guard replies.count > 1, hasChosenSourcePort(of: self) else { return replies }
    return replies.filter(hasChosenSourcePort)
  }

  /// Whether some packets of a case are from a port that clients choose by themselves (`net.ipv4.ip_local_port_range`,
  /// by default 32768 to 60999).
  private func hasChosenSourcePort(of one: Case) -> Bool {
    one.when.allowed[.field(.header(HeaderField(.th, .sport)))].map { !$0.isDisjoint(with: Self.chosenPorts) } ?? true
  }

  package static let chosenPorts = ValueSet(32768...60999)

  private var verdictAlone: ConnectionFate.Outcome {
    switch verdict {
    case .accept: .works
    case .drop, .reject: .fails
    case .undetermined: .depends
    }
  }

  /// Whether dumps could tell more of the connection than they do: its packets, replies or docker-proxy's own
  /// connection are undetermined.
  public var isUndetermined: Bool {
    verdict == .undetermined
      || verdict == .accept && (tellingReplies + (continuation ?? [])).contains(where: \.isUndetermined)
  }

  /// Whether the connection of some of its packets fails for certain.
  public var failsForSome: Bool {
    switch verdict {
    case .drop, .reject: true
    case .undetermined: false
    case .accept:
      remarks.contains(where: \.isClosedPort)
        || (tellingReplies + (continuation ?? [])).contains(where: \.failsForSome)
    }
  }
}

extension Trace {
  /// Whether the connection comes about in all cases; nil where that was not asked, because replies were not traced.
  public var connection: ConnectionFate? {
    guard tellsConnections else { return nil }
    let each = cases.map(\.connection)
    guard let first = each.first else { return .depends(on: .packet) }
    if each.allSatisfy({ $0 == first }) { return first }
    let stages = each.compactMap(\.stage)
    let stage = ConnectionFate.Stage.allCases.first(where: stages.contains) ?? .packet
    return each.allSatisfy { $0.outcome == .fails } ? .fails(at: stage) : .depends(on: stage)
  }

  /// Whether a case tells how its connection comes out: its replies were traced, or no reply is to be expected of it.
  public var tellsConnections: Bool { tracesReplies || query.phase != .first }
}
