// SPDX-License-Identifier: Apache-2.0
import Glibc
import WSCodec

enum PeerError: Error, Equatable {
    case timeOut
    case system(String, Int32)
    /// The stream ended where more was needed.
    case ended
    case malformed(String)
}

/// A frame as a client sees it.
struct PeerFrame: Equatable, Sendable {
    var opcode: UInt8
    var payload: [UInt8]
    var isFinal = true

    static func text(_ text: String) -> PeerFrame { .init(opcode: 1, payload: Array(text.utf8)) }
    static func binary(_ octets: [UInt8]) -> PeerFrame { .init(opcode: 2, payload: octets) }
    static func ping(_ octets: [UInt8] = []) -> PeerFrame { .init(opcode: 9, payload: octets) }
    static func pong(_ octets: [UInt8] = []) -> PeerFrame { .init(opcode: 10, payload: octets) }
    static func close(_ code: UInt16?, _ reason: String = "") -> PeerFrame {
        let octets = code.map { [UInt8($0 >> 8), UInt8($0 & 0xFF)] } ?? []
        return .init(opcode: 8, payload: octets + Array(reason.utf8))
    }

    /// The frame's octets, masked as a client must.
    var octets: [UInt8] {
        let key: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
        var result: [UInt8] = [(isFinal ? 0x80 : 0) | opcode]
        switch payload.count {
        case 0..<126: result.append(0x80 | UInt8(payload.count))
        case 126..<65536:
            result.append(0x80 | 126)
            result += [UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        default:
            result.append(0x80 | 127)
            for shift in stride(from: 56, through: 0, by: -8) {
                result.append(UInt8(truncatingIfNeeded: payload.count >> shift))
            }
        }
        result += key
        result.reserveCapacity(result.count + payload.count)
        for index in payload.indices { result.append(payload[index] ^ key[index & 3]) }
        return result
    }
}

/// An HTTP reply as a client sees it.
struct PeerReply: Sendable {
    var status: Int
    /// Names in small letters.
    var fields: [String: String]
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }
}

/// A client of raw octets. Every call blocks and has an asynchronous twin that does not.
final class Peer: @unchecked Sendable {
    private var descriptor: Int32
    private var buffer: [UInt8] = []
    private var start = 0

    /// Connects; `receiveBuffer` makes the kernel hold little for a client that does not read.
    init(_ port: UInt16, receiveBuffer: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw PeerError.system("socket", errno) }
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4)
        }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            let code = errno
            Glibc.close(descriptor)
            descriptor = -1
            throw PeerError.system("connect", code)
        }
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    deinit { close() }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    /// Ends TCP with a reset.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &linger,
            socklen_t(MemoryLayout.size(ofValue: linger)))
        close()
    }

    /// Says that no more octets will come.
    func endWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

    private func wait(for events: Int32) throws {
        var poll = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        if Glibc.poll(&poll, 1, Int32(patience) * 1000) == 0 { throw PeerError.timeOut }
    }

    // MARK: Octets

    func write(_ octets: [UInt8]) throws {
        var sent = 0
        while sent < octets.count {
            let taken = octets.withUnsafeBytes {
                Glibc.send(
                    descriptor, $0.baseAddress! + sent, octets.count - sent,
                    Int32(MSG_NOSIGNAL))
            }
            if taken >= 0 {
                sent += taken
            } else if errno == EAGAIN {
                try wait(for: POLLOUT)
            } else if errno != EINTR {
                throw PeerError.system("send", errno)
            }
        }
    }

    func write(_ text: String) throws { try write(Array(text.utf8)) }

    /// Writes what the kernel takes without waiting, and gives how much that was.
    func writeWhatFits(_ octets: [UInt8]) -> Int {
        var sent = 0
        while sent < octets.count {
            let taken = octets.withUnsafeBytes {
                Glibc.send(
                    descriptor, $0.baseAddress! + sent, octets.count - sent,
                    Int32(MSG_NOSIGNAL))
            }
            guard taken > 0 else { break }
            sent += taken
        }
        return sent
    }

    private static let zeros = [UInt8](repeating: 0, count: 1 << 16)

    /// More octets in `buffer`; false at the end of the stream.
    private func fill() throws -> Bool {
        if start > 1 << 16 {
            buffer.removeFirst(start)
            start = 0
        }
        let size = Self.zeros.count
        while true {
            let before = buffer.count
            var received = 0
            buffer.append(contentsOf: Self.zeros)
            buffer.withUnsafeMutableBytes {
                received = recv(descriptor, $0.baseAddress! + before, size, 0)
            }
            let code = errno
            buffer.removeLast(size - max(0, received))
            if received > 0 { return true }
            if received == 0 { return false }
            if code == EAGAIN {
                try wait(for: POLLIN)
            } else if code != EINTR {
                throw PeerError.system("recv", code)
            }
        }
    }

    /// Exactly `count` octets.
    func read(_ count: Int) throws -> [UInt8] {
        while buffer.count - start < count {
            guard try fill() else { throw PeerError.ended }
        }
        defer { start += count }
        return Array(buffer[start..<start + count])
    }

    /// All octets to the end of the stream; a reset is an end too.
    func readToEnd() throws -> [UInt8] {
        do {
            while try fill() {}
        } catch PeerError.system("recv", ECONNRESET) {}
        defer {
            buffer = []
            start = 0
        }
        return Array(buffer[start...])
    }

    /// True if the stream ends here, by its end or by a reset.
    func isAtEnd() throws -> Bool { try readToEnd().isEmpty }

    // MARK: HTTP

    private func line() throws -> String {
        var end = start
        while true {
            while end + 1 < buffer.count {
                if buffer[end] == 13, buffer[end + 1] == 10 {
                    defer { start = end + 2 }
                    return String(decoding: buffer[start..<end], as: UTF8.self)
                }
                end += 1
            }
            let offset = end - start
            guard try fill() else { throw PeerError.ended }
            end = start + offset
        }
    }

    /// The next reply; `isHead` if it answers HEAD.
    func reply(isHead: Bool = false) throws -> PeerReply {
        let words = try line().split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0] == "HTTP/1.1", let status = Int(words[1]) else {
            throw PeerError.malformed("status line: \(words)")
        }
        var fields: [String: String] = [:]
        while true {
            let line = try line()
            if line.isEmpty { break }
            guard let colon = line.firstIndex(of: ":") else { throw PeerError.malformed(line) }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            fields[line[..<colon].lowercased()] = String(value)
        }
        let length = isHead || status < 200 ? 0 : Int(fields["content-length"] ?? "0") ?? 0
        return PeerReply(status: status, fields: fields, body: try read(length))
    }

    func request(_ text: String) throws -> PeerReply {
        try write(text)
        return try reply(isHead: text.hasPrefix("HEAD"))
    }

    /// The octets of an opening handshake.
    static func handshake(_ path: String, _ fields: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            + fields + "\r\n"
    }

    /// Opens a WebSocket on this connection.
    func upgrade(_ path: String = "/") throws {
        let reply = try request(Self.handshake(path))
        guard reply.status == 101 else { throw PeerError.malformed("status \(reply.status)") }
    }

    // MARK: WebSocket

    func send(_ frame: PeerFrame) throws { try write(frame.octets) }

    /// The next frame; nil at the end of the stream.
    func frame() throws -> PeerFrame? {
        while buffer.count == start {
            guard try fill() else { return nil }
        }
        let head = try read(2)
        guard head[1] & 0x80 == 0 else { throw PeerError.malformed("masked") }
        var length = Int(head[1] & 0x7F)
        if length >= 126 {
            length = try read(length == 126 ? 2 : 8).reduce(0) { $0 << 8 | Int($1) }
        }
        return PeerFrame(
            opcode: head[0] & 0x0F, payload: try read(length), isFinal: head[0] & 0x80 != 0)
    }

    /// Performs the closing handshake as the side that begins, and waits for the end of TCP.
    func leave(_ code: UInt16 = 1000) throws -> PeerFrame? {
        try send(.close(code))
        while let frame = try frame() {
            if frame.opcode == 8 {
                _ = try readToEnd()
                close()
                return frame
            }
        }
        return nil
    }

    /// Waits for the server's Close, answers it, and waits for the end of TCP.
    func answerClose() throws -> PeerFrame? {
        while let frame = try frame() {
            if frame.opcode == 8 {
                try send(frame)
                _ = try readToEnd()
                close()
                return frame
            }
        }
        return nil
    }
}

extension Peer {
    static func connect(_ port: UInt16, receiveBuffer: Int32? = nil) async throws -> Peer {
        try await onThread { try Peer(port, receiveBuffer: receiveBuffer) }
    }

    static func open(
        _ port: UInt16, _ path: String = "/", receiveBuffer: Int32? = nil
    ) async throws -> Peer {
        try await onThread {
            let peer = try Peer(port, receiveBuffer: receiveBuffer)
            try peer.upgrade(path)
            return peer
        }
    }

    func write(_ octets: [UInt8]) async throws { try await onThread { try self.write(octets) } }
    func write(_ text: String) async throws { try await onThread { try self.write(text) } }
    func read(_ count: Int) async throws -> [UInt8] { try await onThread { try self.read(count) } }
    func isAtEnd() async throws -> Bool { try await onThread { try self.isAtEnd() } }
    func readToEnd() async throws -> [UInt8] { try await onThread { try self.readToEnd() } }
    func reply(isHead: Bool = false) async throws -> PeerReply {
        try await onThread { try self.reply(isHead: isHead) }
    }
    func request(_ text: String) async throws -> PeerReply {
        try await onThread { try self.request(text) }
    }
    func upgrade(_ path: String = "/") async throws {
        try await onThread { try self.upgrade(path) }
    }
    func send(_ frame: PeerFrame) async throws { try await onThread { try self.send(frame) } }
    func frame() async throws -> PeerFrame? { try await onThread { try self.frame() } }
    @discardableResult
    func leave(_ code: UInt16 = 1000) async throws -> PeerFrame? {
        try await onThread { try self.leave(code) }
    }
    func answerClose() async throws -> PeerFrame? { try await onThread { try self.answerClose() } }
}

/// Whether two runs of octets are the same; quick also for millions in a debug build, and without
/// printing them.
func areSame(_ one: ArraySlice<UInt8>, _ other: ArraySlice<UInt8>) -> Bool {
    guard one.count == other.count else { return false }
    return one.withUnsafeBytes { one in
        other.withUnsafeBytes {
            one.isEmpty || memcmp(one.baseAddress!, $0.baseAddress!, one.count) == 0
        }
    }
}
