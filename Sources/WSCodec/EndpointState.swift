// SPDX-License-Identifier: Apache-2.0

/// Where a WebSocket connection stands in its closing handshake (RFC 6455 section 7.1).
public enum EndpointState: Hashable, Sendable {
    /// No Close frame has passed: both sides may send.
    case open
    /// One side has sent a Close frame, or the connection failed.
    case closing
    /// Close frames have passed both ways, or the connection is lost.
    case closed
}
