// SPDX-License-Identifier: Apache-2.0

/// What the codec is to reach, and how near it comes in the worst of the cases that were timed.
final class CodecTarget {
    enum Bound {
        case atMost(Double)
        case atLeast(Double)

        func admits(_ figure: Double) -> Bool {
            switch self {
            case .atMost(let limit): figure <= limit
            case .atLeast(let limit): figure >= limit
            }
        }

        /// Which of two figures is the worse one.
        func isWorse(_ one: Double, than other: Double) -> Bool {
            switch self {
            case .atMost: one > other
            case .atLeast: one < other
            }
        }
    }

    let name: String
    let bound: Bound
    /// Why nothing was timed.
    var excuse: String?
    private(set) var worst: Score?

    struct Score {
        var figure: Quartiles
        /// Which case it was.
        var place: String
        /// Whether memcpy's times were too far apart there to rely on it.
        var isNoisy = false
    }

    init(_ name: String, _ bound: Bound) {
        self.name = name
        self.bound = bound
    }

    func add(_ score: Score) {
        guard let worst else { return self.worst = score }
        if bound.isWorse(score.figure.median, than: worst.figure.median) { self.worst = score }
    }

    private var isMet: Bool? { worst.map { bound.admits($0.figure.median) } }

    private var boundText: String {
        switch bound {
        case .atMost(let limit): "<= \(fixed(limit, 2))"
        case .atLeast(let limit): ">= \(fixed(limit, 2))"
        }
    }

    static let head = ["target", "asked", "figure", "in the worst case", "met"]

    var row: [String] {
        guard let worst, let isMet else {
            return [name, boundText, "-", excuse ?? "not measured", "-"]
        }
        return [
            name, boundText, worst.figure.text(), worst.place,
            (isMet ? "yes" : "no") + (worst.isNoisy ? "?" : ""),
        ]
    }

    var line: String {
        let start = "{\"target\": \"\(name)\", \"asked\": \"\(boundText)\""
        guard let worst, let isMet else {
            return start + ", \"figure\": null, \"excuse\": \"\(excuse ?? "not measured")\"}"
        }
        return start + """
            , "figure": \(fixed(worst.figure.median, 4)), \
            "lower": \(fixed(worst.figure.lower, 4)), "upper": \(fixed(worst.figure.upper, 4)), \
            "place": "\(worst.place)", "met": \(isMet), "noisy": \(worst.isNoisy)}
            """
    }
}
