public import FlowTrace

/// A policy as its file says it: texts with their places, nothing looked up yet. ``PolicyBinder`` looks names up on a
/// host.
public struct Policy: Hashable, Sendable {
  /// The dumps of the hosts, by the file's `hosts:`.
  public var hosts: [HostPattern] = []
  /// Groups of addresses, interfaces, ports and services.
  public var names: [String: PolicyValue] = [:]
  /// What the packet of every test has, unless the test says otherwise.
  public var packet = PacketText()
  /// What becomes of a test whose answer the dumps do not tell.
  public var undetermined = UndeterminedRule.fail
  /// The tests, in the order of the file.
  public var tests: [PolicyTest] = []

  /// Makes an empty policy.
  public init() {}
}

/// The dumps of a host or, with a wildcard, of one host for each path that fits.
public struct HostPattern: Hashable, Sendable {
  /// The host's name where the file gives one; else it is the last part of the path.
  public var name: String?
  /// The paths, as written.
  public var dumps: [PolicyValue.Part]
  /// Whether each path that fits a wildcard is a host of its own.
  public var isOneHostEach: Bool
}

/// What becomes of a test that the dumps can't settle.
public enum UndeterminedRule: String, Hashable, Sendable, CaseIterable {
  /// It fails: a policy does not pass on ignorance.
  case fail
  /// It is skipped.
  case skip
}

/// A value in a policy: one or several texts.
public struct PolicyValue: Hashable, Sendable {
  /// A text with its place.
  public struct Part: Hashable, Sendable {
    /// The text.
    public var text: String
    /// Where it stands.
    public var place: PolicyPlace
  }

  /// The texts; none for YAML's null.
  public var parts: [Part]
  /// Where the value begins.
  public var place: PolicyPlace

  /// All texts with commas.
  var text: String { parts.map(\.text).joined(separator: ",") }
}

/// What a packet's description can name beside the options of a query.
public enum PacketKey: Hashable, Sendable {
  /// An option of a query.
  case option(QueryOption)
  /// The destination, as the counterpart of `from`.
  case to
  /// Protocol and port together: `443/tcp`.
  case service

  /// Every spelling, in the order of the documentation.
  static let spellings: [String] = QueryOption.allCases.map { $0.spelling } + ["to", "service"]

  init?(_ spelling: String) {
    switch spelling {
    case "to": self = .to
    case "service": self = .service
    default:
      let key = spelling.map { $0 == "-" ? "_" : String($0) }.joined()
      guard let option = QueryOption(rawValue: key) else { return nil }
      self = .option(option)
    }
  }

  /// The key as a policy spells it: `tcp-flags`.
  public var spelling: String {
    switch self {
    case .option(let option): option.spelling
    case .to: "to"
    case .service: "service"
    }
  }
}

extension QueryOption {
  /// The key as a policy spells it, which is the option of the command line without its hyphens: `tcp-flags`.
  var spelling: String { String(commandLineName.dropFirst(2)) }
}

/// A packet as a policy describes it; what it does not name is open.
public struct PacketText: Hashable, Sendable {
  /// A key with its value.
  public struct Field: Hashable, Sendable {
    /// The key.
    public var key: PacketKey
    /// Where the key stands.
    public var place: PolicyPlace
    /// The value.
    public var value: PolicyValue
  }

  /// The fields, in the order of the file.
  public var fields: [Field] = []
  /// Where the description begins.
  public var place = PolicyPlace(line: 1, column: 1)

  /// The value of a key.
  func value(_ key: PacketKey) -> PolicyValue? { fields.first { $0.key == key }?.value }

  /// This description with the fields of another, which win.
  func overridden(by other: PacketText) -> PacketText {
    var result = other
    result.fields = fields.filter { mine in !other.fields.contains { $0.key == mine.key } } + other.fields
    return result
  }
}

/// A test of a policy: packets and what is expected of every one of them.
public struct PolicyTest: Hashable, Sendable {
  /// The name, unique where the author makes it so.
  public var name: String
  /// The words by which `--filter` chooses.
  public var tags: [String] = []
  /// The hosts that it is for, as wildcards on their names; empty is every host.
  public var hosts: [String] = []
  /// The packets.
  public var packet = PacketText()
  /// Keys with several values: the test is repeated for each combination.
  public var matrix: [MatrixAxis] = []
  /// What is expected.
  public var expectation = ExpectationText()
  /// What becomes of the test when the dumps do not tell; nil is as the policy says.
  public var undetermined: UndeterminedRule?
  /// Why the test is not to be run, where it is not.
  public var skip: String?
  /// Where the test begins.
  public var place: PolicyPlace
}

/// A key of a packet with the values that a matrix gives it.
public struct MatrixAxis: Hashable, Sendable {
  /// The key.
  public var key: PacketKey
  /// Where the key stands.
  public var place: PolicyPlace
  /// The values, one for each repetition.
  public var values: [PolicyValue]
}

/// What is expected, as written.
public struct ExpectationText: Hashable, Sendable {
  /// The verdicts of which one is expected (`expect`).
  public var verdicts: [Case.Verdict] = []
  /// Whether connections that work are expected, beside or instead of a verdict (`expect: works`).
  public var works = false
  /// The answer of a reject (`with`).
  public var rejectWith: PolicyValue?
  /// Where the packets must end (`fate`).
  public var fates: [Case.Fate] = []
  /// The destination at the end (`to`).
  public var destination: PolicyValue?
  /// The source at the end, or how it is translated (`source`).
  public var source: PolicyValue?
  /// The interfaces of which they leave through one (`out`).
  public var output: PolicyValue?
  /// The chains and rules of which one must decide (`via`).
  public var via: [RulePattern] = []
  /// The chains and rules that no packet may pass (`never-via`).
  public var neverVia: [RulePattern] = []
  /// Verdicts of which the answer must get one (`reply`).
  public var reply: [Case.Verdict] = []
  /// The packets, within those of the test, that get the verdict while no other does (`only`).
  public var only: [PacketText] = []
  /// Whether `only` stands there, be it with an empty list.
  public var hasOnly = false
  /// Expectations of which each packet must meet one (`one-of`).
  public var oneOf: [ExpectationText] = []
  /// The keys that stand there.
  var keys: Set<String> = []
  /// The keys whose value is one text, with it.
  public var texts: [String: PolicyValue.Part] = [:]
  /// Where the expectation begins.
  public var place = PolicyPlace(line: 1, column: 1)

  /// Whether nothing is expected.
  var isEmpty: Bool { keys.isEmpty }
}
