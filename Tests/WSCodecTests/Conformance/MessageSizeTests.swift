// SPDX-License-Identifier: Apache-2.0
import Testing
import WSCodec
import WireSamples

/// Autobahn groups 9 and 10: large messages, many fragments, many messages, written by an
/// endpoint of the one role and read by one of the other.
@Suite("Conformance, Autobahn groups 9 and 10") struct MessageSizeTests {
    private static let limits = Limits(messageSizeMaxBytes: 16 << 20)

    /// Gives `wire` to an endpoint, `chop` octets at a time, and passes each message to `body`.
    private func receive(
        _ wire: [UInt8], by role: Role, chop: Int, _ body: (Event, Span<UInt8>) -> Void
    ) throws(ProtocolError) {
        var endpoint = Endpoint(role: role, limits: Self.limits)
        var start = 0
        while start < wire.count {
            var piece = [UInt8](wire[start..<min(start + chop, wire.count)])
            var span = piece.mutableSpan
            while let event = try endpoint.nextEvent(in: &span) { body(event, span.span) }
            start += chop
        }
    }

    private func expectEcho(
        of large: LargeMessage, fragment: Int = .max, chop: Int = 1 << 16
    ) throws {
        for role in [Role.server, .client] {
            var messages: [Message] = []
            try receive(large.wire(to: role, fragment: fragment), by: role, chop: chop) {
                messages.append($0.message(in: $1))
            }
            #expect(messages.count == 1)
            // Not `messages == [expected]`, which would print megabytes.
            #expect(messages.first?.isIdentical(to: large.message) == true)
        }
    }

    @Test("9.1, 9.2: one message in one frame", arguments: [64, 256, 1024, 4096], [true, false])
    func oneFrame(kibibytes: Int, isText: Bool) throws {
        try expectEcho(of: LargeMessage(count: kibibytes << 10, isText: isText))
    }

    @Test func `9.2.6: a binary message of 16 MiB, the limit`() throws {
        try expectEcho(of: LargeMessage(count: 16 << 20, isText: false))
    }

    @Test(
        "9.3, 9.4: one message of 1 MiB in fragments",
        arguments: [64, 256, 1024, 4096, 16384, 65536, 262_144, 1_048_576], [true, false])
    func fragments(size: Int, isText: Bool) throws {
        try expectEcho(of: LargeMessage(count: 1 << 20, isText: isText), fragment: size)
    }

    @Test func `9.4.1: 65,536 fragments are one message`() throws {
        try expectEcho(of: LargeMessage(count: 65536 * 4, isText: false), fragment: 4)
    }

    @Test(
        "9.5, 9.6: one message of 1 MiB in small receives",
        arguments: [64, 128, 256, 512, 1024, 2048], [true, false])
    func receives(chop: Int, isText: Bool) throws {
        try expectEcho(of: LargeMessage(count: 1 << 20, isText: isText), chop: chop)
    }

    @Test("9.7, 9.8: 1,000 messages", arguments: [0, 16, 64, 256, 1024, 4096], [true, false])
    func messages(size: Int, isText: Bool) throws {
        let large = LargeMessage(count: size, isText: isText)
        let expected = large.message
        for role in [Role.server, .client] {
            let one = try large.wire(to: role)
            var count = 0
            try receive(
                [[UInt8]](repeating: one, count: 1000).flatMap(\.self), by: role, chop: 32768
            ) {
                if $0.message(in: $1).isIdentical(to: expected) { count += 1 }
            }
            #expect(count == 1000)
        }
    }

    @Test func `10.1.1: 65,536 octets of text in fragments of 1,300`() throws {
        try expectEcho(of: LargeMessage(count: 65536, isText: true), fragment: 1300)
    }
}
