// SPDX-License-Identifier: Apache-2.0

/// How a conversation ended.
public struct CloseInfo: Sendable, Hashable {
    /// Which side began the end.
    public enum Initiator: Sendable, Hashable {
        /// This server, by the handler, by a rule that the peer broke, or by shutting down.
        case local
        /// The peer, by a Close frame.
        case remote
        /// Nobody: the connection was lost.
        case none
    }

    /// What led to the end.
    public enum Cause: Sendable, Hashable {
        /// A Close frame of either side, as the protocol has it.
        case closeFrame
        /// The server is shutting down.
        case drained
        /// The peer broke a rule of RFC 6455.
        case violation(ProtocolError)
        /// The handler threw.
        case handlerFailed
        /// The peer did not go on with a message it had begun for longer than the limit allows.
        case messageStalled
        /// The peer did not answer a ping within the time-out.
        case pongTimeout
        /// The peer did not answer our Close within the time-out.
        case closeTimeout
        /// The peer took no octet of what was sent for longer than the limit.
        case sendStalled
        /// More was queued for the peer than the hard limit of the send queue.
        case backlogExceeded
        /// All sockets together held more than their ``MemoryBudget``, and this one much of it.
        case overloaded
        /// TCP ended without a closing handshake; the errno, or 0 for a plain end of stream.
        case connectionLost(code: Int32)
        /// There was no memory for this connection.
        case outOfMemory
    }

    /// The close code: the one that was received; after a violation, or when our Close was answered
    /// without one, the one that was sent; ``CloseCode/noStatus`` (1005) for a peer's Close without
    /// a code; ``CloseCode/abnormal`` (1006) for an end without the peer's Close.
    public var code: CloseCode
    /// The reason that came or went with the code; empty when none did.
    public var reason: String
    /// Which side began.
    public var initiator: Initiator
    /// True when both Close frames passed (RFC 6455 section 7.1.4).
    public var isClean: Bool
    /// What led to the end.
    public var cause: Cause
    /// Octets of frames that were queued and did not reach the kernel before the end.
    public var octetsUnsent: Int
}
