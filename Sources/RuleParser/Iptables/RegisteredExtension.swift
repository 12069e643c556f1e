/// An extension as the registry keeps it: asking it for each option of a dump copies nothing and counts no users.
@safe struct RegisteredExtension: @unchecked Sendable {
  /// Stays as long as the program, so that nobody need count its users, which all processors would at once.
  private let behaviour: Unmanaged<ExtensionBehaviour>

  /// Registers an extension.
  init(_ one: some IptablesExtension) {
    unsafe behaviour = .passRetained(ExtensionBehaviourOf(one))
  }

  /// Its first name.
  var name: String { unsafe behaviour._withUnsafeGuaranteedRef { $0.name } }

  /// As ``IptablesExtension/readListing(_:_:)``.
  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    unsafe behaviour._withUnsafeGuaranteedRef { $0.readListing(&text, &found) }
  }

  /// As ``IptablesExtension/lower(_:into:)``.
  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    unsafe behaviour._withUnsafeGuaranteedRef { $0.lower(options, into: &rule) }
  }
}

/// What an extension does for the rules of a dump.
private class ExtensionBehaviour {
  var name: String { "" }
  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool { false }
  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool { false }
}

/// That of one extension, in its own type.
private final class ExtensionBehaviourOf<One: IptablesExtension>: ExtensionBehaviour {
  private let one: One

  init(_ one: One) { self.one = one }

  override var name: String { one.names[0] }

  override func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    one.readListing(&text, &found)
  }

  override func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    one.lower(options, into: &rule)
  }
}
