// SPDX-License-Identifier: Apache-2.0
internal import CRing
#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// Where a loop listens and with which backend.
struct ListenPlan: Sendable {
    let host: String
    let port: UInt16
    let backlog: Int
    /// False for the first loop: it claims the port, so that a second server cannot.
    let shares: Bool
    let kind: WebSocketServer.Backend
    /// Whether the user asked for just this backend.
    let isForced: Bool
}

/// What a loop reports once it listens.
struct LoopStart: Sendable {
    let port: UInt16
    let kind: WebSocketServer.Backend
    let features: [String]
    /// Why io_uring was not taken.
    let refusal: Ring.Failure?
}

/// A loop's listening socket.
final class Listener {
    let port: UInt16
    private let descriptor: Int32
    private var isArmed = false

    /// When to try again after the process or the system ran out of something.
    private(set) var retryAt: UInt64?

    private static let token = OperationToken(.accept, ConnectionID(slot: 0, generation: 0))

    /// Ten tries a second at the most, so that a full descriptor table costs no core.
    private static let retryDelay: UInt64 = 100_000_000

    /// A restarted server finds its port held for 20-40 ms after its predecessor's end, while the
    /// kernel takes the old ring apart.
    private static let bindAttempts = 20

    init(_ plan: ListenPlan) throws(StartError) {
        var bound: UInt16 = 0
        var result: Int32 = 0
        for attempt in 0..<Self.bindAttempts {
            if attempt > 0 { usleep(10_000) }
            // Safe because C keeps neither the name nor the pointer.
            result = unsafe cring_listen(
                plan.host, plan.port, Int32(clamping: plan.backlog), plan.shares ? 1 : 0, &bound)
            if result != -EADDRINUSE { break }
        }
        guard result >= 0 else {
            throw StartError(.listen(code: -result, host: plan.host, port: plan.port))
        }
        descriptor = result
        port = bound
    }

    func arm(_ ring: Ring, _ now: UInt64) {
        guard !isArmed else { return }
        isArmed = ring.accept(descriptor, Self.token)
        retryAt = isArmed ? nil : now &+ Self.retryDelay
    }

    /// The accept operation ended; says by `retryAt` whether to wait before the next.
    func ended(_ result: Int32, _ now: UInt64) {
        isArmed = false
        switch -result {
        case EMFILE, ENFILE, ENOMEM, ENOBUFS: retryAt = now &+ Self.retryDelay
        default: retryAt = nil
        }
    }

    func stop(_ ring: Ring) { if isArmed { ring.cancel(descriptor, Self.token) } }

    /// A connection that waits in the backlog.
    func acceptNow() -> Int32? {
        let result = cring_accept_now(descriptor)
        return result >= 0 ? result : nil
    }

    func close() { _ = Glibc.close(descriptor) }

    /// Turns a connection away that there is no room for: 503, without a slot.
    static func refuse(_ descriptor: Int32) {
        let reply =
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        var text = reply
        text.withUTF8 { octets in
            // Safe because the kernel reads within the call. A full buffer of a fresh socket
            // does not happen; if the peer is gone, so is the reply.
            _ = unsafe send(
                descriptor, octets.baseAddress, octets.count,
                Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        }
        // A request that has come already and is not read would make closing a reset, which can
        // destroy the reply.
        _ = Glibc.shutdown(descriptor, Int32(SHUT_WR))
        unsafe withUnsafeTemporaryAllocation(byteCount: 16 * 1024, alignment: 1) { buffer in
            // Safe because the kernel writes within the buffer it is given.
            _ = unsafe recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
        }
        _ = Glibc.close(descriptor)
    }
}
