// SPDX-License-Identifier: Apache-2.0

/// What a frame's payload is (RFC 6455 section 5.2).
public enum Opcode: UInt8, Hashable, Sendable, CaseIterable {
    /// A further fragment of the open message.
    case continuation = 0x0
    /// A text message, or its first fragment.
    case text = 0x1
    /// A binary message, or its first fragment.
    case binary = 0x2
    /// The closing handshake.
    case close = 0x8
    /// A question whether the peer is there.
    case ping = 0x9
    /// The answer to a ping.
    case pong = 0xA

    /// Whether frames of this kind are control frames: never fragmented, at most 125 octets.
    public var isControl: Bool { rawValue & 0x8 != 0 }
}
