import FlowTrace
import Foundation
import HostModel
import PolicyCheck
import Reports
import RuleGraph
import RuleParser
import Testing

/// One packet of each case, traced again on its own.
@Suite struct CaseWitnessTests {
  static let questions: [[(QueryOption, String)]] = [
    [(.proto, "tcp"), (.family, "ipv4")], [(.dport, "80"), (.family, "ipv4")], [(.from, "host"), (.family, "ipv4")],
    [(.proto, "udp"), (.family, "ipv6")],
  ]

  @Test(arguments: [
    "tomcat-redis", "user-network", "docker29-nft", "questions/04-virtual-machines", "versions/docker-29",
  ])
  func theWitnessOfACaseFaresAsTheCase(_ sample: String) throws {
    let reading = try Samples.read(sample)
    let tracer = Tracer(reading.ruleset, facts: reading.facts)
    var tried = 0
    for options in Self.questions {
      let trace = tracer.trace(try Samples.query(options, facts: reading.facts))
      let witnesses = CaseWitness(query: trace.query, facts: reading.facts)
      // Where a dump hides something, or rules depend on the time, a case is one of several answers to its packets.
      for part in trace.cases where part.conditions.isEmpty {
        // A number of IPv4 is no address that a packet of IPv6 can have.
        let isMapped =
          part.packet.family == .ipv6 && part.packet.destination.isSubset(of: AddressFamily.ipv4.allAddresses)
        if isMapped { continue }
        let witness = try #require(witnesses.packet(of: part), "\(options)")
        // A container's question to its own address is one inside the container.
        if witness.source == witness.destination { continue }
        let families = [witness.source, witness.destination].compactMap { $0?.first.map { IPAddress(bits: $0).family } }
        #expect(families.allSatisfy { $0 == witness.family }, "\(options)")
        tried += 1
        let again = tracer.trace(witness).cases
        #expect(
          again.contains { one in
            one.verdict == part.verdict && one.fate == part.fate
              && (one.decidedBy == part.decidedBy || part.rules.contains { one.decidedBy == .rule($0) })
          }, "\(options) \(part.verdict) \(part.fate)")
      }
    }
    #expect(tried > 0)
  }

  @Test func theJSONHasAWitnessThatABatchTakes() throws {
    let schema = try JSONSchema(contentsOf: Samples.root.appending(path: "Schemas/fwtrace.trace.1.json"))
    let reading = try Samples.read("user-network")
    let tracer = Tracer(reading.ruleset, facts: reading.facts)
    var options = Tracer.Options()
    options.tracesReply = true
    let trace = tracer.trace(try Samples.query([.dst: "10.10.10.1:8081"], facts: reading.facts), options: options)
    var form = TraceJSON(reading.ruleset)
    form.facts = reading.facts
    let value = try JSONSerialization.jsonObject(with: Data(form.bytes(of: trace)))
    #expect(schema.problems(of: value) == [])
    let answer = try #require(value as? [String: Any])
    let cases = try #require(answer["cases"] as? [[String: Any]])
    #expect(!cases.isEmpty)
    #expect(["works", "fails", "depends"].contains(answer["connection"] as? String))
    for one in cases {
      let witness = try #require(one["witness"] as? [String: Any])
      #expect(witness["dst"] as? String == "10.10.10.1")
      #expect(witness["dport"] as? Int == 8081)
      #expect(witness.keys.contains("in"))
      #expect(one["connection"] is String)
    }
    // Nothing of this in a batch: its cases have no replies.
    let plain = String(
      decoding: TraceJSON(reading.ruleset, indented: false).bytes(of: tracer.trace(trace.query)), as: UTF8.self)
    #expect(!plain.contains("witness") && !plain.contains("connection\""))
  }
}
