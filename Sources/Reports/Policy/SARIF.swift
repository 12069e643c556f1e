public import PolicyCheck
import RuleGraph

/// The failures of a policy as a SARIF 2.1.0 log: each result at the line of the dump that decided, related to the
/// test in the policy.
///
/// Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
public enum SARIF {
  private static let kinds: [(id: String, text: String)] = [
    ("broken-expectation", "A packet of a test gets another fate than the policy expects."),
    (
      "undetermined-expectation",
      "The dumps do not show whether every packet of a test gets the fate that the policy expects."
    ),
  ]

  /// The log.
  public static func bytes(of hosts: [HostResult], policy: String, version: String) -> [UInt8] {
    var json = JSONWriter(indented: true)
    json.object { json in
      json.member(
        "$schema", "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json")
      json.member("version", "2.1.0")
      json.key("runs")
      json.array { json in
        json.object { json in
          json.key("tool")
          json.object { json in
            json.key("driver")
            json.object { json in writeDriver(version, to: &json) }
          }
          json.member("columnKind", "unicodeCodePoints")
          json.key("results")
          json.array { json in
            for host in hosts {
              for result in host.results { write(result, of: host.host, policy: policy, to: &json) }
            }
          }
        }
      }
    }
    json.endLine()
    return json.bytes
  }

  private static func writeDriver(_ version: String, to json: inout JSONWriter) {
    json.member("name", "fwtrace")
    json.member("version", version)
    json.key("rules")
    json.array { json in
      for kind in kinds {
        json.object { json in
          json.member("id", kind.id)
          json.key("shortDescription")
          json.object(flat: true) { json in json.member("text", kind.text) }
        }
      }
    }
  }

  private static func write(_ result: CheckResult, of host: PolicyHost, policy: String, to json: inout JSONWriter) {
    guard let failure = result.failure else { return }
    let kind = failure.isUndetermined ? 1 : 0
    let words = FailureWords(host)
    let span = failure.counterexample.flatMap { words.span($0.part) }
    json.object { json in
      json.member("ruleId", kinds[kind].id)
      json.member("ruleIndex", kind)
      json.member("level", "error")
      json.key("message")
      json.object(flat: true) { json in
        json.member("text", (["\(host.name): \(result.check.name)"] + words.lines(failure)).joined(separator: "\n"))
      }
      json.key("locations")
      json.array { json in
        if let span {
          write(host.ruleset.sources.name(of: span), Int(span.line), host.ruleset.sources.text(of: span), to: &json)
        } else {
          write(policy, result.check.place.line, nil, to: &json)
        }
      }
      if span != nil {
        json.key("relatedLocations")
        json.array { json in write(policy, result.check.place.line, nil, to: &json) }
      }
      json.key("partialFingerprints")
      json.object(flat: true) { json in json.member("expectation/v1", "\(host.name)/\(result.check.name)") }
    }
  }

  private static func write(_ file: String, _ line: Int, _ snippet: String?, to json: inout JSONWriter) {
    json.object { json in
      json.key("physicalLocation")
      json.object { json in
        json.key("artifactLocation")
        json.object(flat: true) { json in json.member("uri", reference(file)) }
        json.key("region")
        json.object(flat: true) { json in
          json.member("startLine", max(line, 1))
          if let snippet {
            json.key("snippet")
            json.object(flat: true) { json in json.member("text", snippet) }
          }
        }
      }
    }
  }

  /// A path as a relative or file reference (RFC 3986, 4.2): other bytes than the unreserved and the slash are escaped.
  static func reference(_ path: String) -> String {
    var result = path.hasPrefix("/") ? "file://" : ""
    for byte in path.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e, 0x2f:
        result.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        result += "%" + (digits.utf8.count == 1 ? "0" : "") + digits
      }
    }
    return result
  }
}
