// SPDX-License-Identifier: Apache-2.0

/// A server that is measured, and what was found.
struct Subject {
    let name: String
    /// Whether it is one of the ways to run wsserve.
    let isOurs: Bool
    let server: ServerProcess
    private(set) var results: [Shape: [Result]] = [:]
    /// What ended its part; nothing is asked of it after that.
    private(set) var failure: (any Error)?

    static let limit = "limit"
    /// What the others are compared with.
    static let reference = "callback, io_uring"

    init(_ name: String, isOurs: Bool, _ server: ServerProcess) {
        self.name = name
        self.isOurs = isOurs
        self.server = server
    }

    /// Records are there to compare compressed messages with plain ones: only ours.
    func takes(_ shape: Shape) -> Bool { failure == nil && (isOurs || !shape.isJSON) }

    /// Measures once; nil when that fails.
    mutating func measure(_ shape: Shape, seconds: Double) -> Result? {
        do {
            // Twice, for servers whose queue of connections overflows under so many at once.
            let load = try (try? Load(server.echo, shape)) ?? Load(server.echo, shape)
            _ = try load.drive(seconds: min(0.3, seconds / 4))
            let before = try server.meter.read()
            let tally = try load.drive(seconds: seconds)
            var result = Result(tally)
            result.server = try server.meter.read().since(before, messages: tally.messages)
            results[shape, default: []].append(result)
            return result
        } catch {
            failure = error
            return nil
        }
    }

    /// Quartiles of a figure over the rounds.
    func quartiles(_ shape: Shape, _ value: (Result) -> Double?) -> Quartiles? {
        let samples = (results[shape] ?? []).compactMap(value)
        return samples.isEmpty ? nil : Quartiles(samples)
    }

    /// The CPU a message over that of `other` in the same round.
    func timesCPU(of other: Subject?, _ shape: Shape) -> Quartiles? {
        guard let theirs = other?.results[shape], let ours = results[shape] else { return nil }
        let ratios = zip(ours, theirs).compactMap { ours, theirs -> Double? in
            guard let ours = ours.server?.cpu, let theirs = theirs.server?.cpu else { return nil }
            return ours / max(1, theirs)
        }
        return ratios.isEmpty ? nil : Quartiles(ratios)
    }
}
