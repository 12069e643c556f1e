/// An extension as the registry keeps it: asking it for each option of a dump copies nothing and counts no users.
class RegisteredExtension: @unchecked Sendable {
  /// Its first name.
  final let name: String

  fileprivate init(name: String) { self.name = name }

  /// As ``IptablesExtension/readListing(_:_:)``.
  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool { false }

  /// As ``IptablesExtension/lower(_:into:)``.
  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool { false }
}

/// One extension in its own type.
private final class RegisteredExtensionOf<One: IptablesExtension>: RegisteredExtension, @unchecked Sendable {
  private let one: One

  init(_ one: One) {
    self.one = one
    super.init(name: one.names[0])
  }

  override func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    one.readListing(&text, &found)
  }

  override func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    one.lower(options, into: &rule)
  }
}

extension IptablesExtension {
  /// The extension as the registry keeps it.
  var registered: RegisteredExtension { RegisteredExtensionOf(self) }
}
