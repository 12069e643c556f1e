import HostModel
import Testing

@Suite struct ContainerNameTests {
  private let facts: HostFacts = {
    var facts = HostFacts()
    facts.containers = [
      Container(name: "tomcat01", id: "617884f43868a7aa"),
      Container(
        name: "redis", id: "6178aaaa0000",
        endpoints: [.init(network: "mynet", addresses: [], aliases: ["cache"])]),
    ]
    return facts
  }()

  @Test(arguments: [("tomcat01", "tomcat01"), ("617884", "tomcat01"), ("cache", "redis")])
  func aContainerIsFoundByNameIdOrAlias(_ name: String, _ found: String) {
    #expect(facts.container(name)?.name == found)
  }

  @Test(arguments: ["6178", "617", "", "nobody"])
  func whatFitsNoneOrSeveralIsNotFound(_ name: String) {
    #expect(facts.container(name) == nil)
  }
}
