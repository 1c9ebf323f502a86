// SPDX-License-Identifier: Apache-2.0

/// The middle of some samples, and how far apart the middle half of them is.
struct Quartiles {
    let lower, median, upper: Double

    /// Of at least one sample.
    init(_ samples: [Double]) {
        let sorted = samples.sorted()
        func quantile(_ fraction: Double) -> Double {
            guard let last = sorted.last else { return 0 }
            let place = fraction * Double(sorted.count - 1)
            let index = Int(place)
            guard index + 1 < sorted.count else { return last }
            return sorted[index] + (sorted[index + 1] - sorted[index]) * (place - Double(index))
        }
        lower = quantile(0.25)
        median = quantile(0.5)
        upper = quantile(0.75)
    }

    private init(lower: Double, median: Double, upper: Double) {
        self.lower = lower
        self.median = median
        self.upper = upper
    }

    func times(_ factor: Double) -> Quartiles {
        Quartiles(lower: lower * factor, median: median * factor, upper: upper * factor)
    }

    /// The same, where it is less than `least` so much.
    func atLeast(_ least: Double) -> Quartiles {
        Quartiles(
            lower: max(lower, least), median: max(median, least), upper: max(upper, least))
    }

    /// How far the quartiles are apart, of the median.
    var spread: Double { median > 0 ? (upper - lower) / median : 0 }

    /// `1.93 [1.90 1.95]`.
    func text(_ places: Int = 2) -> String {
        "\(fixed(median, places)) [\(fixed(lower, places)) \(fixed(upper, places))]"
    }
}
