// SPDX-License-Identifier: Apache-2.0
import CZlib
import Testing
import WSCodec
import WireSamples

@Suite("RFC 7692 section 7.2.2: decompression") struct InflateTests {
    /// An endpoint must not care how TCP cut the stream.
    @Test(arguments: WireSample.deflate, [Role.server, .client])
    func `a compressed stream means the same however it is cut`(
        sample: WireSample, role: Role
    ) throws {
        let expected = Reception(expectedOf: sample)
        try Segmentation.forEach(of: sample.octets(to: role)) { pieces in
            for inPlace in [false, true] {
                let reception = Reception(
                    of: pieces, by: Endpoint.compressing(role), inPlace: inPlace
                ).withoutPlace
                try #require(reception == expected, "cut into \(pieces.map(\.count)), \(inPlace)")
            }
        }
    }

    @Test(arguments: WireSample.all, [Role.server, .client])
    func `plain streams mean what they mean without the extension`(
        sample: WireSample, role: Role
    ) throws {
        // But for RSV1, which has a meaning now.
        guard !sample.frames.contains(where: { $0.reserved & 4 != 0 }) else { return }
        let pieces = [sample.octets(to: role)[...]]
        #expect(
            Reception(of: pieces, by: Endpoint.compressing(role)) == Reception(of: pieces, by: role)
        )
    }

    /// What of a message has come must show: text fails on the first octet that cannot be right.
    @Test func `text that is not UTF-8 fails as soon as it shows`() throws {
        var endpoint = Endpoint.compressing(.server)
        let frame = WireFrame.compressed(
            1, [0x00, 0x02, 0x00, 0xFD, 0xFF, 0xC3, 0x28] + [UInt8](repeating: 0, count: 1000),
            isFinal: false)
        #expect(throws: ProtocolError(.invalidUTF8)) {
            try endpoint.receive([UInt8](frame.octets(to: .server)[..<15]))
        }
    }

    @Test(arguments: [0, 1, 2, 125, 1000, 16_383, 16_384, 16_385, 65_536, 100_000])
    func `the limit holds on what comes out, to the octet`(limit: Int) throws {
        for (size, isIn) in [(limit - 1, true), (limit, true), (limit + 1, false)] where size >= 0 {
            for octet in [UInt8(ascii: "a"), 0xFF] {
                let payload = [UInt8](repeating: octet, count: size)
                var client = Endpoint.compressing(.client)
                var octets: [UInt8] = []
                try client.send(.binary(payload), compress: true, into: &octets)
                var server = Endpoint.compressing(
                    .server, limits: Limits(messageSizeMaxBytes: limit))
                if isIn {
                    #expect(try server.receive(octets) == [.binary(payload)])
                } else {
                    #expect(throws: ProtocolError(.messageTooBig)) { try server.receive(octets) }
                }
            }
        }
    }

    @Test func `the limit holds over fragments, the octet above it is the one`() throws {
        // Stored blocks of one octet each.
        let block: [UInt8] = [0x00, 0x01, 0x00, 0xFE, 0xFF, 0x61]
        var server = Endpoint.compressing(.server, limits: Limits(messageSizeMaxBytes: 3))
        let first = WireFrame.compressed(1, block + block, isFinal: false)
        let next = WireFrame.continuation(block, isFinal: false)
        #expect(try server.receive(first.octets(to: .server)) == [])
        #expect(try server.receive(next.octets(to: .server)) == [])
        #expect(throws: ProtocolError(.messageTooBig)) {
            try server.receive(next.octets(to: .server))
        }
    }

    @Test func `a window that is too small for the peer's is told by its references`() throws {
        // 600 octets apart: beyond 2^9.
        let word = "a word that is long enough to be worth a reference"
        let wide = DeflateSettings(
            serverMaxWindowBits: 15, clientMaxWindowBits: 15, level: 9, memoryLevel: 9,
            thresholdBytes: 0)
        var client = Endpoint.compressing(.client, wide)
        var octets: [UInt8] = []
        try client.send(.text(word + String(repeating: ".", count: 600)), into: &octets)
        try client.send(.text(word), into: &octets)
        var narrow = wide
        narrow.clientMaxWindowBits = 9
        var server = Endpoint.compressing(.server, narrow)
        #expect(throws: ProtocolError(.corruptCompression)) { try server.receive(octets) }
        var right = Endpoint.compressing(.server, wide)
        #expect(try right.receive(octets).last == .text(word))
    }

    /// RFC 7692 section 7.1.1: without takeover each message stands for itself.
    @Test func `without context takeover nothing is remembered`() throws {
        let hello = WireFrame.deflated(0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00)
        let again = WireFrame.deflated(0xF2, 0x00, 0x11, 0x00, 0x00)
        var server = Endpoint.compressing(.server, .eachByItself)
        #expect(
            try server.receive(hello.octets(to: .server) + hello.octets(to: .server))
                == [.text("Hello"), .text("Hello")])
        #expect(throws: ProtocolError(.corruptCompression)) {
            try server.receive(again.octets(to: .server))
        }
    }

    /// Never does one connection see what another received.
    @Test func `a shared decompressor is as good as new for the next connection`() throws {
        let pool = testPool()
        let hello = WireFrame.deflated(0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00)
        let again = WireFrame.deflated(0xF2, 0x00, 0x11, 0x00, 0x00)
        var first = Endpoint.compressing(.server, .eachByItself, pool: pool)
        #expect(try first.receive(hello.octets(to: .server)) == [.text("Hello")])
        #expect(pool.idleBytes > 0)
        var second = Endpoint.compressing(.server, .eachByItself, pool: pool)
        #expect(throws: ProtocolError(.corruptCompression)) {
            try second.receive(again.octets(to: .server))
        }
        // One that failed is not kept.
        #expect(pool.idleBytes == 0)
        #expect(pool.budget.takenBytes == 0)
    }
}
