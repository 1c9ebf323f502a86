// SPDX-License-Identifier: Apache-2.0
import CLoad

/// What a stretch of driving saw; times in nanoseconds.
struct Tally {
    var messages: UInt64
    /// Octets of the echoes divided by the octets of payload they came in.
    var ratio: Double
    var elapsed: Double
    /// Of the load generator, without what it spun for the next message to be due.
    var cpu: Double
    var latency: Latency
    /// Nil in a closed loop.
    var openLoop: OpenLoop?

    var p50: Double { latency.p50 }
    var p99: Double { latency.p99 }
    var p999: Double { latency.p999 }

    init(_ tally: cload_tally, _ latency: Latency, rate: Double?) {
        messages = tally.messages
        ratio = Double(tally.message_octets) / Double(max(1, tally.wire_octets))
        elapsed = Double(tally.elapsed_ns)
        cpu = Double(tally.cpu_ns)
        self.latency = latency
        openLoop = rate.map { OpenLoop(tally, rate: $0) }
    }
}

/// How messages left that were due at certain times.
struct OpenLoop {
    /// Messages in a second, wanted.
    var rate: Double
    var sent: UInt64
    /// Those that were due while as many as may be were under way on their connection.
    var held: UInt64
    /// Those that left more than a millisecond after they were due and had room.
    var late: UInt64
    /// The longest that one of these was late.
    var lag: Double
    /// For how long the oldest message without echo had been due at the end.
    var oldest: Double

    init(_ tally: cload_tally, rate: Double) {
        self.rate = rate
        sent = tally.sent
        held = tally.held
        late = tally.late
        lag = Double(tally.lag_max_ns)
        oldest = Double(tally.oldest_ns)
    }

    /// What makes the figures something else than those of the wanted rate: one line each.
    func reservations(achieved: Double) -> [String] {
        var lines: [String] = []
        func share(_ count: UInt64) -> String {
            fixed(Double(count) / Double(max(1, sent)) * 100, 2) + " %"
        }
        if achieved < 0.99 * rate {
            lines.append(
                "the rate was not achieved: at the end the oldest message without echo had been "
                    + "due for \(milliseconds(oldest)) ms")
        }
        if held > 0 {
            lines.append(
                "\(share(held)) of the messages waited for room on their connection (--depth)")
        }
        // So many show in p99.9.
        if late > sent / 1000 {
            lines.append(
                "the load generator itself could not keep up: \(share(late)) of the messages left "
                    + "more than 1 ms late, at most \(milliseconds(lag)) ms; latencies hold that "
                    + "too")
        }
        return lines
    }

    func add(to json: inout JSONLine) {
        json.add("rate", rate)
        json.add("sent", sent)
        json.add("held", held)
        json.add("late", late)
        json.add("lag_max_ns", lag)
        json.add("oldest_unanswered_ns", oldest)
    }
}
