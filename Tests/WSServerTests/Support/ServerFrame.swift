// SPDX-License-Identifier: Apache-2.0
import WSServer
import WireSamples

/// One frame as a client gets it, read from the drawing in RFC 6455 section 5.2 and not by the
/// code under test.
struct ServerFrame: Equatable, CustomStringConvertible {
    var isFinal = true
    var reserved: UInt8 = 0
    var opcode: UInt8
    var payload: [UInt8]

    init(_ opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true) {
        self.opcode = opcode
        self.payload = payload
        self.isFinal = isFinal
    }

    static func text(_ text: String) -> Self { Self(1, Array(text.utf8)) }
    static func binary(_ octets: [UInt8]) -> Self { Self(2, octets) }
    static func ping(_ octets: [UInt8]) -> Self { Self(9, octets) }
    static func pong(_ octets: [UInt8]) -> Self { Self(10, octets) }
    static func close(_ code: UInt16, _ reason: String = "") -> Self {
        Self(8, [UInt8(code >> 8), UInt8(code & 0xFF)] + Array(reason.utf8))
    }
    static let emptyClose = Self(8, [])

    var isControl: Bool { opcode >= 8 }

    /// The code of a Close frame; nil for any other frame and for a Close without one.
    var closeCode: UInt16? {
        guard opcode == 8, payload.count >= 2 else { return nil }
        return UInt16(payload[0]) << 8 | UInt16(payload[1])
    }

    var description: String {
        let names: [UInt8: String] = [
            0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong",
        ]
        let marks = (isFinal ? "" : ", not final") + (reserved == 0 ? "" : ", RSV \(reserved)")
        return "\(names[opcode] ?? "\(opcode)")(\(payload.count): \(payload.prefix(24))\(marks))"
    }
}

extension RawClient {
    /// Waits for one whole frame. A masked one, or one whose length is not in its shortest form, is
    /// an error: no server may send it.
    func readFrame() throws -> ServerFrame {
        try read("frame", takeFrame)
    }

    /// Waits for `count` frames.
    func readFrames(_ count: Int) throws -> [ServerFrame] {
        try (0..<count).map { _ in try readFrame() }
    }

    /// All frames up to the end of the connection, and how it ended. Octets that are no whole
    /// frame at the end are an error.
    func readFramesToEnd() throws -> (frames: [ServerFrame], end: End) {
        var frames: [ServerFrame] = []
        repeat {
            while let frame = try takeFrame() { frames.append(frame) }
        } while try receive(for: "end of the connection")
        while let frame = try takeFrame() { frames.append(frame) }
        guard received.isEmpty else { throw Failure.malformed("last frame", received: text) }
        return (frames, end ?? .fin)
    }

    private func takeFrame() throws -> ServerFrame? {
        guard received.count >= 2 else { return nil }
        guard received[1] & 0x80 == 0 else { throw Failure.malformed("mask", received: text) }
        let short = Int(received[1])
        let width = short == 126 ? 2 : short == 127 ? 8 : 0
        guard received.count >= 2 + width else { return nil }
        var length = UInt64(short)
        if width > 0 {
            length = received[2..<2 + width].reduce(0) { $0 << 8 | UInt64($1) }
            guard length >= (width == 2 ? 126 : 65536), length < 1 << 32 else {
                throw Failure.malformed("length", received: text)
            }
        }
        guard received.count >= 2 + width + Int(length) else { return nil }
        let octets = take(2 + width + Int(length))
        var frame = ServerFrame(
            octets[0] & 0x0F, Array(octets[(2 + width)...]), isFinal: octets[0] & 0x80 != 0)
        frame.reserved = octets[0] >> 4 & 7
        return frame
    }

    /// Sends frames as a client does, in as few segments as TCP makes of them.
    func send(_ frames: WireFrame...) throws {
        try send(frames.flatMap { $0.octets(to: .server) })
    }

    // MARK: The opening handshake

    /// The key of RFC 6455 section 1.3, and the accept value that belongs to it.
    static let key = "dGhlIHNhbXBsZSBub25jZQ=="
    static let acceptKey = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

    /// A good handshake for `path`, with further field lines (no CRLF) behind the usual ones.
    static func handshake(_ path: String, _ lines: [String] = []) -> String {
        let usual = [
            "GET \(path) HTTP/1.1", "Host: server.example.com", "Upgrade: websocket",
            "Connection: Upgrade", "Sec-WebSocket-Key: \(key)", "Sec-WebSocket-Version: 13",
        ]
        return (usual + lines).joined(separator: "\r\n") + "\r\n\r\n"
    }

    /// A client that has opened a WebSocket at `path`.
    convenience init(
        _ address: WebSocketServer.ListeningAddress, upgradedAt path: String,
        receiveBufferBytes: Int32? = nil
    ) throws {
        try self.init(address, receiveBufferBytes: receiveBufferBytes)
        try send(Self.handshake(path))
        let reply = try readReply()
        guard reply.status == 101, reply.value(of: "sec-websocket-accept") == Self.acceptKey else {
            throw Failure.malformed("handshake", received: reply.description)
        }
    }

    /// Performs the closing handshake and waits for the end of TCP.
    func closeCleanly() throws {
        try send(.close(1000))
        let (frames, end) = try readFramesToEnd()
        guard frames == [.close(1000)], end == .fin else {
            throw Failure.malformed("closing handshake: \(frames), \(end)", received: text)
        }
    }
}
