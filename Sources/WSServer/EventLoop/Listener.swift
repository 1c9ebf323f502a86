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

    /// Closed to let a connection in when no descriptor is left; below 0 while there is none.
    private var reserve: Int32

    /// When to try again after the process or the system ran out of something.
    private(set) var retryAt: UInt64?

    private static let token = OperationToken(.accept, ConnectionID(slot: 0, generation: 0))

    /// Ten tries a second at the most, so that a full descriptor table costs no core.
    private static let retryDelay: UInt64 = 100_000_000

    /// How many connections a try turns away at the most.
    private static let turnedAwayMax = 16

    /// A restarted server finds its port held for 20-40 ms after its predecessor's end, while the
    /// kernel takes the old ring apart.
    private static let bindAttempts = 20

    init(_ plan: ListenPlan, _ ring: Ring) throws(StartError) {
        var bound: UInt16 = 0
        var result: Int32 = 0
        for attempt in 0..<Self.bindAttempts {
            if attempt > 0 { usleep(10_000) }
            // Safe because C keeps neither the name nor the pointer.
            result = unsafe cring_listen(
                ring.pointer, plan.host, plan.port, Int32(clamping: plan.backlog),
                plan.shares ? 1 : 0, &bound)
            if result != -EADDRINUSE { break }
        }
        guard result >= 0 else {
            throw StartError(.listen(code: -result, host: plan.host, port: plan.port))
        }
        descriptor = result
        port = bound
        reserve = unsafe cring_reserve(ring.pointer)
    }

    func arm(_ ring: Ring, _ now: UInt64) {
        guard !isArmed else { return }
        isArmed = ring.accept(descriptor, Self.token)
        retryAt = isArmed ? nil : now &+ Self.retryDelay
    }

    /// The accept operation ended; says by `retryAt` whether to wait before the next.
    func ended(_ result: Int32, _ ring: Ring, _ now: UInt64) {
        isArmed = false
        switch -result {
        case EMFILE, ENFILE:
            turnAway(ring)
            retryAt = now &+ Self.retryDelay
        case ENOMEM, ENOBUFS:
            retryAt = now &+ Self.retryDelay
        default:
            retryAt = nil
        }
    }

    /// Answers some that wait in the backlog, by the descriptor kept for that: better a reply at
    /// once than none.
    private func turnAway(_ ring: Ring) {
        if reserve >= 0 {
            unsafe cring_close_now(ring.pointer, reserve)
            for _ in 0..<Self.turnedAwayMax {
                guard let descriptor = acceptNow(ring) else { break }
                Self.refuse(descriptor, ring)
            }
        }
        reserve = unsafe cring_reserve(ring.pointer)
    }

    /// Cancels the accept. Without memory for that it goes on as long as the ring, and whom it
    /// accepts is told that the server is going away.
    func stop(_ ring: Ring) { if isArmed { _ = ring.cancel(descriptor, Self.token) } }

    /// A connection that waits in the backlog.
    func acceptNow(_ ring: Ring) -> Int32? {
        let result = unsafe cring_accept_now(ring.pointer, descriptor)
        return result >= 0 ? result : nil
    }

    /// Closes behind whatever is queued for it: an accept that is armed again in this turn must not
    /// meet another socket under this number.
    func closeInTurn(_ ring: Ring) {
        if !ring.close(descriptor) { ring.closeNow(descriptor) }
        closeReserve(ring)
    }

    /// Closes at once; no turn follows.
    func close(_ ring: Ring?) {
        unsafe cring_close_now(ring?.pointer, descriptor)
        closeReserve(ring)
    }

    private func closeReserve(_ ring: Ring?) {
        if reserve >= 0 { unsafe cring_close_now(ring?.pointer, reserve) }
        reserve = -1
    }

    /// Turns a connection away that there is no room for: 503, without a slot.
    static func refuse(_ descriptor: Int32, _ ring: Ring) {
        let reply =
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        var text = reply
        text.withUTF8 { octets in
            // Safe because the octets are read within the call.
            unsafe cring_turn_away(ring.pointer, descriptor, octets.baseAddress, octets.count)
        }
    }
}
