import FlowTrace
package import PolicyCheck
import RuleGraph

/// What came of a policy as JSON (`fwtrace.test/1`, see `Schemas/fwtrace.test.1.json`).
package enum PolicyJSON {
  /// The object; coverage is part of it when it was asked for.
  package static func bytes(of hosts: [HostResult], policy: String, coverage: [PolicyCoverage] = []) -> [UInt8] {
    var json = JSONWriter(indented: true)
    json.object { json in
      json.member("schema", "fwtrace.test/1")
      json.member("policy", policy)
      json.key("summary")
      write(Tally(hosts.flatMap(\.results)), to: &json)
      json.key("hosts")
      json.array { json in
        for host in hosts {
          json.object { json in
            json.member("name", host.host.name)
            json.key("summary")
            write(Tally(host.results), to: &json)
            json.key("warnings")
            json.array { json in
              for warning in host.host.diagnostics where warning.severity != .note {
                json.object(flat: true) { json in
                  json.member("id", warning.id)
                  if let span = warning.span {
                    json.member("file", host.host.ruleset.sources.name(of: span))
                    json.member("line", Int(span.line))
                  }
                  json.member("message", warning.message)
                }
              }
            }
            json.key("tests")
            json.array { json in for result in host.results { write(result, of: host.host, to: &json) } }
            if let own = coverage.first(where: { $0.host.name == host.host.name }) {
              json.key("coverage")
              write(own, to: &json)
            }
          }
        }
      }
    }
    json.endLine()
    return json.bytes
  }

  /// The coverage alone (`fwtrace.coverage/1`).
  package static func bytes(of coverage: [PolicyCoverage]) -> [UInt8] {
    var json = JSONWriter(indented: true)
    json.object { json in
      json.member("schema", "fwtrace.coverage/1")
      json.key("hosts")
      json.array { json in
        for one in coverage {
          json.object { json in
            json.member("name", one.host.name)
            json.key("coverage")
            write(one, to: &json)
          }
        }
      }
    }
    json.endLine()
    return json.bytes
  }

  private static func write(_ tally: Tally, to json: inout JSONWriter) {
    json.object(flat: true) { json in
      json.member("passed", tally.passed)
      json.member("failed", tally.failed)
      json.member("skipped", tally.skipped)
    }
  }

  private static func write(_ result: CheckResult, of host: PolicyHost, to json: inout JSONWriter) {
    json.object { json in
      json.member("name", result.check.name)
      json.member("line", result.check.place.line)
      json.member("tags", result.check.tags)
      switch result.outcome {
      case .passed: json.member("outcome", "passed")
      case .skipped(let why):
        json.member("outcome", "skipped")
        json.member("reasons", [why.text(in: host.ruleset)])
      case .failed(let failure):
        json.member("outcome", "failed")
        json.member("undetermined", failure.isUndetermined)
        json.member("reasons", failure.reasons.map { $0.text(in: host.ruleset) })
        json.key("counterexample")
        write(failure.counterexample, of: host, to: &json)
      }
      json.member("assumptions", result.assumptions.told.map(\.text))
    }
  }

  private static func write(_ example: Counterexample?, of host: PolicyHost, to json: inout JSONWriter) {
    guard let example else {
      json.value(nil as String?)
      return
    }
    let words = FailureWords(host)
    json.object { json in
      json.key("query")
      json.object(flat: true) { json in
        for (option, text) in example.options { json.member(option.rawValue, text) }
      }
      json.member("command", words.command(example))
      json.member("verdict", example.part.verdict.rawValue)
      json.member("fate", example.part.fate.rawValue)
      json.member("decided_by", words.decider(example.part))
      json.key("source")
      if let span = words.span(example.part) {
        json.object(flat: true) { json in
          json.member("file", host.ruleset.sources.name(of: span))
          json.member("line", Int(span.line))
        }
      } else {
        json.value(nil as String?)
      }
      json.member("near_miss", words.nearMiss(example.part))
    }
  }

  private static func write(_ coverage: PolicyCoverage, to json: inout JSONWriter) {
    let ruleset = coverage.host.ruleset
    json.object { json in
      json.member("rules", coverage.rules)
      json.member("covered", coverage.covered)
      json.key("chains")
      json.array { json in
        for chain in coverage.chains {
          json.object { json in
            let table = ruleset.tables[chain.chain.table]
            json.member("family", table.family.rawValue)
            json.member("table", table.name)
            json.member("chain", ruleset[chain.chain].name)
            json.member("policy_tests", chain.policyTests)
            json.key("rules")
            json.array { json in
              for rule in chain.rules {
                let span = ruleset[rule.rule].span
                json.object(flat: true) { json in
                  json.member("index", ruleset.number(of: rule.rule))
                  json.member("use", rule.use.rawValue)
                  json.member("tests", rule.tests)
                  json.member("file", ruleset.sources.name(of: span))
                  json.member("line", Int(span.line))
                }
              }
            }
          }
        }
      }
    }
  }
}
