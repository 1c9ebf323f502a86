// SPDX-License-Identifier: Apache-2.0
import CLoad
import Histogram

/// Takes latencies from the load while it is driven.
///
/// The loop in C collects them in an array and hands it over at the end of each turn, before it
/// waits for more events, or when it holds 4096 of them. Recording takes some 10 ns a value where a
/// message takes 300, so that no pause is long enough to show in the latencies, and no second
/// histogram has to be filled first, whose buckets would have to be as fine.
final class Latencies {
    /// Of three digits, up to two days: the longest run and what was due at its start.
    private var histogram = Histogram<UInt64>(
        highestTrackableValue: 172_800_000_000_000, numberOfSignificantValueDigits: .three)

    private func record(_ values: UnsafeBufferPointer<UInt64>) {
        Self.record(values, in: &histogram)
    }

    /// With the histogram at hand, so that access to it is checked once and not for each value.
    private static func record(
        _ values: UnsafeBufferPointer<UInt64>, in histogram: inout Histogram<UInt64>
    ) {
        for value in values { histogram.record(min(value, histogram.highestTrackableValue)) }
    }

    /// Has the latencies of what `body` does with the tally recorded.
    func recording<Value>(
        to tally: inout cload_tally, _ body: (inout cload_tally) throws -> Value
    ) rethrows -> Value {
        tally.context = Unmanaged.passUnretained(self).toOpaque()
        tally.record = { context, values, count in
            guard let context else { return }
            Unmanaged<Latencies>.fromOpaque(context).takeUnretainedValue()
                .record(UnsafeBufferPointer(start: values, count: count))
        }
        return try withExtendedLifetime(self) { try body(&tally) }
    }

    var summary: Latency {
        func at(_ percentile: Double) -> Double { Double(histogram.valueAtPercentile(percentile)) }
        return Latency(
            mean: histogram.mean, p50: at(50), p90: at(90), p99: at(99), p999: at(99.9),
            p9999: at(99.99), most: Double(histogram.maxRecorded))
    }
}

/// How latencies are distributed: what so many are at or below, in nanoseconds. All 0 when there
/// are none.
struct Latency {
    var mean, p50, p90, p99, p999, p9999, most: Double

    var text: String {
        "p50 \(microseconds(p50)), p90 \(microseconds(p90)), p99 \(microseconds(p99)), "
            + "p99.9 \(microseconds(p999)), p99.99 \(microseconds(p9999)), "
            + "most \(microseconds(most)) µs"
    }

    func add(to json: inout JSONLine) {
        json.add("latency_mean_ns", mean)
        json.add("latency_p50_ns", p50)
        json.add("latency_p90_ns", p90)
        json.add("latency_p99_ns", p99)
        json.add("latency_p999_ns", p999)
        json.add("latency_p9999_ns", p9999)
        json.add("latency_max_ns", most)
    }
}
