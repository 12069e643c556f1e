import DamageLab
import Foundation

// Damages dumps for as long as one likes: `make damage-soak SECONDS=600 SEED=1`.
let environment = ProcessInfo.processInfo.environment
let seconds = environment["FWTRACE_SOAK_SECONDS"].flatMap { Double($0) } ?? 60
let seed = environment["FWTRACE_SOAK_SEED"].flatMap { UInt64($0) } ?? 1

let campaign = Campaign(Catalogue.wholes(.all, questions: 10, seed: seed))
let hosts = Set(campaign.wholes.map(\.host)).count
print("\(campaign.wholes.count) whole dumps of \(hosts) hosts")
let tally = await campaign.soak(seed: seed, until: Date(timeIntervalSinceNow: seconds))
print(tally.description)
if let folder = environment["FWTRACE_DAMAGE_FOLDER"] { try Reproduction.write(tally, to: folder) }
exit(tally.lies == 0 && tally.definiteShare >= 0.95 ? 0 : 1)
