// SPDX-License-Identifier: Apache-2.0
import Testing
import WSServer
import WireSamples

/// Octets that no client should send: the close code each gets, what came before is answered first,
/// and nobody else notices.
@Suite("RFC 6455 section 7.1.7: failing the connection", .timeLimit(.minutes(3)))
struct ViolationTests {
    struct Row: Sendable, CustomStringConvertible {
        var name: String
        var octets: [UInt8]
        var code: UInt16
        /// A limit on messages of this many octets.
        var limit = 1 << 20
        var description: String { name }

        init(_ name: String, _ frames: WireFrame..., code: UInt16, limit: Int = 1 << 20) {
            self.init(name, frames.flatMap { $0.octets(to: .server) }, code: code, limit: limit)
        }

        init(_ name: String, _ octets: [UInt8], code: UInt16, limit: Int = 1 << 20) {
            self.name = name
            self.octets = octets
            self.code = code
            self.limit = limit
        }
    }

    private static func wrongMask(_ frame: WireFrame) -> WireFrame {
        var frame = frame
        frame.hasWrongMasking = true
        return frame
    }

    private static func header(_ length: UInt64) -> [UInt8] {
        [UInt8](
            WireFrame.binary([]).length(.sixtyFourBits, declared: length).octets(to: .server))
    }

    static let rows: [Row] =
        [
            Row("a length of 2^63", header(1 << 63), code: 1002),
            Row("a length of 2^64 - 1", header(.max), code: 1002),
            Row("a length of 2^63 - 1", header((1 << 63) - 1), code: 1009),
            Row("a length of 4 GiB, nothing behind it", header(1 << 32), code: 1009),
            Row(
                "a length of 2^32 + 5, which 32 bits take for 5", header((1 << 32) + 5), code: 1009),
            Row("a length one above the limit", header((1 << 20) + 1), code: 1009),
            Row(
                "a sum of fragments above the limit",
                .binary([UInt8](repeating: 1, count: 6), isFinal: false),
                .continuation([UInt8](repeating: 1, count: 5)), code: 1009, limit: 10),
            Row(
                "a sum of fragments that overflows",
                WireFrame.binary([1], isFinal: false).octets(to: .server)
                    + WireFrame.continuation([]).length(.sixtyFourBits, declared: (1 << 63) - 1)
                    .octets(to: .server), code: 1009),
            Row("a frame without a mask", wrongMask(.text("Hello")), code: 1002),
            Row("a Close without a mask", wrongMask(.close(1000)), code: 1002),
            Row("16 bits for a length of 125", .text("a").length(.sixteenBits), code: 1002),
            Row("64 bits for a length of 126", .text("a").length(.sixtyFourBits), code: 1002),
            Row("RSV1", .text("a").reserved(4), code: 1002),
            Row("RSV2", .text("a").reserved(2), code: 1002),
            Row("RSV3 on a ping", .ping().reserved(1), code: 1002),
            Row("opcode 3", WireFrame(3, [1]), code: 1002),
            Row("opcode 15", WireFrame(15), code: 1002),
            Row("a ping of 126 octets", .ping([UInt8](repeating: 0, count: 126)), code: 1002),
            Row("a ping in fragments", WireFrame(9, [], isFinal: false), code: 1002),
            Row("a continuation of nothing", .continuation("a"), code: 1002),
            Row("a message inside another", .text("a", isFinal: false), .text("b"), code: 1002),
            Row("text that is not UTF-8", .text([0xC3, 0x28]), code: 1007),
            Row(
                "a character that no fragment can mend", .text([0xF4], isFinal: false),
                .continuation([0x90]), code: 1007),
            Row("text that ends inside a character", .text([0xE2, 0x82]), code: 1007),
            Row("a surrogate", .text([0xED, 0xA0, 0x80]), code: 1007),
            Row("a Close of one octet", WireFrame(8, [3]), code: 1002),
            Row("a Close whose reason is not UTF-8", .close(1000, [0xC0, 0x80]), code: 1007),
        ]
        + [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535].map {
            Row("close code \($0)", .close($0), code: 1002)
        }

    @Test(arguments: Setup.all)
    func `each gets its code, and what came before its answer`(setup: Setup) async throws {
        let ends = CloseInfos()
        var router = Router()
        router.get("/") { _ in setup.echo(runs: Counter(), ends: ends) }
        router.get("/small") { _ in
            setup.echo(options: .init(messageSizeMaxBytes: 10), runs: Counter(), ends: ends)
        }
        try await withServer(router, setup.configuration()) { _, address in
            let neighbour = try RawClient(address, upgradedAt: "/")
            for row in Self.rows {
                let good = WireFrame.text("before").octets(to: .server)
                for pieces in [[good + row.octets], (good + row.octets).map { [$0] }] {
                    let client = try RawClient(
                        address, upgradedAt: row.limit == 10 ? "/small" : "/")
                    for piece in pieces where try !client.sendWhileOpen(piece) { break }
                    let (frames, end) = try client.readFramesToEnd()
                    let codes = frames.map { $0.opcode == 8 ? $0.closeCode : nil }
                    #expect(frames.first == .text("before"), "\(row)")
                    #expect(codes == [nil, row.code], "\(row): \(frames)")
                    #expect(end == .fin, "\(row)")
                }
                try neighbour.send(.text("\(row)"))
                #expect(try neighbour.readFrame() == .text("\(row)"))
            }
            try neighbour.closeCleanly()
            #expect(try await eventually { ends.all.count == 2 * Self.rows.count + 1 })
        }
        #expect(ends.all.dropLast().allSatisfy { !$0.isClean && $0.initiator == .local })
    }

    /// What goes out is what was to go out, to the octet, wherever a header changes its form.
    @Test(arguments: Setup.all)
    func `frames hold their payload and nothing else`(setup: Setup) async throws {
        var router = Router()
        router.get("/") { _ in setup.echo(runs: Counter()) }
        try await withServer(router, setup.configuration()) { _, address in
            let client = try RawClient(address, upgradedAt: "/")
            for size in [0, 1, 2, 124, 125, 126, 127, 128, 65_534, 65_535, 65_536, 65_537] {
                let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ size) }
                try client.send(.binary(payload))
                #expect(try client.readFrame() == .binary(payload))
            }
            try client.send(.ping([UInt8](repeating: 0xA5, count: 125)))
            #expect(try client.readFrame() == .pong([UInt8](repeating: 0xA5, count: 125)))
            try client.closeCleanly()
            let silent = try RawClient(address, upgradedAt: "/")
            try silent.send(.emptyClose)
            #expect(try silent.readFramesToEnd().frames == [.emptyClose])
        }
    }
}
