import RuleGraph

/// A SARIF 2.1.0 log: results of a check, each at a line of a file.
///
/// Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
struct SARIFLog {
  /// A kind of result.
  struct Kind {
    var id: String
    var text: String
  }

  /// A line of a file.
  struct Place {
    var file: String
    var line: Int
    /// What stands there.
    var snippet: String?

    init(_ file: String, _ line: Int, snippet: String? = nil) {
      self.file = file
      self.line = line
      self.snippet = snippet
    }

    /// The line of a rule or chain; nil of what stands in no file.
    init?(_ span: SourceSpan?, in sources: SourceMap) {
      guard let span, sources.sources.indices.contains(Int(span.source)) else { return nil }
      self.init(sources.name(of: span), Int(span.line), snippet: sources.text(of: span))
    }
  }

  /// How much a result matters.
  enum Level: String { case error, warning, note }

  /// A result.
  struct Result {
    /// Its kind, by its place among the kinds.
    var kind: Int
    var level: Level
    var message: String
    var places: [Place]
    var related: [Place] = []
    /// What it is recognised by in a later run.
    var fingerprint: (name: String, value: String)
  }

  var kinds: [Kind]
  var results: [Result]
  /// The version of the program.
  var version: String

  /// The log with a line end behind it.
  var bytes: [UInt8] {
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
            json.object { json in writeDriver(to: &json) }
          }
          json.member("columnKind", "unicodeCodePoints")
          json.key("results")
          json.array { json in for result in results { write(result, to: &json) } }
        }
      }
    }
    json.endLine()
    return json.bytes
  }

  private func writeDriver(to json: inout JSONWriter) {
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

  private func write(_ result: Result, to json: inout JSONWriter) {
    json.object { json in
      json.member("ruleId", kinds[result.kind].id)
      json.member("ruleIndex", result.kind)
      json.member("level", result.level.rawValue)
      json.key("message")
      json.object(flat: true) { json in json.member("text", result.message) }
      json.key("locations")
      json.array { json in for place in result.places { Self.write(place, to: &json) } }
      if !result.related.isEmpty {
        json.key("relatedLocations")
        json.array { json in for place in result.related { Self.write(place, to: &json) } }
      }
      json.key("partialFingerprints")
      json.object(flat: true) { json in json.member(result.fingerprint.name, result.fingerprint.value) }
    }
  }

  private static func write(_ place: Place, to json: inout JSONWriter) {
    json.object { json in
      json.key("physicalLocation")
      json.object { json in
        json.key("artifactLocation")
        json.object(flat: true) { json in json.member("uri", reference(place.file)) }
        json.key("region")
        json.object(flat: true) { json in
          json.member("startLine", max(place.line, 1))
          if let snippet = place.snippet {
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
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"), UInt8(ascii: "/"):
        result.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        result += "%" + (digits.utf8.count == 1 ? "0" : "") + digits
      }
    }
    return result
  }
}
