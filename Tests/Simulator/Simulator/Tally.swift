// SPDX-License-Identifier: Apache-2.0

/// What many runs came to, so that it can be seen what was simulated at all.
package struct Tally {
    package private(set) var runs = 0
    private var steps = 0
    private var seconds = 0
    private var figures: [String: Int] = [:]

    package init() {}

    package mutating func add(_ outcome: Simulation.Outcome) {
        runs += 1
        steps += outcome.steps
        seconds += Int(outcome.virtualNanoseconds / 1_000_000_000)
        figures.merge(outcome.figures) { $0 + $1 }
    }

    /// A few lines of text.
    package var summary: String {
        var text = "simulate: \(steps) steps, \(seconds) virtual seconds"
        for (name, count) in figures.sorted(by: { $0.key < $1.key }) where count > 0 {
            text += "\n  \(name): \(count)"
        }
        return text
    }
}
