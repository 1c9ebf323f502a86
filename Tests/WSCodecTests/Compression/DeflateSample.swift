// SPDX-License-Identifier: Apache-2.0
import WSCodec
import WireSamples

extension WireFrame {
    /// A first frame of a compressed message.
    static func compressed(
        _ opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true
    ) -> WireFrame { WireFrame(opcode, payload, isFinal: isFinal).reserved(4) }

    /// A compressed text message in one frame.
    static func deflated(_ payload: UInt8...) -> WireFrame { .compressed(1, payload) }
}

extension WireSample {
    /// Streams with permessage-deflate agreed on, full windows, context takeover.
    static let deflate: [WireSample] = examples + blocks + mixtures + violations

    /// RFC 7692 section 7.2.3, octet for octet.
    private static let examples: [WireSample] = [
        WireSample(
            "7.2.3.1 one block", [.deflated(0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00)],
            [.text("Hello")]),
        WireSample(
            "7.2.3.1 one block in fragments",
            [
                .compressed(1, [0xF2, 0x48, 0xCD], isFinal: false),
                .continuation([0xC9, 0xC9, 0x07, 0x00]),
            ],
            [.text("Hello")]),
        WireSample(
            "7.2.3.2 sharing the window",
            [
                .deflated(0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00),
                .deflated(0xF2, 0x00, 0x11, 0x00, 0x00),
            ],
            [.text("Hello"), .text("Hello")]),
        WireSample(
            "7.2.3.3 a block without compression",
            [.deflated(0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00)],
            [.text("Hello")]),
        WireSample(
            "7.2.3.4 a block with BFINAL",
            [.deflated(0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00)], [.text("Hello")]),
        WireSample(
            "7.2.3.5 two blocks",
            [
                .deflated(
                    0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00)
            ],
            [.text("Hello")]),
        WireSample("7.2.3.6 an empty message", [.deflated(0x00)], [.text("")]),
    ]

    private static let blocks: [WireSample] = [
        WireSample("an empty message of no octet", [.deflated()], [.text("")]),
        WireSample(
            "empty stored blocks only",
            [.deflated(0x00, 0x00, 0x00, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0x00)],
            [.text("")]),
        WireSample(
            "BFINAL and nothing behind it",
            [.deflated(0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00)], [.text("Hello")]),
        WireSample(
            "BFINAL, then another block, then a message that refers to both",
            [
                .deflated(
                    0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00,
                    0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00),
                .deflated(0xF2, 0x00, 0x11, 0x00, 0x00),
            ],
            [.text("HelloHello"), .text("Hello")]),
        WireSample(
            "BFINAL in every message",
            [
                .deflated(0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00),
                .deflated(0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00),
                .deflated(0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00),
            ],
            [.text("Hello"), .text("Hello"), .text("Hello")]),
    ]

    private static let mixtures: [WireSample] = [
        WireSample(
            "plain messages between compressed ones are not in the window",
            [
                .deflated(0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00), .text("World"),
                .deflated(0xF2, 0x00, 0x11, 0x00, 0x00), .binary([1, 2]),
            ],
            [.text("Hello"), .text("World"), .text("Hello"), .binary([1, 2])]),
        WireSample(
            "empty fragments, and control frames between",
            [
                .compressed(2, [], isFinal: false), .ping([7]),
                .continuation([0xF2], isFinal: false), .continuation([], isFinal: false),
                .continuation([0x48, 0xCD, 0xC9], isFinal: false), .pong(),
                .continuation([0xC9, 0x07, 0x00], isFinal: false), .continuation([]),
            ],
            [.ping([7]), .pong([]), .binary([0x48, 0x65, 0x6C, 0x6C, 0x6F])]),
        WireSample(
            "binary that is no UTF-8",
            [.compressed(2, [0x00, 0x02, 0x00, 0xFD, 0xFF, 0xC3, 0x28, 0x00])],
            [.binary([0xC3, 0x28])]),
        WireSample(
            "a character cut by a block",
            [
                .deflated(
                    0x00, 0x01, 0x00, 0xFE, 0xFF, 0xC3, 0x00, 0x01, 0x00, 0xFE, 0xFF, 0xBC, 0x00)
            ],
            [.text("ü")]),
        WireSample(
            "a Close behind", [.deflated(0x00), .close(1000)],
            [.text(""), .close(.normal, reason: "")]),
    ]

    private static let violations: [WireSample] = [
        WireSample(
            "a reserved type of block", [.text("a"), .deflated(0x06, 0x00)], [.text("a")],
            .corruptCompression),
        WireSample(
            "a stored block whose lengths differ", [.deflated(0x00, 0x05, 0x00, 0xFA, 0xFE)], [],
            .corruptCompression),
        WireSample(
            "a reference before the window", [.deflated(0xF2, 0x00, 0x11, 0x00, 0x00)], [],
            .corruptCompression),
        WireSample(
            "cut in a stored block", [.deflated(0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65)], [],
            .corruptCompression),
        WireSample(
            "cut in a header", [.deflated(0x00, 0x05)], [], .corruptCompression),
        WireSample(
            "cut in a block of codes", [.deflated(0xF2, 0x48, 0xCD, 0xC9)], [],
            .corruptCompression),
        WireSample(
            "garbage behind BFINAL",
            [.deflated(0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0xFF, 0xFF)], [],
            .corruptCompression),
        WireSample(
            "text that is not UTF-8",
            [.deflated(0x00, 0x02, 0x00, 0xFD, 0xFF, 0xC3, 0x28, 0x00)], [], .invalidUTF8),
        WireSample(
            "text that is not UTF-8, then corrupt data",
            [.deflated(0x00, 0x02, 0x00, 0xFD, 0xFF, 0xC3, 0x28, 0x06)], [], .invalidUTF8),
        WireSample(
            "text that ends in the midst of a character",
            [.deflated(0x00, 0x01, 0x00, 0xFE, 0xFF, 0xC3, 0x00)], [], .invalidUTF8),
        WireSample(
            "text that fails in a first fragment",
            [.compressed(1, [0x00, 0x02, 0x00, 0xFD, 0xFF, 0xC3, 0x28], isFinal: false)], [],
            .invalidUTF8),
        WireSample(
            "RSV1 on a continuation",
            [.compressed(1, [0xF2], isFinal: false), .compressed(0, [0x48])], [], .reservedBits),
        WireSample(
            "RSV1 on the continuation of a plain message",
            [.text("a", isFinal: false), .compressed(0, [0x00])], [], .reservedBits),
        WireSample("RSV1 on a ping", [.ping().reserved(4)], [], .reservedBits),
        WireSample("RSV1 on a Close", [.close(1000).reserved(4)], [], .reservedBits),
        WireSample("RSV2", [.text("a").reserved(2)], [], .reservedBits),
        WireSample("RSV1 and RSV3", [.text("a").reserved(5)], [], .reservedBits),
    ]
}
