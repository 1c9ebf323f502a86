// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import CLoad

/// How many connections there are to be, one after the other.
struct Steps: ExpressibleByArgument {
    let counts: [UInt32]
    var last: UInt32 { counts[counts.count - 1] }

    init?(argument: String) {
        let words = argument.split(separator: ",", omittingEmptySubsequences: false)
        let counts = words.compactMap { UInt32($0) }
        guard counts.count == words.count, (1...1_000_000).contains(counts[0]),
            counts[counts.count - 1] <= 1_000_000, zip(counts, counts.dropFirst()).allSatisfy(<)
        else { return nil }
        self.counts = counts
    }
}

/// Opens more and more connections, lets them rest, and reads what memory the server has then.
struct IdleRamp: CustomStringConvertible {
    private struct Step {
        var connections: UInt32
        /// Nil before the first connection.
        var handshakes: Handshakes?
        var memory: ServerMemory
    }

    private var steps: [Step]

    /// Runs it.
    init(
        _ url: URL, _ shape: Shape, to counts: [UInt32], settle: Double, _ meter: ServerMeter,
        isWatched: Bool
    ) throws {
        let load = try Load(unconnected: url, shape)
        if let most = meter.descriptors, most <= UInt64(shape.connections) {
            throw Failure(
                "the server may have only \(most) descriptors open, too few for "
                    + "\(shape.connections) connections: raise its limit (ulimit -n)")
        }
        steps = [Step(connections: 0, handshakes: nil, memory: try meter.memory())]
        for count in counts {
            let handshakes = try load.connect(count)
            try load.touch()
            if isWatched { printError("\(count) connections are open, resting \(settle) s") }
            try load.rest(seconds: settle)
            steps.append(
                Step(connections: count, handshakes: handshakes, memory: try meter.memory()))
        }
    }

    /// Octets of memory that each connection added since the step before.
    private func slope(_ index: Int, _ memory: KeyPath<ServerMemory, Double>) -> Double {
        let (before, after) = (steps[index - 1], steps[index])
        return (after.memory[keyPath: memory] - before.memory[keyPath: memory])
            / Double(after.connections - before.connections)
    }

    var description: String {
        var table = Table([
            "connections", "connects/s", "p50 µs", "p99 µs", "resident MiB", "proportional",
            "private", "octets a connection: resident", "private",
        ])
        for (step, index) in zip(steps, steps.indices) {
            let memory = [
                step.memory.resident, step.memory.proportional, step.memory.notShared,
            ].map(mebibytes)
            guard let handshakes = step.handshakes else {
                table.add(["0", "-", "-", "-"] + memory + ["-", "-"])
                continue
            }
            table.add(
                [
                    grouped(Double(step.connections)), grouped(handshakes.perSecond),
                    microseconds(handshakes.latency.p50), microseconds(handshakes.latency.p99),
                ] + memory + [
                    grouped(slope(index, \.resident)), grouped(slope(index, \.notShared)),
                ])
        }
        return table.rows
            + "\noctets a connection are those since the row above; what the kernel holds for a "
            + "socket is not in them"
    }

    func json(_ shape: Shape, settle: Double) -> String {
        var json = JSONLine()
        json.add("mode", "idle-ramp")
        json.add("size", shape.size)
        json.add("settle_seconds", settle)
        json.add(
            "steps",
            zip(steps, steps.indices).map { step, index in
                var line = JSONLine()
                line.add("connections", step.connections)
                step.memory.add(to: &line)
                guard let handshakes = step.handshakes else { return line }
                line.add("connects_per_second", handshakes.perSecond)
                line.add("handshake_p50_ns", handshakes.latency.p50)
                line.add("handshake_p99_ns", handshakes.latency.p99)
                line.add("resident_bytes_per_connection", slope(index, \.resident))
                line.add("private_bytes_per_connection", slope(index, \.notShared))
                return line
            })
        return json.text
    }
}
