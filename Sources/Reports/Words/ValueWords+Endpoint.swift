import HostModel
import RuleGraph
import RuleText

extension ValueWords {
  /// An address with its port: `172.17.0.2:8080`, `[2001:db8::1]:80`.
  static func endpoint(_ endpoint: Endpoint) -> String {
    let address = endpoint.address
    return address.isIPv4 ? "\(address):\(endpoint.port)" : "[\(address)]:\(endpoint.port)"
  }
}
