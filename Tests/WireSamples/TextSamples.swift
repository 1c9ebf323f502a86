// SPDX-License-Identifier: Apache-2.0
import WSCodec

extension WireSample {
    /// Autobahn group 6: text is UTF-8, whole, in fragments, and cut inside characters.
    package static let text: [WireSample] = fragmentedText + utf8Sequences

    /// A word of two- and three-octet characters: its second letter is U+1F79, not U+03CC.
    static let greek = "\u{3BA}\u{1F79}\u{3C3}\u{3BC}\u{3B5}"

    private static let fragmentedText: [WireSample] = {
        let mixed = "Hello-µ@ßöäüàá-UTF-8!!"
        let surrogate = [UInt8](greek.utf8) + [0xED, 0xA0, 0x80] + [UInt8]("edited".utf8)
        let beyond: [UInt8] = [0xF4, 0x90, 0x80, 0x80]
        let edited = [UInt8]("edited".utf8)
        return [
            WireSample("6.1.1 empty text", [.text("")], [.text("")]),
            WireSample(
                "6.1.2 three empty fragments",
                [
                    .text("", isFinal: false), .continuation("", isFinal: false),
                    .continuation(""),
                ], [.text("")]),
            WireSample(
                "6.1.3 text between two empty fragments",
                [
                    .text("", isFinal: false), .continuation("middle", isFinal: false),
                    .continuation(""),
                ], [.text("middle")]),
            WireSample("6.2.1 text beyond ASCII", [.text(mixed)], [.text(mixed)]),
            WireSample(
                "6.2.2 text beyond ASCII in two fragments",
                [.text("Hello-µ@ßöä", isFinal: false), .continuation("üàá-UTF-8!!")],
                [.text(mixed)]),
            WireSample(
                "6.2.3 text beyond ASCII, an octet a fragment", octetByOctet([UInt8](mixed.utf8)),
                [.text(mixed)]),
            WireSample(
                "6.2.4 Greek, an octet a fragment", octetByOctet([UInt8](greek.utf8)),
                [.text(greek)]),
            WireSample("6.3.1 surrogate inside text", [.text(surrogate)], [], .invalidUTF8),
            WireSample(
                "6.3.2 surrogate inside text, an octet a fragment", octetByOctet(surrogate), [],
                .invalidUTF8),
            WireSample(
                "6.4.1 beyond U+10FFFF in the middle fragment",
                [
                    .text(greek, isFinal: false), .continuation(beyond, isFinal: false),
                    .continuation(edited),
                ], [], .invalidUTF8),
            WireSample(
                "6.4.2 beyond U+10FFFF, cut by fragments",
                [
                    .text([UInt8](greek.utf8) + [0xF4], isFinal: false),
                    .continuation([0x90], isFinal: false), .continuation([0x80, 0x80] + edited),
                ], [], .invalidUTF8),
            WireSample(
                "a character cut by a fragment with a ping inside",
                [.text([0xE2, 0x82], isFinal: false), .ping([0xFF]), .continuation([0xAC])],
                [.ping([0xFF]), .text("€")]),
            WireSample(
                "an unfinished character is not finished by the next message",
                [.text([0xE2, 0x82]), .text([0xAC])], [], .invalidUTF8),
            WireSample(
                "binary that is not UTF-8", [.binary([0xFF, 0xC0])], [.binary([0xFF, 0xC0])]),
        ]
    }()

    private static func octetByOctet(_ octets: [UInt8]) -> [WireFrame] {
        octets.indices.map { index in
            let isFinal = index == octets.count - 1
            return index == 0
                ? .text([octets[index]], isFinal: isFinal)
                : .continuation([octets[index]], isFinal: isFinal)
        }
    }

    /// A group of octet sequences: all of them text, or none.
    private static func sequences(_ group: Int, _ isText: Bool, _ all: [[UInt8]]) -> [WireSample] {
        all.enumerated().map { index, octets in
            let name = "6.\(group).\(index + 1) \(octets.map { hexadecimal($0) }.joined())"
            return isText
                ? WireSample(
                    name, [.text(octets)], [.text(String(decoding: octets, as: UTF8.self))])
                : WireSample(name, [.text(octets)], [], .invalidUTF8)
        }
    }

    private static func hexadecimal(_ octet: UInt8) -> String {
        (octet < 16 ? "0" : "") + String(octet, radix: 16)
    }

    /// Autobahn 6.5 to 6.23, made from what RFC 3629 allows and forbids.
    private static let utf8Sequences: [WireSample] =
        sequences(5, true, validTexts) + prefixes + sequences(7, true, shortest)
        + sequences(8, false, shortestBeyond) + sequences(9, true, longest)
        + sequences(10, false, longestBeyond) + sequences(11, true, boundaries)
        + sequences(11, false, [[0xF4, 0x90, 0x80, 0x80]])
        + sequences(12, false, continuations) + sequences(13, false, lonelyStarts)
        + sequences(14, false, truncated) + sequences(15, false, [truncated.flatMap { $0 }])
        + sequences(16, false, [[0xFE], [0xFF], [0xFE, 0xFE, 0xFF, 0xFF]])
        + sequences(17, false, overlongSlash) + sequences(18, false, overlongLargest)
        + sequences(19, false, overlongZero) + sequences(20, false, surrogates)
        + sequences(21, false, surrogatePairs) + sequences(22, true, noncharacters)
        + sequences(23, true, specials)

    private static let validTexts: [[UInt8]] = [
        "hello$world", "hello¢world", "hello€world", "hello\u{24B62}world",
        greek,
    ].map { [UInt8]($0.utf8) }

    /// Every prefix of a text of two- and three-octet characters.
    private static let prefixes: [WireSample] = {
        let octets = [UInt8](greek.utf8)
        // ce ba | e1 bd b9 | cf 83 | ce bc | ce b5
        let boundaries: Set = [0, 2, 5, 7, 9, 11]
        return (1...octets.count).map { count in
            let prefix = [UInt8](octets[..<count])
            return boundaries.contains(count)
                ? WireSample(
                    "6.6.\(count) prefix of \(count)", [.text(prefix)],
                    [.text(String(decoding: prefix, as: UTF8.self))])
                : WireSample("6.6.\(count) prefix of \(count)", [.text(prefix)], [], .invalidUTF8)
        }
    }()

    private static let shortest: [[UInt8]] = [
        [0x00], [0xC2, 0x80], [0xE0, 0xA0, 0x80], [0xF0, 0x90, 0x80, 0x80],
    ]
    private static let shortestBeyond: [[UInt8]] = [
        [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFC, 0x84, 0x80, 0x80, 0x80, 0x80],
    ]
    private static let longest: [[UInt8]] = [
        [0x7F], [0xDF, 0xBF], [0xEF, 0xBF, 0xBF], [0xF4, 0x8F, 0xBF, 0xBF],
    ]
    private static let longestBeyond: [[UInt8]] = [
        [0xF7, 0xBF, 0xBF, 0xBF], [0xFB, 0xBF, 0xBF, 0xBF, 0xBF],
        [0xFD, 0xBF, 0xBF, 0xBF, 0xBF, 0xBF],
    ]
    private static let boundaries: [[UInt8]] = [
        [0xED, 0x9F, 0xBF], [0xEE, 0x80, 0x80], [0xEF, 0xBF, 0xBD], [0xF4, 0x8F, 0xBF, 0xBF],
    ]
    private static let continuations: [[UInt8]] =
        [[0x80], [0xBF]]
        + (2...6).map { count in (0..<count).map { $0 % 2 == 0 ? 0x80 : 0xBF } }
        + [[UInt8](0x80...0xBF)]
    private static let lonelyStarts: [[UInt8]] = [
        0xC0...0xDF, 0xE0...0xEF, 0xF0...0xF7, 0xF8...0xFB, 0xFC...0xFD,
    ].map { (starts: ClosedRange<UInt8>) in starts.flatMap { [$0, 0x20] } }
    private static let truncated: [[UInt8]] = [
        [0xC0], [0xE0, 0x80], [0xF0, 0x80, 0x80], [0xF8, 0x80, 0x80, 0x80],
        [0xFC, 0x80, 0x80, 0x80, 0x80], [0xDF], [0xEF, 0xBF], [0xF7, 0xBF, 0xBF],
        [0xFB, 0xBF, 0xBF, 0xBF], [0xFD, 0xBF, 0xBF, 0xBF, 0xBF],
    ]
    private static let overlongSlash: [[UInt8]] = [
        [0xC0, 0xAF], [0xE0, 0x80, 0xAF], [0xF0, 0x80, 0x80, 0xAF],
        [0xF8, 0x80, 0x80, 0x80, 0xAF], [0xFC, 0x80, 0x80, 0x80, 0x80, 0xAF],
    ]
    private static let overlongLargest: [[UInt8]] = [
        [0xC1, 0xBF], [0xE0, 0x9F, 0xBF], [0xF0, 0x8F, 0xBF, 0xBF],
        [0xF8, 0x87, 0xBF, 0xBF, 0xBF], [0xFC, 0x83, 0xBF, 0xBF, 0xBF, 0xBF],
    ]
    private static let overlongZero: [[UInt8]] = [
        [0xC0, 0x80], [0xE0, 0x80, 0x80], [0xF0, 0x80, 0x80, 0x80],
        [0xF8, 0x80, 0x80, 0x80, 0x80], [0xFC, 0x80, 0x80, 0x80, 0x80, 0x80],
    ]
    private static let surrogates: [[UInt8]] = [
        [0xED, 0xA0, 0x80], [0xED, 0xAD, 0xBF], [0xED, 0xAE, 0x80], [0xED, 0xAF, 0xBF],
        [0xED, 0xB0, 0x80], [0xED, 0xBE, 0x80], [0xED, 0xBF, 0xBF],
    ]
    private static let surrogatePairs: [[UInt8]] = surrogates[..<4].flatMap { high in
        [surrogates[4], surrogates[6]].map { high + $0 }
    }
    /// U+FFFE and U+FFFF of every plane: they are not characters, but they are UTF-8.
    private static let noncharacters: [[UInt8]] = (0...16).flatMap { (plane: UInt32) in
        [plane << 16 | 0xFFFE, plane << 16 | 0xFFFF].compactMap { code in
            Unicode.Scalar(code).map { [UInt8](String($0).utf8) }
        }
    }
    private static let specials: [[UInt8]] = [
        [0xEF, 0xBF, 0xB9], [0xEF, 0xBF, 0xBA], [0xEF, 0xBF, 0xBB], [0xEF, 0xBF, 0xBC],
        [0xEF, 0xBF, 0xBD], [0xEF, 0xBF, 0xBE], [0xEF, 0xBF, 0xBF],
    ]
}
