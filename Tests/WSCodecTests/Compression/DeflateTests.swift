// SPDX-License-Identifier: Apache-2.0
import Testing
import WSCodec
import WireSamples

@Suite("RFC 7692 section 7.2.1: compression") struct DeflateTests {
    private static let json = String(
        repeating: #"{"id":17,"name":"Grüße, 世界","on":true,"tags":["a","b","c"]},"#, count: 40)

    /// The frames of octets that a server sent: first octets and payloads.
    private func frames(_ octets: [UInt8]) -> [(UInt8, [UInt8])] {
        var frames: [(UInt8, [UInt8])] = []
        var rest = octets[...]
        while let first = rest.popFirst(), let short = rest.popFirst() {
            var length = Int(short)
            for _ in 0..<(short == 126 ? 2 : short == 127 ? 8 : 0) {
                length = (length == 126 || length == 127 ? 0 : length) << 8
                length += Int(rest.removeFirst())
            }
            frames.append((first, [UInt8](rest.prefix(length))))
            rest = rest.dropFirst(length)
        }
        return frames
    }

    private static let hello: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]

    @Test func `fragments carry the RFC's examples as they stand there`() throws {
        var server = Endpoint.compressing(.server)
        var output: [UInt8] = []
        for _ in 0..<2 {
            try server.send(.text, "Hello".utf8Span.span, isFinal: false, into: &output)
            try server.send(.continuation, [UInt8]().span, into: &output)
        }
        #expect(
            output == [0x41, 11] + Self.hello + [0x00, 0x00, 0xFF, 0xFF, 0x80, 1, 0x00]
                + [0x41, 9, 0xF2, 0x00, 0x11, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0x80, 1, 0x00])
    }

    @Test func `an empty message is one octet`() throws {
        var server = Endpoint.compressing(.server)
        for _ in 0..<3 {
            var output: [UInt8] = []
            try server.send(.text(""), into: &output)
            try server.send(.binary([]), compress: true, into: &output)
            #expect(output == [0xC1, 0x01, 0x00, 0xC2, 0x01, 0x00])
        }
    }

    @Test func `what does not get shorter is sent as it is, and nothing refers to it`() throws {
        var server = Endpoint.compressing(.server)
        var client = Endpoint.compressing(.client)
        var random = SplitMix(state: 7)
        let noise = (0..<5000).map { _ in UInt8.random(in: 0...255, using: &random) }
        var output: [UInt8] = []
        try server.send(.text(Self.json), into: &output)
        try server.send(.binary(noise), compress: true, into: &output)
        // All of it refers to itself; none of it may refer to the noise that went before.
        try server.send(.binary(noise + noise), compress: true, into: &output)
        try server.send(.text(Self.json), into: &output)
        let sent = frames(output)
        #expect(sent.map(\.0) == [0xC1, 0x82, 0xC2, 0xC1])
        #expect(sent[1].1 == noise)
        #expect(sent[2].1.count > 5000)
        let received = try client.receive(output)
        #expect(
            received == [
                .text(Self.json), .binary(noise), .binary(noise + noise), .text(Self.json),
            ])
    }

    @Test func `the threshold decides where the sender leaves it to`() throws {
        var settings = DeflateSettings.everything
        settings.thresholdBytes = 100
        var server = Endpoint.compressing(.server, settings)
        let (below, at) = (String(repeating: "a", count: 99), String(repeating: "a", count: 100))
        for (text, wish, first) in [
            (below, nil, 0x81), (at, nil, 0xC1), (below, true, 0xC1), (at, false, 0x81),
        ] as [(String, Bool?, UInt8)] {
            var output: [UInt8] = []
            try server.send(.text(text), compress: wish, into: &output)
            #expect(output[0] == first)
        }
        // Of a message in fragments only the beginning is known.
        var output: [UInt8] = []
        try server.send(.text, below.utf8Span.span, isFinal: false, into: &output)
        #expect(output[0] == 0x41)
    }

    @Test func `without the extension nothing is compressed, whatever is wished`() throws {
        var server = Endpoint(role: .server)
        var output: [UInt8] = []
        try server.send(.text(Self.json), compress: true, into: &output)
        #expect(output[0] == 0x81)
        #expect(server.compressionBytes == 0)
    }

    @Test func `control frames are never compressed, nor are fragments of plain messages`() throws {
        var server = Endpoint.compressing(.server)
        var output: [UInt8] = []
        let text = Self.json.utf8Span.span
        try server.send(.text, text, isFinal: false, compress: false, into: &output)
        try server.send(.ping([UInt8](repeating: 0x61, count: 100)), compress: true, into: &output)
        try server.send(.continuation, text, compress: true, into: &output)
        try server.sendClose(.normal, into: &output)
        #expect(frames(output).map(\.0) == [0x01, 0x89, 0x80, 0x88])
    }

    @Test func `the fast road takes no fragment of a compressed message`() throws {
        var server = Endpoint.compressing(.server)
        var output: [UInt8] = []
        let text = Self.json.utf8Span.span
        try server.send(.text, text, isFinal: false, into: &output)
        #expect(throws: SendError.fragmentOutOfOrder) {
            try output.append(addingCapacity: 5000) { span throws(SendError) in
                try server.send(.continuation, text, into: &span)
            }
        }
        try server.send(.continuation, text, into: &output)
        var client = Endpoint.compressing(.client)
        #expect(try client.receive(output) == [.text(Self.json + Self.json)])
    }

    @Test func `a frame that finds no room is as if it had not been sent`() throws {
        var server = Endpoint.compressing(.server)
        var output: [UInt8] = []
        try server.send(.text(Self.json), into: &output)
        #expect(throws: SendError.outOfMemory) {
            try server.send(.text, Self.json.utf8Span.span) { _, _ throws(SendError) in
                throw .outOfMemory
            }
        }
        try server.send(.text(Self.json), into: &output)
        var client = Endpoint.compressing(.client)
        #expect(try client.receive(output) == [.text(Self.json), .text(Self.json)])
    }

    @Test(arguments: [DeflateSettings.everything, .eachByItself], [Role.server, .client])
    func `messages whole and in fragments arrive, of many sizes`(
        settings: DeflateSettings, role: Role
    ) throws {
        var sender = Endpoint.compressing(role, settings)
        var receiver = Endpoint.compressing(
            role == .server ? .client : .server, settings, limits: Limits())
        var random = SplitMix(state: 42)
        for size in [0, 1, 2, 5, 100, 126, 16_383, 16_384, 16_385, 70_000, 300_000] {
            let payload = (0..<size).map { _ in UInt8.random(in: 0x61...0x68, using: &random) }
            var output: [UInt8] = []
            let key = MaskingKey(using: &random)
            try sender.send(.binary(payload), maskingKey: key, into: &output)
            var rest = payload[...]
            var opcode = Opcode.binary
            while rest.count > 0 {
                let part = [UInt8](rest.prefix(Int.random(in: 0...size, using: &random)))
                rest = rest.dropFirst(part.count)
                try sender.send(
                    opcode, part.span, isFinal: rest.isEmpty, maskingKey: key, into: &output)
                opcode = .continuation
            }
            let received = try receiver.receive(output)
            #expect(received == (size == 0 ? [.binary([])] : [.binary(payload), .binary(payload)]))
        }
    }
}
