import FlowTrace
import HostModel
import RuleGraph
import RuleParser

/// A question, in the options of the command line.
public struct Question: Hashable, Sendable, CustomStringConvertible {
  /// An option with its value.
  struct Option: Hashable, Sendable {
    var option: QueryOption
    var value: String

    init(_ option: QueryOption, _ value: String) {
      self.option = option
      self.value = value
    }
  }

  var options: [Option]

  init(_ options: [Option]) { self.options = options }

  /// Whether who sends the packet is said, so that it has one way through the host.
  var isOfOnePacket: Bool {
    let given = Set(options.map(\.option))
    return given.contains(.from) || (given.contains(.input) && given.contains(.src))
  }

  /// What the question says about the host that it is for.
  var clues: HostClues {
    func texts(_ names: [QueryOption]) -> [String] {
      names.compactMap { name in options.first { $0.option == name }?.value }
    }
    func address(_ text: String) -> IPAddress? {
      if text.hasPrefix("["), let end = text.firstIndex(of: "]") { return IPAddress(text[..<end].dropFirst()) }
      return IPAddress(text) ?? text.lastIndex(of: ":").flatMap { IPAddress(text[..<$0]) }
    }
    var clues = HostClues()
    clues.destination = texts([.dst]).first.flatMap(address)
    clues.hostAddresses = texts([.hostAddress]).flatMap { $0.split(separator: ",") }.compactMap { address(String($0)) }
    clues.source = texts([.src]).first.flatMap(address)
    clues.interfaces = texts([.input, .output, .physin])
    clues.comesIn = texts([.input]).first.map { $0 != "lo" } ?? false
    return clues
  }

  /// The addresses that the question names.
  var addresses: [IPAddress] {
    [clues.destination, clues.source].compactMap(\.self) + clues.hostAddresses
  }

  /// The query for a host that was read; nil where its facts speak against the question's words.
  func query(_ facts: HostFacts) -> Query? {
    var builder = QueryBuilder(facts: facts)
    do {
      for part in options { try builder.set(part.option, part.value) }
      return try builder.query()
    } catch {
      return nil
    }
  }

  /// `--in eth0 --dst 192.0.2.10:80`.
  public var description: String {
    options.map { part in
      if part.option == .reply { return "--reply" }
      let name = part.option.rawValue.split(separator: "_").joined(separator: "-")
      return "--\(name) \(part.value)"
    }.joined(separator: " ")
  }
}
