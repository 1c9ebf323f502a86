// SPDX-License-Identifier: Apache-2.0
import Testing
import WSCodec

/// Each example of the RFC, octet for octet, received and sent.
@Suite("RFC 6455 section 5.7: examples") struct ExampleTests {
    private static let key = MaskingKey(0x37, 0xFA, 0x21, 0x3D)

    @Test func `a single-frame unmasked text message`() throws {
        let wire: [UInt8] = [0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F]
        var client = Endpoint(role: .client)
        #expect(try client.receive(wire) == [.text("Hello")])
        var server = Endpoint(role: .server)
        var output: [UInt8] = []
        try server.send(.text("Hello"), into: &output)
        #expect(output == wire)
    }

    @Test func `a single-frame masked text message`() throws {
        let wire: [UInt8] = [
            0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58,
        ]
        var server = Endpoint(role: .server)
        #expect(try server.receive(wire) == [.text("Hello")])
        var client = Endpoint(role: .client)
        var output: [UInt8] = []
        try client.send(.text("Hello"), maskingKey: Self.key, into: &output)
        #expect(output == wire)
    }

    @Test func `a fragmented unmasked text message`() throws {
        let wire: [UInt8] = [0x01, 0x03, 0x48, 0x65, 0x6C, 0x80, 0x02, 0x6C, 0x6F]
        var client = Endpoint(role: .client)
        #expect(try client.receive(wire) == [.text("Hello")])
        var server = Endpoint(role: .server)
        var output: [UInt8] = []
        try server.send(.text, "Hel".utf8Span.span, isFinal: false, into: &output)
        try server.send(.continuation, "lo".utf8Span.span, into: &output)
        #expect(output == wire)
    }

    @Test func `an unmasked ping and its masked pong`() throws {
        let ping: [UInt8] = [0x89, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F]
        let pong: [UInt8] = [
            0x8A, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58,
        ]
        let hello = [UInt8]("Hello".utf8)
        var server = Endpoint(role: .server)
        var client = Endpoint(role: .client)
        var output: [UInt8] = []
        try server.send(.ping(hello), into: &output)
        #expect(output == ping)

        let received = try client.receive(output)
        #expect(received == [.ping(hello)])
        let owed = client.reply(to: received[0])
        let reply = try #require(owed)
        output = []
        try client.send(reply, maskingKey: Self.key, into: &output)
        #expect(output == pong)
        #expect(try server.receive(output) == [.pong(hello)])
    }

    @Test("a binary message in a single unmasked frame", arguments: [256, 65536])
    func binary(size: Int) throws {
        let header: [UInt8] =
            size == 256
            ? [0x82, 0x7E, 0x01, 0x00]
            : [0x82, 0x7F, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00]
        let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        var client = Endpoint(role: .client)
        #expect(try client.receive(header + payload) == [.binary(payload)])
        var server = Endpoint(role: .server)
        var output: [UInt8] = []
        try server.send(.binary(payload), into: &output)
        #expect(output == header + payload)
    }

    @Test func `the example of Endpoint's documentation`() {
        var server = Endpoint(role: .server)
        var output: [UInt8] = []
        let octets: [UInt8] = [
            0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58,
        ]
        do throws(ProtocolError) {
            for message in try server.receive(octets) {
                if case .text = message { try? server.send(message, into: &output) }
                if let owed = server.reply(to: message) { try? server.send(owed, into: &output) }
            }
        } catch {
            server.fail(with: error, into: &output)
        }
        #expect(output == [129, 5, 72, 101, 108, 108, 111])
    }
}
