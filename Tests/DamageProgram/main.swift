import DamageLab
import Foundation

// Damages dumps for as long as one likes: `make damage-soak SECONDS=600 SEED=1`.
let environment = ProcessInfo.processInfo.environment
let seconds = environment["FWTRACE_SOAK_SECONDS"].flatMap { Double($0) } ?? 60
let seed = environment["FWTRACE_SOAK_SEED"].flatMap { UInt64($0) } ?? 1

// An answer without end must not take the machine with it.
var limit = rlimit(rlim_cur: 6 << 30, rlim_max: 6 << 30)
unsafe setrlimit(Int32(RLIMIT_AS.rawValue), &limit)

let wholes = Catalogue.wholes(.all, questions: 10, seed: seed)
let campaign =
  environment["FWTRACE_DAMAGE_ANNOUNCE"] == nil
  ? Campaign(wholes)
  : Campaign(wholes) { FileHandle.standardError.write(Data("\($0)\n".utf8)) }
let hosts = Set(campaign.wholes.map(\.host)).count
print("\(campaign.wholes.count) whole dumps of \(hosts) hosts")
if let trial = environment["FWTRACE_DAMAGE_TRIAL"].flatMap({ UInt64($0) }), let example = campaign.example(trial) {
  try Reproduction.write(example, to: environment["FWTRACE_DAMAGE_FOLDER"] ?? ".")
  exit(0)
}
let tally = await campaign.soak(seed: seed, until: Date(timeIntervalSinceNow: seconds))
print(tally.description)
if let folder = environment["FWTRACE_DAMAGE_FOLDER"] { try Reproduction.write(tally, to: folder) }
exit(tally.lies == 0 && tally.definiteShare >= 0.95 ? 0 : 1)
