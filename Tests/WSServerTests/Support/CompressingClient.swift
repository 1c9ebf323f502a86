// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import WSServer

/// A client that has offered permessage-deflate, with an endpoint of its own that speaks it.
final class CompressingClient {
    let socket: RawClient
    /// nil when the server declined.
    let agreed: PerMessageDeflate?
    private(set) var octetsSent = 0
    private var endpoint: Endpoint

    init(
        _ address: WebSocketServer.ListeningAddress, _ path: String,
        offer settings: DeflateSettings = DeflateSettings()
    ) throws {
        let socket = try RawClient(address)
        self.socket = socket
        var generator = SystemRandomNumberGenerator()
        let request = try HandshakeRequest(
            host: "server.example.com", target: path,
            nonce: (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) },
            extensions: [settings.offer])
        try socket.send(request.encode())
        var parser = ResponseHeadParser()
        let response: HandshakeResponse = try socket.read("101") {
            let octets = socket.take(socket.received.count)
            guard let used = try parser.receive(octets.span) else { return nil }
            socket.received = [UInt8](octets[used...])
            return try HandshakeResponse(validating: parser.takeHead(), for: request)
        }
        agreed = try PerMessageDeflate(
            accepted: response.extensions, for: request.extensions, with: settings)
        let pool = CompressionPool(budget: CompressionBudget(limitBytes: 1 << 30))
        endpoint = Endpoint(
            role: .client,
            compression: agreed.flatMap { CompressionContexts($0, role: .client, pool: pool) })
    }

    /// Sends messages, all at once.
    func send(_ messages: [Message], compress: Bool? = nil) throws {
        var octets: [UInt8] = []
        for message in messages { try endpoint.send(message, compress: compress, into: &octets) }
        octetsSent += octets.count
        try socket.send(octets)
    }

    /// Waits for `count` messages, or for fewer and the end.
    func messages(_ count: Int) throws -> [Message] {
        var messages: [Message] = []
        while messages.count < count {
            if socket.received.isEmpty, !(try socket.receive(for: "message")) { break }
            try endpoint.receive(socket.take(socket.received.count), into: &messages)
        }
        return messages
    }
}
