import FlowTrace
package import HostAnalysis
package import RuleGraph
import RuleParser
package import Traffic

/// What logs came to in its machine-readable form, `fwtrace.replay/1`: see `Schemas/fwtrace.replay.1.json`.
package struct ReplayJSON: Sendable {
  static let schema = "fwtrace.replay/1"

  private let old: TraceJSON
  private let new: TraceJSON?

  /// Makes a writer.
  ///
  /// - Parameters:
  ///   - ruleset: The rules that the flows went through; those before, where there are two.
  ///   - after: The rules after; nil where there is one ruleset.
  package init(_ ruleset: Ruleset, after: Ruleset? = nil) {
    old = TraceJSON(ruleset)
    new = after.map { TraceJSON($0) }
  }

  /// The bytes of a summary with a line end behind them.
  ///
  /// - Parameters:
  ///   - summary: The summary.
  ///   - gaps: What of two rulesets was not compared.
  ///   - diagnostics: What reading the dumps had to tell.
  package func bytes(of summary: ReplaySummary, gaps: [Gap] = [], diagnostics: [Diagnostic] = []) -> [UInt8] {
    let words = ReplayWords(logs: summary.logs.map(\.name))
    var json = JSONWriter(indented: true)
    json.object { json in
      json.member("schema", Self.schema)
      json.key("logs")
      json.array { json in for log in summary.logs { write(log, to: &json) } }
      json.member("flows", summary.flows)
      json.member("bytes", summary.bytes)
      if summary.isComparison {
        json.member("changed", summary.changes.reduce(0) { $0 + $1.flows })
        writeGroups("changes", summary.changes, words, to: &json)
      } else {
        json.key("verdicts")
        json.object(flat: true) { json in
          for verdict in ReplayTally.verdictOrder { json.member(verdict.rawValue, summary.flows(verdict)) }
        }
        writeGroups("groups", summary.groups, words, to: &json)
        writeGroups("impossible", summary.impossible, words, to: &json)
        writeGroups("unanswered", summary.unfulfilled, words, to: &json)
        json.key("zones")
        json.array { json in
          for zone in summary.zones {
            json.object(flat: true) { json in
              write(zone.zone, to: &json)
              json.member("flows", zone.flows)
            }
          }
        }
        json.member("rules", summary.rules)
        json.key("unused")
        json.array { json in for rule in summary.unmet { old.write(rule, to: &json) } }
      }
      json.key("services")
      json.array { json in for service in summary.services { write(service, to: &json) } }
      json.key("settled_by")
      json.array { json in
        for one in summary.settledBy {
          json.object(flat: true) { json in
            json.member("command", one.command)
            json.member("flows", one.flows)
          }
        }
      }
      json.member("not_compared", gaps.map(DifferenceWords.sentence))
      json.key("warnings")
      json.array { json in
        for warning in diagnostics where warning.severity != .note { old.write(warning, to: &json) }
      }
    }
    json.endLine()
    return json.bytes
  }

  private func write(_ log: ReplaySummary.Log, to json: inout JSONWriter) {
    json.object { json in
      json.member("file", log.name)
      json.member("format", log.format)
      json.member("flows", log.lines.flows)
      json.member("later", log.lines.later)
      json.member("other", log.lines.others)
      json.member("replies_by_ports", log.lines.answersByPorts)
      json.member("malformed", log.lines.malformed)
      json.key("first_malformed")
      json.array { json in
        for one in log.lines.firstMalformed {
          json.object(flat: true) { json in
            json.member("line", one.line)
            json.member("why", ReplayWords.text(one.problem))
            json.member("text", one.text)
          }
        }
      }
    }
  }

  private func writeGroups(
    _ name: String, _ groups: [ReplaySummary.Group], _ words: ReplayWords, to json: inout JSONWriter
  ) {
    json.key(name)
    json.array { json in for group in groups { write(group, words, to: &json) } }
  }

  private func write(_ group: ReplaySummary.Group, _ words: ReplayWords, to json: inout JSONWriter) {
    json.object { json in
      if let change = group.change, let new, let fate = group.new {
        json.member("kind", change.rawValue)
        json.key("old")
        json.object { json in write(group.old, old, to: &json) }
        json.key("new")
        json.object { json in write(fate, new, to: &json) }
      } else {
        write(group.old, old, to: &json)
      }
      json.member("flows", group.flows)
      json.member("bytes", group.bytes)
      json.key("seen")
      json.object(flat: true) { json in
        for sighting in FlowRecord.Sighting.allCases {
          if let flows = group.sightings[sighting] { json.member(Self.name(sighting), flows) }
        }
      }
      json.key("examples")
      json.array { json in
        for example in group.examples {
          json.object(flat: true) { json in
            json.member("file", words.logs[Int(example.place.log)])
            json.member("line", example.place.line)
            Self.write(example.flow, to: &json)
          }
        }
      }
    }
  }

  private static func name(_ sighting: FlowRecord.Sighting) -> String {
    switch sighting {
    case .untold: "untold"
    case .answered: "answered"
    case .passed: "passed"
    case .unanswered: "unanswered"
    case .refused: "refused"
    case .stopped: "stopped"
    }
  }

  private func write(_ fate: ReplaySummary.Fate, _ form: TraceJSON, to json: inout JSONWriter) {
    json.member("verdict", fate.verdict.rawValue)
    json.key("decided_by")
    json.array { json in for deciders in fate.deciders { form.write(deciders.first, to: &json) } }
  }

  /// The flow with the keys of a question.
  static func write(_ flow: FlowRecord, to json: inout JSONWriter) {
    json.member("proto", ValueSet(flow.transport).text(as: .transport))
    json.member("src", IPAddress(bits: flow.source).description)
    if flow.hasPorts { json.member("sport", flow.sourcePort) }
    json.member("dst", IPAddress(bits: flow.destination).description)
    if flow.hasPorts { json.member("dport", flow.destinationPort) }
    if flow.isSentByHost { json.member("in", nil as String?) }
    if flow.input != 0 { json.member("in", InterfaceName(value: flow.input).description) }
    if let type = flow.icmpType { json.member("icmp_type", type) }
  }

  private func write(_ zone: ReplayZones.Zone, to json: inout JSONWriter) {
    switch zone {
    case .host: json.member("from", "host")
    case .interface(let name): json.member("in", InterfaceName(value: name).description)
    case .elsewhere: json.member("from", "elsewhere")
    }
  }

  private func write(_ service: ReplayService, to json: inout JSONWriter) {
    json.object(flat: true) { json in
      json.member("proto", ValueSet(service.transport).text(as: .transport))
      json.member("port", service.port)
      for (verdict, flows) in zip(ReplayTally.verdictOrder, service.flows) where flows > 0 {
        json.member(verdict.rawValue, flows)
      }
    }
  }
}
