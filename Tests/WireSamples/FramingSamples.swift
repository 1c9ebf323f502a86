// SPDX-License-Identifier: Apache-2.0
import WSCodec

extension WireSample {
    private static let sizes = [0, 125, 126, 127, 128, 65535, 65536]

    /// Autobahn group 1: data messages at the sizes where the form of the length changes.
    package static let framing: [WireSample] =
        sizes.enumerated().map { index, size in
            let text = String(repeating: "*", count: size)
            return WireSample("1.1.\(index + 1) text of \(size)", [.text(text)], [.text(text)])
        }
        + sizes.enumerated().map { index, size in
            let octets = [UInt8](repeating: 0xFE, count: size)
            return WireSample(
                "1.2.\(index + 1) binary of \(size)", [.binary(octets)], [.binary(octets)])
        }

    /// Autobahn group 2: pings and pongs.
    package static let pings: [WireSample] = {
        let words = [UInt8]("Hello, world!".utf8)
        let octets: [UInt8] = [0x00, 0xFF, 0xFE, 0xFD, 0xFC, 0xFB, 0x00, 0xFF]
        let longest = [UInt8](repeating: 0xFE, count: 125)
        let ten = (0..<10).map { [UInt8]("payload-\($0)".utf8) }
        return [
            WireSample("2.1 empty ping", [.ping()], [.ping([])]),
            WireSample("2.2 ping with text", [.ping(words)], [.ping(words)]),
            WireSample("2.3 ping with binary", [.ping(octets)], [.ping(octets)]),
            WireSample("2.4 ping of 125", [.ping(longest)], [.ping(longest)]),
            WireSample("2.5 ping of 126", [.ping(longest + [0xFE])], [], .oversizedControlFrame),
            WireSample("2.7 empty pong, not asked for", [.pong()], [.pong([])]),
            WireSample("2.8 pong, not asked for", [.pong(words)], [.pong(words)]),
            WireSample(
                "2.9 pong, not asked for, then ping", [.pong(words), .ping(octets)],
                [.pong(words), .ping(octets)]),
            WireSample(
                "2.10 ten pings", ten.map { .ping($0) }, ten.map { .ping($0) }),
        ]
    }()

    /// Autobahn group 3: reserved bits that no extension gave a meaning.
    package static let reservedBits: [WireSample] = [
        WireSample("3.1 text with RSV3", [.text("small").reserved(1)], [], .reservedBits),
        WireSample(
            "3.2 text, text with RSV2, ping",
            [.text("small"), .text("small").reserved(2), .ping()], [.text("small")],
            .reservedBits),
        WireSample(
            "3.3 text, text with RSV2 and RSV3, ping",
            [.text("small"), .text("small").reserved(3), .ping()], [.text("small")],
            .reservedBits),
        WireSample(
            "3.4 text, text with RSV1, ping",
            [.text("small"), .text("small").reserved(4), .ping()], [.text("small")],
            .reservedBits),
        WireSample(
            "3.5 binary with RSV1 and RSV3", [.binary([0xFF]).reserved(5)], [], .reservedBits),
        WireSample("3.6 ping with RSV1 and RSV2", [.ping().reserved(6)], [], .reservedBits),
        WireSample("3.7 close with all of them", [.close(1000).reserved(7)], [], .reservedBits),
        WireSample(
            "a continuation with RSV1",
            [.text("a", isFinal: false), .continuation("b").reserved(4)], [], .reservedBits),
    ]

    /// Autobahn group 4: reserved opcodes.
    package static let opcodes: [WireSample] = {
        let small = [UInt8]("small".utf8)
        func cases(_ group: Int, _ first: UInt8) -> [WireSample] {
            [
                WireSample(
                    "4.\(group).1 opcode \(first)", [WireFrame(first)], [], .reservedOpcode),
                WireSample(
                    "4.\(group).2 opcode \(first + 1) with payload", [WireFrame(first + 1, small)],
                    [], .reservedOpcode),
                WireSample(
                    "4.\(group).3 text, opcode \(first + 2), ping",
                    [.text("small"), WireFrame(first + 2), .ping()], [.text("small")],
                    .reservedOpcode),
                WireSample(
                    "4.\(group).4 text, opcode \(first + 3) with payload, ping",
                    [.text("small"), WireFrame(first + 3, small), .ping()], [.text("small")],
                    .reservedOpcode),
                WireSample(
                    "4.\(group).5 text, opcode \(first + 4) with payload, ping",
                    [.text("small"), WireFrame(first + 4, small), .ping()], [.text("small")],
                    .reservedOpcode),
            ]
        }
        return cases(1, 3) + cases(2, 11)
    }()
}
