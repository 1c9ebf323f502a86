// SPDX-License-Identifier: Apache-2.0
#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif
import WSServer

/// A TCP client that knows nothing but octets. It blocks, so it belongs inside ``withServer``.
///
/// Every wait ends after ``patience`` with an error that says what was waited for and what came
/// instead: no test hangs, and none waits for a fixed time.
final class RawClient {
    /// How a connection came to its end.
    enum End: Equatable {
        /// The peer shut its half down.
        case fin
        /// The peer cut the connection.
        case reset
    }

    enum Failure: Error, CustomStringConvertible {
        case system(String, Int32)
        case timedOut(String, received: String)
        case ended(End, String, received: String)
        case malformed(String, received: String)

        var description: String {
            switch self {
            case .system(let call, let code): "\(call): \(String(cString: strerror(code)))"
            case .timedOut(let wanted, let received): "no \(wanted) in time, but \(received)"
            case .ended(let end, let wanted, let received):
                "\(end), not \(wanted), after \(received)"
            case .malformed(let what, let received): "malformed \(what): \(received)"
            }
        }
    }

    /// How long to wait for anything before the test has failed. Far above what a loaded machine
    /// takes.
    static let patience: Duration = .seconds(20)

    private(set) var descriptor: Int32
    /// What has been received and not been taken.
    var received: [UInt8] = []
    private(set) var end: End?

    /// Connects to `address` on the loopback interface.
    ///
    /// - Parameters:
    ///   - receiveBufferBytes: SO_RCVBUF, for a peer that takes little.
    ///   - source: The last octet of the client's own address, 127.0.0.`source`.
    init(
        _ address: WebSocketServer.ListeningAddress, receiveBufferBytes: Int32? = nil,
        source: UInt8? = nil
    ) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure.system("socket", errno) }
        set(IPPROTO_TCP, TCP_NODELAY, Int32(1))
        if let receiveBufferBytes { set(SOL_SOCKET, SO_RCVBUF, receiveBufferBytes) }
        var result: Int32 = 0
        if let source {
            result = Self.withLoopback(source, port: 0) { bind(descriptor, $0, $1) }
        }
        if result == 0 {
            result = Self.withLoopback(1, port: address.port) { connect(descriptor, $0, $1) }
        }
        if result != 0 {
            let code = errno
            close()
            throw Failure.system("connect", code)
        }
    }

    deinit { close() }

    /// Calls `body` with the address of 127.0.0.`octet`.
    private static func withLoopback(
        _ octet: UInt8, port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = port.bigEndian
        place.sin_addr.s_addr = in_addr_t(0x7F00_0000 | UInt32(octet)).bigEndian
        return withUnsafePointer(to: &place) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    private func set<Value>(_ level: some BinaryInteger, _ name: Int32, _ value: Value) {
        _ = withUnsafeBytes(of: value) {
            setsockopt(descriptor, Int32(level), name, $0.baseAddress, socklen_t($0.count))
        }
    }

    // MARK: Sending

    /// Sends all of `octets`, in as few segments as TCP makes of them.
    func send(_ octets: some Collection<UInt8>) throws {
        guard try sendWhileOpen(octets) else { throw Failure.ended(.reset, "send", received: text) }
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Sends what the peer takes; false when it has cut the connection first, which a peer that
    /// answers early may do.
    @discardableResult
    func sendWhileOpen(_ octets: some Collection<UInt8>) throws -> Bool {
        let octets = Array(octets)
        var sent = 0
        let deadline = ContinuousClock.now + Self.patience
        while sent < octets.count {
            let count = octets[sent...].withUnsafeBytes {
                Glibc.send(
                    descriptor, $0.baseAddress, $0.count,
                    Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count >= 0 {
                sent += count
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN: try wait(POLLOUT, until: deadline, for: "room to send")
            case EPIPE, ECONNRESET: return false
            default: throw Failure.system("send", errno)
            }
        }
        return true
    }

    /// Sends pieces, each as a segment of its own, giving others the processor in between.
    func send(pieces: some Sequence<some Collection<UInt8>>) throws {
        for piece in pieces {
            try send(piece)
            sched_yield()
        }
    }

    /// Sends each octet as a segment of its own.
    func sendOctetByOctet(_ octets: some Collection<UInt8>) throws {
        try send(pieces: octets.map { CollectionOfOne($0) })
    }

    /// Sends what there is room for just now, and gives how many octets that were.
    func sendWithoutWaiting(_ octets: some Collection<UInt8>) throws -> Int {
        let count = Array(octets).withUnsafeBytes {
            Glibc.send(
                descriptor, $0.baseAddress, $0.count,
                Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        }
        if count >= 0 { return count }
        guard errno == EAGAIN || errno == EINTR else { throw Failure.system("send", errno) }
        return 0
    }

    // MARK: Receiving

    /// Waits for more octets, or for the end. False at the end.
    @discardableResult
    func receive(for wanted: String, until deadline: ContinuousClock.Instant? = nil) throws -> Bool
    {
        guard end == nil else { return false }
        try wait(POLLIN, until: deadline ?? .now + Self.patience, for: wanted)
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        let count = chunk.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
        switch count {
        case 1...: received.append(contentsOf: chunk[..<count])
        case 0: end = .fin
        default:
            switch errno {
            case ECONNRESET, EPIPE: end = .reset
            case EINTR, EAGAIN: break
            default: throw Failure.system("recv", errno)
            }
        }
        return end == nil
    }

    /// Waits until `body` makes something of what has been received.
    func read<Value>(_ wanted: String, _ body: () throws -> Value?) throws -> Value {
        let deadline = ContinuousClock.now + Self.patience
        while true {
            if let value = try body() { return value }
            if let end { throw Failure.ended(end, wanted, received: text) }
            try receive(for: wanted, until: deadline)
        }
    }

    /// Waits for exactly `count` octets.
    func read(count: Int) throws -> [UInt8] {
        try read("\(count) octets") {
            guard received.count >= count else { return nil }
            return take(count)
        }
    }

    /// Takes octets from the front of what has been received.
    func take(_ count: Int) -> [UInt8] {
        defer { received.removeFirst(count) }
        return Array(received[..<count])
    }

    /// Waits for the peer to end the connection; gives how, and throws if octets came first.
    @discardableResult
    func readEnd() throws -> End {
        while try receive(for: "end of the connection") {}
        guard received.isEmpty else {
            throw Failure.malformed("end: more octets", received: text)
        }
        return end ?? .fin
    }

    /// Waits for the end of the connection, and gives all octets before it.
    func readToEnd() throws -> [UInt8] {
        while try receive(for: "end of the connection") {}
        return take(received.count)
    }

    /// What has been received and not been taken, to be read by people.
    var text: String {
        let shown = received.prefix(400)
        let isText = shown.allSatisfy { (0x20...0x7E).contains($0) || $0 == 10 || $0 == 13 }
        let words =
            isText
            ? String(decoding: shown, as: UTF8.self)
            : shown.map { String($0, radix: 16) }.joined(separator: " ")
        return "\(received.count) octets \"\(words)\""
    }

    private func wait(
        _ events: Int32, until deadline: ContinuousClock.Instant, for wanted: String
    ) throws {
        while true {
            let left = ContinuousClock.now.duration(to: deadline) / .milliseconds(1)
            guard left > 0 else { throw Failure.timedOut(wanted, received: text) }
            var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            let result = poll(&entry, 1, Int32(left) + 1)
            if result > 0 { return }
            if result < 0, errno != EINTR { throw Failure.system("poll", errno) }
        }
    }

    // MARK: The end

    /// Sends FIN; receiving goes on.
    func shutdownSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Cuts the connection with RST.
    func reset() {
        set(SOL_SOCKET, SO_LINGER, linger(l_onoff: 1, l_linger: 0))
        close()
    }

    func close() {
        guard descriptor >= 0 else { return }
        _ = Glibc.close(descriptor)
        descriptor = -1
    }
}

extension RawClient {
    /// Sends `text` octet by octet, then its last octet again and again, at intervals, until the
    /// peer answers or ends; gives how many octets that were.
    func drip(_ text: String, every interval: Duration) throws -> Int {
        let octets = Array(text.utf8)
        let deadline = ContinuousClock.now + Self.patience
        var count = 0
        while ContinuousClock.now < deadline {
            guard try sendWhileOpen([octets[min(count, octets.count - 1)]]) else { return count }
            count += 1
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            if poll(&entry, 1, Int32(interval / .milliseconds(1))) > 0 { return count }
        }
        throw Failure.timedOut("answer to a drip", received: self.text)
    }
}
