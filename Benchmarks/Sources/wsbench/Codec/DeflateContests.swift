// SPDX-License-Identifier: Apache-2.0
import CYardstick
import WSCodec

extension Contest {
    /// Compresses messages, by way of the codec's public endpoint: as a server with permessage-
    /// deflate agreed on, its default settings, with context takeover and without.
    static func deflate(_ content: Content, _ size: MessageSize) throws -> Contest {
        try compression(.deflate, content, size) { $0.deflating }
    }

    /// Decompresses them, as a client. Each pass is a new connection, as a compressed stream can be
    /// read from its beginning only; a pass is 256 KiB of messages or more.
    static func inflate(_ content: Content, _ size: MessageSize) throws -> Contest {
        try compression(.inflate, content, size) { $0.inflating }
    }

    private static func compression(
        _ operation: CodecOperation, _ content: Content, _ size: MessageSize,
        _ contender: (Compression) -> Contender
    ) throws -> Contest {
        var scroll = Scroll(content)
        let messages = size.sizes(filling: 256 << 10).map { size in
            [UInt8](unsafeUninitializedCapacity: size) { memory, count in
                scroll.write(to: UnsafeMutableBufferPointer(rebasing: memory[..<size]))
                count = size
            }
        }
        let octets = messages.reduce(0) { $0 + $1.count }
        let block = Arena(.binary, .octets(octets))
        return Contest(
            operation: operation, content: content, size: size, alignment: .packed,
            messages: messages.count, octets: octets,
            contenders: [
                try block.contender(Contender.memcpy, YARDSTICK_MEMCPY),
                contender(try Compression(messages, takesOver: true)),
                contender(try Compression(messages, takesOver: false)),
            ])
    }
}

/// A server that sends messages compressed, and a client that takes them.
private final class Compression {
    private let messages: [[UInt8]]
    private let settings: DeflateSettings
    private var server: Endpoint
    private var sent: [UInt8] = []
    /// What a new client is given.
    private var wire: [UInt8]

    init(_ messages: [[UInt8]], takesOver: Bool) throws {
        self.messages = messages
        settings = DeflateSettings(serverContextTakeover: takesOver)
        server = Endpoint(role: .server, compression: try settings.agreedContexts().server)
        wire = []
        _ = try deflate(1)
        wire = sent
        var client = try Self.client(settings)
        var received: [Message] = []
        try client.receive(wire, into: &received)
        guard received == messages.map({ .binary($0) }) else {
            throw Failure("the messages that came are not those that were compressed")
        }
    }

    var deflating: Contender { contender { try self.deflate($0) } }

    var inflating: Contender { contender { try self.inflate($0) } }

    private func contender(_ run: @escaping (Int) throws -> Double) -> Contender {
        let octets = messages.reduce(0) { $0 + $1.count }
        return Contender(
            name: settings.serverContextTakeover ? "Endpoint, takeover" : "Endpoint, no takeover",
            kernel: .best, note: "ratio \(fixed(Double(octets) / Double(max(1, wire.count)), 2))",
            run: run)
    }

    private func deflate(_ passes: Int) throws -> Double {
        let start = yardstick_now()
        for _ in 0..<passes {
            sent.removeAll(keepingCapacity: true)
            for message in messages {
                try server.send(.binary, message.span, compress: true, into: &sent)
            }
        }
        return Double(yardstick_now() - start)
    }

    private func inflate(_ passes: Int) throws -> Double {
        var found = 0
        let start = yardstick_now()
        for _ in 0..<passes {
            found += try Self.receive(&wire, by: try Self.client(settings))
        }
        let time = yardstick_now() - start
        guard found == passes * messages.reduce(0, { $0 + $1.count }) else {
            throw Failure("the messages that came are not those that were compressed")
        }
        return Double(time)
    }

    /// How many octets the messages have.
    private static func receive(
        _ wire: inout [UInt8], by client: consuming Endpoint
    ) throws -> Int {
        var octets = 0
        var span = wire.mutableSpan
        while let event = try client.nextEvent(in: &span) {
            if case .binary(let payload) = event { octets += payload.count }
        }
        return octets
    }

    private static func client(_ settings: DeflateSettings) throws -> Endpoint {
        Endpoint(
            role: .client, limits: Limits(messageSizeMaxBytes: 1 << 30),
            compression: try settings.agreedContexts().client)
    }
}
