// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "fwtrace",
  products: [
    .executable(name: "fwtrace", targets: ["fwtrace"]),
    .executable(name: "fwtrace-yaml", targets: ["fwtrace-yaml"]),
    .library(name: "RuleGraph", targets: ["RuleGraph"]),
    .library(name: "HostModel", targets: ["HostModel"]),
    .library(name: "RuleText", targets: ["RuleText"]),
    .library(name: "RuleParser", targets: ["RuleParser"]),
    .library(name: "FlowTrace", targets: ["FlowTrace"]),
    .library(name: "Reports", targets: ["Reports"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    // Without its default trait it needs no Foundation.
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    // The paths that swift-subprocess takes.
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
  ],
  targets: [
    .target(name: "RuleGraph"),
    .target(name: "HostModel", dependencies: ["RuleGraph"]),
    .target(name: "RuleText", dependencies: ["RuleGraph"]),
    .target(name: "RuleParser", dependencies: ["RuleGraph", "HostModel", "RuleText"]),
    .target(name: "FlowTrace", dependencies: ["RuleGraph", "HostModel", "RuleText"]),
    .target(name: "PolicyCheck", dependencies: ["RuleGraph", "HostModel", "FlowTrace"]),
    .target(name: "PolicyYAML", dependencies: ["PolicyCheck", "Yams"]),
    // Yams links Foundation: a program of its own keeps that out of fwtrace, which starts in milliseconds.
    .executableTarget(name: "fwtrace-yaml", dependencies: ["PolicyCheck", "PolicyYAML"]),
    .target(name: "Traffic", dependencies: ["RuleGraph", "HostModel", "RuleParser", "FlowTrace"]),
    .target(name: "HostAnalysis", dependencies: ["RuleGraph", "HostModel", "FlowTrace"]),
    .target(
      name: "Reports",
      dependencies: [
        "RuleGraph", "HostModel", "RuleText", "RuleParser", "FlowTrace", "PolicyCheck", "Traffic", "HostAnalysis",
      ]),
    // The header comes with libnftables-dev (nftables-devel, nftables); the library itself is opened when it is needed.
    .systemLibrary(name: "CNFTables"),
    .target(
      name: "LiveCapture",
      dependencies: [
        "RuleGraph", "HostModel", "RuleParser", "CNFTables", .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "SystemPackage", package: "swift-system"),
      ]
    ),
    .executableTarget(
      name: "fwtrace",
      dependencies: [
        "RuleGraph", "HostModel", "RuleText", "RuleParser", "FlowTrace", "PolicyCheck", "Reports", "Traffic",
        "HostAnalysis", "LiveCapture",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]
    ),
    .testTarget(name: "RuleGraphTests", dependencies: ["RuleGraph"]),
    .testTarget(name: "HostModelTests", dependencies: ["HostModel", "RuleGraph"]),
    .testTarget(
      name: "RuleParserTests", dependencies: ["RuleParser", "RuleText", "HostModel", "RuleGraph", "Randomness"]),
    .testTarget(
      name: "FlowTraceTests",
      dependencies: [
        "TestHosts", "FlowTrace", "HostAnalysis", "RuleParser", "RuleText", "HostModel", "RuleGraph", "Randomness",
      ]),
    .testTarget(
      name: "CorpusTests",
      dependencies: ["ReaderFuzzing", "RuleParser", "HostAnalysis", "FlowTrace", "HostModel", "RuleGraph"]),
    .testTarget(
      name: "ReportsTests",
      dependencies: [
        "TestHosts", "Reports", "Traffic", "PolicyCheck", "PolicyYAML", "HostAnalysis", "FlowTrace", "RuleParser",
        "HostModel", "RuleGraph", "Randomness",
      ],
      exclude: ["Policy/sarif-2.1.0.json", "Policy/Snapshots", "Snapshots"]),
    .testTarget(name: "CommandTests", dependencies: ["fwtrace", "fwtrace-yaml"], exclude: ["Pastes"]),
    .testTarget(
      name: "PolicyCheckTests",
      dependencies: ["PolicyCheck", "PolicyYAML", "Reports", "RuleParser", "FlowTrace", "HostModel", "RuleGraph"]),
    .testTarget(
      name: "LiveCaptureTests",
      dependencies: ["LiveCapture", "fwtrace", "RuleParser", "HostModel", "RuleGraph", "FlowTrace"]),
    .testTarget(name: "SampleTests", dependencies: ["fwtrace", "fwtrace-yaml"]),
    // The sample package's tests, built and run here without building everything a second time.
    .testTarget(
      name: "FirewallTests", dependencies: ["Reports", "FlowTrace", "RuleParser", "RuleGraph"],
      path: "Documentation/swift-testing/Tests/FirewallTests"),
    .testTarget(name: "ArchitectureTests"),
    .target(
      name: "ReaderFuzzing",
      dependencies: ["RuleParser", "RuleText", "FlowTrace", "PolicyCheck", "PolicyYAML", "HostModel", "RuleGraph"],
      path: "Tests/ReaderFuzzing"),
    .target(name: "CLabCalls", path: "Tests/CLabCalls"),
    .target(name: "Randomness", path: "Tests/Randomness"),
    .target(name: "TestHosts", dependencies: ["FlowTrace", "RuleParser"], path: "Tests/TestHosts"),
    .target(name: "KernelLab", dependencies: ["CLabCalls", "Randomness", "RuleGraph"], path: "Tests/KernelLab"),
    .target(
      name: "DamageLab",
      dependencies: ["KernelLab", "Randomness", "Reports", "FlowTrace", "RuleParser", "HostModel", "RuleGraph"],
      path: "Tests/DamageLab"),
    .testTarget(name: "DamageTests", dependencies: ["DamageLab"]),
    .testTarget(
      name: "KernelTests",
      dependencies: [
        "KernelLab", "Reports", "Traffic", "HostAnalysis", "FlowTrace", "RuleParser", "RuleText", "HostModel",
        "RuleGraph",
      ],
      exclude: ["Cases", "Facts", "mutants.sh"]),
  ],
  swiftLanguageModes: [.v6]
)

// libFuzzer brings its own main, so the program is there only when it is asked for: `make fuzz`.
if Context.environment["FWTRACE_FUZZ"] != nil {
  package.targets.append(
    .executableTarget(
      name: "fwtrace-fuzz", dependencies: ["ReaderFuzzing"], path: "Tests/FuzzProgram",
      swiftSettings: [.unsafeFlags(["-parse-as-library"])]))
}

// Only `make damage-soak` builds it.
if Context.environment["FWTRACE_DAMAGE"] != nil {
  package.targets.append(
    .executableTarget(name: "fwtrace-damage", dependencies: ["DamageLab"], path: "Tests/DamageProgram"))
}

// One set of settings for every target of the package.
for target in package.targets where target.type != .system {
  var settings = target.swiftSettings ?? []
  // SE-0335: `any` is spelled out.
  settings.append(.enableUpcomingFeature("ExistentialAny"))
  // SE-0444: a member is visible only where its module is imported.
  settings.append(.enableUpcomingFeature("MemberImportVisibility"))
  // SE-0409: an import is internal unless it says otherwise.
  settings.append(.enableUpcomingFeature("InternalImportsByDefault"))
  // SE-0458: unsafe constructs are marked.
  settings.append(.strictMemorySafety())
  // SE-0480: no warnings.
  settings.append(.treatAllWarnings(as: .error))
  // `make test` computes for many minutes, and is sooner done where the modules under test are optimised.
  if Context.environment["FWTRACE_FAST_TESTS"] != nil, ![.test, .executable].contains(target.type) {
    settings.append(.unsafeFlags(["-O", "-enable-testing"]))
  }
  target.swiftSettings = settings
}
