// SPDX-License-Identifier: Apache-2.0
import WSCodec

extension WireSample {
    /// Autobahn group 5: fragments, control frames between them, and fragments out of order.
    package static let fragmentation: [WireSample] = {
        let words = [UInt8]("ping payload".utf8)
        let two: [WireFrame] = [
            .text("fragment1", isFinal: false), .continuation("fragment2"),
        ]
        let orphan: [WireFrame] = [
            .continuation("non-continuation payload", isFinal: false), .text("Hello, world!"),
        ]
        let finalOrphan: [WireFrame] = [
            .continuation("non-continuation payload"), .text("Hello, world!"),
        ]
        let five: [WireFrame] = [
            .text("fragment1", isFinal: false), .continuation("fragment2", isFinal: false),
            .ping(words), .continuation("fragment3", isFinal: false),
            .continuation("fragment4", isFinal: false), .ping([UInt8]("more".utf8)),
            .continuation("fragment5"),
        ]
        return [
            WireSample(
                "5.1 ping in two fragments",
                [WireFrame(9, words, isFinal: false), .continuation("fragment2")], [],
                .fragmentedControlFrame),
            WireSample(
                "5.2 pong in two fragments",
                [WireFrame(10, words, isFinal: false), .continuation("fragment2")], [],
                .fragmentedControlFrame),
            WireSample("5.3 text in two fragments", two, [.text("fragment1fragment2")]),
            WireSample(
                "5.6 text in two fragments, ping between", [two[0], .ping(words), two[1]],
                [.ping(words), .text("fragment1fragment2")]),
            WireSample(
                "5.9 final continuation of nothing", finalOrphan, [], .unexpectedContinuation),
            WireSample("5.12 continuation of nothing", orphan, [], .unexpectedContinuation),
            WireSample(
                "5.15 text in two fragments, then a continuation of nothing", two + orphan,
                [.text("fragment1fragment2")], .unexpectedContinuation),
            WireSample(
                "5.16 a continuation before each text, not final",
                [.continuation("fragment1", isFinal: false)] + two, [], .unexpectedContinuation),
            WireSample(
                "5.17 a continuation before each text, final",
                [.continuation("fragment1")] + two, [], .unexpectedContinuation),
            WireSample(
                "5.18 both fragments with opcode text",
                [.text("fragment1", isFinal: false), .text("fragment2")], [], .interruptedMessage),
            WireSample(
                "5.19 text in five fragments, pings between", five,
                [
                    .ping(words), .ping([UInt8]("more".utf8)),
                    .text("fragment1fragment2fragment3fragment4fragment5"),
                ]),
            WireSample(
                "binary in three fragments, the middle one empty",
                [
                    .binary([1, 2], isFinal: false), .continuation([], isFinal: false),
                    .continuation([3]),
                ], [.binary([1, 2, 3])]),
            WireSample(
                "binary that ends with an empty fragment",
                [.binary([1, 2], isFinal: false), .continuation([])], [.binary([1, 2])]),
            WireSample(
                "binary in empty fragments only",
                [
                    .binary([], isFinal: false), .continuation([], isFinal: false),
                    .continuation([]),
                ], [.binary([])]),
            WireSample(
                "two messages in fragments and one whole between",
                two + [.binary([9])] + two,
                [.text("fragment1fragment2"), .binary([9]), .text("fragment1fragment2")]),
            WireSample(
                "binary inside an open text message",
                [.text("a", isFinal: false), .binary([1])], [], .interruptedMessage),
        ]
    }()
}
