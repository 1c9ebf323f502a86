// SPDX-License-Identifier: Apache-2.0
import Simulator

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Every hundredth seed is run a second time, which must make the very same trace.
private let repeatedEvery: UInt64 = 100

private func fail(_ outcome: Simulation.Outcome, _ what: String) -> Never {
    let seed = outcome.seed
    print("simulate: seed \(seed) FAILED: \(what)")
    for (name, count) in outcome.figures.sorted(by: { $0.key < $1.key }) where count > 0 {
        print("  \(name): \(count)")
    }
    print("  replay: script/simulate --seed \(seed) --trace")
    exit(1)
}

private let options: Options
do {
    options = try Options(Array(CommandLine.arguments.dropFirst()))
} catch {
    let text = "simulate: \(error.description)\n\(Options.usage)\n"
    _ = write(STDERR_FILENO, text, text.utf8.count)
    exit(2)
}

if options.listsBugs {
    for name in Bugs.names { print(name) }
    exit(0)
}
if let bug = options.bug, !Bugs.plant(bug) {
    print("simulate: no bug is called \(bug) in this build")
    exit(2)
}
Simulation.nameCrashes()
private var total = Tally()
private let clock = ContinuousClock()
private let start = clock.now
for seed in options.seeds {
    let outcome = Simulation(seed: seed, printsTrace: options.printsTrace).run()
    if let violation = outcome.violation { fail(outcome, violation) }
    total.add(outcome)
    guard seed % repeatedEvery == 0 else { continue }
    let again = Simulation(seed: seed).run()
    if again.traceHash != outcome.traceHash { fail(outcome, "its second run went another way") }
}
print(total.summary)
print("simulate: \(total.runs) seeds passed in \((clock.now - start).seconds) s")

extension Duration {
    /// Whole seconds and tenths.
    fileprivate var seconds: String {
        let tenths = components.seconds * 10 + components.attoseconds / 100_000_000_000_000_000
        return "\(tenths / 10).\(tenths % 10)"
    }
}
