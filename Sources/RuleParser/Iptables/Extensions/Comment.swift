import RuleGraph

/// `-m comment`: words for people (iptables-extensions(8), "comment"). The listing prints them as `/* ... */`.
struct CommentMatch: IptablesExtension {
  let names = ["comment"]
  let kind = ExtensionKind.match
  let listingWords: [String] = []
  let options = [OptionSpelling("comment")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool { false }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    for option in options {
      if option.isEscaped { rule.comment = rule.text(of: option) } else { rule.setComment(option.value) }
    }
    return true
  }
}
