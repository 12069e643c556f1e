// swift-tools-version: 6.2
import PackageDescription

// The same settings as in the package that is measured.
let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"), .strictMemorySafety(), .treatAllWarnings(as: .error),
]

// Measures fwtrace against the programs whose output it reads: `make bench`. A package of its own, so that who uses the libraries never builds it.
let package = Package(
  name: "fwtrace-benchmarks",
  dependencies: [
    .package(name: "fwtrace", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
  ],
  targets: [
    // The tests' generators of rules, by a link to their folder: no product of the library's package is for tests.
    .target(name: "GeneratedRules", swiftSettings: settings),
    .executableTarget(
      name: "bench",
      dependencies: [
        "GeneratedRules",
        .product(name: "RuleGraph", package: "fwtrace"), .product(name: "RuleParser", package: "fwtrace"),
        .product(name: "FlowTrace", package: "fwtrace"),
        // The programs are measured as whole processes: built with the same flags, beside this one.
        .product(name: "fwtrace", package: "fwtrace"), .product(name: "fwtrace-yaml", package: "fwtrace"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: settings),
  ],
  swiftLanguageModes: [.v6]
)
