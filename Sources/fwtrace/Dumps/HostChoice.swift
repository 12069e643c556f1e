import HostModel
import RuleGraph
import RuleParser

/// Of several hosts in the dumps the one that answers: the one that was named, else the one that the addresses in
/// question belong to.
struct HostChoice {
  private let hosts: [HostReading]
  private let named: String?

  init(_ hosts: [HostReading], named: String?) {
    self.hosts = hosts
    self.named = named
  }

  /// The host that answers a question.
  func host(for clues: HostClues) throws(Failure) -> HostReading {
    if let named { return try host(named: named) }
    guard hosts.count > 1 else {
      guard let only = hosts.first else { throw Failure("no dump given") }
      return only
    }
    if let fitting = hosts.index(for: clues) { return chosen(fitting) }
    throw Failure(
      "the dumps are of \(hosts.count) hosts: choose one with --host \(names.joined(separator: ", --host "))")
  }

  private func host(named name: String) throws(Failure) -> HostReading {
    let fitting = hosts.enumerated().filter { index, host in
      host.name?.lowercased() == name.lowercased() || String(index + 1) == name
    }
    guard let first = fitting.first else {
      throw Failure("--host \(name): the dumps are of \(names.joined(separator: ", "))")
    }
    return first.element
  }

  private func chosen(_ index: Int) -> HostReading {
    var host = hosts[index]
    host.diagnostics.append(
      Diagnostic(
        "several-hosts", .warning,
        "the dumps are of \(hosts.count) hosts (\(names.joined(separator: ", "))); the answer is for \(names[index]) (--host picks another)"
      ))
    return host
  }

  /// What the hosts are called: those without a name by their number.
  var names: [String] { hosts.enumerated().map { index, host in host.name ?? String(index + 1) } }
}
