// swift-tools-version: 6.2
import PackageDescription

// Firewall tests in Swift Testing. In a project of your own, name fwtrace by its address instead of the path.
let package = Package(
  name: "firewall-tests",
  dependencies: [.package(name: "fwtrace", path: "../..")],
  targets: [
    .testTarget(
      name: "FirewallTests",
      dependencies: [
        .product(name: "RuleParser", package: "fwtrace"), .product(name: "FlowTrace", package: "fwtrace"),
        .product(name: "RuleGraph", package: "fwtrace"), .product(name: "Reports", package: "fwtrace"),
      ])
  ],
  swiftLanguageModes: [.v6]
)
