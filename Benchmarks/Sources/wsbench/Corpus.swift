// SPDX-License-Identifier: Apache-2.0

/// Text as applications send it: JSON records whose keys repeat and whose values do not. The same
/// on every machine, for it is drawn with a seed.
enum Corpus {
    /// `count` messages of just `size` octets each. Records are cut where a message is full.
    static func messages(_ count: Int, of size: Int) -> [[UInt8]] {
        var random = SplitMix(state: 7692)
        return (0..<count).map { _ in
            var text = "["
            while text.utf8.count <= size { text += record(&random) + ",\n" }
            let octets = Array(text.utf8)
            // Not within a character: the server would not have that.
            var end = size
            while end > 0, octets[end] & 0xC0 == 0x80 { end -= 1 }
            return octets[..<end] + Array(repeating: UInt8(ascii: " "), count: size - end)
        }
    }

    private static func record(_ random: inout SplitMix) -> String {
        func pick(_ words: [String]) -> String {
            words[Int.random(in: words.indices, using: &random)]
        }
        func number(_ below: Int) -> Int { Int.random(in: 0..<below, using: &random) }
        let body = (0..<4 + number(12)).map { _ in pick(words) }.joined(separator: " ")
        let tags = (0..<number(4)).map { _ in "\"\(pick(words))\"" }.joined(separator: ",")
        return """
            {"id":\(number(1 << 40)),"type":"\(pick(["message", "edit", "presence"]))",\
            "room":"\(pick(rooms))","user":{"name":"\(pick(names))","id":\(number(100_000))},\
            "time":"2025-0\(1 + number(9))-\(10 + number(18))T\(10 + number(14)):\(10 + number(50)):\
            \(10 + number(50)).\(100 + number(900))Z","body":"\(body)","tags":[\(tags)],\
            "score":\(number(1000)).\(number(1000)),"edited":\(number(2) == 0)}
            """
    }

    private static let rooms = ["general", "random", "support", "release-planning", "garden"]
    private static let names = [
        "amira", "björn", "chidi", "dolores", "eun-ji", "farouk", "grace", "hiro", "ines", "jürgen",
    ]
    private static let words = [
        "the", "server", "and", "message", "is", "not", "about", "tomorrow", "release", "we",
        "should", "look", "at", "memory", "before", "garden", "window", "that", "was", "quick",
        "please", "thanks", "überraschend", "café", "latency", "of", "a", "to", "in", "build",
        "green", "again", "nobody", "knows", "why", "it", "works", "on", "my", "machine",
    ]
}

/// A small generator with a seed (splitmix64).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
