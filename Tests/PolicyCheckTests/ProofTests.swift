import FlowTrace
import PolicyCheck
import Testing

/// Claims about all packets of a set.
@Suite struct ProofTests {
  @Test func theExamplePolicyHolds() throws {
    let bench = try PolicyBench(Dumps.policy, on: Dumps.shop)
    #expect(bench.complaints == [])
    #expect(bench.problems == [])
    #expect(bench.tally == "5 passed, 0 failed, 0 skipped")
  }
}
