public import PolicyCheck
import Yams

/// Reads YAML into the nodes of a policy.
///
/// It is a module of its own because Yams brings Foundation, which would make every `fwtrace` four times as large and
/// slower to start: only the
/// small program `fwtrace-yaml` links it.
public enum PolicyYAML {
  /// The root of a YAML text (YAML 1.1 as libyaml reads it), or the first thing that makes it no YAML.
  public static func read(_ bytes: [UInt8]) -> Result<PolicyNode, PolicyMistake> {
    let start = PolicyPlace(line: 1, column: 1)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      return .failure(PolicyMistake(start, "the file is not UTF-8"))
    }
    do {
      guard let root = try Yams.compose(yaml: text) else {
        return .success(PolicyNode(.scalar("", isQuoted: false), at: start))
      }
      var unfolded = 0
      return .success(try node(root, &unfolded))
    } catch let mistake as PolicyMistake {
      return .failure(mistake)
    } catch let error as YamlError {
      return .failure(mistake(error))
    } catch {
      return .failure(PolicyMistake(start, "\(error)"))
    }
  }

  /// Turns a node of Yams into one of a policy; `unfolded` counts, because anchors can make a short file unfold
  /// without end.
  private static func node(_ node: Node, _ unfolded: inout Int) throws(PolicyMistake) -> PolicyNode {
    let place = PolicyPlace(line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
    unfolded += 1
    guard unfolded <= NodeStream.maximumNodes else { throw PolicyMistake(place, "the file unfolds to too many values") }
    switch node {
    case .scalar(let scalar):
      return PolicyNode(.scalar(scalar.string, isQuoted: scalar.style != .plain && scalar.style != .any), at: place)
    case .sequence(let sequence):
      var elements: [PolicyNode] = []
      for element in sequence { elements.append(try Self.node(element, &unfolded)) }
      return PolicyNode(.list(elements), at: place)
    case .mapping(let mapping):
      var members: [PolicyNode.Member] = []
      for (key, value) in mapping {
        let key = try Self.node(key, &unfolded)
        members.append(PolicyNode.Member(key: key, value: try Self.node(value, &unfolded)))
      }
      return PolicyNode(.mapping(members), at: place)
    case .alias: throw PolicyMistake(place, "this alias names no anchor")
    }
  }

  private static func mistake(_ error: YamlError) -> PolicyMistake {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return PolicyMistake(PolicyPlace(line: mark.line, column: mark.column), "not YAML: \(problem)")
    case .duplicatedKeysInMapping(let duplicates, let context):
      let place = PolicyPlace(line: max(context.mark.line, 1), column: max(context.mark.column, 1))
      return PolicyMistake(place, "the key \(duplicates.joined(separator: ", ")) stands here twice")
    default: return PolicyMistake(PolicyPlace(line: 1, column: 1), "not YAML: \(error)")
    }
  }
}
