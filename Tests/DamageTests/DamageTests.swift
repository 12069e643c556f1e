import DamageLab
import Foundation
import Testing

/// No lie under damage: what people do to a dump on its way never turns a definite answer into another definite one, and it leaves the answer
/// definite where nothing was lost.
///
/// `FWTRACE_DAMAGE_FOLDER` names a folder for the texts, questions and answers of what went wrong; `make damage-soak` goes on for longer.
@Suite(.serialized) struct DamageTests {
  private static let campaign = Campaign(Catalogue.wholes(.few, questions: 6))

  /// The limit is for a trial that never ends: on a machine with two processors all suites run at once, and this one takes longest.
  @Test(.timeLimit(.minutes(45)))
  func noDamageTurnsAnAnswerIntoAnotherOneAndWhatLosesNothingLeavesItDefinite() async throws {
    let tally = await Self.campaign.rounds(4, seed: 1)
    print(tally.description)
    if let folder = ProcessInfo.processInfo.environment["FWTRACE_DAMAGE_FOLDER"] {
      try Reproduction.write(tally, to: folder)
    }
    for lie in tally.examples { Issue.record(Comment(rawValue: lie.description)) }
    #expect(tally.lies == 0)
    #expect(tally.definiteShare >= 0.95)
    #expect(tally.questions > 3000)
  }

  @Test(.enabled(if: Catalogue.hasCorpus, "needs ../shared/corpus"))
  func theDumpsOfRealDockerHostsAreAmongTheDamagedOnes() {
    #expect(Self.campaign.wholes.contains { $0.host == "03-tomcat-redis" && $0.form == .nftText })
    #expect(Self.campaign.wholes.contains { $0.host == "edge" })
  }

  @Test(arguments: Form.allCases.filter { Catalogue.hasCorpus || $0 == .save || $0 == .listing })
  func thereIsAWholeDumpWithDefiniteAnswersInEachForm(_ form: Form) {
    #expect(Self.campaign.wholes.contains { $0.form == form && $0.hasFacts })
    #expect(Self.campaign.wholes.contains { $0.form == form && !$0.hasFacts })
  }

  /// Only hosts of the corpus have been listed without `-v` as well.
  @Test(arguments: Damage.allCases.filter { Catalogue.hasCorpus || $0 != .briefListingBeside })
  func eachDamageFindsSomethingToDamageAndASeedNamesOneDamagedText(_ damage: Damage) {
    let texts = (0..<60).map { Self.campaign.texts(of: damage, seed: UInt64($0)) }
    #expect(texts.contains { $0 != nil })
    #expect(texts == (0..<60).map { Self.campaign.texts(of: damage, seed: UInt64($0)) })
  }
}
