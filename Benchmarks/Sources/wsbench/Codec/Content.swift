// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// What the octets of a message are. The texts are drawn with a seed, the same on every machine.
///
/// Two letters whose last octets differ in the lowest bit are both letters, in all of the texts,
/// and that holds for their first octets too: a text XORed with a key of octets 0 and 1 is a text
/// of the same kind. So what masks in place can be timed again and again on the same memory, with
/// a key that is not zero and nothing to restore in between: see `Content.key`.
enum Content: String, CaseIterable, ExpressibleByArgument {
    /// English words.
    case ascii
    /// Cyrillic letters, no spaces.
    case twoOctet = "2-octet"
    /// Chinese characters.
    case threeOctet = "3-octet"
    /// Pictures.
    case fourOctet = "4-octet"
    /// JSON records: mostly ASCII, with names and words of other scripts.
    case json
    /// Any octets, sent as binary messages.
    case binary

    /// The contents that are UTF-8.
    static let texts: [Content] = [.ascii, .twoOctet, .threeOctet, .fourOctet, .json]

    /// Those of only one kind of letter longer than an octet.
    static let nonASCII: [Content] = [.twoOctet, .threeOctet, .fourOctet]

    /// A key that makes text of text.
    static let key: UInt32 = 0x0100_0101

    var isText: Bool { self != .binary }
}

/// Octets of one content without end: the same again after a mebibyte.
struct Scroll {
    private let octets: [UInt8]
    /// Always where a character begins.
    private var position = 0

    private static let size = 1 << 20

    init(_ content: Content) {
        var random = SplitMix(state: 0x5EED)
        var octets: [UInt8] = []
        octets.reserveCapacity(Self.size + 4096)
        while octets.count < Self.size {
            switch content {
            case .ascii: octets += (Self.pick(Self.words, &random) + " ").utf8
            case .twoOctet: Self.append(0x430...0x44F, &random, &octets)
            case .threeOctet: Self.append(0x4E00...0x9FA5, &random, &octets)
            case .fourOctet: Self.append(0x1F300...0x1F64F, &random, &octets)
            case .json: octets += Self.record(&random).utf8
            case .binary: octets.append(.random(in: 0...255, using: &random))
            }
        }
        self.octets = octets
        isText = content.isText
    }

    private let isText: Bool

    /// Writes the next octets to all of `memory`. Text ends with a whole character: where the next
    /// one does not fit there are spaces.
    mutating func write(to memory: UnsafeMutableBufferPointer<UInt8>) {
        var written = 0
        while written < memory.count {
            let count = min(octets.count - position, memory.count - written)
            _ = UnsafeMutableBufferPointer(rebasing: memory[written..<written + count])
                .initialize(from: octets[position..<position + count])
            written += count
            position = (position + count) % octets.count
        }
        guard isText else { return }
        var spaces = 0
        // Not within a character, which is at most four octets; the next piece begins with it.
        while position > 0, octets[position] & 0xC0 == 0x80 {
            position -= 1
            spaces += 1
        }
        for index in memory.count - min(spaces, memory.count)..<memory.count {
            memory[index] = UInt8(ascii: " ")
        }
    }

    /// A character of `range`.
    private static func append(
        _ range: ClosedRange<UInt32>, _ random: inout SplitMix, _ octets: inout [UInt8]
    ) {
        if let scalar = Unicode.Scalar(.random(in: range, using: &random)) {
            octets += String(Character(scalar)).utf8
        }
    }

    private static func pick(_ words: [String], _ random: inout SplitMix) -> String {
        words[Int.random(in: words.indices, using: &random)]
    }

    private static func record(_ random: inout SplitMix) -> String {
        let count = Int.random(in: 3...14, using: &random)
        let text = (0..<count).map { _ in
            let list = Int.random(in: 0..<8, using: &random) == 0 ? foreignWords : words
            return pick(list, &random)
        }.joined(separator: " ")
        return """
            {"id":\(Int.random(in: 0..<1 << 40, using: &random)),\
            "from":"\(pick(names, &random))","text":"\(text)",\
            "seen":\(Bool.random(using: &random))},

            """
    }

    private static let words = [
        "the", "meeting", "moved", "to", "noon", "and", "nobody", "told", "us", "so", "we", "had",
        "lunch", "first", "then", "somebody", "brought", "cake", "which", "was", "not", "bad",
        "at", "all", "see", "you", "tomorrow", "maybe", "ok", "great", "really", "why", "because",
    ]
    private static let foreignWords = [
        "naïve", "größer", "déjà", "mañana", "привет", "завтра", "спасибо", "明天", "谢谢", "会议",
        "καλημέρα", "🙂", "🎉", "👍",
    ]
    private static let names = ["mira", "otto", "zoë", "søren", "Ольга", "李雷", "kofi", "ana"]
}
