// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Glibc

/// How long the messages of a measurement are.
enum MessageSize: Hashable, CustomStringConvertible, ExpressibleByArgument {
    /// All of them so many octets.
    case octets(Int)
    /// Drawn from `TrafficMix`.
    case mix

    private static let largest = 1 << 26

    init?(argument: String) {
        if argument == "mix" {
            self = .mix
        } else if let octets = Int(argument), (1...Self.largest).contains(octets) {
            self = .octets(octets)
        } else {
            return nil
        }
    }

    /// As an argument is written.
    var description: String {
        switch self {
        case .octets(let count): "\(count)"
        case .mix: "mix"
        }
    }

    static let quick: [MessageSize] =
        [8, 32, 125, 1 << 10, 1 << 14, 1 << 20].map { .octets($0) }
        + [.mix]
    static let usual: [MessageSize] =
        ([8, 16, 32, 64, 125, 256, 512] + [10, 11, 12, 14, 16, 20, 24].map { 1 << $0 })
        .map { .octets($0) } + [.mix]

    /// The sizes of so many messages, or of as many as fill `octets`, at least one.
    func sizes(filling octets: Int, atMost count: Int = .max) -> [Int] {
        switch self {
        case .octets(let size):
            Array(
                repeating: size, count: max(1, min(count, (octets + size - 1) / max(1, size))))
        case .mix: TrafficMix.sizes()
        }
    }
}

/// The sizes of messages as a chat or a feed has them: most are short, a few are very long, and
/// those make up most of the octets. Within a class sizes are drawn evenly by their logarithm.
///
/// | of the messages | octets        |
/// | --------------- | ------------- |
/// | 60 %            | 16 to 128     |
/// | 25 %            | 129 to 512    |
/// | 10 %            | 513 to 2048   |
/// | 4 %             | 2049 to 16384 |
/// | 1 %             | 16385 to 65536 |
enum TrafficMix {
    private static let classes: [(percent: Int, range: ClosedRange<Double>)] = [
        (60, 16...128), (25, 129...512), (10, 513...2048), (4, 2049...16384), (1, 16385...65536),
    ]

    /// The same 2048 sizes on every machine, in random order: 1.6 MiB in all.
    static func sizes() -> [Int] {
        var random = SplitMix(state: 6455)
        return (0..<2048).map { _ in
            var percent = Int.random(in: 0..<100, using: &random)
            let drawn = classes.first { classOfSizes in
                percent -= classOfSizes.percent
                return percent < 0
            }
            let range = drawn?.range ?? 16...128
            let share = Double.random(in: 0...1, using: &random)
            return Int(range.lowerBound * pow(range.upperBound / range.lowerBound, share))
        }
    }
}
