// SPDX-License-Identifier: Apache-2.0
import WSCodec

extension WireSample {
    /// Autobahn group 7: the closing handshake.
    package static let closing: [WireSample] = behaviour + payloads + codes

    private static let behaviour: [WireSample] = {
        let normal = Message.close(.normal, reason: "")
        return [
            WireSample(
                "7.1.1 text, then close", [.text("Hello World!"), .close(1000)],
                [.text("Hello World!"), normal]),
            WireSample("7.1.2 two closes", [.close(1000), .close(1000)], [normal]),
            WireSample("7.1.3 ping after close", [.close(1000), .ping()], [normal]),
            WireSample("7.1.4 text after close", [.close(1000), .text("Hello")], [normal]),
            WireSample(
                "7.1.5 close inside a message",
                [.text("fragment1", isFinal: false), .close(1000), .continuation("fragment2")],
                [normal]),
            WireSample(
                "7.1.6 text, close, ping",
                [.text("Hello World!"), .close(1000), .ping()], [.text("Hello World!"), normal]),
            WireSample(
                "what breaks every rule after close",
                [.close(1000), WireFrame(3, [1, 2, 3]).reserved(7), .text([0xFF])], [normal]),
        ]
    }()

    private static let payloads: [WireSample] = {
        let longest = String(repeating: "*", count: 123)
        return [
            WireSample("7.3.1 empty close", [.emptyClose], [.close(nil, reason: "")]),
            WireSample("7.3.2 close of one octet", [WireFrame(8, [0x61])], [], .closePayloadLength),
            WireSample("7.3.3 close with a code", [.close(1000)], [.close(.normal, reason: "")]),
            WireSample(
                "7.3.4 close with a code and a reason", [.close(1000, [UInt8]("Hello".utf8))],
                [.close(.normal, reason: "Hello")]),
            WireSample(
                "7.3.5 close with a reason of 123", [.close(1000, [UInt8](longest.utf8))],
                [.close(.normal, reason: longest)]),
            WireSample(
                "7.3.6 close with a reason of 124", [.close(1000, [UInt8](longest.utf8) + [0x2A])],
                [], .oversizedControlFrame),
            WireSample(
                "7.5.1 close with a reason that is not UTF-8",
                [
                    .close(
                        1000,
                        [UInt8](greek.utf8) + [0xED, 0xA0, 0x80] + [UInt8]("edited".utf8))
                ], [], .invalidCloseReason),
            WireSample(
                "close with a reason cut inside a character", [.close(1000, [0xE2, 0x82])], [],
                .invalidCloseReason),
            WireSample(
                "close with a reason beyond ASCII", [.close(4999, [UInt8](greek.utf8))],
                [.close(CloseCode(rawValue: 4999), reason: greek)]),
        ]
    }()

    private static let codes: [WireSample] = {
        let valid: [UInt16] = [
            1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999,
        ]
        let registeredLater: [UInt16] = [1012, 1013, 1014]
        let invalid: [UInt16] = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999]
        let outOfRange: [UInt16] = [5000, 65535]
        func accepted(_ name: String, _ code: UInt16) -> WireSample {
            WireSample(
                "\(name) close code \(code)", [.close(code)],
                [.close(CloseCode(rawValue: code), reason: "")])
        }
        func refused(_ name: String, _ code: UInt16) -> WireSample {
            WireSample("\(name) close code \(code)", [.close(code)], [], .invalidCloseCode)
        }
        return valid.enumerated().map { accepted("7.7.\($0 + 1)", $1) }
            + registeredLater.map { accepted("valid", $0) }
            + invalid.enumerated().map { refused("7.9.\($0 + 1)", $1) }
            + outOfRange.enumerated().map { refused("7.13.\($0 + 1)", $1) }
            + [refused("TLS", 1015)]
    }()
}
