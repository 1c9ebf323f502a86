// SPDX-License-Identifier: Apache-2.0

/// What becomes of data messages for a peer that reads too slowly: of those that are sent while its
/// send queue is above ``ServerLimits/sendQueueHighWaterBytes``.
///
/// Pings and pongs are never dropped, and go ahead of the data that waits.
public enum BackPressurePolicy: Sendable, Hashable {
    /// Nothing is lost: `send` waits, and a callback handler is shown no further message until the
    /// queue has drained to half. The peer's slowness is its sender's.
    case suspend
    /// The message that is being sent is dropped, and counted. For what is worth nothing late.
    case dropNewest
    /// The oldest messages that the kernel has not been given are dropped, and counted, until a
    /// quarter of the queue is free. For states of which the latest counts. Messages are compressed
    /// only where the server's context is not taken over: the peer could not follow otherwise.
    case dropOldest
    /// The socket is closed with 1013, behind what the kernel has been given.
    case close
}
