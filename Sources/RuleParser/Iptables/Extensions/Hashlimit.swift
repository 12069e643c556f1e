import RuleGraph

/// `-m hashlimit`: a token bucket for each address or port (iptables-extensions(8), "hashlimit").
///
/// The listing hides the name of the bucket list.
struct HashlimitMatch: EnvironmentMatch {
  let names = ["hashlimit"]
  let condition = EnvironmentCondition.Kind.hashlimit
  let listingWords = ["limit:"]
  let invertible: [OptionLabel] = ["hashlimit-upto", "hashlimit-above"]
  let options = [
    OptionSpelling("hashlimit-upto", aliases: ["hashlimit"]), OptionSpelling("hashlimit-above"),
    OptionSpelling("hashlimit-burst"), OptionSpelling("hashlimit-mode"), OptionSpelling("hashlimit-name"),
    OptionSpelling("hashlimit-htable-size"), OptionSpelling("hashlimit-htable-max"),
    OptionSpelling("hashlimit-htable-gcinterval"), OptionSpelling("hashlimit-htable-expire"),
    OptionSpelling("hashlimit-srcmask"), OptionSpelling("hashlimit-dstmask"),
    OptionSpelling("hashlimit-rate-match", values: .none), OptionSpelling("hashlimit-rate-interval"),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(prefix: "limit:") else { return false }
    var isOldest = false
    if text.eat(word: "up") {
      guard text.eat(named: "to", as: "hashlimit-upto", &found) else { return false }
    } else if !text.eat(named: "above", as: "hashlimit-above", &found) {
      // The first revision printed `avg`, as `-m limit` does, and always a mode.
      guard text.eat(named: "avg", as: "hashlimit-upto", &found) else { return false }
      isOldest = true
    }
    while text.eat(named: "burst", as: "hashlimit-burst", &found)
      || text.eat(named: "mode", as: "hashlimit-mode", &found)
      || text.eat(named: "htable-size", as: "hashlimit-htable-size", &found)
      || text.eat(named: "htable-max", as: "hashlimit-htable-max", &found)
      || text.eat(named: "htable-gcinterval", as: "hashlimit-htable-gcinterval", &found)
      || text.eat(named: "htable-expire", as: "hashlimit-htable-expire", &found)
      || text.eat(named: "srcmask", as: "hashlimit-srcmask", &found)
      || text.eat(named: "dstmask", as: "hashlimit-dstmask", &found)
      || text.eat(flag: "rate-match", as: "hashlimit-rate-match", &found)
      || text.eat(named: "rate-interval", as: "hashlimit-rate-interval", &found)
    {}
    return !isOldest || found.contains { $0.name == "hashlimit-mode" }
  }

  func value(_ option: ExtensionOption, _ rule: borrowing RuleDraft) -> String? {
    let text = rule.text(of: option)
    // The listing writes `srcip-dstport`.
    return option.name == "hashlimit-mode" ? String(text.map { $0 == "-" ? "," : $0 }) : text
  }
}
