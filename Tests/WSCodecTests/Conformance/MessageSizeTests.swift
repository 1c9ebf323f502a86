// SPDX-License-Identifier: Apache-2.0
import Testing
import WSCodec
import WireSamples

/// Autobahn groups 9 and 10: large messages, many fragments, many messages, written by a client
/// endpoint and read by a server endpoint.
@Suite("Conformance, Autobahn groups 9 and 10") struct MessageSizeTests {
    private static let key = MaskingKey(0x37, 0xFA, 0x21, 0x3D)
    private static let limits = Limits(messageSizeMaxBytes: 16 << 20)

    /// Gives `wire` to a server, `chop` octets at a time, and passes each message to `body`.
    private func receive(
        _ wire: [UInt8], chop: Int, _ body: (Event, Span<UInt8>) -> Void
    ) throws(ProtocolError) {
        var server = Endpoint(role: .server, limits: Self.limits)
        var start = 0
        while start < wire.count {
            var piece = [UInt8](wire[start..<min(start + chop, wire.count)])
            var span = piece.mutableSpan
            while let event = try server.nextEvent(in: &span) { body(event, span.span) }
            start += chop
        }
    }

    private func expectEcho(
        of payload: [UInt8], isText: Bool, fragment: Int = .max, chop: Int = 1 << 16
    ) throws {
        var client = Endpoint(role: .client)
        var wire: [UInt8] = []
        var start = 0
        repeat {
            let end = fragment < payload.count - start ? start + fragment : payload.count
            try client.send(
                start > 0 ? .continuation : isText ? .text : .binary,
                payload.span.extracting(start..<end), isFinal: end == payload.count,
                maskingKey: Self.key, into: &wire)
            start = end
        } while start < payload.count
        var messages: [Message] = []
        try receive(wire, chop: chop) { messages.append($0.message(in: $1)) }
        let expected: Message =
            isText ? .text(String(decoding: payload, as: UTF8.self)) : .binary(payload)
        #expect(messages.count == 1)
        // Not `messages == [expected]`, which would print megabytes.
        #expect(messages.first?.isIdentical(to: expected) == true)
    }

    private func payload(_ count: Int, isText: Bool) -> [UInt8] {
        let pattern = isText ? [UInt8]("Hello-µ@ßöäüàá-€!".utf8) : [UInt8](0...250)
        var payload = [UInt8](repeating: 0x2A, count: count % pattern.count)
        payload.reserveCapacity(count)
        for _ in 0..<count / pattern.count { payload.append(contentsOf: pattern) }
        return payload
    }

    @Test("9.1, 9.2: one message in one frame", arguments: [64, 256, 1024, 4096], [true, false])
    func oneFrame(kibibytes: Int, isText: Bool) throws {
        try expectEcho(of: payload(kibibytes << 10, isText: isText), isText: isText)
    }

    @Test func `9.2.6: a binary message of 16 MiB, the limit`() throws {
        try expectEcho(of: payload(16 << 20, isText: false), isText: false)
    }

    @Test(
        "9.3, 9.4: one message of 1 MiB in fragments",
        arguments: [64, 256, 1024, 4096, 16384, 65536, 262_144, 1_048_576], [true, false])
    func fragments(size: Int, isText: Bool) throws {
        try expectEcho(of: payload(1 << 20, isText: isText), isText: isText, fragment: size)
    }

    @Test func `9.4.1: 65,536 fragments are one message`() throws {
        try expectEcho(of: payload(65536 * 4, isText: false), isText: false, fragment: 4)
    }

    @Test(
        "9.5, 9.6: one message of 1 MiB in small receives",
        arguments: [64, 128, 256, 512, 1024, 2048], [true, false])
    func receives(chop: Int, isText: Bool) throws {
        try expectEcho(of: payload(1 << 20, isText: isText), isText: isText, chop: chop)
    }

    @Test("9.7, 9.8: 1,000 messages", arguments: [0, 16, 64, 256, 1024, 4096], [true, false])
    func messages(size: Int, isText: Bool) throws {
        let payload = payload(size, isText: isText)
        var client = Endpoint(role: .client)
        var wire: [UInt8] = []
        for _ in 0..<1000 {
            try client.send(
                isText ? .text : .binary, payload.span, maskingKey: Self.key, into: &wire)
        }
        let expected: Message =
            isText ? .text(String(decoding: payload, as: UTF8.self)) : .binary(payload)
        var count = 0
        try receive(wire, chop: 32768) { event, span in
            if event.message(in: span).isIdentical(to: expected) { count += 1 }
        }
        #expect(count == 1000)
    }

    @Test func `10.1.1: 65,536 octets of text in fragments of 1,300`() throws {
        try expectEcho(of: payload(65536, isText: true), isText: true, fragment: 1300)
    }
}
